"""A company's books over RPC: what it sells, bills and is paid."""

from datetime import date

from ground.rpc import Rpc


class Books:
    """What a seller does, on one server; every call is a transaction of its own."""

    def __init__(self, server):
        self.rpc = Rpc(server.url, server.db, "admin", "admin")

    def customer(self, name="Customer"):
        return self.rpc.create("res.partner", name=name, email="customer@example.com")

    def policy(self, **vals):
        return self.rpc.create(
            "software.license.policy",
            **{"name": "Editor", "application": "acme-editor", **vals},
        )

    def product(self, **vals):
        """Make a product that can be invoiced; licensed with a `license_policy_id`."""
        income = ["account_type", "=", "income"]
        (account,) = self.rpc.search("account.account", income, limit=1)
        return self.rpc.create(
            "product.product",
            **{
                "name": "Editor",
                "type": "service",
                "taxes_id": [],
                "property_account_income_id": account,
                **vals,
            },
        )

    def invoice(self, product, **vals):
        """Make a posted invoice."""
        return self.invoices(1, product, **vals)[0]

    def invoices(self, count, product, quantity=1, lines=1):
        """Make posted invoices of one customer, all alike."""
        line = {"product_id": product, "quantity": quantity, "price_unit": 10}
        vals = {
            "move_type": "out_invoice",
            "partner_id": self.customer(),
            "invoice_date": "2026-01-01",
            "invoice_line_ids": [[0, 0, {**line, "tax_ids": []}]] * lines,
        }
        invoices = self.rpc("account.move", "create", [vals] * count)
        self.rpc("account.move", "action_post", invoices)
        return invoices

    def subscription(self, product):
        """Make a monthly subscription of OCA's module."""
        pricelists = self.rpc.search("product.pricelist", limit=1)
        return self.rpc.create(
            "sale.subscription",
            partner_id=self.customer(),
            template_id=self.rpc.create("sale.subscription.template", name="Monthly"),
            pricelist_id=pricelists[0]
            if pricelists
            else self.rpc.create("product.pricelist", name="Public"),
            sale_subscription_line_ids=[
                [0, 0, {"product_id": product, "product_uom_qty": 1, "price_unit": 10}]
            ],
        )

    def bill_subscription(self, subscription):
        """Let a subscription make its next invoice; return it, posted."""
        bills = ["subscription_id", "=", subscription]
        before = set(self.rpc.search("account.move", bills))
        self.rpc("sale.subscription", "manual_invoice", [subscription])
        (invoice,) = set(self.rpc.search("account.move", bills)) - before
        return self.post(invoice)

    def contract(self, product):
        """Make a monthly contract of OCA's module, which begins today."""
        today = date.today().isoformat()
        line = {
            "product_id": product,
            "name": "Editor",
            "quantity": 1,
            "price_unit": 10,
            "date_start": today,
            "recurring_next_date": today,
        }
        return self.rpc.create(
            "contract.contract",
            name="Maintenance",
            partner_id=self.customer(),
            contract_type="sale",
            line_recurrence=True,
            contract_line_ids=[[0, 0, line]],
        )

    def bill_contract(self, contract):
        """Let a contract make its next invoice; return it, posted."""
        self.rpc("contract.contract", "recurring_create_invoice", [contract])
        bills = ["invoice_line_ids.contract_line_id.contract_id", "=", contract]
        return self.post(self.rpc.search("account.move", bills, limit=1)[0])

    def post(self, invoice):
        self.rpc("account.move", "action_post", [invoice])
        return invoice

    def pay(self, *invoices):
        """Pay posted invoices with Odoo's own wizard; those of a customer at once."""
        context = {"active_model": "account.move", "active_ids": invoices}
        vals = {"group_payment": True}
        wizard = self.rpc("account.payment.register", "create", [vals], context=context)
        self.rpc("account.payment.register", "action_create_payments", wizard)

    def refund(self, invoice):
        """Credit a posted invoice in full, with Odoo's own wizard."""
        context = {"active_model": "account.move", "active_ids": [invoice]}
        (journal,) = self.rpc.search("account.journal", ["type", "=", "sale"], limit=1)
        vals = {"journal_id": journal}
        wizard = self.rpc("account.move.reversal", "create", [vals], context=context)
        self.rpc("account.move.reversal", "refund_moves", wizard)
        credits = self.rpc.search("account.move", ["reversed_entry_id", "=", invoice])
        self.rpc("account.move", "action_post", credits)

    def licenses(self, *invoices):
        """Return the licenses that invoices paid for."""
        term = ["term_ids.move_id", "in", invoices]
        fields = ["license_key", "status", "subscription_ref"]
        return self.rpc("software.license", "search_read", [term], fields)
