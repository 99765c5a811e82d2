from odoo import models

from .account_move_message import UNPAID_STATES


class PaymentTransaction(models.Model):
    _inherit = "payment.transaction"

    def _get_license_invoice(self):
        """Return the licensed invoice that this failed payment left unpaid, if any."""
        self.ensure_one()
        return self.invoice_ids.filtered(
            lambda move: (
                move.state == "posted"
                and move.payment_state in UNPAID_STATES
                and move.invoice_line_ids._filter_licensed()
                and move._get_last_payment_try() == self
            )
        )[:1]
