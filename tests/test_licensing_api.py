from datetime import timedelta

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import BaseCase, Form, tagged

from ..models.software_license_instance import MAX_INSTANCES
from ..tools.instance import identify, normalize_url
from ..tools.lease import CHECK_IN_INTERVAL
from .common import LicenseHttpCommon

PATH = "/api/v1/licensing/validate"
URL = "https://factura.mycompany.ro"
#: The document's own examples; the time and the plan's texts are told by its answer.
KEY = "a1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4e5f6a1b2"
EXAMPLE_REQUEST = {
    "licenseKey": KEY,
    "instanceName": "Production Server",
    "instanceUrl": URL,
}
FEATURES = {
    "maxCompanies": 5,
    "maxInvoicesPerMonth": 500,
    "maxUsers": 5,
    "recurringInvoices": True,
    "apiAccess": True,
    "prioritySupport": False,
}
EXAMPLE_ANSWER = {
    "valid": True,
    "plan": "pro",
    "features": FEATURES,
    "organizationName": "SC Firma Mea SRL",
    "currentPeriodEnd": "2026-03-20T00:00:00+00:00",
    "billingUrl": "https://app.storno.ro/settings/billing",
}


class TestInstance(BaseCase):
    def test_spellings_of_one_address_are_equal(self):
        for text in (
            "https://example.com",
            "HTTPS://Example.COM/",
            " https://example.com:443//".strip(),
            "https://me:secret@example.com/",
            "https://example.com/?token=x#top",
        ):
            self.assertEqual(normalize_url(text), "https://example.com", text)

    def test_different_addresses_stay_different(self):
        texts = (
            "https://example.com",
            "http://example.com",
            "https://example.com:8443",
            "https://example.com/a",
            "https://example.com/A",
            "https://[2001:db8::1]:8443/a",
        )
        self.assertEqual(len({normalize_url(text) for text in texts}), len(texts))
        self.assertEqual(normalize_url(texts[-1]), texts[-1])

    def test_what_is_no_web_address_is_none(self):
        for text in (
            None,
            "",
            "factura.ro",
            "javascript://%0aalert(1)",
            "ftp://example.com",
            "https://",
            "https://[::1",
            "https://example.com:99999",
            "https://example.com:x",
        ):
            self.assertIsNone(normalize_url(text), text)

    def test_an_instance_is_known_by_its_address_else_by_its_name(self):
        self.assertEqual(identify("HTTPS://A.b/", "Name"), "https://a.b")
        self.assertEqual(identify("a.b", "Name"), "a.b")
        self.assertEqual(identify(None, "Name"), "Name")
        self.assertIsNone(identify())


