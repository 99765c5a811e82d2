from datetime import timedelta

from freezegun import freeze_time

from odoo import Command, fields
from odoo.exceptions import ValidationError
from odoo.tests import tagged

from ..models.res_config_settings_webhook import (
    EVENT_DAYS,
    MAX_EVENT_DAYS,
    RECORD_EVENTS,
)
from .common import LicenseBillingCommon
from .test_bulk import LicenseBulkCommon


class EventsMixin:
    """Reads the log of what happened to licenses."""

    @classmethod
    def _record_events(cls, wanted=True):
        cls.env["ir.config_parameter"].set_param(RECORD_EVENTS, wanted)

    def _events(self, licenses):
        """Return the events of licenses, the earliest first, as after a commit."""
        self.env.cr.flush()
        about = [("license_id", "in", licenses.ids)]
        return self.env["software.license.event"].search(about, order="id")

    def assertEvents(self, licenses, *types):
        self.assertEqual(self._events(licenses).mapped("type"), list(types))

    def assertNewEvents(self, licenses, *types):
        """These events came since this was asked last."""
        known = getattr(self, "_known", self.env["software.license.event"])
        events = self._events(licenses)
        self.assertEqual((events - known).mapped("type"), list(types))
        self._known = events


@tagged("post_install", "-at_install")
class TestEvents(EventsMixin, LicenseBillingCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._record_events()

    def test_a_license_by_hand_is_issued(self):
        self.assertEvents(self._create_license(), "license.issued")

    def test_a_paid_license_is_issued_and_paid_again_it_is_renewed(self):
        license_ = self._sell(date=fields.Date.today()).license_ids
        self.assertNewEvents(license_, "license.issued")
        order = self._order(license_id=license_.id)
        invoice = order._create_invoices()
        invoice.action_post()
        self.assertNewEvents(license_)
        self._pay(invoice)
        self.assertNewEvents(license_, "license.renewed")

    def test_a_key_given_on_an_order_is_issued_and_renewed_when_it_is_paid(self):
        self.policy.issue_on = "order"
        order = self._order()
        license_ = self.env["software.license"].search(
            [("sale_line_id", "in", order.order_line.ids)]
        )
        self.assertNewEvents(license_, "license.issued")
        invoice = order._create_invoices()
        invoice.action_post()
        self._pay(invoice)
        self.assertNewEvents(license_, "license.renewed")

    def test_what_people_decide_is_told(self):
        license_ = self._create_license()
        self.assertNewEvents(license_, "license.issued")
        license_.action_suspend()
        self.assertNewEvents(license_, "license.suspended")
        license_.action_reinstate()
        self.assertNewEvents(license_, "license.reinstated")
        license_.action_revoke()
        self.assertNewEvents(license_, "license.revoked")

    def test_what_changes_and_changes_back_at_once_is_no_event(self):
        license_ = self._create_license()
        self.assertNewEvents(license_, "license.issued")
        license_.action_suspend()
        self.env.flush_all()
        license_.action_reinstate()
        self.assertNewEvents(license_)

    def test_what_changes_back_after_a_savepoint_was_told(self):
        license_ = self._create_license()
        self.assertNewEvents(license_, "license.issued")
        license_.action_suspend()
        with self.env.cr.savepoint():
            license_.action_reinstate()
        self.assertNewEvents(license_, "license.suspended", "license.reinstated")

    def test_what_is_rolled_back_is_no_event(self):
        license_ = self._create_license()
        self.assertNewEvents(license_, "license.issued")
        with self.assertRaises(ZeroDivisionError), self.env.cr.savepoint():
            license_.action_suspend()
            self.env.flush_all()
            raise ZeroDivisionError
        self.assertNewEvents(license_)

    def test_a_license_that_is_deleted_at_once_has_no_event(self):
        license_ = self._create_license()
        license_.unlink()
        self.env.cr.flush()

    def test_a_payment_undone_suspends_and_a_new_one_reinstates(self):
        invoice = self._sell(date=fields.Date.today())
        license_ = invoice.license_ids
        self.assertNewEvents(license_, "license.issued")
        self._unpay(invoice)
        self.assertNewEvents(license_, "license.suspended")
        self._pay(invoice)
        self.assertNewEvents(license_, "license.reinstated")

    def test_an_archived_customer_is_suspended_and_comes_back(self):
        company = self.env["res.partner"].create({"name": "Own", "is_company": True})
        contact = self.env["res.partner"].create(
            {"name": "Contact", "parent_id": company.id}
        )
        license_ = self._create_license(partner_id=contact.id)
        self.assertNewEvents(license_, "license.issued")
        for partner in (company, contact):
            with self.subTest(partner.name):
                partner.active = False
                self.assertNewEvents(license_, "license.suspended")
                partner.active = True
                self.assertNewEvents(license_, "license.reinstated")

    def test_each_expiry_is_told_once(self):
        license_ = self._sell(date=fields.Date.today()).license_ids
        for _turn in range(2):
            self._events(license_)
            with freeze_time(license_.expires_at + timedelta(hours=1)):
                self._known = self._events(license_)
                self._run_cron("cron_update_license_statuses")
                self.assertNewEvents(license_, "license.expired")
                self._run_cron("cron_update_license_statuses")
                self.assertNewEvents(license_)
                invoice = self._order(license_id=license_.id)._create_invoices()
                invoice.action_post()
                self._pay(invoice)
                self.assertNewEvents(license_, "license.renewed", "license.reinstated")

    def test_within_its_grace_a_license_has_not_expired(self):
        license_ = self._create_license(self._create_policy(grace_days=7))
        self.assertNewEvents(license_, "license.issued")
        with freeze_time(license_.expires_at + timedelta(days=6)):
            self._run_cron("cron_update_license_statuses")
            self.assertNewEvents(license_)
            license_.policy_id.grace_days = 5
            self._run_cron("cron_update_license_statuses")
            self.assertNewEvents(license_, "license.expired")
            license_.policy_id.grace_days = 7
            self._run_cron("cron_update_license_statuses")
            self.assertNewEvents(license_, "license.reinstated")

    def test_expiries_are_told_however_many_there_are(self):
        licenses = self.env["software.license"].union(
            *(self._create_license(self.policy) for _turn in range(5))
        )
        self.assertNewEvents(licenses, *["license.issued"] * 5)
        with freeze_time(licenses[0].expires_at + timedelta(hours=1)):
            with self.enter_registry_test_mode(), self.registry.cursor() as cr:
                Licenses = self.env(cr=cr)["software.license"]
                Licenses.sudo()._cron_update_statuses(limit=2)
            self.assertNewEvents(licenses, *["license.expired"] * 5)

    def test_devices_are_told_of_however_they_come_and_go(self):
        license_ = self._create_license()
        self.assertNewEvents(license_, "license.issued")
        self._activate(license_, "laptop", device_name="Ada's laptop")
        self.assertNewEvents(license_, "device.activated")
        self._activate(license_, "laptop")
        self.assertNewEvents(license_)
        laptop = license_.activation_ids
        license_._free_device("laptop")
        self.assertNewEvents(license_, "device.freed")
        laptop.action_free()
        self.assertNewEvents(license_)
        self._activate(license_, "laptop")
        self.assertNewEvents(license_, "device.activated")
        laptop.action_block()
        self.assertNewEvents(license_, "device.freed")
        laptop.action_unblock()
        self._activate(license_, "laptop")
        self.assertNewEvents(license_, "device.activated")
        laptop.unlink()
        self.assertNewEvents(license_, "device.freed")
        self.assertEqual(self._known[1].device_id, "laptop")
        self.assertEqual(self._known[1].device_name, "Ada's laptop")

    def test_instances_are_told_of_only_where_they_take_seats(self):
        for take_seats in (False, True):
            policy = self._create_policy(instances_take_seats=take_seats)
            license_ = self._create_license(policy)
            license_.activation_ids = [
                Command.create({"device_id": "https://example.com", "kind": "instance"})
            ]
            license_.activation_ids.action_free()
            types = ["device.activated", "device.freed"] * take_seats
            with self.subTest(take_seats=take_seats):
                self.assertEvents(license_, "license.issued", *types)

    def test_events_are_kept_for_as_many_days_as_the_settings_say(self):
        license_ = self._create_license()
        event = self._events(license_)
        self.env["ir.config_parameter"].set_param(EVENT_DAYS, 3)
        for days, is_there in ((2, True), (4, False)):
            with freeze_time(fields.Datetime.now() + timedelta(days=days)):
                self.env["software.license.event"].sudo()._gc_events()
                self.assertEqual(bool(event.exists()), is_there)

    def test_days_that_are_none_are_the_default(self):
        event = self._events(self._create_license())
        for value in ("-5", "0", "many", "99999999999"):
            self.env["ir.config_parameter"].set_param(EVENT_DAYS, value)
            with self.subTest(value):
                self.env["software.license.event"].sudo()._gc_events()
                self.assertTrue(event.exists())
        with freeze_time(fields.Datetime.now() + timedelta(days=91)):
            self.env["software.license.event"].sudo()._gc_events()
        self.assertFalse(event.exists())

    def test_the_settings_take_days_that_make_sense_only(self):
        settings = self.env["res.config.settings"]
        for days in (-5, 0, MAX_EVENT_DAYS + 1):
            with self.subTest(days), self.assertRaises(ValidationError):
                settings.create({"license_event_days": days}).set_values()
        for days in (1, MAX_EVENT_DAYS):
            settings.create({"license_event_days": days}).set_values()
            stored = self.env["ir.config_parameter"].get_param(EVENT_DAYS)
            self.assertEqual(stored, str(days))

    def test_an_event_that_is_still_to_be_sent_is_kept(self):
        event = self._events(self._create_license())
        action = self.env["ir.actions.server"].create(
            {
                "name": "Webhook",
                "model_id": self.env["ir.model"]._get_id(event._name),
                "state": "webhook",
            }
        )
        delivery = event.sudo().delivery_ids.create(
            {"event_id": event.id, "action_id": action.id}
        )
        with freeze_time(fields.Datetime.now() + timedelta(days=91)):
            for state in ("waiting", "failed"):
                self.assertTrue(event.exists())
                delivery.state = state
                event.sudo()._gc_events()
        self.assertFalse(event.exists())


@tagged("post_install", "-at_install")
class TestEventCost(EventsMixin, LicenseBulkCommon):
    """What events cost: nothing if nobody listens, else so much for each batch."""

    def _live(self):
        """Have everything happen to a license; return it."""
        invoice = self._sell(date=fields.Date.today())
        license_ = invoice.license_ids
        self._activate(license_, "laptop")
        license_._free_device("laptop")
        license_.action_suspend()
        self.env.cr.flush()
        license_.action_reinstate()
        self._unpay(invoice)
        self.env.cr.flush()
        return license_

    def test_without_a_listener_there_is_no_event_and_no_statement_for_one(self):
        self._live()  # what is read once and kept in memory
        licenses = []
        statements = self._get_statements(
            lambda: licenses.append(self._live()), "software_license_event"
        )
        self.assertEqual(statements, [])
        self.assertEvents(licenses[0])

    def test_what_was_told_last_is_written_along_with_what_changed(self):
        license_ = self._create_license()
        self.env.flush_all()
        statements = self._get_statements(
            lambda: (license_.action_suspend(), self.env.flush_all()),
            'UPDATE "software_license"',
        )
        self.assertEqual(len(statements), 1, statements)
        self.assertIn("last_event_status", statements[0])

    def test_one_payment_of_many_invoices_records_all_events_at_once(self):
        self._record_events()
        self._count_payment(1)  # what is read once and kept in memory
        few, many = self._count_payment(2), self._count_payment(8)
        self.assertEqual(few, many)  # 20 and 80 licenses

    @classmethod
    def _pay(cls, invoices, **vals):
        payments = super()._pay(invoices, **vals)
        cls.env.cr.flush()
        return payments
