from freezegun import freeze_time

from odoo.tests import tagged

from ..tools.errors import DeactivationNotAllowed, DeviceNotFound
from .test_floating import FloatingCommon


@tagged("post_install", "-at_install")
class TestDeviceRules(FloatingCommon):
    """What devices may do themselves, and what the seller forbids them."""

    # === SELF-DEACTIVATION === #

    def test_the_allowance_begins_anew_with_the_calendar_year(self):
        license_ = self._floating(lease_minutes=0)
        license_.policy_id.yearly_self_deactivations = 1
        for moment, is_allowed in (
            ("2026-12-31 23:59:58", True),
            ("2026-12-31 23:59:59", False),
            ("2027-01-01 00:00:00", True),
            ("2027-12-31 23:59:59", False),
        ):
            with self.subTest(moment), freeze_time(moment):
                self._api("validate", license_, "laptop")
                if is_allowed:
                    self.assertTrue(
                        self._api("deactivate", license_, "laptop")["success"]
                    )
                else:
                    self._assert_refused(license_, "laptop", DeactivationNotAllowed)
                    self._api("verify", license_, "laptop")

    def _assert_refused(self, license_, device_id, error):
        with self.assertRaises(error), self.env.cr.savepoint():
            self._api("deactivate", license_, device_id)

    def test_only_what_a_device_frees_itself_counts_against_the_allowance(self):
        license_ = self._floating()
        license_.policy_id.yearly_self_deactivations = 1
        self._api("validate", license_, "laptop")
        license_.activation_ids.action_free()  # the seller
        self._api("validate", license_, "laptop")
        self._wait(minutes=61)  # nobody: the lease
        for device in ("laptop", "nobody"):
            self._assert_refused(license_, device, DeviceNotFound)
        self._api("validate", license_, "laptop")
        self.assertTrue(self._api("deactivate", license_, "laptop")["success"])
        self._api("validate", license_, "laptop")
        self._assert_refused(license_, "laptop", DeactivationNotAllowed)
        self._assert_refused(license_, "nobody", DeviceNotFound)

    def test_a_lapsed_device_has_no_seat_to_free(self):
        license_ = self._floating()
        self._api("validate", license_, "laptop")
        self._wait(minutes=60)
        self._assert_refused(license_, "laptop", DeviceNotFound)
        self.assertFalse(license_._free_device("laptop"))

    def test_the_allowance_is_each_licenses_own(self):
        first = self._floating(lease_minutes=0)
        first.policy_id.yearly_self_deactivations = 1
        for license_ in (first, self._create_license(first.policy_id)):
            self._api("validate", license_, "laptop")
            self.assertTrue(self._api("deactivate", license_, "laptop")["success"])

    def test_the_devices_of_a_license_that_is_not_good_may_still_free_their_seats(self):
        for label, vals in (
            ("expired", {"expires_at": "2026-01-01"}),
            ("suspended", {"state": "suspended"}),
            ("revoked", {"state": "revoked"}),
        ):
            license_ = self._floating(lease_minutes=0)
            self._api("validate", license_, "laptop")
            license_.write(vals)
            self.assertEqual(license_.seat_count, 1)
            answer = self._api("deactivate", license_, "laptop")
            with self.subTest(label):
                self.assertEqual(answer["currentActivations"], 0)
                self.assertEqual(
                    self._error("validate", license_, "laptop"), f"license_{label}"
                )
                self.assertEqual(license_.seat_count, 0)

    def test_the_floating_seats_of_an_expired_license_lapse_too(self):
        license_ = self._floating()
        self._api("validate", license_, "laptop")
        license_.expires_at = "2026-01-01"
        self._wait(minutes=60)
        self.assertEqual(self._error("validate", license_, "laptop"), "license_expired")
        self.assertEqual(license_.seat_count, 0)

    # === BLOCKED DEVICES === #

    def test_a_blocked_device_is_refused_by_every_call_and_holds_no_seat(self):
        for minutes in (0, 60):
            license_ = self._floating(minutes)
            self._api("validate", license_, "laptop")
            license_.activation_ids.action_block()
            with self.subTest(lease=minutes):
                for call in ("verify", "validate"):
                    self.assertEqual(
                        self._error(call, license_, "laptop"), "device_blocked"
                    )
                self._assert_refused(license_, "laptop", DeviceNotFound)
                self.assertEqual(license_.seat_count, 0)
                self.assertIsNone(self._error("validate", license_, "desktop"))
                self.assertEqual(
                    self._error("validate", license_, "laptop"), "device_blocked"
                )

    def test_an_unblocked_device_takes_a_seat_when_it_next_asks(self):
        license_ = self._floating()
        self._api("validate", license_, "laptop")
        row = license_.activation_ids
        row.action_block()
        row.action_unblock()
        self.assertEqual(row.status, "freed")
        self.assertEqual(
            self._error("verify", license_, "laptop"), "device_not_activated"
        )
        self.assertIsNone(self._error("validate", license_, "laptop"))
        self.assertEqual(license_.activation_ids, row)

    def test_a_device_can_be_blocked_before_it_ever_asks(self):
        license_ = self._floating()
        license_.activation_ids.create(
            {
                "license_id": license_.id,
                "device_id": "stolen",
                "active": False,
                "blocked": True,
            }
        )
        self.assertEqual(self._error("validate", license_, "stolen"), "device_blocked")
        self.assertEqual(license_.seat_count, 0)

    def test_blocking_and_freeing_wait_for_a_device_that_is_being_let_in(self):
        license_ = self._floating(max_activations=2)
        for device in ("laptop", "desktop"):
            self._api("validate", license_, device)
        one, two = license_.activation_ids
        for action in (one.action_block, one.action_unblock, two.action_free):
            self.env.invalidate_all()
            statements = []
            for _turn in self._patchExecute(statements):
                action()
                self.env.flush_all()
            kinds = [sql.split()[0] for sql in map(str, statements)]
            locks = ["FOR NO KEY UPDATE" in str(sql) for sql in statements]
            with self.subTest(action.__name__):
                self.assertIn(True, locks)
                self.assertLess(locks.index(True), kinds.index("UPDATE"))

    # === APPLICATION SCOPE === #

    def test_a_key_of_one_product_never_opens_another(self):
        editor = self._floating()
        server = self._create_license(
            self._create_policy(application="acme-server", max_activations=1)
        )
        for license_, own, other in (
            (editor, "acme-editor", "acme-server"),
            (server, "acme-server", "acme-editor"),
        ):
            for wrong in (other, own.upper(), f"{own}-pro", own[:-1]):
                for call in ("verify", "validate"):
                    answer = self._api(call, license_, "laptop", application=wrong)
                    with self.subTest(call=call, own=own, asked=wrong):
                        self.assertEqual(answer["error"], "application_mismatch")
                        self.assertNotIn("activation", answer)
            self.assertFalse(license_.activation_ids)
            self.assertTrue(
                self._api("validate", license_, "laptop", application=own)["valid"]
            )

    def test_a_seat_on_one_license_is_none_on_another(self):
        first = self._floating()
        second = self._create_license(first.policy_id)
        self._api("validate", first, "laptop")
        self.assertEqual(
            self._error("verify", second, "laptop"), "device_not_activated"
        )
        self.assertEqual(second.seat_count, 0)
