from unittest.mock import patch

from psycopg2 import OperationalError

from odoo.tests import tagged
from odoo.tools import config, mute_logger

from ..models import software_license_signing_key_private as signing_key_private
from ..models.ir_http_throttle import LIMIT
from ..tools import throttle
from .common import LicenseHttpCommon

LOGGER = signing_key_private.__name__


@tagged("post_install", "-at_install")
class TestHealth(LicenseHttpCommon):
    """Monitors learn whether the server can answer, and nothing else."""

    def setUp(self):
        super().setUp()
        self.keys = self.env["software.license.signing.key"]

    def _ask(self, **kwargs):
        return self.url_open("/api/licenses/health", **kwargs)

    def assertFails(self, response):
        self.assertEqual(response.status_code, 503)
        self.assertEqual(response.json()["error"], "service_unavailable")
        self.assertGreater(int(response.headers["Retry-After"]), 0)
        self.assertEqual(response.headers["Cache-Control"], "no-store")

    def test_a_server_that_can_answer_says_so_and_nothing_more(self):
        response = self._ask()
        self.assertEqual(response.status_code, 200)
        self.assertEqual(response.json(), {"status": "pass"})
        self.assertEqual(response.headers["Cache-Control"], "no-store")
        self.assertEqual(response.headers["Access-Control-Allow-Origin"], "*")
        self.assertNotIn("Set-Cookie", response.headers)
        self.assertEqual(self._ask(method="HEAD").status_code, 200)

    def test_a_company_that_can_not_sign_is_an_alarm_without_its_name(self):
        company = self.env["res.company"].create({"name": "Acme Elsewhere"})
        self.keys.search([("company_id", "=", company.id)])._erase_private()
        response = self._ask()
        self.assertFails(response)
        self.assertEqual(response.json()["status"], "fail")
        self.assertNotIn("Acme", response.text)

    def test_a_key_that_no_passphrase_opens_any_more_is_an_alarm(self):
        with patch.dict(config.options, {signing_key_private.PASSPHRASE: "right"}):
            self.env["res.company"].create({"name": "Locked"})
            self.assertEqual(self._ask().status_code, 200)
            self.env.registry.clear_cache()
        with mute_logger(LOGGER):
            self.assertFails(self._ask())

    def test_a_database_that_is_away_is_an_alarm(self):
        away = OperationalError("connection refused by 10.0.0.1")
        keys = signing_key_private.SoftwareLicenseSigningKey
        with patch.object(keys, "_can_all_sign", side_effect=away):
            response = self._ask()
        self.assertFails(response)
        self.assertNotIn("10.0.0.1", response.text)

    def test_a_company_without_any_key_signs_nothing_and_is_no_alarm(self):
        company = self.env["res.company"].create({"name": "Signs nothing"})
        self.keys.search([("company_id", "=", company.id)])._erase_private()
        self.keys.search([("company_id", "=", company.id)]).write(
            {"withdrawn_at": "2026-01-01"}
        )
        self.assertEqual(self._ask().status_code, 200)

    def test_it_costs_one_statement(self):
        self.keys._can_all_sign()
        with self.assertQueryCount(1):
            self.keys._can_all_sign()

    @mute_logger("odoo.addons.software_license.models.ir_http_throttle")
    def test_who_is_over_the_limit_of_wrong_keys_may_ask_and_is_not_counted(self):
        self.env["ir.config_parameter"].set_param(LIMIT, "2")
        self.patch(throttle.failed_lookups, "_clock", lambda: 600_000.0)
        for _turn in range(3):
            refused = self._post("verify", {"licenseKey": "NO-SUCH-KEY"})
        self.assertEqual(refused.status_code, 429)
        self.assertEqual(self._ask().status_code, 200)

    @mute_logger("odoo.http")
    def test_nothing_else_is_done_there(self):
        response = self._ask(method="POST", data="{}")
        self.assertEqual(response.status_code, 405)
        self.assertEqual(response.json()["error"], "method_not_allowed")
