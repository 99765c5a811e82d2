import logging
from datetime import timedelta

from odoo import Command, api, fields, models

_logger = logging.getLogger(__name__)

#: Customers who bought once: days ago, product, units, {device: days since it was
#: last seen}. Statuses follow from the dates.
SALES = {
    "Blue Heron Studio": (
        (380, "editor_pro", 2, {"Ana's laptop": 0, "Studio iMac": 1, "Render PC": 3}),
    ),
    "Northwind Publishing": ((353, "editor", 1, {"Desk 4": 2, "Desk 7": 6}),),
    "Lakeside School": ((9, "editor", 10, {}),),
    "Brightline Architects": ((390, "editor_pro", 1, {"CAD station": 26}),),
    "Old Mill Bakery": ((40, "editor", 1, {"Back office": 11}),),
    "Kestrel Engineering": ((75, "server", 3, {"srv-01": 0}),),
    "Juniper Law": (
        (120, "editor_pro", 1, {"Reception": 0, "Office": 0, "Tablet": 8}),
    ),
    "Quarry Games": ((200, "editor", 1, {"Build machine": 90}),),
    "Vega Robotics": ((160, "editor_pro", 1, {"Lab bench": 45, "Lab door": 52}),),
    "Harbour Clinic": ((60, "server", 1, {"clinic-app": 5}),),
}
RENEWED = "Blue Heron Studio"
REFUNDED = "Old Mill Bakery"
OVER_LIMIT = "Juniper Law"
SUSPENDED = "Harbour Clinic"
REVOKED = "Quarry Games"
ON_TRIAL = "Moss & Fern Design"
UNPAID = "Tidewater Press"


class SoftwareLicenseDemo(models.AbstractModel):
    """Tells the story of the demo data: orders, invoices, payments and devices.

    Real ones, so that the ledger, the buttons and the reports have something to
    show; dated back from today, so that the story is as fresh as the installation.
    """

    _name = "software.license.demo"
    _description = "Demo Story of Licenses"

    @api.model
    def _tell(self):
        """Tell it, in a company that can make invoices."""
        if not self.env.company.chart_template:
            _logger.info("no chart of accounts: the demo story of licenses is left out")
            return
        licenses = {
            name: sum((self._sell(name, *sale) for sale in sales), self._no_license())
            for name, sales in SALES.items()
        }
        self._renew(licenses[RENEWED], 15)
        licenses[RENEWED].features = {"max_projects": 1000}
        self._refund(licenses[REFUNDED], 5)
        licenses[OVER_LIMIT].max_activations = 2
        licenses[SUSPENDED].action_suspend()
        licenses[REVOKED].action_revoke()
        policy = self._ref("policy_editor_pro")
        self._no_license()._give_trial(self._customer(ON_TRIAL), policy, 30)
        self._bill(self._make_order(self._customer(UNPAID), "editor_pro", 1, 3), 3)
        self._tell_of_portal_user()

    def _tell_of_portal_user(self):
        """Give the demo database's portal user something to see, and to pay."""
        user = self.env.ref("base.demo_user0", raise_if_not_found=False)
        if not user:
            return
        sale = (355, "editor_pro", 1, {"Joel's laptop": 1, "Old phone": 190})
        license_ = self._sell(user.partner_id, *sale)
        self._bill(self._renewal(license_, 2), 2)

    # === WHAT HAPPENS === #

    def _sell(self, customer, days, product, quantity, devices):
        """Sell, bill and be paid; return the licenses, with devices on the first."""
        if isinstance(customer, str):
            customer = self._customer(customer)
        invoice = self._bill(self._make_order(customer, product, quantity, days), days)
        self._pay(invoice, days)
        licenses = invoice.license_term_ids.license_id.sorted("id")
        self._use(licenses[:1], devices, days)
        return licenses

    def _renew(self, license_, days):
        self._pay(self._bill(self._renewal(license_, days), days), days)

    def _refund(self, license_, days):
        """Give the money back: the license reads as suspended."""
        vals = {"date": self._day(days), "invoice_date": self._day(days)}
        license_.term_ids.move_id._reverse_moves([vals], cancel=True)

    def _make_order(self, customer, product, quantity, days):
        template = self._ref(f"product_{product}")
        return self._confirm(
            {
                "partner_id": customer.id,
                "order_line": [
                    Command.create(
                        {
                            "product_id": template.product_variant_id.id,
                            "product_uom_qty": quantity,
                        }
                    )
                ],
            },
            days,
        )

    def _renewal(self, license_, days):
        order = self.env["sale.order"].browse(license_.action_renew()["res_id"])
        return self._confirm({}, days, order)

    def _confirm(self, vals, days, order=None):
        order = order or self.env["sale.order"].create(vals)
        order.action_confirm()
        order.date_order = fields.Datetime.now() - timedelta(days=days)
        return order

    def _bill(self, order, days):
        invoice = order._create_invoices()
        invoice.invoice_date = self._day(days)
        invoice.action_post()
        return invoice

    def _pay(self, invoice, days):
        payments = self.env["account.payment.register"].with_context(
            active_model=invoice._name, active_ids=invoice.ids
        )
        payments.create({"payment_date": self._day(days)})._create_payments()

    def _use(self, license_, devices, days):
        """Let devices take seats; each was last seen so many days ago."""
        now = fields.Datetime.now()
        self.env["software.license.activation"].create(
            [
                {
                    "license_id": license_.id,
                    "device_id": f"{license_.id:04x}-{number:04x}",
                    "device_name": name,
                    "first_seen": now - timedelta(days=days - 1),
                    "last_seen": now - timedelta(days=ago, minutes=17 * number),
                }
                for number, (name, ago) in enumerate(devices.items(), 1)
            ]
        )

    # === WHO, WHAT AND WHEN === #

    def _no_license(self):
        return self.env["software.license"]

    def _ref(self, name):
        return self.env.ref(f"software_license.{name}")

    def _customer(self, name):
        """Return a company with a person to write to."""
        mailbox = name.lower().replace(" & ", "-").replace(" ", "-")
        vals = {"name": name, "is_company": True, "email": f"{mailbox}@example.com"}
        return self.env["res.partner"].create(vals)

    def _day(self, days):
        return fields.Date.today() - timedelta(days=days)
