import secrets
from uuid import uuid4

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..tools import instance


class ResCompany(models.Model):
    _inherit = "res.company"

    license_send_messages = fields.Boolean(
        string="E-mail Customers",
        default=True,
        help="Customers get their license keys by e-mail, and are told when a license "
        "is renewed, is about to end, has ended, or its payment failed.",
    )
    license_expiry_notice_days = fields.Char(
        string="Days before the End",
        default="30, 7, 1",
        help="So many days before a license ends, its customer is told. Empty: never.",
    )

    # Off: who keeps the books, or gets a copy, need not get the key.
    license_print_on_invoices = fields.Boolean(
        string="Keys on Invoices",
        help="The PDF of a paid invoice shows the license keys that it paid.",
    )

    license_billing_url = fields.Char(
        string="Billing Address",
        help="Where customers of this company manage what they pay, as self-hosted "
        "software is told. Empty: the page of the order or the subscription in the "
        "customer portal.",
    )

    license_token_issuer = fields.Char(
        string="Token Issuer",
        copy=False,
        help="Who the tokens and license files of this company are of, as software "
        "checks it (their claim iss): keys that are made from now on say so.",
    )

    _license_token_issuer_unique = models.Constraint(
        "UNIQUE (license_token_issuer)",
        "Token Issuer: another company has this one.",
    )

    license_onboarding_closed = fields.Boolean(copy=False)

    # Another one with each change of the signing keys, never one that was before.
    license_ring_version = fields.Integer(
        groups=fields.NO_ACCESS, copy=False, readonly=True
    )

    @api.model_create_multi
    def create(self, vals_list):
        companies = super().create(vals_list)
        self.env["software.license.signing.key"].sudo()._make_first_keys(companies)
        return companies

    def _get_license_token_issuer(self):
        """Return who this company's tokens are of; made up once, for good.

        Not the server's address, which changes whenever an administrator comes by
        another one: software refuses tokens of an issuer that it does not know.
        """
        self.ensure_one()
        if not (self.license_token_issuer or "").strip():
            self.license_token_issuer = f"urn:uuid:{uuid4()}"
        return self.license_token_issuer.strip()

    def _touch_license_ring(self):
        """Let whoever signs for these companies read their signing keys anew.

        Two who change the keys of one company at once can't both: Odoo tries one of
        them again.
        """
        for company in self.sudo():
            company.license_ring_version = secrets.randbelow(2**31)

    @api.constrains("license_billing_url")
    def _check_license_billing_url(self):
        for company in self.filtered("license_billing_url"):
            if not instance.normalize_url(company.license_billing_url):
                raise ValidationError(
                    self.env._(
                        "Billing Address: “%(text)s” is not a web address, such as "
                        "https://example.com/billing.",
                        text=company.license_billing_url,
                    )
                )

    @api.constrains("license_expiry_notice_days")
    def _check_license_expiry_notice_days(self):
        for company in self:
            try:
                days = company._get_license_notice_days()
            except ValueError:
                days = [0]
            if not all(1 <= day <= 3650 for day in days):
                raise ValidationError(
                    self.env._(
                        "Days before the End: “%(text)s” is not a list of days. "
                        "Write numbers from 1 to 3650, such as 30, 7, 1.",
                        text=company.license_expiry_notice_days,
                    )
                )

    def _get_license_notice_days(self):
        """Return the days before the end of a license to tell of it, ascending."""
        self.ensure_one()
        texts = (self.license_expiry_notice_days or "").split(",")
        return sorted({int(text) for text in texts if text.strip()})
