from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from ..models.software_license_activation import COUNTED
from ..tools.seat_turn import SeatTurn
from ..tools.verdict import Question
from .common import LicenseCommon


@tagged("post_install", "-at_install")
class TestSeats(LicenseCommon):
    def test_a_device_takes_a_seat_once(self):
        license_ = self._create_license()
        for _turn in range(3):
            facts, answer = self._activate(license_, "laptop", device_name="Laptop")
        self.assertTrue(answer.is_valid)
        self.assertEqual(facts.seats_used, 1)
        self.assertEqual(license_.activation_ids.device_name, "Laptop")
        self.assertEqual(license_.seat_usage, "1 / 2")

    def test_the_device_beyond_the_limit_is_refused(self):
        license_ = self._create_license(max_activations=1)
        self._activate(license_, "laptop")
        facts, answer = self._activate(license_, "desktop")
        self.assertEqual(answer.error, "activation_limit_reached")
        self.assertEqual(license_.activation_ids.mapped("device_id"), ["laptop"])
        self.assertEqual((facts.seats_used, facts.seat_limit), (1, 1))

    def test_an_unlimited_license_takes_any_number(self):
        license_ = self._create_license(max_activations=-1)
        for number in range(5):
            self.assertTrue(self._activate(license_, f"d{number}")[1].is_valid)
        self.assertEqual(license_.seat_usage, "5 / ∞")

    def test_a_license_that_is_not_valid_registers_nothing(self):
        license_ = self._create_license(state="suspended")
        self.assertFalse(self._activate(license_, "laptop")[1].is_valid)
        self.assertFalse(license_.activation_ids)

    def test_a_freed_seat_can_be_taken_by_another_device(self):
        license_ = self._create_license(max_activations=1)
        self._activate(license_, "laptop")
        self.assertTrue(license_._free_device("laptop"))
        self.assertFalse(license_._free_device("laptop"))
        self.assertTrue(self._activate(license_, "desktop")[1].is_valid)
        self.assertFalse(self._activate(license_, "laptop")[1].is_valid)

    def test_a_freed_device_stays_on_record_and_comes_back_on_the_same_row(self):
        license_ = self._create_license()
        self._activate(license_, "laptop")
        row = license_.activation_ids
        row.action_free()
        self.assertFalse(license_.activation_ids)
        self._activate(license_, "laptop")
        self.assertEqual(license_.activation_ids, row)

    def test_nobody_in_the_backend_can_oversell(self):
        license_ = self._create_license(max_activations=1)
        self._activate(license_, "laptop")
        freed = license_.activation_ids
        freed.action_free()
        self._activate(license_, "desktop")
        for label, oversell in (
            (
                "create",
                lambda: freed.create({"license_id": license_.id, "device_id": "x"}),
            ),
            ("revive", lambda: freed.write({"active": True})),
        ):
            with (
                self.subTest(label),
                self.assertRaisesRegex(UserError, "All 1 seats"),
                self.env.cr.savepoint(),
            ):
                oversell()
        self.assertEqual(license_.seat_count, 1)

    def test_a_device_can_not_be_moved_to_another_license(self):
        license_, other = self._create_license(), self._create_license()
        self._activate(license_, "laptop")
        manager = new_test_user(
            self.env, "manager", "software_license.group_license_manager"
        )
        row = license_.activation_ids.with_user(manager)
        row.device_name = "Renamed"
        for vals in (
            {"license_id": other.id},
            {"device_id": "other"},
            {"first_seen": "2020-01-01"},
            {"ip_address": "::1"},
        ):
            with self.subTest(vals), self.assertRaises(AccessError):
                row.write(vals)

    def test_nobody_makes_up_what_a_device_says_of_itself(self):
        license_ = self._create_license()
        user = new_test_user(self.env, "user", "software_license.group_license_user")
        Devices = self.env["software.license.activation"].with_user(user)
        vals = {"license_id": license_.id, "device_id": "laptop"}
        for name, value in (
            ("last_seen", "2999-01-01"),
            ("first_seen", "2020-01-01"),
            ("ip_address", "::1"),
        ):
            with self.subTest(name), self.assertRaisesRegex(AccessError, name):
                Devices.create([vals, {**vals, "device_id": "desktop", name: value}])
        Devices = Devices.with_context(default_last_seen="2999-01-01")
        device = Devices.create({**vals, "kind": "device", "device_name": "Laptop"})
        self.assertEqual(device.status, "seated")
        self.assertLessEqual(device.last_seen, fields.Datetime.now())

    def test_a_blocked_device_is_refused_and_its_seat_is_free(self):
        license_ = self._create_license(max_activations=1)
        self._activate(license_, "laptop")
        row = license_.activation_ids
        row.action_block()
        self.assertEqual(self._activate(license_, "laptop")[1].error, "device_blocked")
        self.assertTrue(self._activate(license_, "desktop")[1].is_valid)
        row.action_unblock()
        self.assertEqual(
            self._activate(license_, "laptop")[1].error, "activation_limit_reached"
        )

    def test_a_check_in_is_written_once_in_five_minutes(self):
        license_ = self._create_license()
        start = fields.Datetime.now()
        self._activate(license_, "laptop", start)
        for minutes, is_written in ((4, False), (5, True)):
            now = start + timedelta(minutes=minutes)
            self._activate(license_, "laptop", now)
            with self.subTest(minutes=minutes):
                self.assertEqual(
                    license_.activation_ids.last_seen, now if is_written else start
                )

    def test_a_new_name_is_written_at_once_and_none_keeps_the_old(self):
        license_ = self._create_license()
        self._activate(license_, "laptop", device_name="Old")
        self._activate(license_, "laptop", device_name="New")
        self._activate(license_, "laptop")
        self.assertEqual(license_.activation_ids.device_name, "New")

    def test_fewer_seats_leave_the_devices_that_are_there(self):
        license_ = self._create_license(max_activations=2)
        self._activate(license_, "laptop")
        self._activate(license_, "desktop")
        license_.max_activations = 1
        self.assertTrue(license_.is_over_limit)
        self.assertTrue(self._activate(license_, "desktop")[1].is_valid)
        self.assertFalse(self._activate(license_, "tablet")[1].is_valid)
        self.assertEqual(license_.seat_usage, "2 / 1")
        later = fields.Datetime.now() + timedelta(minutes=10)
        facts, answer = self._activate(license_, "desktop", later, device_name="New")
        self.assertTrue(answer.is_valid)
        self.assertEqual((facts.seats_used, facts.last_seen), (2, later))

    def test_the_backend_counts_with_the_quantity_of_today(self):
        license_ = self._create_license(self._create_policy(max_activations=1))
        self._activate(license_, "laptop")
        self.env.cr.execute(
            "UPDATE software_license SET quantity = 0.1, quantity_until = '2020-01-01' "
            "WHERE id = %s",
            [license_.id],
        )
        self.env.cr.execute(
            "UPDATE software_license_term SET quantity = 2, effective_quantity = 2 "
            "WHERE license_id = %s",
            [license_.id],
        )
        self.env.invalidate_all()
        license_.activation_ids.create(
            {"license_id": license_.id, "device_id": "desktop"}
        )
        self.assertEqual(license_.seat_usage, "2 / 2")

    def test_whose_seats_count_is_the_same_wherever_it_is_told(self):
        for instances, kinds in ((False, ["device"]), (True, ["device", "instance"])):
            policy = self._create_policy(instances_take_seats=instances)
            license_ = self._create_license(policy)
            now = fields.Datetime.now()
            for kind in ("device", "instance"):
                vals = {"license_id": license_.id, "device_id": "x", "kind": kind}
                license_.activation_ids.create(vals)
            (facts,) = license_._get_current_facts(now)
            counted = license_.activation_ids.filtered_domain(COUNTED)
            with self.subTest(instances_take_seats=instances):
                self.assertEqual(facts.seats_used, len(kinds))
                self.assertEqual(license_.seat_count, len(kinds))
                self.assertCountEqual(counted.mapped("kind"), kinds)
                for kind in ("device", "instance"):
                    question = Question(now, kind=kind)
                    self.assertEqual(question.counts_in(facts), kind in kinds)

    def test_every_way_to_a_seat_writes_what_fails_older_snapshots(self):
        license_ = self._create_license()

        def version():
            self.env.cr.execute(
                "SELECT seat_version FROM software_license WHERE id = %s", [license_.id]
            )
            return self.env.cr.fetchone()[0]

        self._activate(license_, "laptop")
        row = license_.activation_ids
        for label, take in (
            ("activate", lambda: self._activate(license_, "desktop")),
            ("revive", lambda: row.write({"active": True})),
            (
                "create",
                lambda: row.create({"license_id": license_.id, "device_id": "x"}),
            ),
        ):
            if label == "revive":
                row.action_free()
            before = version()
            take()
            with self.subTest(label):
                self.assertGreater(version(), before)
            license_.max_activations = -1

    def test_a_turn_to_take_a_seat_is_for_one_device_of_one_license(self):
        license_, other = self._create_license(), self._create_license()
        license_.max_activations = other.max_activations = 1
        for label, taken in (("used up", license_), ("another license's", other)):
            turn = SeatTurn(license_)
            devices = taken.activation_ids.with_context(seat_turn=turn)
            if taken == license_:
                devices.create({"license_id": taken.id, "device_id": "first"})
            else:
                self._activate(taken, "first")
            vals = {"license_id": taken.id, "device_id": "second"}
            with self.subTest(label), self.assertRaisesRegex(UserError, "All 1 seats"):
                devices.create(vals)

    def test_nobody_makes_a_turn_over_rpc(self):
        license_ = self._create_license()
        license_.max_activations = 1
        self._activate(license_, "first")
        devices = license_.activation_ids.with_context(seat_turn={"license": 1})
        with self.assertRaisesRegex(UserError, "All 1 seats"):
            devices.create({"license_id": license_.id, "device_id": "second"})