class LicensingCommon(LicenseHttpCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer = cls.env["res.partner"].create(
            {"name": "SC Firma Mea SRL", "is_company": True}
        )
        cls.policy = cls._create_policy(
            key_format="hex64", plan="pro", features=FEATURES, max_activations=2
        )
        cls.company = cls.env.company
        cls.company.license_billing_url = EXAMPLE_ANSWER["billingUrl"]
        cls.license = cls._create_license(
            cls.policy,
            license_key=KEY,
            partner_id=cls.customer.id,
            expires_at=fields.Datetime.now() + timedelta(days=30),
        )

    def _send(self, body, **kwargs):
        return self._post(None, body, path=PATH, **kwargs)

    def _validate(self, url=None, name=None, **body):
        """Validate the license's key; return the status and the answer."""
        sent = {"licenseKey": KEY, "instanceUrl": url, "instanceName": name, **body}
        response = self._send(sent)
        return response.status_code, response.json()

    def _instances(self, **kwargs):
        return self.license.with_context(active_test=False).activation_ids


@tagged("post_install", "-at_install")
class TestLicensingAnswers(LicensingCommon):
    def assertAlike(self, answer, example):
        """Same fields, and of the same types."""
        self.assertEqual(
            {name: type(value) for name, value in answer.items()},
            {name: type(value) for name, value in example.items()},
        )

    def test_the_document_s_example_is_answered_as_documented(self):
        self.license.expires_at = "2099-03-20 00:00:00"
        response = self._send(EXAMPLE_REQUEST)
        self.assertEqual(response.status_code, 200)
        answer = response.json()
        self.assertAlike(answer, EXAMPLE_ANSWER)
        self.assertEqual(
            answer, {**EXAMPLE_ANSWER, "currentPeriodEnd": "2099-03-20T00:00:00+00:00"}
        )

    def test_a_trial_is_answered_as_documented(self):
        trial = self.env["software.license"]._give_trial(
            self.customer, self.policy, days=14
        )
        response = self._send({"licenseKey": trial.license_key})
        end = fields.Datetime.to_string(trial.trial_ends_at).replace(" ", "T")
        example = {**EXAMPLE_ANSWER, "trialEndsAt": f"{end}+00:00", "trialDaysLeft": 14}
        self.assertAlike(response.json(), example)
        self.assertEqual(
            response.json(), {**example, "currentPeriodEnd": f"{end}+00:00"}
        )

    def test_a_begun_day_of_a_trial_counts(self):
        trial = self.env["software.license"]._give_trial(
            self.customer, self._create_policy(grace_days=3), days=14
        )
        end = trial.trial_ends_at
        for before, left in (
            (timedelta(days=14), 14),
            (timedelta(days=1, seconds=1), 2),
            (timedelta(days=1), 1),
            (timedelta(seconds=1), 1),
            (timedelta(days=-1), 0),
        ):
            facts = trial._read_facts(trial.license_key)
            answer = trial._to_licensing_dict(facts, end - before)
            self.assertEqual(answer["trialDaysLeft"], left, before)

    def test_a_perpetual_license_has_no_period_end(self):
        self.license.expires_at = False
        self.assertEqual(
            self._validate(), (200, {**EXAMPLE_ANSWER, "currentPeriodEnd": None})
        )

    def test_a_policy_without_a_plan_still_tells_a_string(self):
        self.policy.plan = False
        self.assertEqual(self._validate()[1]["plan"], "")

    def test_the_organization_is_the_company_of_the_contact(self):
        contact = self.env["res.partner"].create(
            {"name": "Ana", "parent_id": self.customer.id}
        )
        self.license.partner_id = contact
        self.assertEqual(self._validate()[1]["organizationName"], "SC Firma Mea SRL")

    def test_a_missing_key_is_answered_as_documented(self):
        missing = (400, {"error": "licenseKey is required"})
        for body in (
            {},
            {"licenseKey": None},
            {"licenseKey": ""},
            {"instanceName": "x"},
        ):
            response = self._send(body)
            self.assertEqual((response.status_code, response.json()), missing, body)
        response = self._send(None, data=b"")
        self.assertEqual((response.status_code, response.json()), missing)

    def test_a_field_of_the_wrong_kind_is_named(self):
        for field in EXAMPLE_REQUEST:
            for value in (7, True, [], {"a": 1}):
                response = self._send({**EXAMPLE_REQUEST, field: value})
                self.assertEqual(response.status_code, 400)
                self.assertEqual(response.json()["error"], "invalid_request")
                self.assertEqual(
                    response.json()["message"], f"{field} must be a string"
                )
        self.assertFalse(self._instances())

    def test_a_body_that_is_no_object_is_refused(self):
        for data in (b"[]", b"x", b'"' + KEY.encode() + b'"'):
            response = self._send(None, data=data)
            self.assertEqual(response.status_code, 400)
            self.assertEqual(response.json()["error"], "invalid_request")

    def test_an_unknown_a_revoked_and_a_deleted_key_are_answered_alike(self):
        refused = {"valid": False, "error": "Invalid or revoked license key"}
        revoked = self._create_license(self.policy, state="revoked").license_key
        archived = self._create_license(self.policy, active=False).license_key
        answers = [self._send({"licenseKey": k}) for k in ("x" * 64, revoked, archived)]
        for response in answers:
            self.assertEqual((response.status_code, response.json()), (401, refused))
        names = [sorted(response.headers) for response in answers]
        self.assertEqual(names[0], names[1])
        self.assertEqual(names[0], names[2])
        self.assertNotIn("WWW-Authenticate", answers[0].headers)

    def test_a_key_that_was_replaced_is_a_revoked_one(self):
        self.license._replace_key()
        status, answer = self._validate(URL)
        self.assertEqual(status, 401)
        self.assertEqual(answer["error"], "Invalid or revoked license key")
        self.assertFalse(self._instances())

    def test_an_inactive_organization_is_answered_as_documented(self):
        inactive = (403, {"valid": False, "error": "Organization is inactive"})
        self.license.action_suspend()
        self.assertEqual(self._validate(URL), inactive)
        self.license.action_reinstate()
        self.customer.active = False
        self.assertEqual(self._validate(URL), inactive)
        self.assertFalse(self._instances())

    def test_an_expired_license_is_told_where_to_pay(self):
        self.policy.grace_days = 3
        self._age(self.license, days=2)
        self.assertEqual(self._validate()[0], 200)
        self._age(self.license, days=3)
        self.assertEqual(
            self._validate(URL),
            (
                403,
                {
                    "valid": False,
                    "error": "License expired",
                    "plan": "pro",
                    "billingUrl": EXAMPLE_ANSWER["billingUrl"],
                },
            ),
        )
        self.assertFalse(self._instances())

    def test_any_key_format_works_here_and_this_one_works_elsewhere(self):
        grouped = self._create_license()
        self.assertEqual(
            self._send({"licenseKey": grouped.license_key.lower()}).status_code, 200
        )
        self.assertTrue(self._call("verify", self.license)["valid"])

    def test_other_methods_and_addresses_are_refused_in_json(self):
        response = self.url_open(PATH)
        self.assertEqual(
            (response.status_code, response.json()["error"]),
            (405, "method_not_allowed"),
        )
        response = self._post(None, {}, path="/api/v1/licensing/nothing")
        self.assertEqual(
            (response.status_code, response.json()["error"]), (404, "not_found")
        )

    def test_no_cookie_is_set_and_nothing_may_be_stored(self):
        for key in (KEY, "NO-SUCH-KEY", ""):
            self.opener.cookies.clear()
            headers = self._send({"licenseKey": key}).headers
            self.assertNotIn("Set-Cookie", headers)
            self.assertEqual(headers["Cache-Control"], "no-store")
            self.assertEqual(headers["Access-Control-Allow-Origin"], "*")


@tagged("post_install", "-at_install")
class TestBillingUrl(LicensingCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.license_billing_url = False
        cls.base = cls.env["ir.config_parameter"].get_param("web.base.url")

    def test_an_order_is_billed_on_its_portal_page_without_a_token(self):
        product = self._create_licensed_product(self.policy)
        order = self.env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "order_line": [fields.Command.create({"product_id": product.id})],
            }
        )
        order._portal_ensure_token()
        self.license.sale_line_id = order.order_line
        url = self._validate()[1]["billingUrl"]
        self.assertEqual(url, f"{self.base}/my/orders/{order.id}")

    def test_the_customer_can_open_it_when_logged_in(self):
        user = self.env["res.users"].create(
            {
                "login": "firma",
                "password": "firma-firma",
                "partner_id": self.customer.id,
                "group_ids": [
                    fields.Command.set(self.env.ref("base.group_portal").ids)
                ],
            }
        )
        product = self._create_licensed_product(self.policy)
        order = self.env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "order_line": [fields.Command.create({"product_id": product.id})],
            }
        )
        order.action_confirm()
        paths = [self.license._get_billing_path()]
        self.license.sale_line_id = order.order_line
        paths.append(self.license._get_billing_path())
        self.authenticate(user.login, "firma-firma")
        for path in paths:
            response = self.url_open(path)
            self.assertEqual(response.status_code, 200)
            self.assertTrue(response.url.split("?")[0].endswith(path), response.url)
        self.assertIn(order.name, response.text)

    def test_what_was_not_sold_in_odoo_has_the_page_of_the_license(self):
        path = f"/my/licenses/{self.license.id}"
        self.assertEqual(self._validate()[1]["billingUrl"], f"{self.base}{path}")

    def test_a_company_may_have_its_own_page(self):
        with Form(self.env["res.config.settings"]) as form:
            form.license_billing_url = "https://shop.example.com/pay?x=1"
        form.record.execute()
        self.assertEqual(
            self._validate()[1]["billingUrl"], "https://shop.example.com/pay?x=1"
        )

    def test_what_is_no_web_address_is_refused_as_billing_address(self):
        for text in ("example.com/pay", "javascript://x", "https://"):
            with self.subTest(text), self.assertRaisesRegex(ValidationError, "Billing"):
                self.company.license_billing_url = text


