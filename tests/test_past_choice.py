from psycopg2.errors import ForeignKeyViolation

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common_past import LicensePastCommon


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
