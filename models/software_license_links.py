from odoo import api, fields, models
from odoo.exceptions import UserError

READERS = (
    "software_license.group_license_user,"
    "account.group_account_invoice,account.group_account_readonly"
)


class SoftwareLicense(models.Model):
    """The smart buttons of a license: where it came from, and what became of it."""

    _inherit = "software.license"

    device_count = fields.Integer(
        string="Number of Devices", compute="_compute_device_count", groups=READERS
    )
    invoice_count = fields.Integer(
        string="Number of Invoices", compute="_compute_invoice_count", groups=READERS
    )
    message_count = fields.Integer(
        string="Number of Messages", compute="_compute_message_count", groups=READERS
    )
    can_view_subscription = fields.Boolean(
        compute="_compute_can_view_subscription", groups=READERS
    )

    @api.depends("activation_ids")
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_device_count(self):
        counts = dict(
            self.env["software.license.activation"]
            .with_context(active_test=False)
            ._read_group([("license_id", "in", self.ids)], ["license_id"], ["__count"])
        )
        for license_ in self:
            license_.device_count = counts.get(license_._origin, 0)

    @api.depends("term_ids.move_id")
    def _compute_invoice_count(self):
        for license_ in self.sudo():  # a salesperson may not read the ledger's lines
            license_.invoice_count = len(license_.term_ids.move_id)

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_message_count(self):
        counts = dict(
            self.env["software.license.message"]._read_group(
                [("license_ids", "in", self.ids)], ["license_ids"], ["__count"]
            )
        )
        for license_ in self:
            license_.message_count = counts.get(license_._origin, 0)

    @api.depends("subscription_ref")
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_can_view_subscription(self):
        subscriptions = self._get_subscriptions()
        for license_ in self:
            subscription = subscriptions.get(license_)
            license_.can_view_subscription = bool(
                subscription and subscription.has_access("read")
            )

    def _get_subscriptions(self):
        """Return {license: what bills it} of subscriptions that are there still."""
        found = {}
        billed = self.filtered("subscription_ref")
        for model, group in billed.grouped(
            lambda it: it.subscription_ref._name
        ).items():
            ids = {license_.subscription_ref.id for license_ in group}
            # Those of one recordset are read together.
            there = {it.id: it for it in self.env[model].browse(ids).exists()}
            for license_ in group:
                if subscription := there.get(license_.subscription_ref.id):
                    found[license_] = subscription
        return found

    def action_view_devices(self):
        """Open the devices and instances of this license, freed ones too."""
        return self._get_link_action(
            "software_license.software_license_activation_action",
            [("license_id", "in", self.ids)],
            active_test=False,
            default_license_id=self.id,
        )

    def action_view_messages(self):
        """Open what the customer was told about this license."""
        return self._get_link_action(
            "software_license.software_license_message_action",
            [("license_ids", "in", self.ids)],
        )

    def action_view_invoices(self):
        """Open the invoices that this license was billed on."""
        self.env["account.move"].check_access("read")
        return self._get_link_action(
            "account.action_move_out_invoice_type",
            [("id", "in", self.sudo().term_ids.move_id.ids)],
            create=False,
        )

    def action_view_order(self):
        """Open the order that sold this license."""
        self.ensure_one()
        self.sale_order_id.check_access("read")
        return self.sale_order_id.get_formview_action()

    def action_view_subscription(self):
        """Open the subscription, or contract, that this license is billed by."""
        self.ensure_one()
        subscription = self._get_subscriptions().get(self)
        if not subscription:
            raise UserError(self.env._("This license is billed by no subscription."))
        subscription.check_access("read")
        return subscription.get_formview_action()

    def _get_link_action(self, name, domain, **context):
        """Return a window action on what belongs to these licenses."""
        self.check_access("read")
        action = self.env["ir.actions.actions"]._for_xml_id(name)
        return {**action, "domain": domain, "context": context}
