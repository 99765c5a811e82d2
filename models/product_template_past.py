from odoo import api, fields, models

from . import by_hand


class ProductTemplate(models.Model):
    """Hints that a product was paid for before it was licensed."""

    _inherit = "product.template"

    # Found out once, when the policy is chosen: opening a product asks nothing more.
    has_license_past = fields.Boolean(
        copy=False,
        readonly=True,
        help="Invoices of the product were paid before it was licensed, and nobody "
        "decided yet whether licenses are issued for them.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        by_hand.refuse_new(self, {"has_license_past"}, vals_list)
        return super().create(vals_list)

    def write(self, vals):
        by_hand.refuse(self, {"has_license_past"} & vals.keys())
        return super().write(vals)

    def _update_license_hint(self):
        """Hint no more at a past that was decided about."""
        for product in self.sudo().filtered("has_license_past"):
            variants = product.with_context(active_test=False).product_variant_ids
            licensed = variants.filtered(lambda it: it._get_license_policy())
            product.has_license_past = licensed._has_undecided_past()

    def action_issue_past(self):
        """Open the form that issues licenses for past invoices of these products."""
        self.env["software.license.past"].check_access("create")
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Issue for Past Invoices"),
            "res_model": "software.license.past",
            "views": [[False, "form"]],
            "context": {
                "default_product_ids": self.with_context(
                    active_test=False
                ).product_variant_ids.ids
            },
        }


class ProductProduct(models.Model):
    _inherit = "product.product"

    def action_issue_past(self):
        """Open the form that issues licenses for past invoices of these variants."""
        action = self.product_tmpl_id.action_issue_past()
        return {**action, "context": {"default_product_ids": self.ids}}

    def _hint_at_license_past(self):
        """Say on products that get their first policy whether they were paid before."""
        products = self.sudo().filtered(lambda it: it._get_license_policy())
        terms = self.env["software.license.term"].sudo()
        of_these = [("product_id", "in", products.ids)]
        sold = terms._read_group(of_these, [], ["product_id:recordset"])[0][0]
        for template, new in (products - sold).grouped("product_tmpl_id").items():
            template.has_license_past = new._has_undecided_past()

    def _has_undecided_past(self):
        """Was one of these paid for before it was licensed, and nobody decided?"""
        past, moves = self.env["software.license.past"], self.env["account.move"]
        return any(
            moves.search_count(past._get_undecided_domain(product), limit=1)
            for product in self
        )
