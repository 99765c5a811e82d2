from datetime import date

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .common import LicenseBillingCommon, LicenseCommon


class ReportCommon:
    def _get_rows(self, licenses):
        """Return [(kind, day)] of what the report says of licenses, in order."""
        self.env.flush_all()
        rows = self.env["software.license.report"].search(
            [("license_id", "in", licenses.ids)], order="date, id"
        )
        return [(row.kind, row.date.isoformat()) for row in rows]


@tagged("post_install", "-at_install")
class TestLicenseReport(ReportCommon, LicenseCommon):
    """Licenses given by hand: each term is a row of the ledger."""

    def _create_with_terms(self, *terms, **vals):
        """Return a license with terms of (source, first day, last day)."""
        return self._create_license(
            term_ids=[
                Command.create({"source": source, "date_start": start, "date_end": end})
                for source, start, end in terms
            ],
            **vals,
        )

    def test_a_license_is_issued_on_the_first_day_of_its_first_term(self):
        license_ = self._create_with_terms(("manual", "2026-03-10", "2099-03-09"))
        self.assertEqual(self._get_rows(license_), [("issued", "2026-03-10")])

    def test_a_later_term_that_ends_later_renews(self):
        license_ = self._create_with_terms(
            ("manual", "2025-01-01", "2025-12-31"),
            ("manual", "2026-01-01", "2099-12-31"),
            ("manual", "2026-06-01", "2099-12-31"),  # seats in the middle
        )
        self.assertEqual(
            self._get_rows(license_),
            [("issued", "2025-01-01"), ("renewed", "2026-01-01")],
        )

    def test_what_never_ends_is_not_renewed(self):
        license_ = self._create_with_terms(
            ("manual", "2025-01-01", False), ("manual", "2026-01-01", "2099-12-31")
        )
        self.assertEqual(self._get_rows(license_), [("issued", "2025-01-01")])

    def test_the_first_payment_of_a_trial_converts_it(self):
        license_ = self._create_with_terms(
            ("trial", "2026-01-01", "2026-01-14"),
            ("trial", "2026-01-15", "2026-01-28"),  # prolonged
            ("manual", "2026-01-20", "2027-01-19"),
            ("manual", "2027-01-20", "2099-01-19"),
        )
        self.assertEqual(
            self._get_rows(license_),
            [
                ("issued", "2026-01-01"),
                ("converted", "2026-01-20"),
                ("renewed", "2027-01-20"),
            ],
        )

    def test_a_license_that_ended_churned_on_its_last_day_after_its_grace(self):
        with freeze_time("2026-02-01"):
            license_ = self._create_with_terms(("manual", "2025-01-01", "2026-01-31"))
            self.assertIn(("churned", "2026-01-31"), self._get_rows(license_))
            license_.policy_id.grace_days = 5
            self.assertNotIn(("churned", "2026-01-31"), self._get_rows(license_))
        with freeze_time("2026-02-07"):
            self.assertIn(("churned", "2026-01-31"), self._get_rows(license_))

    def test_what_is_renewed_in_the_end_never_churned(self):
        license_ = self._create_with_terms(
            ("manual", "2024-01-01", "2024-12-31"),
            ("manual", "2026-01-01", "2099-12-31"),
        )
        kinds = [kind for kind, _day in self._get_rows(license_)]
        self.assertEqual(kinds, ["issued", "renewed"])

    def test_an_end_brought_forward_by_hand_is_the_day_of_the_churn(self):
        license_ = self._create_with_terms(("manual", "2024-01-01", "2099-12-31"))
        license_.expires_at = "2024-07-01"
        self.assertEqual(self._get_rows(license_)[-1], ("churned", "2024-06-30"))

    def test_each_row_has_an_id_of_its_own_and_leads_to_its_license(self):
        licenses = self._create_with_terms(("manual", "2024-01-01", "2024-12-31"))
        licenses += self._create_with_terms(("manual", "2024-01-01", "2024-12-31"))
        rows = self.env["software.license.report"].search(
            [("license_id", "in", licenses.ids)]
        )
        self.assertEqual(len(set(rows.ids)), 4)
        action = rows[0].action_open_license()
        self.assertEqual(action["res_id"], rows[0].license_id.id)

    def test_it_tells_plans_and_products_apart_by_month(self):
        policy = self._create_policy(application="x-report", plan="gold")
        product = self._create_licensed_product(policy)
        for day in ("2026-03-01", "2026-03-31", "2026-04-01"):
            license_ = self._create_license(
                policy,
                product_id=product.id,
                term_ids=[Command.create({"date_start": day, "date_end": False})],
            )
        self.env.flush_all()
        read = self.env["software.license.report"]._read_group(
            [("application", "=", "x-report")],
            ["date:month", "plan", "product_id", "policy_id", "company_id", "kind"],
            ["__count", "quantity:sum"],
        )
        same = ("gold", product, policy, license_.company_id, "issued")
        self.assertEqual(
            read, [(date(2026, 3, 1), *same, 2, 2), (date(2026, 4, 1), *same, 1, 1)]
        )

    @freeze_time("2026-05-20")
    def test_the_chart_counts_each_month_of_a_year_up_to_this_one(self):
        Report = self.env["software.license.report"]
        before = self._get_counts(Report.get_chart())
        self._create_with_terms(("manual", "2026-05-31", "2099-12-31"))
        self._create_with_terms(("manual", "2025-06-01", "2026-04-30"))
        self._create_with_terms(("manual", "2025-05-31", "2099-12-31"))  # too old
        self._create_with_terms(("manual", "2026-06-01", "2099-12-31"))  # to come
        chart = Report.get_chart()
        self.assertEqual(chart["months"][0], "2025-06-01")
        self.assertEqual(chart["months"][-1], "2026-05-01")
        more = {
            (kind, month): count - before[kind, month]
            for (kind, month), count in self._get_counts(chart).items()
            if count != before[kind, month]
        }
        self.assertEqual(
            more,
            {
                ("issued", "2025-06-01"): 1,
                ("issued", "2026-05-01"): 1,
                ("churned", "2026-04-01"): 1,
            },
        )

    def _get_counts(self, chart):
        return {
            (series["kind"], month): count
            for series in chart["series"]
            for month, count in zip(chart["months"], series["counts"], strict=True)
        }

    def test_users_and_accountants_read_it_and_nobody_writes(self):
        license_ = self._create_with_terms(("manual", "2024-01-01", "2024-12-31"))
        for group in (
            "software_license.group_license_user",
            "account.group_account_invoice",
            "account.group_account_readonly",
        ):
            user = new_test_user(self.env, group, group)
            Report = self.env["software.license.report"].with_user(user)
            rows = Report.search([("license_id", "=", license_.id)])
            with self.subTest(group):
                self.assertEqual(len(rows.mapped("partner_id.name")), 1)
                for operation in ("write", "create", "unlink"):
                    self.assertFalse(rows.has_access(operation))
        for group in ("base.group_user", "base.group_portal"):
            user = new_test_user(self.env, group, group)
            with self.subTest(group), self.assertRaises(AccessError):
                Report.with_user(user).search([])

    def test_two_companies_never_mix(self):
        license_ = self._create_with_terms(("manual", "2024-01-01", "2024-12-31"))
        other = self.env["res.company"].create({"name": "Other"})
        user = new_test_user(
            self.env,
            "other",
            "software_license.group_license_user",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        Report = self.env["software.license.report"].with_user(user)
        self.assertFalse(Report.search_count([("license_id", "=", license_.id)]))


@tagged("post_install", "-at_install")
class TestLicenseReportOfSales(ReportCommon, LicenseBillingCommon):
    """Licenses that are paid for, as the ledger has them."""

    def test_a_sale_issues_and_a_refund_takes_it_out_again(self):
        invoice = self._sell(date="2026-03-10")
        license_ = invoice.license_ids
        self.assertEqual(self._get_rows(license_)[0], ("issued", "2026-03-10"))
        self._refund(invoice)
        self.assertFalse(self._get_rows(license_))

    def test_the_first_payment_of_a_key_given_on_its_order_renews_nothing(self):
        self.policy.issue_on = "order"
        order = self._order()
        license_ = order.license_ids
        (issued,) = self._get_rows(license_)
        self.assertEqual(issued[0], "issued")
        invoice = order._create_invoices()
        invoice.action_post()
        self._pay(invoice)
        self.assertEqual(invoice.license_ids, license_)
        self.assertEqual(self._get_rows(license_), [issued])

    def test_a_trial_on_an_order_is_converted_by_its_payment(self):
        self.policy.write({"issue_on": "order", "trial_days": 14})
        order = self._order()
        invoice = order._create_invoices()
        invoice.action_post()
        self._pay(invoice)
        kinds = [kind for kind, _day in self._get_rows(order.license_ids)]
        self.assertEqual(kinds, ["issued", "converted"])
