from odoo import fields, models
from odoo.exceptions import UserError

from ..models.software_license_signing_key import ALGORITHMS
from ..tools import signing


class SoftwareLicenseSigningKeyAdd(models.TransientModel):
    """Put a new key on a company's key ring: a made one, or one from elsewhere."""

    _name = "software.license.signing.key.add"
    _description = "New Signing Key"

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    origin = fields.Selection(
        [("new", "Make a new key"), ("import", "Import a private key")],
        required=True,
        default="new",
    )
    algorithm = fields.Selection(
        ALGORITHMS,
        required=True,
        default=signing.ED25519,
        help="RS256 is for software that knows nothing newer.",
    )
    is_at_once = fields.Boolean(
        string="Sign at Once",
        help="Otherwise the key is published now, and signs in 10 minutes: by then, "
        "nobody holds a list of keys without it.",
    )
    # Neither is stored: a key is imported while they are being saved.
    pem = fields.Text(
        string="Private Key (PEM)", compute="_compute_secrets", inverse="_inverse_pem"
    )
    passphrase = fields.Char(compute="_compute_secrets", inverse="_inverse_pem")
    key_id = fields.Many2one("software.license.signing.key", readonly=True)

    def _compute_secrets(self):
        self.pem = self.passphrase = False

    def _inverse_pem(self):
        for wizard in self.filtered(
            lambda it: it.origin == "import" and it.pem and not it.key_id
        ):
            passphrases = [wizard.passphrase] if wizard.passphrase else []
            try:
                private = signing.load(wizard.pem, passphrases)
            except signing.BadKey as error:
                raise UserError(self.env._("Private Key: %s", error)) from None
            wizard._add(private)
        self.invalidate_recordset(["pem", "passphrase"])

    def _add(self, private):
        """Put a key on the ring, and remember it."""
        self.ensure_one()
        keys = self.env["software.license.signing.key"]
        keys.check_access("read")  # who may read keys manages them
        if self.company_id not in self.env.companies:
            raise UserError(self.env._("Company: choose one of yours."))
        self.key_id = keys.sudo()._add(self.company_id, private, self.is_at_once)

    def action_add(self):
        """Make the key, unless it was imported, and show the key ring."""
        self.ensure_one()
        if self.origin == "new":
            self._add(signing.generate(self.algorithm))
        elif not self.key_id:
            raise UserError(self.env._("Private Key: paste the text of a PEM file."))
        ring = self.env["ir.actions.act_window"]._for_xml_id(
            "software_license.software_license_signing_key_action"
        )
        return {**ring, "target": "main"}  # it stands where the dialog came from
