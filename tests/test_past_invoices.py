from datetime import datetime, time, timedelta
from unittest.mock import patch

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from .common_past import LicensePastCommon

PREVIEW = "odoo.addons.software_license.models.software_license_past_preview"


@tagged("post_install", "-at_install")
class TestPastInvoices(LicensePastCommon):
    """What was paid before its product was licensed: nothing, until somebody asks."""

    # === NOTHING BY ITSELF === #

    def test_the_sweep_issues_nothing_for_what_was_paid_before_the_policy(self):
        invoice = self._sell_in_the_past()
        self._run_cron("cron_issue_licenses")
        invoice.action_issue_licenses()
        self.assertFalse(invoice.license_ids)
        self.assertFalse(invoice.is_license_due)

    def test_what_is_open_when_the_product_gets_its_policy_issues_once_it_is_paid(self):
        invoice = self._create_license_invoice(date=self.recent)
        invoice.action_post()
        self.product.license_policy_id = self.policy
        self.assertTrue(invoice.is_license_due)
        self._pay(invoice)
        self.assertEqual(len(invoice.license_ids), 1)

    def test_what_waits_for_the_bank_is_open_where_licenses_do_too(self):
        invoice = self._create_license_invoice(date=self.recent)
        invoice.action_post()
        invoice.payment_state = "in_payment"  # as Enterprise has it until the match
        parameters = self.env["ir.config_parameter"]
        parameters.set_param("software_license.wait_for_bank", "1")
        self.product.license_policy_id = self.policy
        self.assertTrue(invoice.is_license_due)

    # === ISSUING === #

    def test_the_past_is_issued_with_the_validity_that_the_invoice_gave(self):
        invoice = self._sell_in_the_past()
        past = self._issue()
        term = invoice.license_ids.term_ids
        self.assertEqual(term.date_start, invoice.invoice_date)
        self.assertEqual(term.date_end, invoice.invoice_date + timedelta(days=364))
        self.assertEqual((past.state, past.issued_count), ("done", 1))
        self.assertFalse(invoice.is_license_due)

    def test_a_second_run_issues_nothing(self):
        invoice = self._sell_in_the_past()
        self._issue()
        license_ = invoice.license_ids
        self.assertEqual(self._issue().issued_count, 0)
        self.assertEqual(invoice.license_ids, license_)

    def test_what_would_be_over_today_is_left_out_unless_it_is_asked_for(self):
        invoice = self._sell_in_the_past(date=str(self.today - timedelta(days=366)))
        past = self._issue()
        self.assertFalse(invoice.license_ids)
        self.assertEqual(past.left_count, 1)
        self._issue(is_over_included=True)
        self.assertEqual(invoice.license_ids.status, "expired")

    def test_what_was_credited_in_full_is_left_out(self):
        invoice = self._sell(date=self.recent)
        self._refund(invoice)
        self.product.license_policy_id = self.policy
        self.assertEqual(self._issue().left_count, 1)
        self.assertFalse(invoice.license_ids)

    def test_only_the_chosen_products_and_days_are_issued(self):
        other = self._create_licensed_product()
        line = Command.create({"product_id": other.id, "price_unit": 5})
        other.license_policy_id = False
        first = self._sell_in_the_past()
        mixed = self._create_license_invoice(date=self.recent)
        mixed.invoice_line_ids = [line]
        mixed.invoice_line_ids.tax_ids = False
        self.product.license_policy_id = False
        mixed.action_post()
        self._pay(mixed)
        self.product.license_policy_id = other.license_policy_id = self.policy
        self._issue(date_from=self.today)
        self.assertFalse(first.license_ids | mixed.license_ids)
        self._issue(date_from=self.recent, date_to=self.recent)
        self.assertEqual((first | mixed).license_ids.product_id, self.product)
        self._issue(product_ids=[], policy_ids=self.policy.ids)
        self.assertEqual(mixed.license_ids.product_id, self.product | other)

    def test_one_invoice_that_fails_stops_no_other_and_is_listed(self):
        bad, good = self._sell_in_the_past(), self._sell_in_the_past()
        licenses = type(self.env["software.license"])
        prepare = licenses._prepare_license_vals
        problem = "No luck."

        def fail(self, line, *args):
            if line.move_id == bad:
                raise UserError(problem)
            return prepare(self, line, *args)

        with patch.object(licenses, "_prepare_license_vals", fail):
            past = self._issue()
        self.assertEqual(len(good.license_ids), 1)
        self.assertFalse(bad.license_ids)
        self.assertEqual(past.problem_ids.move_id, bad)
        self.assertEqual(past.problem_ids.problem, problem)
        self.assertEqual(past.state, "done")
        self._issue()
        self.assertEqual(len(bad.license_ids), 1)

    def test_a_policy_that_is_archived_is_a_problem_of_its_invoices(self):
        invoice = self._sell_in_the_past()
        self.policy.active = False
        past = self._issue()
        self.assertIn("archived", past.problem_ids.problem)
        self.assertFalse(invoice.license_ids)
        self.assertFalse(invoice.is_license_due)

    @mute_logger("odoo.addons.base.models.ir_cron")
    def test_work_goes_on_after_the_batch_that_was_done(self):
        invoices = [self._sell_in_the_past() for _each in range(3)]
        past = self._prepare()
        past.action_start()
        past.sudo()._do(past._get_next_moves(1))
        self.assertEqual(past.done_count, 1)
        past.action_stop()
        self._run_cron("cron_past_licenses")
        self.assertEqual((past.state, past.done_count), ("stopped", 1))
        past.action_start()
        self._run_cron("cron_past_licenses")
        self.assertEqual((past.done_count, past.issued_count), (3, 3))
        self.assertTrue(all(len(invoice.license_ids) == 1 for invoice in invoices))

    def test_a_batch_of_many_takes_as_many_statements_as_one_of_few(self):
        invoices = [self._sell_in_the_past() for _each in range(10)]
        past = self._prepare()
        past.action_start()
        past.sudo()._do(past._get_next_moves(1))  # what is read once
        counts = []
        for limit in (2, 7):
            self.env.flush_all()
            self.env.invalidate_all()
            moves = past.sudo()._get_next_moves(limit)
            before = self.env.cr.sql_log_count
            past.sudo()._do(moves)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[0], counts[1])
        self.assertTrue(all(len(invoice.license_ids) == 1 for invoice in invoices))

    # === E-MAILS === #

    def test_nobody_is_told_unless_it_is_asked_for(self):
        soon = self.today - timedelta(days=360)
        self.customer.email = "heron@example.com"
        self._sell_in_the_past(date=str(soon))
        over = self.today - timedelta(days=366)
        self._sell_in_the_past(date=str(over))
        self._issue(is_over_included=True)
        self.assertFalse(self._tell())

    def test_customers_get_their_keys_if_it_is_asked_for(self):
        self.customer.email = "heron@example.com"
        invoice = self._sell_in_the_past()
        self._issue(is_emailed=True)
        message = self._tell()
        self.assertEqual(message.kind, "issued")
        self.assertEqual(message.license_ids, invoice.license_ids)

    def test_of_an_end_that_comes_near_later_customers_are_told(self):
        self.customer.email = "heron@example.com"
        self._sell_in_the_past()
        self._issue()
        later = datetime.combine(self.today, time()) + timedelta(days=250)
        with patch.object(fields.Datetime, "now", lambda: later):
            self.assertEqual(self._tell().kind, "expiring")

    # === LEAVING === #

    def test_what_is_left_issues_nothing_ever_after(self):
        invoice = self._sell_in_the_past()
        past = self._issue(what="leave")
        self.assertTrue(invoice.invoice_line_ids.is_license_left)
        self.assertEqual(past.left_count, 1)
        self._issue()
        invoice.button_draft()
        invoice.action_post()
        self._run_cron("cron_issue_licenses")
        self.assertFalse(invoice.license_ids)

    def test_what_was_left_is_issued_if_it_is_asked_for(self):
        invoice = self._sell_in_the_past()
        self._issue(what="leave")
        self._issue(is_left_included=True)
        self.assertEqual(len(invoice.license_ids), 1)
        self.assertFalse(invoice.invoice_line_ids.is_license_left)

    # === THE FORM === #

    def test_the_preview_says_how_many_and_why_not(self):
        self._sell_in_the_past(quantity=2)
        self._sell_in_the_past()
        self._sell_in_the_past(date="2020-01-01")
        form = Form(self.env["software.license.past"])
        form.product_ids.add(self.product)
        self.assertIn(_row("<strong>Will be issued</strong>", 2, 1, 2), form.preview)
        self.assertIn(_row("Left out: over by now", 1, 1, ""), form.preview)
        self.policy.quantity_rule = "licenses"
        form.is_over_included = True
        self.assertIn(_row("<strong>Will be issued</strong>", 3, 1, 4), form.preview)
        form.what = "leave"
        self.assertIn(
            _row("<strong>Will be left without licenses</strong>", 3, 1), form.preview
        )

    def test_of_many_invoices_the_preview_counts_by_date_and_policy(self):
        self._sell_in_the_past(quantity=2)
        self._sell_in_the_past()
        self._sell_in_the_past(date="2020-01-01")
        past = self._prepare()
        exact = past.preview
        with patch(f"{PREVIEW}.MAX_LOOKED_AT", 0):
            past.invalidate_recordset(["preview"])
            self.assertTrue(past.preview.startswith(exact))
            self.assertGreater(past.preview, exact)

    def test_the_product_hints_at_its_past_until_somebody_decides(self):
        self._sell_in_the_past()
        self.assertTrue(self.product.has_license_past)
        action = self.product.action_issue_past()
        past = self.env[action["res_model"]].with_context(**action["context"])
        past.create({}).action_start()
        self._run_cron("cron_past_licenses")
        self.assertFalse(self.product.has_license_past)

    def test_a_product_without_a_past_does_not_hint_at_one(self):
        self.product.license_policy_id = self.policy
        self.assertFalse(self.product.has_license_past)

    def test_only_managers_decide_about_the_past(self):
        user = new_test_user(
            self.env, "past user", "software_license.group_license_user"
        )
        past = self._prepare()
        with self.assertRaises(AccessError):
            past.with_user(user).action_start()
        with self.assertRaises(AccessError):
            self.product.with_user(user).action_issue_past()

    def test_progress_is_not_set_by_hand_nor_a_choice_changed_on_the_way(self):
        past = self._prepare()
        with self.assertRaises(AccessError):
            past.state = "done"
        self._sell_in_the_past()
        past.action_start()
        with self.assertRaises(UserError):
            past.is_emailed = True
        with self.assertRaises(UserError):
            past.action_start()
        with self.assertRaises(UserError):
            past.unlink()

    def test_bad_choices_are_refused_by_name(self):
        with self.assertRaisesRegex(ValidationError, "Invoiced until"):
            self._prepare(date_from="2026-01-02", date_to="2026-01-01")
        self.product.license_policy_id = False
        with self.assertRaisesRegex(UserError, "Products: .*Editor"):
            self._prepare().action_start()


def _row(title, *cells):
    """Return a row of the preview's table."""
    cells = "".join(f'<td class="text-end">{cell}</td>' for cell in cells)
    return f"<tr><td>{title}</td>{cells}</tr>"