@tagged("post_install", "-at_install")
class TestInstances(LicensingCommon):
    def test_an_instance_is_on_record_with_its_name_and_address(self):
        self._send(EXAMPLE_REQUEST)
        row = self.license.activation_ids
        self.assertEqual(row.kind, "instance")
        self.assertEqual(row.device_name, "Production Server")
        self.assertEqual((row.device_id, row.instance_url), (URL, URL))
        self.assertEqual(row.ip_address, "127.0.0.1")

    def test_an_instance_is_known_by_its_address_whatever_its_name(self):
        self._validate(f"{URL}/", "Old")
        self._validate(URL.upper().replace("HTTPS", "https"), "New")
        self.assertEqual(self._instances().mapped("device_name"), ["New"])

    def test_an_instance_without_an_address_is_known_by_its_name(self):
        for _turn in range(2):
            self._validate(name="Cellar")
        row = self._instances()
        self.assertEqual((row.device_id, row.instance_url), ("Cellar", False))

    def test_an_address_that_is_no_web_address_is_never_a_link(self):
        self._validate("javascript://%0aalert(1)")
        row = self._instances()
        self.assertEqual(row.device_id, "javascript://%0aalert(1)")
        self.assertFalse(row.instance_url)

    def test_who_names_no_instance_is_answered_and_not_recorded(self):
        for body in ({}, {"instanceName": "", "instanceUrl": " "}):
            self.assertEqual(self._validate(**body)[0], 200)
        self.assertFalse(self._instances())

    def test_instances_take_no_seats_and_are_never_too_many(self):
        self.license.max_activations = 1
        self._call("validate", self.license, "laptop")
        for number in range(3):
            self.assertEqual(self._validate(f"{URL}/{number}")[0], 200)
        self.assertEqual(len(self._instances()), 4)
        self.assertEqual(self.license.seat_usage, "1 / 1")
        answer = self._call("validate", self.license, "laptop")
        self.assertEqual(answer["currentActivations"], 1)

    def test_an_instance_is_recorded_on_a_license_that_is_over_its_limit(self):
        for device in ("one", "two"):
            self._call("validate", self.license, device)
        self.license.max_activations = 1
        self.assertEqual(self._validate(URL)[0], 200)
        self.assertEqual(len(self._instances()), 3)

    def test_an_instance_without_a_seat_opens_no_door_to_a_device(self):
        self.license.max_activations = 1
        self._call("validate", self.license, "laptop")
        self._validate(name="desktop")
        answer = self._call("validate", self.license, "desktop")
        self.assertEqual(answer["error"], "activation_limit_reached")
        answer = self._call("verify", self.license, "desktop")
        self.assertEqual(answer["error"], "device_not_activated")
        answer = self._call("deactivate", self.license, "desktop")
        self.assertEqual(answer["error"], "device_not_found")

    def test_a_device_that_deactivates_leaves_the_instance_of_that_name(self):
        self._call("validate", self.license, "server")
        self._validate(name="server")
        self._call("deactivate", self.license, "server")
        self.assertEqual(self.license.activation_ids.kind, "instance")

    def test_instances_take_seats_where_the_policy_says_so(self):
        self.policy.instances_take_seats = True
        self._call("validate", self.license, "laptop")
        self.assertEqual(self._validate(URL)[0], 200)
        self.assertEqual(self.license.seat_usage, "2 / 2")
        status, answer = self._validate(f"{URL}/second")
        self.assertEqual(status, 403)
        self.assertEqual(
            answer,
            {
                "valid": False,
                "error": "Instance limit reached",
                "plan": "pro",
                "billingUrl": EXAMPLE_ANSWER["billingUrl"],
            },
        )
        self.assertEqual(len(self._instances()), 2)
        self.assertEqual(self._validate(URL)[0], 200)  # it has its seat
        self.assertEqual(self._validate()[0], 200)  # nobody must say who it is
        answer = self._call("validate", self.license, "desktop")
        self.assertEqual(answer["error"], "activation_limit_reached")

    def test_instances_count_once_the_policy_says_so_and_they_ask_again(self):
        locked_out = self._create_policy(instances_take_seats=True)
        for label, start in (
            ("policy", lambda: self.policy.write({"instances_take_seats": True})),
            ("license", lambda: self.license.write({"policy_id": locked_out.id})),
        ):
            self.policy.instances_take_seats = False
            for number in range(5):
                self._validate(f"{URL}/{number}")
            start()
            self.license.invalidate_recordset()
            with self.subTest(label):
                self.assertEqual(self.license.seat_usage, "0 / 2")
                answer = self._call("validate", self.license, "laptop")
                self.assertTrue(answer["valid"])
                self.assertEqual(self._validate(f"{URL}/4")[0], 200)
                self.assertEqual(self._validate(f"{URL}/3")[0], 403)
            self.license.activation_ids.action_free()

    def test_instances_that_hold_a_seat_keep_it_whatever_is_written_again(self):
        self.policy.instances_take_seats = True
        self._validate(URL)
        self.policy.instances_take_seats = True
        self.license.policy_id = self._create_policy(instances_take_seats=True)
        self.license.invalidate_recordset()
        self.assertEqual(self.license.seat_usage, "1 / 2")

    def test_a_blocked_instance_is_refused(self):
        self._validate(URL)
        self.license.activation_ids.action_block()
        blocked = (403, {"valid": False, "error": "Instance is blocked"})
        self.assertEqual(self._validate(URL), blocked)
        self.assertEqual(self._validate(f"{URL}/other")[0], 200)

    def test_a_freed_instance_is_on_record_again_when_it_asks(self):
        self._validate(URL)
        row = self.license.activation_ids
        row.action_free()
        self._validate(URL)
        self.assertEqual(self.license.activation_ids, row)

    def test_a_check_in_is_written_at_most_every_few_minutes(self):
        self._validate(URL)
        row = self.license.activation_ids
        for age, is_written in (
            (CHECK_IN_INTERVAL / 2, False),
            (CHECK_IN_INTERVAL * 2, True),
        ):
            seen = fields.Datetime.now() - age
            row.last_seen = seen
            self.env.flush_all()
            self._validate(URL)
            row.invalidate_recordset()
            self.assertEqual(row.last_seen > seen, is_written)

    def test_the_oldest_instances_are_forgotten_and_blocked_ones_are_not(self):
        now = fields.Datetime.now()
        rows = self.env["software.license.activation"].create(
            [
                {
                    "license_id": self.license.id,
                    "kind": "instance",
                    "device_id": f"{URL}/{number}",
                    "last_seen": now - timedelta(days=number),
                }
                for number in range(1, MAX_INSTANCES + 1)
            ]
        )
        rows[-1].action_block()
        self._call("validate", self.license, "laptop")
        for number in range(2):
            self.assertEqual(self._validate(f"{URL}/new-{number}")[0], 200)
        self.assertFalse(rows[-2].exists())
        self.assertEqual(len(rows.exists()), MAX_INSTANCES - 1)
        kinds = self._instances().mapped("kind")
        self.assertEqual(kinds.count("instance"), MAX_INSTANCES + 1)
        self.assertEqual(kinds.count("device"), 1)

    def test_instances_that_hold_a_seat_are_not_forgotten(self):
        self.policy.write({"instances_take_seats": True, "max_activations": 0})
        self.env["software.license.activation"].create(
            [
                {
                    "license_id": self.license.id,
                    "kind": "instance",
                    "device_id": f"{URL}/{number}",
                }
                for number in range(MAX_INSTANCES + 1)
            ]
        )
        self._validate(f"{URL}/new")
        self.assertEqual(len(self.license.activation_ids), MAX_INSTANCES + 2)

    def test_who_manages_licenses_sees_and_frees_instances(self):
        self._validate(name="Cellar")
        self._validate(URL)
        shown = {it["deviceId"]: it for it in self.license._api_activations()}
        self.assertEqual(shown[URL]["instanceUrl"], URL)
        self.assertIsNone(shown["Cellar"]["instanceUrl"])
        self.assertTrue(self.license._api_free_device("Cellar")["success"])
        self.assertEqual(self.license.activation_ids.mapped("device_id"), [URL])

    def test_the_seller_sees_instances_on_the_license(self):
        self._send(EXAMPLE_REQUEST)
        arch = self.env["software.license"].get_view(view_type="form")["arch"]
        self.assertIn('name="instance_url"', arch)
        with Form(self.license) as form:
            self.assertEqual(len(form.activation_ids), 1)
