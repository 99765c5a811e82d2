from odoo import api, fields, models, tools

from .account_move import PAID_STATES
from .res_config_settings import WAIT_FOR_BANK


class ProductProduct(models.Model):
    _inherit = "product.product"

    variant_license_policy_id = fields.Many2one(
        "software.license.policy",
        string="License Policy of the Variant",
        check_company=True,
        ondelete="restrict",
        index="btree_not_null",
        help="Leave empty to use the policy of the product.",
    )
    license_count = fields.Integer(
        compute="_compute_license_count", groups="software_license.group_license_user"
    )

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_license_count(self):
        licenses = self.env["software.license"]
        of_these = [("product_id", "in", self.ids)]
        counts = dict(licenses._read_group(of_these, ["product_id"], ["__count"]))
        for product in self:
            product.license_count = counts.get(product._origin, 0)

    def action_view_licenses(self):
        """Open the licenses of this variant."""
        domain = [("product_id", "in", self.ids)]
        return self.env["software.license"]._get_list_action(self, domain)

    @api.model_create_multi
    def create(self, vals_list):
        products = super().create(vals_list)
        if any(product._get_license_policy() for product in products):
            self._forget_licensed_ids()
        return products

    def write(self, vals):
        res = super().write(vals)
        if "variant_license_policy_id" in vals:
            self._after_license_policy_change()
        return res

    def _after_license_policy_change(self):
        """Forget which products are licensed; open invoices issue when paid."""
        self._forget_licensed_ids()
        if any(product._get_license_policy() for product in self):
            self._mark_license_due()
            self._hint_at_license_past()

    @api.model
    def _forget_licensed_ids(self):
        """Forget them now, and again when all others can see the change.

        Another thread of this process may have read them in between.
        """
        self.env.registry.clear_cache()
        self.env.cr.postcommit.add(self.env.registry.clear_cache)

    @api.model
    @tools.ormcache()
    def _get_licensed_ids(self):
        """Return the ids of all products that grant a license, archived ones too.

        Kept in memory: most invoices have nothing to do with licenses, and this is
        how they find out without a query.
        """
        has_policy = [
            "|",
            ("variant_license_policy_id", "!=", False),
            ("license_policy_id", "!=", False),
        ]
        products = self.sudo().with_context(active_test=False)._search(has_policy)
        return frozenset(products)

    def _mark_license_due(self):
        """Let invoices that are open issue these products' licenses when paid."""
        lines = self.env["account.move.line"].sudo()
        is_waiting = self.env["ir.config_parameter"].sudo().get_param(WAIT_FOR_BANK)
        paid = set(PAID_STATES) - ({"in_payment"} if is_waiting else set())
        open_lines = lines.search(
            [
                ("product_id", "in", self.ids),
                ("parent_state", "=", "posted"),
                ("move_id.payment_state", "not in", paid),
            ]
        )
        due_lines = open_lines._filter_licensed()
        due_lines._stamp_past()
        due_lines.move_id.is_license_due = True

    def _get_license_policy(self):
        """Return the policy that buying this variant grants, if any."""
        return self.variant_license_policy_id or self.license_policy_id
