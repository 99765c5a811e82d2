from odoo import models

#: Payment states of an invoice that somebody still has to pay.
UNPAID_STATES = ("not_paid", "partial")


class AccountMove(models.Model):
    """What messages to customers need to know of an invoice."""

    _inherit = "account.move"

    def _get_last_payment_try(self):
        """Return the last online payment that failed, succeeded, or is on its way."""
        return self.transaction_ids.filtered(
            lambda transaction: transaction.state not in ("draft", "cancel")
        ).sorted("id")[-1:]

    def _get_licenses_to_pay(self):
        """Return the licenses that exist already and that this invoice is to pay."""
        identities = {
            line._license_identity()
            for line in self.invoice_line_ids._filter_licensed()
        }
        return self.license_ids | self.env["software.license"].search(
            [("billing_identity", "in", list(identities))]
        )

    def _get_license_customers(self):
        """Return whose licenses this invoice pays; one may be somebody else's since.

        By its address, by its orders, and by the subscriptions that it bills.
        """
        lines = self.invoice_line_ids._filter_licensed_products()
        subscriptions = lines._get_license_subscriptions().values()
        customers = self.partner_id.union(
            lines.sale_line_ids.order_id.partner_id,
            *(customer for _subscription, customer in subscriptions),
        )
        return customers.commercial_partner_id
