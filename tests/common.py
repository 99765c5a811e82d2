import json

from odoo import Command, fields
from odoo.tests import HttpCase, TransactionCase, new_test_user

from odoo.addons.account.tests.common import AccountTestInvoicingCommon

from ..tools import throttle
from ..tools.verdict import Question


class LicenseBuilders:
    """Makes what the tests are about, each in one short call."""

    @classmethod
    def _create_policy(cls, **vals):
        return cls.env["software.license.policy"].create(
            {
                "name": "Editor Pro",
                "application": "acme-editor",
                "plan": "pro",
                "key_prefix": "ACME",
                "validity_interval": 1,
                "validity_unit": "year",
                "max_activations": 2,
                "features": {"export": True},
                **vals,
            }
        )

    @classmethod
    def _create_license(cls, policy=None, **vals):
        policy = policy or cls._create_policy()
        if "partner_id" not in vals:
            vals["partner_id"] = cls.env["res.partner"].create({"name": "Customer"}).id
        return cls.env["software.license"].create({"policy_id": policy.id, **vals})

    @classmethod
    def _create_licensed_product(cls, policy=None, **vals):
        return cls.env["product.product"].create(
            {
                "name": "Editor",
                "type": "service",
                "invoice_policy": "order",
                "list_price": 100,
                "taxes_id": False,
                "license_policy_id": (policy or cls._create_policy()).id,
                **vals,
            }
        )

    @classmethod
    def _translate(cls, view, **terms):
        """Let French be a language, with these terms of a template."""
        cls.env["res.lang"]._activate_lang("fr_FR")
        template = cls.env.ref(f"software_license.{view}")
        template.update_field_translations("arch_db", {"fr_FR": terms})

    def _activate(self, license_, device_id, now=None, **kwargs):
        """Let a device take a seat; return the facts and the verdict."""
        question = Question(now or fields.Datetime.now(), None, device_id, True)
        return license_.sudo()._activate(license_.license_key, question, **kwargs)

    def _age(self, license_, **delta):
        """Move the license's end into the past by this much."""
        license_.expires_at = fields.Datetime.subtract(fields.Datetime.now(), **delta)

    def _run_cron(self, name):
        """Run one of the addon's scheduled actions as the scheduler does."""
        with self.enter_registry_test_mode():
            self.env.ref(f"software_license.{name}").method_direct_trigger()


class LicenseCommon(LicenseBuilders, TransactionCase):
    """Base of the tests that need no accounting."""


class LicenseHttpCommon(LicenseBuilders, HttpCase):
    """Base of the tests that call the HTTP API."""

    def setUp(self):
        super().setUp()
        throttle.failed_lookups.reset()  # what other tests of this minute did wrong

    def _post(self, call, body=None, **kwargs):
        """Call the licenses API; return the response."""
        data = kwargs.pop("data", None)
        if data is None:
            data = json.dumps(body)
        headers = {"Content-Type": "application/json", **kwargs.pop("headers", {})}
        return self.url_open(
            kwargs.pop("path", f"/api/licenses/{call}"),
            data=data,
            headers=headers,
            method="POST",
            **kwargs,
        )

    def _call(self, call, license_, *args, **fields_):
        """Call the API for a license; return the answer, a dict."""
        body = {"licenseKey": license_.license_key, **fields_}
        if args:
            body["deviceId"] = args[0]
        return self._post(call, body).json()


