from datetime import timedelta
from unittest.mock import patch

from psycopg2.errors import ForeignKeyViolation

from odoo.exceptions import AccessError, ConcurrencyError, UserError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from .common_past import LicensePastCommon

MODELS = "odoo.addons.software_license.models"


@tagged("post_install", "-at_install")
class TestPastChoice(LicensePastCommon):
    """A job is about the products that were chosen, whatever becomes of them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls._create_licensed_product()

    def setUp(self):
        super().setUp()
        self.beside = self._sell_in_the_past(product=self.other)
        self.invoice = self._sell_in_the_past()

    def _run_but(self, change, **vals):
        """Start a job about the product, change something, and let it work."""
        past = self._prepare(**vals)
        past.action_start()
        change()
        self._run_cron("cron_past_licenses")
        self.assertEqual(past.state, "done")

    def _archive(self):
        self.product.active = False

    def _unlicense(self):
        self.product.license_policy_id = False

    def _assert_nothing_beside(self):
        self.assertFalse(self.beside.license_ids)
        self.assertFalse(self.beside.invoice_line_ids.is_license_left)

    def test_a_product_that_was_archived_before_is_still_the_chosen_one(self):
        self._archive()
        past = self._issue(what="leave")
        self.assertEqual(past.product_ids, self.product)
        self.assertTrue(self.invoice.invoice_line_ids.is_license_left)
        self._issue(is_left_included=True)
        self.assertEqual(len(self.invoice.license_ids), 1)
        self._assert_nothing_beside()

    def test_a_product_that_is_archived_meanwhile_is_still_the_chosen_one(self):
        self._run_but(self._archive, what="leave")
        self.assertTrue(self.invoice.invoice_line_ids.is_license_left)
        self.product.active = True
        self._run_but(self._archive, is_left_included=True)
        self.assertEqual(len(self.invoice.license_ids), 1)
        self._assert_nothing_beside()

    def test_without_its_policy_nothing_is_done_instead(self):
        for what in ("issue", "leave"):
            self._run_but(self._unlicense, what=what)
            self.assertFalse(self.invoice.license_ids)
            self.assertFalse(self.invoice.invoice_line_ids.is_license_left)
            self._assert_nothing_beside()
            self.product.license_policy_id = self.policy

    def test_going_on_names_the_product_that_has_no_policy_any_more(self):
        past = self._prepare()
        past.action_start()
        past.action_stop()
        self._archive()
        self._unlicense()
        with self.assertRaisesRegex(UserError, "Products: .*Editor"):
            past.action_start()

    def test_a_product_that_was_chosen_is_not_deleted(self):
        for what in ("issue", "leave"):
            product = self._create_licensed_product(name=what)
            past = self._prepare(product_ids=product.ids, what=what)
            past.action_start()
            with (
                self.assertRaises(ForeignKeyViolation),
                mute_logger("odoo.sql_db"),
                self.env.cr.savepoint(),
            ):
                product.unlink()
            self._run_cron("cron_past_licenses")
            self.assertEqual(past.product_ids, product)
            self._assert_nothing_beside()

    def test_a_policy_that_is_archived_meanwhile_is_still_the_chosen_one(self):
        policy = self._create_policy(name="Another")
        self.other.license_policy_id = policy
        chosen = {"product_ids": [], "policy_ids": self.policy.ids}
        self._run_but(self.policy.action_archive, what="leave", **chosen)
        self.assertTrue(self.invoice.invoice_line_ids.is_license_left)
        self._run_but(self.policy.action_archive, is_left_included=True, **chosen)
        self._assert_nothing_beside()

    def test_products_of_another_policy_than_the_chosen_one_are_a_problem(self):
        policies = self._create_policy(name="Another")
        past = self._prepare(policy_ids=policies.ids)
        with self.assertRaisesRegex(UserError, "chosen license policies"):
            past.action_start()

    def test_deciding_about_an_archived_product_chooses_it(self):
        self._archive()
        action = self.product.action_issue_past()
        model = self.env[action["res_model"]].with_context(**action["context"])
        past = Form(model).save()
        self.assertEqual(past.product_ids, self.product)
        self.assertEqual(past.sudo()._get_products(), self.product)

    def test_a_debit_note_of_the_past_issues_nothing(self):
        self.invoice.auto_post_origin_id = self.beside  # as a note names its invoice
        with patch(f"{MODELS}.account_move_line_past.DEBITED", "auto_post_origin_id"):
            self.assertEqual(self._issue().total_count, 0)
            self.assertFalse(self.invoice.invoice_line_ids._filter_past())
        self.assertFalse(self.invoice.license_ids)
        self.assertEqual(self._issue().issued_count, 1)

    def test_only_the_job_leaves_lines_and_takes_that_back(self):
        line = self.invoice.invoice_line_ids
        self._refuses("is_license_left", line.write, {"is_license_left": True})
        self._refuses("is_license_left", line.create, {"is_license_left": True})
        default = line.with_context(default_is_license_left=True)
        self._refuses("is_license_left", default.create, {})
        self._issue(what="leave")
        self._refuses("is_license_left", line.write, {"is_license_left": False})

    def test_nobody_writes_the_hint_of_a_product(self):
        product = self.product.product_tmpl_id
        self._refuses("has_license_past", product.write, {"has_license_past": False})
        vals = {"name": "Hinted", "has_license_past": True}
        self._refuses("has_license_past", product.create, vals)
        default = product.with_context(default_has_license_past=True)
        self._refuses("has_license_past", default.create, {"name": "Hinted"})

    def test_progress_does_not_come_as_a_default_either(self):
        past = self.env["software.license.past"]
        for default in ({"state": "running"}, {"done_count": 1}):
            context = {f"default_{name}": value for name, value in default.items()}
            self._refuses(*default, past.with_context(**context).create, {})

    def test_a_draft_is_not_moved_to_a_company_of_others(self):
        company = self.env["res.company"].create({"name": "Foreign"})
        manager = new_test_user(
            self.env, "past manager", "software_license.group_license_manager"
        )
        past = self._prepare(product_ids=[]).with_user(manager)
        manager.company_id = past.company_id
        with self.assertRaises(AccessError):
            past.company_id = company

    # === THE WORK === #

    def test_a_rivals_commit_is_no_problem_of_an_invoice(self):
        licenses = self.env["software.license"]

        def meet_rival():
            raise ConcurrencyError("rival")

        with self.assertRaises(ConcurrencyError):
            licenses._try(lambda: licenses._try(meet_rival, "inner"), "outer")

    def test_what_was_left_stays_left_when_it_can_not_be_issued(self):
        self._issue(what="leave")
        self.policy.active = False
        self.assertTrue(self._issue(is_left_included=True).problem_ids)
        self.assertTrue(self.invoice.invoice_line_ids.is_license_left)

    def test_a_license_that_was_deleted_is_issued_again_by_the_next_run(self):
        self._issue()
        self.invoice.license_ids.unlink()
        self._issue()
        self.assertEqual(len(self.invoice.license_ids), 1)

    def test_what_is_over_when_it_is_issued_is_not_told_to_expire(self):
        self.customer.email = "heron@example.com"
        days = [self.today - timedelta(days=days) for days in (366, 360)]
        over, soon = [self._sell_in_the_past(date=str(day)) for day in days]
        self._issue(is_over_included=True, is_emailed=True)
        ends = self._tell().filtered(lambda message: message.kind != "issued")
        self.assertEqual(ends.license_ids, soon.license_ids)
        self.assertEqual(over.license_ids.status, "expired")

    # === HINTS === #

    def test_a_product_hints_at_its_past_until_all_of_it_was_decided(self):
        self._issue(date_from=self.today, what="leave")
        self.assertTrue(self.product.has_license_past)
        company = self.env["res.company"].create({"name": "Ours, too"})
        self._issue(company_id=company.id)
        self.assertTrue(self.product.has_license_past)
        self._issue(date_to=self.today)
        self.assertFalse(self.product.has_license_past)
        self.assertTrue(self.other.has_license_past)

    def test_the_preview_counts_customers_whose_license_was_made_by_hand(self):
        hint = "Customers who have a license for it by hand or by import: 1."
        stranger = self._create_license(self.policy, product_id=self.other.id)
        self.assertNotIn("by hand", self._prepare().preview)
        stranger.copy({"partner_id": self.customer.id})
        self.assertIn(hint, self._prepare().preview)
        self.assertNotIn("by hand", self._prepare(what="leave").preview)

    def _refuses(self, name, function, vals):
        with self.assertRaisesRegex(AccessError, name):
            function(vals)
