from odoo import fields, models

#: Set: an invoice whose payment waits for the bank does not count as paid yet.
WAIT_FOR_BANK = "software_license.wait_for_bank"


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    license_wait_for_bank = fields.Boolean(
        string="Wait for the Bank",
        config_parameter=WAIT_FOR_BANK,
        help="A payment that is registered but not yet matched with the bank (state "
        "“in payment”) issues no license, and does not keep one valid.",
    )
    license_send_messages = fields.Boolean(
        related="company_id.license_send_messages", readonly=False
    )
    license_expiry_notice_days = fields.Char(
        related="company_id.license_expiry_notice_days", readonly=False
    )

    license_billing_url = fields.Char(
        related="company_id.license_billing_url", readonly=False
    )

    def set_values(self):
        before = self.env["ir.config_parameter"].sudo().get_param(WAIT_FOR_BANK)
        res = super().set_values()
        if bool(before) != self.license_wait_for_bank:
            self.env["software.license.term"].sudo()._recompute_in_payment()
        return res
