from odoo import Command, fields, models
from odoo.exceptions import UserError


class SoftwareLicenseIssue(models.TransientModel):
    """Issuing what was entered, after a last look at it."""

    _inherit = "software.license.issue"

    def action_issue(self):
        """Issue the licenses, and show them."""
        self.ensure_one()
        self._check()
        self._do_once()
        licenses = self.env["software.license"]._issue(self._prepare_vals_list())
        self._log(licenses)
        if self.is_emailed:
            licenses._email_keys()
        action = licenses._get_list_action(licenses, [("id", "in", licenses.ids)])
        if len(licenses) == 1:
            action.update(res_id=licenses.id, view_mode="form", views=[(False, "form")])
        return action

    def _check(self):
        if problem := self._get_problem():
            raise UserError(problem)
        if self.is_emailed and not self.partner_id.email_normalized:
            raise UserError(
                self.env._(
                    "E-mail the Keys: %(customer)s has no e-mail address.",
                    customer=self.partner_id.display_name,
                )
            )
        if self.order_id or self.sale_line_id:
            self._check_order()
        if self.is_trial:
            self.partner_id._check_license_trial(
                self.policy_id.application, self.sudo().is_another_allowed
            )

    def _check_order(self):
        """Refuse to issue twice what an order sold, or something else than that."""
        line = self.sale_line_id
        self.order_id.check_access("read")
        if line and line.order_id == self.order_id:
            self.env["software.license"]._keep_rivals_off(line)
        if not line or line not in self.order_id.order_line._filter_unlicensed():
            raise UserError(
                self.env._("Order Line: choose one whose licenses are not issued yet.")
            )
        if (
            self.product_id != line.product_id
            or self.policy_id.application
            != line.product_id._get_license_policy().application
            or self.partner_id.commercial_partner_id
            != line.order_partner_id.commercial_partner_id
            or self.company_id != line.company_id
        ):
            raise UserError(
                self.env._(
                    "Order: issue what it sold, to its customer, or issue without it."
                )
            )

    def _prepare_vals_list(self):
        """Return the values of each license, with its first entry in the ledger."""
        vals = {
            "partner_id": self.partner_id.id,
            "product_id": self.product_id.id,
            "policy_id": self.policy_id.id,
            "company_id": self.company_id.id,
            "max_activations": self.max_activations,
            "features_text": self.features_text,
            "term_ids": [Command.create(self._prepare_term_vals())],
        }
        line = self.sale_line_id
        if not line:
            return [vals] * self._get_count()
        # Known by its order line, whose payment goes on to pay for it.
        vals.update(sale_line_id=line.id, billing_identity=line._license_identity())
        return [
            {**vals, "billing_unit": unit} for unit in range(1, self._get_count() + 1)
        ]

    def _prepare_term_vals(self):
        """Return the values of the entry in the ledger; what it tells is no news."""
        source = "order" if self.sale_line_id else "manual"
        return {
            "source": "trial" if self.is_trial else source,
            "is_announced": True,
            "sale_line_id": self.sale_line_id.id,
            "product_id": self.product_id.id,
            "policy_id": self.policy_id.id,
            "date_start": fields.Date.today(),
            "date_end": self._get_end(),
            "quantity": self._get_units(),
        }

    def _log(self, licenses):
        text = self.env._("Issued by hand.")
        if self.order_id:
            text = self.env._(
                "Issued by hand, ahead of the payment of order %(order)s.",
                order=self.order_id._get_html_link(),
            )
        licenses._message_log_batch(dict.fromkeys(licenses.ids, text))
