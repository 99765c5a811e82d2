import contextlib
from datetime import datetime

from freezegun import freeze_time

from odoo import Command
from odoo.tests import tagged

from ..tools import verdict
from .common import LicenseBillingCommon


@tagged("post_install", "-at_install")
class TestLicenseKeepsWorking(LicenseBillingCommon):
    """What people change around a license that was sold, and what must not mind."""

    def _order(self, quantity=1):
        """Return a confirmed order of the product."""
        order = self.env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "order_line": [
                    Command.create(
                        {
                            "product_id": self.product.id,
                            "product_uom_qty": quantity,
                            "tax_ids": False,
                        }
                    )
                ],
            }
        )
        order.action_confirm()
        return order

    def _renew(self, order, date):
        """Bill the order's line once more, and pay it; return the invoice."""
        invoice = order._create_invoices()
        invoice.invoice_date = date
        invoice.action_post()
        self._pay(invoice)
        order.order_line.product_uom_qty += 1  # so that there is more to bill
        return invoice

    def _sell_order(self):
        order = self._order()
        return order, self._renew(order, "2026-01-01").license_ids

    def assertRenewed(self, order, license_):
        invoice = self._renew(order, "2027-01-01")
        self.assertFalse(invoice.license_problem)
        self.assertEqual(invoice.license_ids, license_)
        self.assertEqual(license_.expires_at, datetime(2028, 1, 1))

    # === CUSTOMER === #

    @freeze_time("2026-06-01")
    def test_a_customer_merged_into_another_keeps_its_licenses(self):
        order, license_ = self._sell_order()
        kept = self._merge_customer()
        self.assertFalse(self.customer.exists())
        self.assertEqual(license_.partner_id, kept)
        self.assertEqual(license_.commercial_partner_id, kept)
        self.assertEqual(license_.status, "active")
        self.assertRenewed(order, license_)

    def test_a_contact_merged_into_another_company_s_takes_its_licenses_there(self):
        here, there = self.env["res.partner"].create(
            [
                {"name": name, "is_company": True, "child_ids": [Command.create(vals)]}
                for name, vals in (
                    ("Here", {"name": "Ann", "email": "ann@example.com"}),
                    ("There", {"name": "Ann B.", "email": "ann@example.com"}),
                )
            ]
        )
        license_ = self._create_license(partner_id=here.child_ids.id)
        wizard = self.env["base.partner.merge.automatic.wizard"].sudo()
        vals = {
            "partner_ids": [Command.set((here + there).child_ids.ids)],
            "dst_partner_id": there.child_ids.id,
        }
        wizard.create(vals).action_merge()
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(license_.commercial_partner_id, there)
        facts = license_._read_facts(license_.license_key)
        self.assertEqual(facts.organization_name, "There")

    # === PRODUCT AND POLICY === #

    @freeze_time("2026-06-01")
    def test_a_product_archived_keeps_its_licenses_and_their_renewals(self):
        order, license_ = self._sell_order()
        self.product.product_tmpl_id.action_archive()
        self.env.invalidate_all()
        self.assertEqual(license_.status, "active")
        self.assertEqual(license_.seat_limit, 2)
        self.assertRenewed(order, license_)

    def test_calls_see_each_change_of_a_policy_and_none_that_was_undone(self):
        license_ = self._create_license(self.policy)
        key = license_.license_key
        for offline_days in (3, 4, 5):
            self.policy.offline_days = offline_days
            self.assertEqual(license_._read_facts(key).offline_days, offline_days)
        with contextlib.closing(self.env.cr.savepoint()) as savepoint:
            self.policy.offline_days = 6
            self.assertEqual(license_._read_facts(key).offline_days, 6)
            savepoint.rollback()
        self.env.invalidate_all()
        self.assertEqual(license_._read_facts(key).offline_days, 5)
        self.policy.offline_days = 7
        self.assertEqual(license_._read_facts(key).offline_days, 7)
        self.env.cr.execute(
            "UPDATE software_license_policy SET offline_days = 8 WHERE id = %s",
            [self.policy.id],
        )
        self.assertEqual(license_._read_facts(key).offline_days, 8)

    def test_what_is_done_to_an_answer_is_not_in_the_next_one(self):
        self.policy.features = {"limits": {"users": 5}}
        license_ = self._create_license(self.policy)
        license_._read_facts(license_.license_key).features["limits"]["users"] = 999
        facts = license_._read_facts(license_.license_key)
        self.assertEqual(facts.features, {"limits": {"users": 5}})

    @freeze_time("2026-06-01")
    def test_a_policy_changed_changes_the_licenses_that_it_gave(self):
        order, license_ = self._sell_order()
        self.policy.write(
            {"max_activations": 7, "features": {"sso": True}, "plan": "max"}
        )
        self.assertEqual(license_.seat_limit, 7)
        self.assertEqual(license_.plan, "max")
        (facts,) = license_._get_current_facts(datetime(2026, 6, 1))
        answer = verdict.judge(facts, verdict.Question(now=datetime(2026, 6, 1)))
        self.assertTrue(answer.is_valid)
        self.assertEqual(facts.policy_features, {"sso": True})
        self.assertRenewed(order, license_)

    @freeze_time("2026-06-01")
    def test_a_policy_archived_lets_its_licenses_run(self):
        _order, license_ = self._sell_order()
        self.policy.action_archive()
        self.env.invalidate_all()
        self.assertEqual(license_.status, "active")
        self.assertEqual(license_.seat_limit, 2)
        self.assertEqual(license_.application, "acme-editor")

    @freeze_time("2026-06-01")
    def test_a_policy_archived_still_renews_what_it_gave(self):
        order, license_ = self._sell_order()
        self.policy.action_archive()
        self.assertRenewed(order, license_)

    @freeze_time("2026-06-01")
    def test_a_policy_replaced_on_the_product_renews_the_same_key(self):
        order, license_ = self._sell_order()
        self.product.license_policy_id = self._create_policy(
            name="Editor Pro 2", plan="pro-2", max_activations=3
        )
        self.assertEqual(license_.plan, "pro")
        self.assertRenewed(order, license_)
        with freeze_time("2027-01-01"):
            license_._refresh_quantities()
            self.assertEqual(license_.plan, "pro-2")
            # Two seats were bought for 2027: it was billed beside, not instead.
            self.assertEqual(license_.seat_limit, 3)

    # === SEATS === #

    def test_fewer_units_keep_the_devices_and_refuse_new_ones(self):
        with freeze_time("2026-06-01"):
            invoice = self._sell(date="2026-01-01", quantity=2)
            license_ = invoice.license_ids
            for device in ("desk", "laptop", "studio", "spare"):
                self.assertTrue(self._activate(license_, device)[1].is_valid)
            self._refund(invoice, quantity=1)
            self.assertEqual(license_.seat_usage, "4 / 2")
            self.assertTrue(license_.is_over_limit)
            self.assertTrue(self._activate(license_, "spare")[1].is_valid)
            _facts, answer = self._activate(license_, "another")
            self.assertEqual(answer.error, "activation_limit_reached")
            self.assertEqual(license_.seat_count, 4)

    # === COMPANIES AND APPLICATIONS === #

    @freeze_time("2026-06-01")
    def test_two_companies_that_sell_to_one_customer_do_not_mix(self):
        other = self.setup_other_company()
        account = other["default_account_revenue"]
        product = self.product.with_company(other["company"])
        product.property_account_income_id = account
        ours = self._sell(date="2026-01-01")
        theirs = self._create_license_invoice(
            date="2026-01-01", company_id=other["company"].id
        )
        theirs.action_post()
        self._pay(theirs)
        self.assertEqual(ours.license_ids.company_id, self.env.company)
        self.assertEqual(theirs.license_ids.company_id, other["company"])
        self._unpay(theirs)
        self.assertEqual(theirs.license_ids.status, "suspended")
        self.assertEqual(ours.license_ids.status, "active")

    @freeze_time("2026-06-01")
    def test_one_payment_of_two_applications_issues_a_key_for_each(self):
        server = self._create_licensed_product(
            self._create_policy(name="Server", application="acme-server"),
            property_account_income_id=self.product.property_account_income_id.id,
        )
        invoice = self._create_license_invoice(date="2026-01-01")
        invoice.invoice_line_ids = [
            Command.create({"product_id": server.id, "price_unit": 9, "tax_ids": False})
        ]
        invoice.action_post()
        self._pay(invoice)
        self.assertEqual(
            sorted(invoice.license_ids.mapped("application")),
            ["acme-editor", "acme-server"],
        )