class LicenseManagedCommon(LicenseHttpCommon):
    """Base of the tests that manage licenses over HTTP, with an API key of Odoo."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policy = cls._create_policy(trial_days=14)
        cls.product = cls._create_licensed_product(cls.policy)
        cls.customer = cls.env["res.partner"].create({"name": "Blue Heron Studio"})
        cls.manager = new_test_user(
            cls.env, "test manager", "software_license.group_license_manager"
        )
        cls.api_key = cls._create_api_key(cls.manager)

    @classmethod
    def _create_api_key(cls, user):
        keys = cls.env["res.users.apikeys"].with_user(user).sudo()
        return keys._generate(None, "test", None)

    def _manage(self, method, path="", body=None, api_key=None, **headers):
        """Call the managed API; return the response."""
        api_key = self.api_key if api_key is None else api_key
        if api_key:
            headers["Authorization"] = f"Bearer {api_key}"
        data = None
        if body is not None:
            data = json.dumps(body)
            headers["Content-Type"] = "application/json"
        return self.url_open(
            f"/api/licenses{path}", data=data, headers=headers, method=method
        )

    def _issue(self, **body):
        """Create a license over HTTP; return the response."""
        ids = {"customerId": str(self.customer.id), "productId": str(self.product.id)}
        return self._manage("POST", body={**ids, **body})


class LicenseBillingCommon(LicenseBuilders, AccountTestInvoicingCommon):
    """Base of the tests that bill, with a chart of accounts."""

    @classmethod
    def get_default_groups(cls):
        return (
            super().get_default_groups()
            | cls.env.ref("software_license.group_license_manager")
            | cls.env.ref("sales_team.group_sale_manager")
        )

    @classmethod
    def setup_independent_company(cls, **kwargs):
        """Bill in the company that dev/test made, if it did: a chart takes a second."""
        made = cls.env.ref("__tests__.company", raise_if_not_found=False)
        if not made or kwargs:
            return super().setup_independent_company(**kwargs)
        cls.env.user.company_ids = [Command.link(made.id)]
        return made

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policy = cls._create_policy()
        cls.product = cls._create_licensed_product(
            cls.policy,
            property_account_income_id=cls.company_data["default_account_revenue"].id,
        )
        cls.customer = cls.env["res.partner"].create(
            {"name": "Blue Heron Studio", "is_company": True}
        )

    @classmethod
    def _create_license_invoice(cls, product=None, quantity=1, date="2026-01-01", **kw):
        return cls.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": cls.customer.id,
                "invoice_date": date,
                "invoice_line_ids": [
                    Command.create(
                        {
                            "product_id": (product or cls.product).id,
                            "quantity": quantity,
                            "price_unit": 100,
                            "tax_ids": False,
                        }
                    )
                ],
                **kw,
            }
        )

    @classmethod
    def _order(
        cls, product=None, quantity=1, license_id=False, is_confirmed=True, **vals
    ):
        """Return a confirmed sales order."""
        line_vals = {
            "product_id": (product or cls.product).id,
            "product_uom_qty": quantity,
            "license_id": license_id,
        }
        order = cls.env["sale.order"].create(
            {
                "partner_id": cls.customer.id,
                "order_line": [Command.create(line_vals)],
                **vals,
            }
        )
        if is_confirmed:
            order.action_confirm()
        return order

    @classmethod
    def _merge_customer(cls):
        """Merge the customer into another one by Odoo's wizard; return that."""
        kept = cls.env["res.partner"].create({"name": "Blue Heron Studios Ltd."})
        wizard = cls.env["base.partner.merge.automatic.wizard"].sudo()
        wizard.create(
            {
                "partner_ids": [Command.set((cls.customer + kept).ids)],
                "dst_partner_id": kept.id,
            }
        ).action_merge()
        cls.env.invalidate_all()
        return kept

    @classmethod
    def _pay(cls, invoices, **vals):
        """Pay invoices through Odoo's own wizard; return the payments."""
        return (
            cls.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=invoices.ids)
            .create(vals)
            ._create_payments()
        )

    @classmethod
    def _sell(cls, **kwargs):
        """Return a paid invoice."""
        invoice = cls._create_license_invoice(**kwargs)
        invoice.action_post()
        cls._pay(invoice)
        return invoice

    @classmethod
    def _forget_periods(cls, invoices):
        """Let invoices be as if they were made before the addon was installed."""
        invoices.is_license_due = False
        invoices.invoice_line_ids.write(
            {
                "license_source_ref": False,
                "license_date_start": False,
                "license_date_end": False,
            }
        )

    def _issue_past(self, **vals):
        """Have licenses issued for what was paid before its product was licensed."""
        past = self.env["software.license.past"].create(
            {"product_ids": self.product.ids, "is_over_included": True, **vals}
        )
        past.action_start()
        self._run_cron("cron_past_licenses")

    @classmethod
    def _unpay(cls, invoice):
        """Undo the reconciliation of an invoice with its payments."""
        invoice.line_ids.remove_move_reconcile()

    @classmethod
    def _refund(cls, invoice, quantity=None):
        """Post a credit note of an invoice; return it."""
        refund = invoice._reverse_moves([{"invoice_date": invoice.invoice_date}])
        if quantity is not None:
            refund.invoice_line_ids.quantity = quantity
        refund.action_post()
        return refund

    @classmethod
    def _correct(cls, invoice, **vals):
        """Reverse an invoice and pay a corrected one, by Odoo's wizard."""
        wizard = (
            cls.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"journal_id": invoice.journal_id.id})
        )
        wizard.modify_moves()
        corrected = wizard.new_move_ids
        corrected.invoice_line_ids.write(vals)
        corrected.action_post()
        cls._pay(corrected)
        return corrected
