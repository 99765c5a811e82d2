from datetime import date, datetime

from odoo import Command
from odoo.tests import tagged

from .common import LicenseBillingCommon


@tagged("post_install", "-at_install")
class TestSubscriptionContract(LicenseBillingCommon):
    """Real OCA contract: pre-paid and post-paid, monthly and yearly in one contract."""

    def _create_contract(self, *lines, **vals):
        defaults = {
            "product_id": self.product.id,
            "name": "Editor",
            "quantity": 1,
            "price_unit": 10,
            "recurring_rule_type": "monthly",
            "recurring_interval": 1,
            "recurring_invoicing_type": "pre-paid",
            "date_start": "2026-01-01",
            "recurring_next_date": "2026-01-01",
        }
        return self.env["contract.contract"].create(
            {
                "name": "Maintenance",
                "partner_id": self.customer.id,
                "contract_type": "sale",
                "line_recurrence": True,
                "contract_line_ids": [
                    Command.create({**defaults, **line}) for line in lines or [{}]
                ],
                **vals,
            }
        )

    def _bill(self, contract, day, is_paid=True):
        """Let the contract make what is due on a day; return the invoices, posted."""
        invoices = contract._recurring_create_invoice(date_ref=date.fromisoformat(day))
        invoices.filtered(lambda move: not move.invoice_date).invoice_date = day
        invoices.action_post()
        if is_paid:
            self._pay(invoices)
        return invoices

    def _periods(self, invoices):
        return [
            (str(line.license_date_start), str(line.license_date_end))
            for line in invoices.invoice_line_ids
        ]

    def test_a_prepaid_month_is_the_month_that_begins(self):
        contract = self._create_contract()
        invoices = self._bill(contract, "2026-01-01")
        self.assertEqual(self._periods(invoices), [("2026-01-01", "2026-01-31")])
        self.assertEqual(invoices.license_ids.expires_at, datetime(2026, 2, 1))
        self.assertEqual(invoices.license_ids.subscription_ref, contract)

    def test_an_instance_is_sent_to_the_contract_s_portal_page(self):
        contract = self._create_contract()
        contract._portal_ensure_token()
        license_ = self._bill(contract, "2026-01-01").license_ids
        self.assertEqual(license_._get_billing_path(), f"/my/contracts/{contract.id}")

    def test_the_next_month_extends_the_same_key(self):
        contract = self._create_contract()
        first = self._bill(contract, "2026-01-01")
        second = self._bill(contract, "2026-02-01")
        self.assertEqual(self._periods(second), [("2026-02-01", "2026-02-28")])
        self.assertEqual(first.license_ids, second.license_ids)
        self.assertEqual(first.license_ids.expires_at, datetime(2026, 3, 1))

    def test_months_from_the_31st_follow_on_without_a_gap(self):
        contract = self._create_contract(
            {"date_start": "2026-01-31", "recurring_next_date": "2026-01-31"}
        )
        day, periods = "2026-01-31", []
        for _month in range(3):
            invoices = self._bill(contract, day)
            periods += self._periods(invoices)
            day = str(contract.contract_line_ids.recurring_next_date)
        for (_start, end), (start, _end) in zip(periods, periods[1:], strict=False):
            self.assertEqual(
                (date.fromisoformat(start) - date.fromisoformat(end)).days, 1
            )
        self.assertEqual(periods[0][0], "2026-01-31")

    def test_a_postpaid_month_is_the_month_that_ended(self):
        contract = self._create_contract(
            {
                "recurring_invoicing_type": "post-paid",
                "recurring_next_date": "2026-02-01",
            }
        )
        invoices = self._bill(contract, "2026-02-01")
        self.assertEqual(self._periods(invoices), [("2026-01-01", "2026-01-31")])

    def test_a_month_and_a_year_in_one_contract_each_have_their_own_period(self):
        server = self._create_licensed_product(
            self._create_policy(name="Server", application="acme-server"),
            property_account_income_id=self.product.property_account_income_id.id,
        )
        contract = self._create_contract(
            {}, {"product_id": server.id, "recurring_rule_type": "yearly"}
        )
        invoices = self._bill(contract, "2026-01-01")
        self.assertEqual(
            sorted(self._periods(invoices)),
            [("2026-01-01", "2026-01-31"), ("2026-01-01", "2026-12-31")],
        )
        ends = {it.application: it.expires_at for it in invoices.license_ids}
        self.assertEqual(
            ends,
            {
                "acme-editor": datetime(2026, 2, 1),
                "acme-server": datetime(2027, 1, 1),
            },
        )

    def test_a_line_that_ends_within_a_period_is_paid_until_it_ends(self):
        contract = self._create_contract({"date_end": "2026-01-20"})
        invoices = self._bill(contract, "2026-01-01")
        self.assertEqual(self._periods(invoices), [("2026-01-01", "2026-01-20")])

    def test_a_duplicated_invoice_extends_nothing(self):
        invoices = self._bill(self._create_contract(), "2026-01-01")
        duplicate = invoices.copy({"invoice_date": "2026-01-01"})
        duplicate.action_post()
        self._pay(duplicate)
        self.assertFalse(duplicate.license_ids)

    def test_a_purchase_contract_is_none_of_ours(self):
        line = self._bill(self._create_contract(), "2026-01-01").invoice_line_ids
        line.contract_line_id.contract_id.contract_type = "purchase"
        adapter = self.env["software.license.subscription.contract"]
        self.assertFalse(adapter._get_subscription(line))

    # === INVOICES MADE BEFORE THE ADDON === #

    def _bill_past(self, contract, *days):
        """Return invoices made and paid on days before the addon was installed."""
        self.product.license_policy_id = False
        invoices = self.env["account.move"].union(
            *(self._bill(contract, day) for day in days)
        )
        self._forget_periods(invoices)
        self.product.license_policy_id = self.policy
        return invoices

    def _past_periods(self, invoices):
        """Have licenses issued for past invoices; return the days they were told."""
        self._issue_past()
        return self._periods(invoices.sorted("id"))

    def test_a_backlog_billed_on_two_days_is_one_key_and_no_more_seats(self):
        contract = self._create_contract()
        invoices = self._bill_past(contract, "2026-03-20", "2026-03-21")
        self.assertEqual(
            self._past_periods(invoices),
            [("2026-01-01", "2026-01-31"), ("2026-02-01", "2026-02-28")],
        )
        self.assertEqual(len(invoices.license_ids), 1)
        self.assertEqual(invoices.license_ids.expires_at, datetime(2026, 3, 1))

    def test_a_backlog_of_one_unit_is_one_key_where_each_unit_has_its_own(self):
        self.policy.quantity_rule = "licenses"
        contract = self._create_contract()
        invoices = self._bill_past(contract, "2026-03-20", "2026-03-21")
        self._issue_past()
        self.assertEqual(len(invoices.license_ids), 1)

    def test_a_past_month_dated_late_joins_the_license_of_the_next(self):
        self.policy.quantity_rule = "licenses"
        contract = self._create_contract()
        past = self._bill_past(contract, "2026-01-20")
        license_ = self._bill(contract, "2026-02-01").license_ids
        self.assertEqual(self._past_periods(past), [("2026-01-01", "2026-01-31")])
        self.assertEqual(past.license_ids, license_)

    def test_the_past_may_be_issued_piece_by_piece(self):
        contract = self._create_contract()
        invoices = self._bill_past(contract, "2026-03-20", "2026-03-21", "2026-03-22")
        self._issue_past(date_from="2026-03-21", date_to="2026-03-21")
        self.assertEqual(
            self._past_periods(invoices),
            [
                ("2026-01-01", "2026-01-31"),
                ("2026-02-01", "2026-02-28"),
                ("2026-03-01", "2026-03-31"),
            ],
        )

    def test_a_contract_that_is_yearly_now_leaves_its_past_months_as_long(self):
        contract = self._create_contract()
        invoices = self._bill_past(contract, "2026-01-01", "2026-02-01")
        contract.contract_line_ids.recurring_rule_type = "yearly"
        year = self._bill(contract, "2026-03-01")
        self.assertEqual(
            self._past_periods(invoices),
            [("2026-01-01", "2026-01-31"), ("2026-02-01", "2026-02-28")],
        )
        self.assertEqual(self._periods(year), [("2026-03-01", "2027-02-28")])

    def test_a_contract_that_is_yearly_from_the_next_bill_on_leaves_them_too(self):
        contract = self._create_contract()
        invoices = self._bill_past(contract, "2026-01-01", "2026-02-01")
        contract.contract_line_ids.recurring_rule_type = "yearly"
        self.assertEqual(
            self._past_periods(invoices),
            [("2026-01-01", "2026-01-31"), ("2026-02-01", "2026-02-28")],
        )

    def test_a_past_month_billed_on_its_last_day_is_that_month(self):
        contract = self._create_contract(
            {
                "recurring_rule_type": "monthlylastday",
                "recurring_invoicing_type": "post-paid",
                "recurring_next_date": "2026-01-31",
            }
        )
        invoices = self._bill_past(contract, "2026-01-31", "2026-02-28")
        self.assertEqual(
            self._past_periods(invoices),
            [("2026-01-01", "2026-01-31"), ("2026-02-01", "2026-02-28")],
        )
        march = self._bill(contract, "2026-03-31")
        self.assertEqual(self._periods(march), [("2026-03-01", "2026-03-31")])

    def test_the_first_month_after_the_installation_begins_where_the_past_ends(self):
        contract = self._create_contract()
        past = self._bill_past(contract, "2026-01-01")
        february = self._bill(contract, "2026-02-01")
        self.assertEqual(self._periods(february), [("2026-02-01", "2026-02-28")])
        self.assertEqual(self._past_periods(past), [("2026-01-01", "2026-01-31")])

    def test_a_past_line_that_ended_within_a_period_begins_on_its_day(self):
        contract = self._create_contract({"date_end": "2026-02-20"})
        invoices = self._bill_past(contract, "2026-01-01", "2026-02-01")
        self.assertEqual(
            self._past_periods(invoices),
            [("2026-01-01", "2026-01-31"), ("2026-02-01", "2026-02-20")],
        )

    def test_a_past_month_whose_invoice_was_deleted_is_nobody_s(self):
        contract = self._create_contract()
        january = self._bill_past(contract, "2026-01-01")
        contract._recurring_create_invoice(date_ref=date(2026, 2, 1)).unlink()
        march = self._bill_past(contract, "2026-03-01")
        self.assertEqual(
            self._past_periods(january + march),
            [("2026-01-01", "2026-01-31"), ("2026-03-01", "2026-03-31")],
        )

    def test_a_copy_made_in_the_past_adds_no_seats(self):
        contract = self._create_contract()
        january = self._bill_past(contract, "2026-01-01")
        self.product.license_policy_id = False
        copy = january.copy({"invoice_date": "2026-01-05"})
        copy.action_post()
        self._pay(copy)
        copy.invoice_line_ids.is_license_duplicate = False
        self._forget_periods(copy)
        self.product.license_policy_id = self.policy
        february = self._bill_past(contract, "2026-02-01")
        self._issue_past()
        terms = (january + copy + february).license_ids.term_ids.sorted("date_start")
        self.assertEqual(len(terms), 3)
        for term, after in zip(terms, terms[1:], strict=False):
            self.assertLess(term.date_end, after.date_start)

    # === OPEN WHEN THE PRODUCT GETS ITS POLICY === #

    def test_a_past_month_paid_later_is_good_for_its_month(self):
        self.product.license_policy_id = False
        invoice = self._bill(self._create_contract(), "2026-01-01", is_paid=False)
        self._forget_periods(invoice)
        self.product.license_policy_id = self.policy
        self._pay(invoice)
        self.assertEqual(invoice.license_ids.expires_at, datetime(2026, 2, 1))

    def test_a_past_month_set_to_draft_and_posted_again_is_good_for_its_month(self):
        invoice = self._bill_past(self._create_contract(), "2026-01-01")
        invoice.button_draft()
        invoice.action_post()
        self.assertEqual(invoice.license_ids.expires_at, datetime(2026, 2, 1))
