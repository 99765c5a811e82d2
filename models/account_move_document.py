from odoo import models

from .account_move_message import UNPAID_STATES


class AccountMove(models.Model):
    """What the PDF of an invoice says of licenses."""

    _inherit = "account.move"

    def _get_printed_licenses(self):
        """Return facts, a dict, of each license that this invoice paid.

        None unless the company prints them. Until when says the invoice's own period:
        that does not change when the next one is paid.
        """
        self.ensure_one()
        move = self.sudo()  # the same paper for whoever prints it
        if not move._is_printing_licenses():
            return []
        paid = move.license_term_ids.filtered("is_effective").grouped("license_id")
        customers = move._get_license_customers()
        return [
            {**license_._get_message_facts(), "until": _get_last_day(terms)}
            for license_, terms in paid.items()
            if license_._is_worth_telling()
            and license_.commercial_partner_id in customers
        ]

    def _is_awaited_by_licenses(self):
        """Is there a license that this invoice issues or extends once it is paid?"""
        self.ensure_one()
        move = self.sudo()
        return bool(
            move._is_printing_licenses()
            and move.state == "posted"
            and move.payment_state in UNPAID_STATES
            and move.invoice_line_ids._filter_licensed()
        )

    def _is_printing_licenses(self):
        return self.company_id.license_print_on_invoices


def _get_last_day(terms):
    """Return the last day that these terms grant, None when they never end."""
    days = terms.mapped("date_end")
    return max(days) if all(days) else None
