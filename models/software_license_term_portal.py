from odoo import models
from odoo.tools import format_date


class SoftwareLicenseTerm(models.Model):
    """What a customer reads of an invoice that paid a license."""

    _inherit = "software.license.term"

    def _get_portal_status(self):
        """Return (color, word) of what became of the payment."""
        self.ensure_one()
        if self.is_effective:
            if self.effective_quantity < self.quantity:
                return "info", self.env._("Partly refunded")
            return "success", self.env._("Paid")
        if self._is_refunded() or self.move_id.payment_state == "reversed":
            return "secondary", self.env._("Refunded")
        return "warning", self.env._("Not paid")

    def _describe_period(self):
        """Return the days that it pays, the first and the last."""
        self.ensure_one()
        if not self.date_end:
            return self.env._(
                "from %(start)s, forever",
                start=format_date(self.env, self.date_start, date_format="medium"),
            )
        return self.env._(
            "%(start)s to %(end)s",
            start=format_date(self.env, self.date_start, date_format="medium"),
            end=format_date(self.env, self.date_end, date_format="medium"),
        )
