from datetime import datetime, timedelta
from unittest import mock

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import Form, tagged

from ..tools import lease
from ..tools.errors import DeviceNotFound
from .common import LicenseCommon

START = datetime(2026, 6, 1, 12)


class FloatingCommon(LicenseCommon):
    """A clock that stands still until it is told to go on."""

    def setUp(self):
        super().setUp()
        freezer = freeze_time(START)
        self.clock = freezer.start()
        self.addCleanup(freezer.stop)

    def _wait(self, **delta):
        self.clock.tick(timedelta(**delta))
        self.env.invalidate_all()

    def _floating(self, lease_minutes=60, max_activations=1, **vals):
        """Return a license whose seats float."""
        policy = self._create_policy(
            lease_minutes=lease_minutes,
            max_activations=max_activations,
            validity_unit="perpetual",
        )
        return self._create_license(policy, **vals)

    def _api(self, call, license_, device_id, **kwargs):
        """Make a call of the API; return the answer."""
        api = getattr(self.env["software.license"].sudo(), f"_api_{call}")
        return api(license_.license_key, device_id, **kwargs)

    def _error(self, call, license_, device_id):
        return self._api(call, license_, device_id).get("error")

    def _device(self, license_, device_id):
        """Return the row of a device, archived or not."""
        devices = license_.with_context(active_test=False).activation_ids
        return devices.filtered(lambda device: device.device_id == device_id)


