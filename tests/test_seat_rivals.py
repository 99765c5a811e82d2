from unittest.mock import patch

from odoo import fields
from odoo.exceptions import ConcurrencyError, MissingError
from odoo.service import model
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import LicenseHttpCommon


@tagged("post_install", "-at_install")
class TestSeatRivals(LicenseHttpCommon):
    """What happens to a license while a device waits for its lock.

    Odoo makes a call again that raises a ConcurrencyError, and it is refused then.
    """

    def test_a_call_is_made_again_when_its_license_or_key_is_gone_by_then(self):
        for label, action in (
            ("deleted", lambda license_: license_.unlink()),
            ("archived", lambda license_: license_.write({"active": False})),
            ("given a new key", lambda license_: license_._replace_key()),
        ):
            for call in ("_api_validate", "_api_deactivate", "_api_licensing_validate"):
                license_ = self._create_license()
                self._activate(license_, "laptop")
                device = "laptop" if call == "_api_deactivate" else "desktop"
                key = license_.license_key
                with self.subTest(label, call=call):
                    self._wait_for(action)
                    with self.assertRaises(ConcurrencyError) as caught:
                        getattr(license_.sudo(), call)(key, device)
                    self.assertNotIn(key, str(caught.exception))

    def test_over_http_the_call_is_made_again_and_answers_what_is_there_by_then(self):
        license_ = self._create_license()
        self._wait_for(lambda license_: license_.write({"active": False}))
        with (
            patch.object(model.time, "sleep") as sleep,
            mute_logger("odoo.service.model"),
        ):
            answer = self._call("validate", license_, "laptop")
        sleep.assert_called_once()
        self.assertTrue(answer["valid"])  # what the rival did was rolled back here

    def test_a_device_that_keeps_its_seat_does_not_wait_for_who_gives_seats(self):
        license_ = self._create_license()
        device = self._seat(license_, "laptop")
        url = "https://erp.example.com"
        key, api = license_.license_key, license_.sudo()
        api._api_licensing_validate(key, instanceUrl=url)
        instance = license_.activation_ids - device
        instance.last_seen = "2020-01-01 00:00:00"
        self.patch(self.env.registry["software.license"], "_lock_seats", self._refuse)
        self.assertTrue(api._api_validate(key, "laptop", "New Name")["valid"])
        self.assertTrue(api._api_licensing_validate(key, instanceUrl=url)["valid"])
        self.assertEqual(device.device_name, "New Name")
        for asked in device, instance:
            self.assertGreater(asked.last_seen.year, 2020)

    def test_a_leased_seat_is_kept_under_the_lock(self):
        license_ = self._create_license(self._create_policy(lease_minutes=30))
        ago = fields.Datetime.subtract(fields.Datetime.now(), minutes=20)
        self._seat(license_, "laptop").last_seen = ago
        self.patch(self.env.registry["software.license"], "_lock_seats", self._refuse)
        with self.assertRaises(AssertionError):
            license_.sudo()._api_validate(license_.license_key, "laptop")

    def test_what_is_done_to_a_device_while_it_asks_stays_done(self):
        for action in "action_free", "action_block":
            with self.subTest(action):
                license_ = self._create_license()
                device = self._seat(license_, "laptop")
                do = getattr(device, action)
                self._wait_for(lambda _license, do=do: do(), "_note_device")
                self.assertTrue(self._call("validate", license_, "laptop")["valid"])
                self.env.invalidate_all()
                self.assertEqual(license_.seat_count, 0)
                self.assertEqual(device.blocked, action == "action_block")
                self.assertGreater(device.last_seen.year, 2020)

    def test_a_device_that_is_deleted_while_it_asks_is_gone(self):
        license_ = self._create_license()
        device = self._seat(license_, "laptop")
        self._wait_for(lambda _license: device.unlink(), "_note_device")
        self.assertTrue(self._call("validate", license_, "laptop")["valid"])
        self.assertFalse(license_.with_context(active_test=False).activation_ids)

    def test_a_rule_that_misses_a_device_that_was_deleted_has_the_call_made_again(self):
        license_ = self._create_license()
        device = self._seat(license_, "laptop")
        self._wait_for(lambda _license: device.unlink(), "_note_device")
        original = type(device).write

        def write(devices, vals):
            devices.mapped("device_id")  # as an automation rule would look at it
            return original(devices, vals)

        self.patch(type(device), "write", write)
        with patch.object(model.time, "sleep"), mute_logger("odoo.service.model"):
            self.assertTrue(self._call("validate", license_, "laptop")["valid"])
        self.assertEqual(license_.seat_count, 1)

    def test_a_rule_that_misses_another_record_fails_at_once(self):
        license_ = self._create_license()
        devices = self.env.registry["software.license.activation"]
        self._seat(license_, "laptop")
        self.patch(devices, "write", self._miss)
        with self.assertRaises(MissingError):
            license_.sudo()._api_validate(license_.license_key, "laptop")

    def test_a_name_that_was_given_while_a_device_asked_is_kept(self):
        license_ = self._create_license()
        device = self._seat(license_, "laptop")
        self._wait_for(
            lambda _license: device.write({"device_name": "New"}), "_note_device"
        )
        license_.sudo()._api_validate(license_.license_key, "laptop")
        self.assertEqual(device.device_name, "New")

    def test_a_lapsed_device_that_is_noted_while_another_takes_its_seat_has_lost_it(
        self,
    ):
        policy = self._create_policy(lease_minutes=30, max_activations=1)
        license_ = self._create_license(policy)
        device = self._seat(license_, "laptop")
        # By a call that read the policy before it had leases: it waits for no lock.
        self._wait_for(
            lambda _license: device.write({"last_seen": fields.Datetime.now()}),
            "_write_activation",
        )
        answer = license_.sudo()._api_validate(license_.license_key, "desktop")
        self.assertTrue(answer["valid"])
        self.assertEqual(license_.seat_count, 1)
        self.assertFalse(device.active)

    def _miss(self, vals):
        raise MissingError(self._testMethodName)

    def _seat(self, license_, name):
        """Return a device that has a seat and has not asked for long."""
        self._activate(license_, name)
        device = license_.activation_ids
        device.last_seen = "2020-01-01 00:00:00"
        return device

    def _wait_for(self, action, method="_lock_seats"):
        """Let somebody act on a license right before the next call does something."""
        License = self.env.registry["software.license"]
        original, actions = getattr(License, method), [action]

        def wait(licenses, *args):
            if actions:
                actions.pop()(licenses)
                self.env.flush_all()
                licenses.env.flush_all()
            return original(licenses, *args)

        self.patch(License, method, wait)

    def _refuse(self):
        raise AssertionError("the call waited for the lock")
