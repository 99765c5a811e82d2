from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError


class SoftwareLicenseMove(models.TransientModel):
    """Give licenses to another customer."""

    _name = "software.license.move"
    _inherit = "software.license.wizard"
    _description = "Move Licenses to Another Customer"

    partner_id = fields.Many2one("res.partner", string="New Customer", required=True)
    is_other_company = fields.Boolean(compute="_compute_is_other_company")
    is_key_replaced = fields.Boolean(
        string="Replace the Keys",
        compute="_compute_choices",
        store=True,
        readonly=False,
        precompute=True,
        help="The old customer knows the key: whoever has it can use the license.",
    )
    is_freed = fields.Boolean(
        string="Free All Devices",
        compute="_compute_choices",
        store=True,
        readonly=False,
        precompute=True,
        help="The devices of the old customer lose their seats.",
    )
    billing = fields.Html(compute="_compute_billing", sanitize=False)
    is_billed_to_others = fields.Boolean(compute="_compute_billing")
    is_billing_confirmed = fields.Boolean(
        string="Move Nevertheless",
        help="The subscription goes on to renew the license, whoever pays for it.",
    )

    @api.depends("license_ids", "partner_id")
    def _compute_is_other_company(self):
        for wizard in self:
            wizard.is_other_company = bool(wizard.partner_id and wizard._get_moved())

    @api.depends("is_other_company")
    def _compute_choices(self):
        for wizard in self:
            wizard.is_key_replaced = wizard.is_freed = wizard.is_other_company

    @api.depends("license_ids", "partner_id")
    def _compute_billing(self):
        for wizard in self:
            subscriptions = wizard._get_subscriptions()
            wizard.is_billed_to_others = bool(subscriptions)
            wizard.billing = wizard.is_other_company and wizard._describe_billing(
                subscriptions
            )

    def _get_subscriptions(self):
        if not self.is_other_company:
            return []
        return self._get_moved()._get_foreign_subscriptions(self.partner_id)

    def _describe_billing(self, subscriptions):
        """Return, as HTML, what becomes of what was paid and will be."""
        texts = [
            self.env._(
                "What was paid for the licenses stays with them: they end when they "
                "would have ended. Invoices that are there already stay with the old "
                "customer, and still count for the licenses once they are paid."
            )
        ]
        if subscriptions:
            texts.append(
                self.env._(
                    "These subscriptions of another customer renew them, and go on to "
                    "do so: %(names)s. Change their customer, or close them and sell "
                    "the new customer a renewal.",
                    names=", ".join(
                        it.display_name or f"#{it.id}" for it in subscriptions
                    ),
                )
            )
        return Markup("").join(Markup("<p>%s</p>") % text for text in texts)

    def action_move(self):
        """Move the licenses, as the choices say."""
        self._check_licenses()
        licenses, partner = self.license_ids, self.partner_id
        licenses._check_is_manager(
            self.env._("Only a license manager can move a license to another customer.")
        )
        if not all((partner | partner.commercial_partner_id).mapped("active")):
            raise UserError(
                self.env._(
                    "New Customer: %(customer)s is archived, which suspends licenses.",
                    customer=partner.display_name,
                )
            )
        changed = licenses.filtered(lambda license_: license_.partner_id != partner)
        if not changed:
            raise UserError(
                self.env._("New Customer: the licenses belong to this one already.")
            )
        if self._get_subscriptions() and not self.is_billing_confirmed:
            raise UserError(
                self.env._(
                    "Move Nevertheless: a subscription of another customer renews a "
                    "license. Tick it if that is meant."
                )
            )
        moved = self._get_moved()
        if self.is_freed:  # first: a move forgets the devices that are free
            moved.activation_ids.action_free()
        changed._move(partner, {it.id: self._get_move_note(it) for it in changed})
        if self.is_key_replaced and moved:
            moved._replace_key()
        if self.is_emailed:
            changed._email_keys()
        return {"type": "ir.actions.act_window_close"}

    def _get_moved(self):
        """Return the licenses that get another owner, not just another contact."""
        return self.license_ids._filter_of_others(self.partner_id)

    def _get_move_note(self, license_):
        """Return what the chatter of a license says of its move."""
        return self._get_note(
            self.env._(
                "Moved from %(old)s to %(new)s.",
                old=license_.partner_id.display_name,
                new=self.partner_id.display_name,
            )
        )