@tagged("post_install", "-at_install")
class TestFloating(FloatingCommon):
    # === THE RULE === #

    def test_two_devices_share_one_seat_by_turns(self):
        license_ = self._floating()
        for _turn in range(3):
            for device, other in (("laptop", "desktop"), ("desktop", "laptop")):
                self.assertIsNone(self._error("validate", license_, device))
                self._wait(minutes=59)
                self.assertEqual(
                    self._error("validate", license_, other), "activation_limit_reached"
                )
                self.assertEqual(license_.seat_usage, "1 / 1")
                self._wait(minutes=1)
        self.assertEqual(license_.seat_usage, "0 / 1")

    def test_a_seat_is_free_exactly_when_its_lease_ends_wherever_one_looks(self):
        license_ = self._floating()
        self._api("validate", license_, "laptop")
        self._wait(minutes=60, seconds=-1)
        for is_held in (True, False):
            with self.subTest(is_held=is_held):
                self.assertEqual(
                    self._error("verify", license_, "laptop"),
                    None if is_held else "device_not_activated",
                )
                (facts,) = license_._get_current_facts(fields.Datetime.now(), "laptop")
                self.assertEqual((facts.has_seat, facts.seats_used), (is_held,) * 2)
                self.assertEqual(license_.seat_count, is_held)
                device = license_.activation_ids
                self.assertEqual(device.status, "seated" if is_held else "lapsed")
                self.assertEqual(device.lease_expires_at, START + timedelta(minutes=60))
                self.assertEqual(
                    self._search(license_, ("status", "=", "seated")), is_held
                )
                self.assertEqual(
                    self._search(license_, ("status", "!=", "lapsed")), is_held
                )
            self._wait(seconds=1)

    def _search(self, license_, condition):
        domain = [("license_id", "=", license_.id), condition]
        return self.env["software.license.activation"].search_count(domain)

    def test_who_manages_licenses_is_told_of_the_seats_that_are_held(self):
        license_ = self._floating(max_activations=2)
        for device in ("laptop", "desktop"):
            self._api("validate", license_, device)
            self._wait(minutes=30)
        (desktop,) = license_._api_activations()
        self.assertEqual(license_._to_admin_dict()["currentActivations"], 1)
        self.assertEqual(desktop["deviceId"], "desktop")
        self.assertEqual(desktop["leaseExpiresAt"], "2026-06-01T13:30:00Z")
        with self.assertRaises(DeviceNotFound):
            license_._api_free_device("laptop")
        self.assertEqual(
            license_._api_free_device("desktop"),
            {"success": True, "currentActivations": 0, "maxActivations": 2},
        )

    def test_a_node_locked_seat_never_lapses(self):
        license_ = self._floating(lease_minutes=0)
        answer = self._api("validate", license_, "laptop")
        self.assertNotIn("leaseExpiresAt", answer["activation"])
        self._wait(days=3000)
        self.assertIsNone(self._error("verify", license_, "laptop"))
        self.assertFalse(license_.activation_ids.lease_expires_at)
        self.assertEqual(license_.activation_ids.status, "seated")

    def test_a_lapsed_device_is_refused_by_verify_and_seated_again_by_validate(self):
        license_ = self._floating()
        self._api("validate", license_, "laptop")
        self._wait(minutes=61)
        self.assertEqual(
            self._error("verify", license_, "laptop"), "device_not_activated"
        )
        answer = self._api("validate", license_, "laptop")
        self.assertTrue(answer["valid"])
        self.assertEqual(answer["currentActivations"], 1)
        self.assertIsNone(self._error("verify", license_, "laptop"))

    def test_a_device_that_comes_back_is_the_same_whether_it_was_tidied_up_or_not(self):
        for is_tidied in (False, True):
            license_ = self._floating()
            first = self._api("validate", license_, "laptop")["activation"]
            row = license_.activation_ids
            self._wait(minutes=61)
            if is_tidied:
                self._run_cron("cron_free_lapsed_seats")
                self.assertFalse(license_.activation_ids)
            again = self._api("validate", license_, "laptop")["activation"]
            with self.subTest(is_tidied=is_tidied):
                self.assertEqual(license_.activation_ids, row)
                self.assertEqual(again["activatedAt"], first["activatedAt"])

    def test_a_license_that_is_over_its_limit_gets_well_by_itself(self):
        license_ = self._floating(max_activations=3)
        for device in ("one", "two", "three"):
            self._api("validate", license_, device)
        license_.max_activations = 1
        self.assertTrue(license_.is_over_limit)
        self.assertEqual(license_.seat_usage, "3 / 1")
        self._wait(minutes=30)
        self._api("validate", license_, "two")
        self._wait(minutes=30)
        self.assertEqual(license_.seat_usage, "1 / 1")
        self.assertFalse(license_.is_over_limit)
        self.assertEqual(
            self._error("validate", license_, "one"), "activation_limit_reached"
        )

    def test_the_units_bought_multiply_floating_seats(self):
        license_ = self._floating(max_activations=2)
        license_.term_ids.quantity = 2
        for device in range(4):
            self._api("validate", license_, f"d{device}")
        self.assertEqual(
            self._error("validate", license_, "d4"), "activation_limit_reached"
        )
        self._wait(minutes=60)
        for device in range(4, 8):
            self.assertIsNone(self._error("validate", license_, f"d{device}"))
        self.assertEqual(license_.seat_usage, "4 / 4")

    # === RENEWING === #

    def test_who_renews_in_time_never_loses_the_seat(self):
        for minutes in (1, 10, 60, 525600):
            license_ = self._floating(minutes)
            with self.subTest(minutes=minutes):
                # What is not written at the first step must not hurt at the second.
                for share in (0.09, 0.9) * 3:
                    self.assertIsNone(self._error("validate", license_, "laptop"))
                    self._wait(minutes=minutes * share)
                    self.assertIsNone(self._error("verify", license_, "laptop"))
                    self.assertEqual(
                        self._error("validate", license_, "desktop"),
                        "activation_limit_reached",
                    )

    def test_the_end_that_is_told_is_the_one_that_is_stored(self):
        license_ = self._floating()
        for minutes, end in ((0, 60), (4, 60), (1, 65)):
            self._wait(minutes=minutes)
            answer = self._api("validate", license_, "laptop")
            moment = START + timedelta(minutes=end)
            with self.subTest(end=end):
                self.assertEqual(
                    answer["activation"]["leaseExpiresAt"], f"{moment.isoformat()}Z"
                )
                self.assertEqual(license_.activation_ids.lease_expires_at, moment)

    def test_a_check_in_is_written_after_a_tenth_of_the_lease_at_the_latest(self):
        for minutes, seconds in ((0, 300), (1, 6), (10, 60), (49, 294), (600, 300)):
            with self.subTest(lease=minutes):
                self.assertEqual(
                    lease.check_in_interval(minutes), timedelta(seconds=seconds)
                )
        license_ = self._floating(lease_minutes=1)
        self._api("validate", license_, "laptop")
        for seconds, is_written in ((5, False), (1, True)):
            self._wait(seconds=seconds)
            self._api("validate", license_, "laptop")
            seen = license_.activation_ids.last_seen
            with self.subTest(seconds=seconds):
                self.assertEqual(seen == fields.Datetime.now(), is_written)

    def test_a_call_that_waited_never_shortens_a_lease(self):
        license_ = self._floating()
        self._api("validate", license_, "laptop")
        self._wait(minutes=10)
        self._activate(license_, "laptop")
        earlier = fields.Datetime.now() - timedelta(seconds=5)
        facts, _answer = self._activate(license_, "laptop", earlier, device_name="New")
        self.assertEqual(facts.last_seen, fields.Datetime.now())
        self.assertEqual(license_.activation_ids.last_seen, fields.Datetime.now())

    def test_a_seat_that_was_given_away_is_not_renewed_by_a_call_that_waited(self):
        license_ = self._floating()
        self._activate(license_, "laptop")
        self._wait(minutes=60)
        self._activate(license_, "desktop")
        asked = fields.Datetime.now() - timedelta(seconds=1)
        _facts, answer = self._activate(license_, "laptop", asked)
        self.assertEqual(answer.error, "activation_limit_reached")
        self.assertEqual(license_.seat_count, 1)

    # === THE BACKEND === #

    def test_people_take_lapsed_seats_and_no_other(self):
        license_ = self._floating()
        self._api("validate", license_, "laptop")
        vals = {"license_id": license_.id, "device_id": "desktop"}
        Devices = self.env["software.license.activation"]
        with self.assertRaisesRegex(UserError, "All 1 seats"), self.env.cr.savepoint():
            Devices.create(vals)
        self._wait(minutes=60)
        desktop = Devices.create(vals)
        self.assertEqual(license_.activation_ids, desktop)
        laptop = self._device(license_, "laptop")
        for vals in ({"active": True}, {"active": True, "device_name": "New"}):
            with self.assertRaises(UserError), self.env.cr.savepoint():
                laptop.write(vals)
        self._wait(minutes=60)
        laptop.write({"active": True})
        self.assertEqual(license_.activation_ids, laptop)
        self.assertEqual(license_.seat_usage, "1 / 1")

    def test_who_is_let_in_by_hand_has_a_lease_from_then_on(self):
        for is_freed in (False, True):
            license_ = self._floating()
            self._api("validate", license_, "laptop")
            row = license_.activation_ids
            self._wait(minutes=90)
            if is_freed:
                row.action_free()
            row.write({"active": True})
            with self.subTest(is_freed=is_freed):
                self.assertEqual(row.status, "seated")
                self.assertIsNone(self._error("verify", license_, "laptop"))
                self.assertEqual(
                    row.lease_expires_at,
                    fields.Datetime.now() + timedelta(minutes=60),
                )

    def test_every_device_is_found_by_the_one_status_that_it_shows(self):
        license_ = self._floating(max_activations=9)
        for device in ("seated", "lapsed", "freed", "blocked", "blocked late"):
            self._api("validate", license_, device)
        self._device(license_, "freed").action_free()
        self._device(license_, "blocked").action_block()
        self._wait(minutes=30)
        self._api("validate", license_, "seated")
        self._wait(minutes=30)
        self._device(license_, "blocked late").action_block()
        Devices = self.env["software.license.activation"]
        rows = license_.with_context(active_test=False).activation_ids
        self.assertEqual(len(rows), 5)
        for row in rows:
            self.assertEqual(row.status, row.device_id.split()[0])
        for status in ("seated", "lapsed", "freed", "blocked"):
            same = rows.filtered(lambda row, status=status: row.status == status)
            of_license = [("license_id", "=", license_.id)]
            found = Devices.search([*of_license, ("status", "=", status)])
            other = Devices.search([*of_license, ("status", "not in", [status])])
            with self.subTest(status):
                self.assertTrue(same)
                self.assertEqual(found, same)
                self.assertEqual(other, rows - same)
                self.assertEqual(rows.filtered_domain([("status", "=", status)]), same)
        self.assertFalse(Devices.search([("status", "=", False)]))

    def test_readers_without_the_policy_see_the_status(self):
        user = self.env["res.users"].create(
            {"name": "Customer", "login": "floating customer"}
        )
        user.group_ids = self.env.ref("base.group_portal")
        license_ = self._floating(partner_id=user.partner_id.id)
        self._api("validate", license_, "laptop")
        device = license_.activation_ids.with_user(user)
        self.env.invalidate_all()
        self.assertEqual(device.status, "seated")
        self.assertEqual(device.search([("status", "=", "seated")]), device)
        self.assertEqual(license_.with_user(user).seat_count, 1)

    def test_the_form_of_the_policy_takes_a_lease(self):
        with Form(self._create_policy()) as form:
            form.lease_minutes = 30
        self.assertEqual(form.record.lease_minutes, 30)

    # === SWITCHING === #

    def test_a_policy_that_becomes_floating_frees_who_is_silent_at_once(self):
        license_ = self._floating(lease_minutes=0, max_activations=2)
        self._api("validate", license_, "silent")
        self._wait(minutes=60)
        self._api("validate", license_, "laptop")
        license_.policy_id.lease_minutes = 60
        self.assertEqual(license_.seat_usage, "1 / 2")
        self.assertEqual(
            self._error("verify", license_, "silent"), "device_not_activated"
        )
        self.assertIsNone(self._error("verify", license_, "laptop"))

    def test_a_policy_that_becomes_node_locked_keeps_who_is_there_and_nobody_else(self):
        for minutes in (0, 600):
            license_ = self._floating(max_activations=2)
            self._api("validate", license_, "laptop")
            self._api("validate", license_, "silent")
            self._wait(minutes=30)
            self._api("validate", license_, "laptop")
            self._wait(minutes=30)
            license_.policy_id.lease_minutes = minutes
            self._wait(minutes=569)
            with self.subTest(lease=minutes):
                self.assertEqual(license_.seat_usage, "1 / 2")
                self.assertEqual(license_.activation_ids.device_id, "laptop")
                self.assertIsNone(self._error("verify", license_, "laptop"))
                self.assertEqual(
                    self._error("verify", license_, "silent"), "device_not_activated"
                )

    def test_seats_given_away_are_not_found_again_when_the_license_changes_plan(self):
        license_ = self._floating()
        for device in ("laptop", "desktop", "tablet"):
            self._wait(minutes=60)
            self._api("validate", license_, device)
        license_.policy_id = self._create_policy(max_activations=1)
        self.assertEqual(license_.seat_usage, "1 / 1")
        self.assertIsNone(self._error("verify", license_, "tablet"))

    def test_another_policy_revives_no_seat_that_lapsed_by_the_one_before(self):
        for minutes in (0, 600):
            license_ = self._floating(max_activations=2)
            for device in ("laptop", "desktop"):
                self._api("validate", license_, device)
            self._wait(hours=5)
            license_.policy_id = self._create_policy(lease_minutes=minutes)
            with self.subTest(lease=minutes):
                self.assertEqual(license_.seat_usage, "0 / 2")
                self.assertIsNone(self._error("validate", license_, "tablet"))
                self.assertEqual(self._device(license_, "laptop").status, "freed")

    # === TIDYING UP === #

    def test_the_cron_archives_what_lapsed_and_changes_no_answer(self):
        license_ = self._floating(max_activations=9)
        locked = self._floating(lease_minutes=0)
        for device in ("one", "two", "three"):
            self._api("validate", license_, device)
        self._api("validate", locked, "node")
        self._wait(minutes=30)
        self._api("validate", license_, "four")
        self._wait(minutes=30)
        self.assertEqual(len(license_.activation_ids), 4)
        before = [license_.seat_usage, locked.seat_usage]
        self._run_cron("cron_free_lapsed_seats")
        self.assertEqual(license_.activation_ids.device_id, "four")
        self.assertEqual(locked.activation_ids.device_id, "node")
        self.assertEqual([license_.seat_usage, locked.seat_usage], before)
        self.assertEqual(self._device(license_, "one").status, "freed")

    def test_the_cron_goes_on_in_batches_until_nothing_is_left(self):
        license_ = self._floating(max_activations=9)
        for device in range(5):
            self._api("validate", license_, f"d{device}")
        self._wait(minutes=60)
        Devices, Cron = self.env["software.license.activation"], self.env["ir.cron"]
        with mock.patch.object(type(Cron), "_commit_progress") as progress:
            for _batch in range(3):
                Devices._cron_free_lapsed_seats(limit=2)
        self.assertEqual(
            progress.call_args_list,
            [
                mock.call(2, remaining=3),
                mock.call(2, remaining=1),
                mock.call(1, remaining=0),
            ],
        )
        self.assertFalse(license_.activation_ids)

    # === STATEMENTS === #

    def test_a_known_device_costs_one_statement_and_no_lock(self):
        for minutes in (0, 60):
            license_ = self._floating(minutes)
            self._api("validate", license_, "laptop")
            # Counting leases takes another one; verify does not count.
            for call, most in (("verify", 1), ("validate", 2 if minutes else 1)):
                self.env.flush_all()
                with self.subTest(call=call, lease=minutes):
                    with self.assertQueryCount(most):
                        self._api(call, license_, "laptop")

    def test_a_device_that_finds_all_seats_taken_costs_no_lock(self):
        for minutes, most in ((0, 1), (60, 2)):
            license_ = self._floating(minutes)
            self._api("validate", license_, "laptop")
            self.env.flush_all()
            with self.subTest(lease=minutes), self.assertQueryCount(most):
                self._api("validate", license_, "desktop")

    def test_seats_and_the_device_that_asks_are_of_one_moment(self):
        license_ = self._floating()
        count = type(license_)._sql_seats
        meanwhile = iter(["laptop"])  # it asks twice, and was answered a moment ago

        def seat_meanwhile(licenses, now):
            for device in meanwhile:
                self._api("validate", license_, device)
            return count(licenses, now)

        with mock.patch.object(type(license_), "_sql_seats", seat_meanwhile):
            facts = license_._read_facts(license_.license_key, "laptop", True)
        self.assertEqual((facts.has_seat, facts.seats_used), (True, 1))
