from datetime import timedelta

from freezegun import freeze_time

from odoo.tests import tagged

from .common import LicenseBillingCommon
from .test_floating import START, FloatingCommon

YEAR = timedelta(days=365)


@tagged("post_install", "-at_install")
class TestClockJump(FloatingCommon):
    """A server's clock was a year ahead, and is right again."""

    def _ask_a_year_ahead(self, license_, device_id):
        self.clock.move_to(START + YEAR)
        self.env.invalidate_all()
        self.assertIsNone(self._error("validate", license_, device_id))
        self.clock.move_to(START)
        self.env.invalidate_all()

    def test_a_lease_given_by_a_clock_that_was_ahead_ends_once_all_is_tidied(self):
        license_ = self._floating()
        self._ask_a_year_ahead(license_, "laptop")
        self._run_cron("cron_free_lapsed_seats")
        device = self._device(license_, "laptop")
        self.assertEqual(device.lease_expires_at, START + timedelta(hours=1))
        self._wait(hours=1)
        self.assertIsNone(self._error("validate", license_, "desktop"))

    def test_a_device_seen_by_another_servers_clock_is_left_alone(self):
        license_ = self._floating()
        self.clock.tick(timedelta(minutes=4))
        self.assertIsNone(self._error("validate", license_, "laptop"))
        self.clock.move_to(START)
        self._run_cron("cron_free_lapsed_seats")
        device = self._device(license_, "laptop")
        self.assertEqual(device.last_seen, START + timedelta(minutes=4))

    def test_a_device_that_was_seen_in_the_future_checks_in_again(self):
        license_ = self._floating()
        self._ask_a_year_ahead(license_, "laptop")
        self.assertIsNone(self._error("validate", license_, "laptop"))
        self.assertEqual(self._device(license_, "laptop").last_seen, START)


@tagged("post_install", "-at_install")
class TestClockJumpBilling(LicenseBillingCommon):
    def test_a_quantity_that_a_clock_ahead_began_too_early_is_taken_back(self):
        with freeze_time("2026-06-01") as clock:
            license_ = self._sell(date="2026-01-01", quantity=2).license_ids
            later = self._order(quantity=5, license_id=license_.id)
            invoice = later._create_invoices()
            invoice.invoice_date = "2026-06-01"
            invoice.action_post()
            self._pay(invoice)
            self.assertEqual(invoice.license_ids, license_)
            self.assertEqual(license_.quantity, 2)
            clock.move_to("2027-06-01")
            self._run_cron("cron_refresh_quantities")
            self.assertEqual(license_.quantity, 5)
            clock.move_to("2026-06-01")
            self._run_cron("cron_refresh_quantities")
            self.assertEqual(license_.quantity, 2)
