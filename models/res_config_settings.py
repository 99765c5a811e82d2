from odoo import fields, models
from odoo.exceptions import ValidationError

from ..tools import throttle
from .ir_http_throttle import DEFAULT_LIMIT, LIMIT, TRUSTED

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

    license_print_on_invoices = fields.Boolean(
        related="company_id.license_print_on_invoices", readonly=False
    )

    license_billing_url = fields.Char(
        related="company_id.license_billing_url", readonly=False
    )
    license_token_issuer = fields.Char(
        related="company_id.license_token_issuer", readonly=False
    )
    license_failed_lookups = fields.Integer(
        string="Unknown Keys a Minute", config_parameter=LIMIT, default=DEFAULT_LIMIT
    )
    license_trusted_networks = fields.Char(
        string="Trusted Addresses",
        config_parameter=TRUSTED,
        help="Addresses and networks that are never refused, with commas between.",
    )

    def _check_license_throttle(self):
        """Refuse what the throttle could not work with."""
        if not 0 <= self.license_failed_lookups <= throttle.MAX_COUNT:
            raise ValidationError(
                self.env._(
                    "Unknown Keys a Minute: use 0 to %(maximum)s.",
                    maximum=throttle.MAX_COUNT,
                )
            )
        bad = throttle.read_networks(self.license_trusted_networks).bad
        if bad:
            raise ValidationError(
                self.env._(
                    "Trusted Addresses: “%(entry)s” is not an address or a network, "
                    "such as 203.0.113.7 or 2001:db8::/32.",
                    entry=bad[0],
                )
            )

    def set_values(self):
        self._check_license_throttle()
        before = self.env["ir.config_parameter"].sudo().get_param(WAIT_FOR_BANK)
        res = super().set_values()
        # Odoo forgets a 0, and would bring back the default.
        self.env["ir.config_parameter"].sudo().set_param(
            LIMIT, str(self.license_failed_lookups)
        )
        if bool(before) != self.license_wait_for_bank:
            self.env["software.license.term"].sudo()._recompute_in_payment()
        return res
