from odoo import models

from .account_move_message import UNPAID_STATES


class SoftwareLicense(models.Model):
    """What a customer sees of the money: what paid a license, and what is due.

    Call these with a license of ``sudo``: whose right to see a document counts is the
    user's own, by Odoo's rules of the document.
    """

    _inherit = "software.license"

    def _filter_shown(self, documents):
        """Return the documents that the user may open in the portal."""
        own = documents.with_user(self.env.user)
        return own._filtered_access("read").sudo()

    def _get_invoice_to_pay(self):
        """Return the invoice that ends what is wrong, or extends the license, if any.

        First one that was paid and is not any more: it grants nothing while it is due.
        """
        self.ensure_one()
        unpaid = self.term_ids.filtered(lambda term: not term.is_effective).move_id
        unpaid = unpaid.filtered(
            lambda move: move.state == "posted" and move.payment_state in UNPAID_STATES
        )
        return self._filter_shown(unpaid | self._get_unpaid_invoice())[:1]

    def _get_portal_order(self):
        """Return the subscription or the order that the user may see, if any."""
        self.ensure_one()
        for billed in self._get_billed_documents():
            if shown := self._filter_shown(billed):
                return shown
        return None

    def _get_portal_terms(self):
        """Return the terms whose invoices the user may see, the newest first."""
        self.ensure_one()
        shown = self._filter_shown(self.term_ids.move_id)
        return self.term_ids.filtered(lambda term: term.move_id in shown)[::-1]
