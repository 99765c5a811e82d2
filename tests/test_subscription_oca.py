from datetime import date, datetime

from freezegun import freeze_time

from odoo import Command
from odoo.tests import tagged

from .common import LicenseBillingCommon


class SubscriptionOcaCommon(LicenseBillingCommon):
    """Base of the tests of a real subscription_oca."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # A missing module is a failure here, not a skip.
        cls.pricelist = cls.env["product.pricelist"].create({"name": "Public"})
        cls.template = cls.env["sale.subscription.template"].create(
            {
                "name": "Monthly",
                "recurring_rule_type": "months",
                "recurring_interval": 1,
                "invoicing_mode": "draft",
            }
        )
        cls.product.write(
            {"subscribable": True, "subscription_template_id": cls.template.id}
        )

    def _subscribe(self, start="2026-01-01", quantity=1, product=None, **vals):
        return self.env["sale.subscription"].create(
            {
                "partner_id": self.customer.id,
                "template_id": self.template.id,
                "pricelist_id": self.pricelist.id,
                "date_start": start,
                "recurring_next_date": start,
                "sale_subscription_line_ids": [
                    Command.create(
                        {
                            "product_id": (product or self.product).id,
                            "product_uom_qty": quantity,
                            "price_unit": 10,
                            "tax_ids": False,
                        }
                    )
                ],
                **vals,
            }
        )

    def _bill(self, subscription, is_paid=True):
        """Let the subscription make its next invoice; return it, posted."""
        before = subscription.invoice_ids
        subscription.generate_invoice()
        invoice = subscription.invoice_ids - before
        invoice.action_post()
        if is_paid:
            self._pay(invoice)
        return invoice

    def _bill_by_order(self, subscription):
        """Let the subscription make its next order, and pay the invoice of that."""
        subscription.generate_invoice()
        invoice = subscription.sale_order_ids.invoice_ids.filtered(
            lambda move: move.payment_state == "not_paid"
        )
        self._pay(invoice)
        return invoice


@tagged("post_install", "-at_install")
class TestSubscriptionOca(SubscriptionOcaCommon):
    """What the invoices of a subscription bill is what the key is good for."""

    def test_the_subscriptions_own_cron_makes_the_invoice_that_issues(self):
        subscription = self._subscribe()
        subscription.stage_id = self.env.ref(
            "subscription_oca.subscription_stage_ready"
        )
        with freeze_time("2026-01-01"):
            self.env["sale.subscription"].cron_subscription_management()
        invoice = subscription.invoice_ids
        invoice.action_post()
        self._pay(invoice)
        self.assertEqual(len(invoice.license_ids), 1)
        self.assertEqual(invoice.license_ids.subscription_ref, subscription)

    def test_the_period_is_stamped_when_the_invoice_is_made(self):
        line = self._bill(self._subscribe(), is_paid=False).invoice_line_ids
        self.assertEqual(line.license_date_start, date(2026, 1, 1))
        self.assertEqual(line.license_date_end, date(2026, 1, 31))

    def test_the_period_is_the_subscriptions_and_not_the_policys(self):
        license_ = self._bill(self._subscribe()).license_ids
        self.assertEqual(license_.expires_at, datetime(2026, 2, 1))

    def test_the_next_paid_invoice_extends_the_same_key(self):
        subscription = self._subscribe()
        first, second = self._bill(subscription), self._bill(subscription)
        self.assertEqual(first.license_ids, second.license_ids)
        self.assertEqual(first.license_ids.expires_at, datetime(2026, 3, 1))

    def test_a_replaced_key_stays_on_its_subscription_with_its_devices(self):
        subscription = self._subscribe()
        license_ = self._bill(subscription).license_ids
        self._activate(license_, "laptop", datetime(2026, 1, 2))
        license_.action_replace_key()
        self.assertEqual(self._bill(subscription).license_ids, license_)
        self.assertEqual(license_.expires_at, datetime(2026, 3, 1))
        self.assertEqual(license_.activation_ids.device_id, "laptop")
        self.assertEqual(license_.seat_count, 1)

    def test_periods_are_right_whenever_and_in_whatever_order_they_are_paid(self):
        subscription = self._subscribe()
        first = self._bill(subscription, is_paid=False)
        second = self._bill(subscription, is_paid=False)
        self._pay(second)
        license_ = second.license_ids
        self.assertEqual(license_.expires_at, datetime(2026, 3, 1))
        self._pay(first)
        self.assertEqual(first.license_ids, license_)
        self.assertEqual(license_.expires_at, datetime(2026, 3, 1))
        self._unpay(second)
        self.assertEqual(license_.expires_at, datetime(2026, 2, 1))
        self._unpay(first)
        self.assertEqual(license_.status, "suspended")

    def test_the_first_orders_invoice_belongs_to_the_subscription_it_starts(self):
        order = self.env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "order_line": [Command.create({"product_id": self.product.id})],
            }
        )
        with freeze_time("2026-01-01"):
            order.action_confirm()
            invoice = order._create_invoices()
            invoice.invoice_date = "2026-01-01"
            invoice.action_post()
            self._pay(invoice)
        license_, subscription = invoice.license_ids, order.subscription_ids
        self.assertEqual(license_.subscription_ref, subscription)
        self.assertEqual(license_.expires_at, datetime(2026, 2, 1))
        self.assertEqual(self._bill(subscription).license_ids, license_)
        self.assertEqual(license_.expires_at, datetime(2026, 3, 1))

    def test_a_trial_on_the_first_order_becomes_the_key_of_its_subscription(self):
        self.policy.write({"issue_on": "order", "trial_days": 14})
        order = self._order()
        license_, subscription = order.license_ids, order.subscription_ids
        self.assertTrue(license_.trial_ends_at)
        invoice = order._create_invoices()
        invoice.action_post()
        self._pay(invoice)
        self.assertEqual(invoice.license_ids, license_)
        self.assertFalse(license_.trial_ends_at)
        self.assertEqual(license_.subscription_ref, subscription)
        self.assertEqual(self._bill(subscription).license_ids, license_)

    def test_an_old_order_changed_later_gives_no_second_key(self):
        self.policy.write({"issue_on": "order", "trial_days": 14})
        order = self._order()
        license_ = order.license_ids
        invoice = order._create_invoices()
        invoice.action_post()
        self._pay(invoice)
        order.subscription_ids.unlink()
        order.order_line.product_uom_qty = 3
        self.assertEqual(order.license_ids, license_)

    def test_a_subscriptions_own_orders_give_no_key_before_they_are_paid(self):
        self.policy.write({"issue_on": "order", "trial_days": 14})
        self.product.subscribable = False
        self.template.invoicing_mode = "sale_and_invoice"
        subscription = self._subscribe()
        licenses = self.env["software.license"]
        for _period in range(2):
            self._bill_by_order(subscription)
            licenses |= subscription.sale_order_ids.license_ids
        self.assertEqual(len(licenses), 1)
        self.assertEqual(
            sorted(licenses.term_ids.mapped("source")), ["invoice", "invoice", "trial"]
        )

    def test_the_mode_sale_order_and_invoice_extends_the_same_key(self):
        self.product.subscribable = False  # else each order starts a subscription
        self.template.invoicing_mode = "sale_and_invoice"
        subscription = self._subscribe()
        licenses = self.env["software.license"]
        for _period in range(2):
            invoice = self._bill_by_order(subscription)
            licenses |= invoice.license_ids
        self.assertEqual(len(licenses), 1)
        self.assertEqual(licenses.expires_at, datetime(2026, 3, 1))
        self.assertEqual(licenses.subscription_ref, subscription)

    def test_a_duplicated_invoice_extends_nothing(self):
        subscription = self._subscribe()
        invoice = self._bill(subscription)
        for _turn in range(2):
            duplicate = invoice.copy({"invoice_date": invoice.invoice_date})
            duplicate.action_post()
            self._pay(duplicate)
            self.assertFalse(duplicate.license_ids)
            self.assertFalse(duplicate.license_problem)
            self.assertIn("does not extend", str(duplicate.message_ids.mapped("body")))
            invoice = duplicate  # a duplicate of a duplicate is one, too
        license_ = subscription.invoice_ids.license_ids
        self.assertEqual(license_.expires_at, datetime(2026, 2, 1))

    def test_a_copy_of_a_cancelled_invoice_bills_its_period(self):
        subscription = self._subscribe()
        invoice = self._bill(subscription, is_paid=False)
        invoice.button_draft()
        invoice.button_cancel()
        copy = invoice.copy({"invoice_date": "2026-01-03"})
        copy.action_post()
        self._pay(copy)
        self.assertEqual(copy.license_ids.expires_at, datetime(2026, 2, 1))
        self.assertEqual(copy.license_ids.subscription_ref, subscription)

    def test_an_invoice_made_before_the_addon_was_there_belongs_to_its_subscription(
        self,
    ):
        subscription = self._subscribe()
        invoice = self._bill(subscription, is_paid=False)
        self._forget_periods(invoice)
        invoice.is_license_due = True
        self._pay(invoice)
        self.assertEqual(invoice.license_ids.subscription_ref, subscription)
        second = self._bill(subscription)
        self.assertEqual(invoice.license_ids, second.license_ids)

    def _bill_past(self, subscription, *days):
        """Return invoices of before the addon, dated as somebody liked; paid."""
        self.product.license_policy_id = False
        invoices = self.env["account.move"]
        for day in days:
            subscription.generate_invoice()
            invoice = subscription.invoice_ids - invoices
            invoice.invoice_date = day
            invoice.action_post()
            self._pay(invoice)
            invoices += invoice
        self._forget_periods(invoices)
        self.product.license_policy_id = self.policy
        return invoices

    def test_past_invoices_dated_late_are_one_key_for_the_days_they_billed(self):
        self.policy.quantity_rule = "licenses"
        subscription = self._subscribe()
        past = self._bill_past(subscription, "2026-01-20", "2026-02-15")
        license_ = self._bill(subscription).license_ids
        self._issue_past()
        self.assertEqual(past.license_ids, license_)
        self.assertEqual(
            [str(line.license_date_end) for line in past.invoice_line_ids],
            ["2026-01-31", "2026-02-28"],
        )

    def test_the_last_past_invoice_dated_late_ends_before_the_next_is_due(self):
        past = self._bill_past(self._subscribe(), "2026-01-20")
        self._issue_past()
        self.assertEqual(past.license_ids.expires_at, datetime(2026, 2, 1))

    def test_a_past_first_order_is_the_first_period_whenever_it_was_billed(self):
        order = self._order()
        subscription = order.subscription_ids
        subscription.write(
            {"date_start": "2026-01-01", "recurring_next_date": "2026-02-01"}
        )
        invoice = order._create_invoices()
        invoice.invoice_date = "2026-01-20"
        invoice.action_post()
        self._forget_periods(invoice)
        license_ = self._bill(subscription).license_ids
        self._pay(invoice)
        self._issue_past()
        self.assertEqual(invoice.license_ids, license_)
        self.assertEqual(invoice.invoice_line_ids.license_date_end, date(2026, 1, 31))

    def test_an_invoice_open_when_its_product_gets_a_policy_is_good_for_its_period(
        self,
    ):
        self.product.license_policy_id = False
        invoice = self._bill(self._subscribe(), is_paid=False)
        self._forget_periods(invoice)
        self.product.license_policy_id = self.policy
        self._pay(invoice)
        self.assertEqual(invoice.license_ids.expires_at, datetime(2026, 2, 1))

    def test_a_refunded_period_is_gone_and_the_one_before_stays(self):
        subscription = self._subscribe()
        self._bill(subscription)
        second = self._bill(subscription)
        self._refund(second)
        self.assertEqual(second.license_ids.expires_at, datetime(2026, 2, 1))

    def test_a_corrected_invoice_pays_the_same_period(self):
        invoice = self._bill(self._subscribe())
        corrected = self._correct(invoice)
        self.assertEqual(corrected.license_ids, invoice.license_ids)
        self.assertEqual(invoice.license_ids.expires_at, datetime(2026, 2, 1))
        self.assertFalse(invoice.license_ids.is_payment_reversed)

    def test_each_unit_of_a_subscription_keeps_its_own_key(self):
        self.policy.quantity_rule = "licenses"
        subscription = self._subscribe(quantity=3)
        first, second = self._bill(subscription), self._bill(subscription)
        self.assertEqual(len(first.license_ids), 3)
        self.assertEqual(first.license_ids, second.license_ids)

    def test_products_of_one_application_share_a_key_and_others_do_not(self):
        more_seats = self._create_licensed_product(
            self._create_policy(name="Seats"),
            property_account_income_id=self.product.property_account_income_id.id,
        )
        server = self._create_licensed_product(
            self._create_policy(name="Server", application="acme-server"),
            property_account_income_id=self.product.property_account_income_id.id,
        )
        subscription = self._subscribe(
            sale_subscription_line_ids=[
                Command.create(
                    {"product_id": product.id, "price_unit": 10, "tax_ids": False}
                )
                for product in (self.product, more_seats, server)
            ]
        )
        licenses = self._bill(subscription).license_ids
        self.assertEqual(
            sorted(licenses.mapped("application")), ["acme-editor", "acme-server"]
        )

    def _create_other_plan(self):
        return self._create_licensed_product(
            self._create_policy(
                name="Editor Team", plan="team", max_activations=9, features={"sso": 1}
            ),
            name="Editor Team",
            property_account_income_id=self.product.property_account_income_id.id,
        )

    def test_a_plan_switched_keeps_the_key_and_grants_the_new_plan(self):
        with freeze_time("2026-01-10"):
            subscription = self._subscribe()
            license_ = self._bill(subscription).license_ids
            team = self._create_other_plan()
            subscription.sale_subscription_line_ids.product_id = team
            self._bill(subscription)
            # Paid early: what January was paid for, it gets.
            self.assertEqual(license_.plan, "pro")
        with freeze_time("2026-02-01"):
            license_._refresh_quantities()
            self.assertEqual(license_.plan, "team")
            self.assertEqual(license_.product_id, team)
            self.assertEqual(license_.seat_limit, 9)
            self.assertEqual(len(subscription.invoice_ids.license_ids), 1)

    def test_a_plan_refunded_falls_back_to_the_one_before(self):
        with freeze_time("2026-02-10"):
            subscription = self._subscribe()
            license_ = self._bill(subscription).license_ids
            subscription.sale_subscription_line_ids.product_id = (
                self._create_other_plan()
            )
            second = self._bill(subscription)
            self.assertEqual(license_.plan, "team")
            self._refund(second)
            self.assertEqual(license_.plan, "pro")

    def test_seats_added_to_an_open_invoice_are_for_its_period(self):
        subscription = self._subscribe()
        subscription.generate_invoice()
        invoice = subscription.invoice_ids
        more = Command.create(
            {"product_id": self.product.id, "quantity": 2, "tax_ids": False}
        )
        invoice.invoice_line_ids = [more]
        invoice.invoice_line_ids[0].unlink()
        invoice.invoice_line_ids = [more]
        invoice.action_post()
        self._pay(invoice)
        self.assertEqual(
            set(invoice.invoice_line_ids.mapped("license_date_start")),
            {date(2026, 1, 1)},
        )
        self.assertEqual(invoice.license_ids.expires_at, datetime(2026, 2, 1))
        self.assertEqual(invoice.license_ids.quantity, 4)

    def test_a_line_entered_again_keeps_the_period(self):
        subscription = self._subscribe()
        subscription.generate_invoice()
        invoice = subscription.invoice_ids
        invoice.invoice_line_ids.unlink()
        invoice.invoice_line_ids = [
            Command.create({"product_id": self.product.id, "tax_ids": False})
        ]
        self.assertEqual(invoice.invoice_line_ids.license_date_end, date(2026, 1, 31))

    def test_a_subscription_deleted_before_payment_leaves_a_readable_license(self):
        subscription = self._subscribe()
        invoice = self._bill(subscription, is_paid=False)
        subscription.unlink()
        self._pay(invoice)
        license_ = invoice.license_ids
        license_.invalidate_recordset()
        self.assertFalse(license_.subscription_ref)
        self.assertEqual(license_.expires_at, datetime(2026, 2, 1))

    def test_two_subscriptions_of_a_customer_do_not_mix(self):
        one, other = self._bill(self._subscribe()), self._bill(self._subscribe())
        self.assertNotEqual(one.license_ids, other.license_ids)

    def test_a_subscription_deleted_leaves_the_license_readable(self):
        subscription = self._subscribe()
        license_ = self._bill(subscription).license_ids
        subscription.unlink()
        license_.invalidate_recordset()
        self.assertTrue(license_.read(["license_key", "expires_at"]))

    # === PAUSED, CLOSED, REOPENED === #

    def _start(self, **kwargs):
        subscription = self._subscribe(**kwargs)
        subscription.action_start_subscription()
        return subscription

    def _run_subscriptions(self):
        """Run the module's own cron, and post and pay what it made."""
        drafts = [("state", "=", "draft"), ("subscription_id", "!=", False)]
        self.env["sale.subscription"].cron_subscription_management()
        invoices = self.env["account.move"].search(drafts)
        if invoices:
            invoices.action_post()
            self._pay(invoices)
        return invoices

    def test_a_paused_subscriptions_key_runs_to_the_end_of_what_is_paid(self):
        with freeze_time("2026-01-01"):
            subscription = self._start()
            license_ = self._run_subscriptions().license_ids
            subscription.action_pause()
        with freeze_time("2026-01-31"):
            license_.invalidate_recordset()
            self.assertEqual(license_.status, "active")
        with freeze_time("2026-02-01"):
            self.assertFalse(self._run_subscriptions())
            license_.invalidate_recordset()
            self.assertEqual(license_.status, "expired")
            subscription.action_resume()
            self.assertEqual(self._run_subscriptions().license_ids, license_)
            self.assertEqual(license_.status, "active")
            self.assertEqual(license_.expires_at, datetime(2026, 3, 1))

    def test_a_closed_subscriptions_key_runs_out_and_comes_back_when_it_is_reopened(
        self,
    ):
        with freeze_time("2026-01-01"):
            subscription = self._start()
            license_ = self._run_subscriptions().license_ids
            subscription.close_subscription()
            self.assertEqual(license_.status, "active")
        with freeze_time("2026-02-01"):
            self.assertFalse(self._run_subscriptions())
            license_.invalidate_recordset()
            self.assertEqual(license_.status, "expired")
        with freeze_time("2026-04-10"):
            subscription.action_start_subscription()
            # The module counts from its last date on; start anew at today's.
            subscription.recurring_next_date = "2026-04-10"
            self.assertEqual(self._run_subscriptions().license_ids, license_)
            self.assertEqual(license_.status, "active")
            self.assertEqual(license_.expires_at, datetime(2026, 5, 10))

    # === RENEWALS === #

    def test_a_late_renewal_leaves_the_gap_and_continues_the_key(self):
        with freeze_time("2026-01-01"):
            subscription = self._subscribe()
            license_ = self._bill(subscription).license_ids
        with freeze_time("2026-02-20"):
            february = self._bill(subscription, is_paid=False)
            self.assertEqual(license_.status, "expired")
            self._pay(february)
            self.assertEqual(february.license_ids, license_)
            self.assertEqual(license_.status, "active")
            self.assertEqual(license_.expires_at, datetime(2026, 3, 1))

    def test_a_renewal_paid_early_lengthens_the_key_at_once(self):
        with freeze_time("2026-01-01"):
            subscription = self._subscribe(quantity=2)
            license_ = self._bill(subscription).license_ids
            subscription.sale_subscription_line_ids.product_uom_qty = 3
            self._bill(subscription)
            self.assertEqual(license_.expires_at, datetime(2026, 3, 1))
            self.assertEqual(license_.quantity, 2)  # what January was paid for
        with freeze_time("2026-02-01"):
            license_._refresh_quantities()
            self.assertEqual(license_.quantity, 3)

    def test_a_renewal_paid_twice_counts_once(self):
        with freeze_time("2026-01-01"):
            subscription = self._subscribe()
            invoice = self._bill(subscription)
            again = self.env["account.payment"].create(
                {"partner_id": self.customer.id, "amount": invoice.amount_total}
            )
            again.action_post()
            license_ = invoice.license_ids
            self.env["account.move"]._issue_licenses()
            self.assertEqual(license_.expires_at, datetime(2026, 2, 1))
            self.assertEqual(len(license_.term_ids), 1)

    def test_fewer_units_in_the_next_period_keep_devices_and_refuse_new_ones(self):
        with freeze_time("2026-01-01"):
            subscription = self._subscribe(quantity=2)
            license_ = self._bill(subscription).license_ids
            for device in ("desk", "laptop", "studio", "spare"):
                self.assertTrue(self._activate(license_, device)[1].is_valid)
            subscription.sale_subscription_line_ids.product_uom_qty = 1
            self._bill(subscription)
            self.assertEqual(license_.seat_usage, "4 / 4")
        with freeze_time("2026-02-01"):
            self.assertTrue(self._activate(license_, "spare")[1].is_valid)
            _facts, answer = self._activate(license_, "another")
            self.assertEqual(answer.error, "activation_limit_reached")
            license_.invalidate_recordset()
            self.assertTrue(license_.is_over_limit)
            self.assertEqual(license_.seat_usage, "4 / 2")

    # === INVOICING MODES === #

    def test_each_invoicing_mode_bills_periods_that_extend_the_same_key(self):
        self.product.subscribable = False  # else each order starts a subscription
        field = self.env["sale.subscription.template"]._fields["invoicing_mode"]
        modes = field.get_values(self.env)
        self.assertEqual(len(modes), 4)
        for mode in modes:
            self.template.invoicing_mode = mode
            subscription = self._subscribe()
            invoices = self.env["account.move"]
            for _period in range(2):
                before = self.env["account.move"].search([])
                subscription.generate_invoice()
                invoice = self.env["account.move"].search([]) - before
                if invoice.state == "draft":
                    invoice.action_post()
                self._pay(invoice)
                invoices += invoice
            with self.subTest(mode):
                self.assertEqual(len(invoices.license_ids), 1)
                self.assertEqual(invoices.license_ids.subscription_ref, subscription)
                self.assertEqual(invoices.license_ids.expires_at, datetime(2026, 3, 1))

    # === COMPANIES === #

    def test_subscriptions_of_two_companies_to_one_customer_do_not_mix(self):
        other = self.setup_other_company()
        company = other["company"]
        product = self.product.with_company(company)
        product.property_account_income_id = other["default_account_revenue"]
        ours = self._bill(self._subscribe())
        subscription = self._subscribe(company_id=company.id).with_company(company)
        theirs = self._bill(subscription)
        self.assertEqual(theirs.license_ids.company_id, company)
        self.assertEqual(len((ours + theirs).license_ids), 2)
        self._refund(theirs)
        self.assertEqual(theirs.license_ids.status, "suspended")
        self.assertEqual(ours.license_ids.expires_at, datetime(2026, 2, 1))
        self.assertFalse(ours.license_ids.is_payment_reversed)

    # === CUSTOMER, PRODUCT, POLICY === #

    def test_what_is_merged_archived_or_changed_does_not_stop_renewals(self):
        with freeze_time("2026-01-10"):
            subscription = self._subscribe()
            license_ = self._bill(subscription).license_ids
            kept = self._merge_customer()
            self.assertEqual(license_.partner_id, kept)
            self.product.product_tmpl_id.action_archive()
            self.policy.write({"max_activations": 9, "features": {"sso": True}})
            self.assertEqual(license_.status, "active")
            second = self._bill(subscription)
            self.assertEqual(second.license_ids, license_)
            self.assertEqual(license_.expires_at, datetime(2026, 3, 1))
            self.assertEqual(license_.seat_limit, 9)
