from base64 import b64encode
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..tools import license_file, signing, token

#: Seconds for which anybody may keep the list of public keys.
JWKS_MAX_AGE = 300
#: Seconds after which a new key signs: clocks differ, and commits take their time.
SIGNS_AFTER = 2 * JWKS_MAX_AGE
ALGORITHMS = [(signing.ED25519, "Ed25519"), (signing.RS256, "RS256 (RSA)")]


class SoftwareLicenseSigningKey(models.Model):
    """A key that signs what a company's licenses answer: one of its key ring.

    The newest one signs. Before it does, and after, it is published, so that whoever
    holds a token can verify it. The private part leaves the database for the memory
    of a server process that signs, and nothing else.
    """

    _name = "software.license.signing.key"
    _description = "License Signing Key"
    _order = "signs_from desc, id desc"
    _rec_name = "kid"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, ondelete="cascade", index=True
    )
    kid = fields.Char(
        string="Key ID",
        required=True,
        readonly=True,
        copy=False,
        help="The thumbprint of the public key (RFC 7638).",
    )
    algorithm = fields.Selection(ALGORITHMS, required=True, readonly=True)
    issuer = fields.Char(
        required=True, readonly=True, help="Who its tokens are of: their claim iss."
    )
    public_jwk = fields.Json(required=True, readonly=True)
    public_pem = fields.Text(string="Public Key", required=True, readonly=True)
    public_file = fields.Binary(compute="_compute_public_file", string="Download")
    public_file_name = fields.Char(compute="_compute_public_file")
    endorsements = fields.Json(
        readonly=True, help="How software that knows older keys learns of this one."
    )
    signs_from = fields.Datetime(required=True, readonly=True)
    retired_at = fields.Datetime(string="Signs until", readonly=True)
    longest_days = fields.Integer(
        required=True,
        readonly=True,
        help="No token of this key was given for more days.",
    )
    withdrawn_at = fields.Datetime(readonly=True)
    published_until = fields.Datetime(
        compute="_compute_published_until",
        help="When the last token of this key has ended.",
    )
    status = fields.Selection(
        [
            ("next", "Signs Soon"),
            ("signing", "Signing"),
            ("unusable", "Can't Sign"),
            ("retired", "Retired"),
            ("past", "Past"),
            ("withdrawn", "Withdrawn"),
        ],
        compute="_compute_status",
        help="All but past and withdrawn ones are published. Can't sign: the private "
        "part is missing, as in a copy for tests, or no passphrase opens it.",
    )

    _kid_unique = models.UniqueIndex("(kid)", "This key is in a key ring already.")

    @api.depends("retired_at", "longest_days")
    def _compute_published_until(self):
        for key in self:
            until = key.retired_at and key.retired_at + timedelta(days=key.longest_days)
            key.published_until = until

    @api.depends("signs_from", "retired_at", "published_until", "withdrawn_at")
    def _compute_status(self):
        now = fields.Datetime.now()
        for key in self:
            if key.withdrawn_at:
                key.status = "withdrawn"
            elif key.published_until and key.published_until <= now:
                key.status = "past"
            elif key.retired_at and key.retired_at <= now:
                key.status = "retired"
            elif not key.sudo()._is_usable():
                key.status = "unusable"
            else:
                key.status = "signing" if key.signs_from <= now else "next"

    @api.depends("kid", "public_pem")
    def _compute_public_file(self):
        for key in self:
            key.public_file_name = f"{key.kid}.pem"
            key.public_file = b64encode((key.public_pem or "").encode())

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        keys = super().create(vals_list)
        keys.company_id._touch_license_ring()
        return keys

    def write(self, vals):
        res = super().write(vals)
        self.company_id._touch_license_ring()
        return res

    @api.ondelete(at_uninstall=False)
    def _unlink_except_published(self):
        if self.filtered(lambda key: key.status not in ("past", "withdrawn")):
            raise UserError(
                self.env._("Clients still need this key: withdraw it instead.")
            )

    # === THE RING === #

    @api.model
    def _get_signer(self, company, now):
        """Return the key that signs for a company, as a ``SigningKey``, or None."""
        version = company.sudo().license_ring_version
        return self._get_signer_of_ring(company.id, version, now)

    @api.model
    def _get_jwks(self):
        """Return the public keys of all companies (RFC 7517), the newest first.

        Beside the standard's members each tells its issuer, ``iss``, and its
        ``endorsements``; see docs/offline.md.
        """
        now = fields.Datetime.now()
        keys = self.search([("withdrawn_at", "=", False)])
        published = keys.filtered(
            lambda it: not it.published_until or it.published_until > now
        )
        return {"keys": [key._to_jwk() for key in published]}

    def _to_jwk(self):
        """Return the public key as it is published."""
        self.ensure_one()
        return {
            **self.public_jwk,
            "iss": self.issuer,
            "endorsements": self.endorsements or [],
        }

    @api.model
    def _make_file(self, signed):
        """Return the license file of a token: with the key, if that is endorsed."""
        key = self.search([("kid", "=", token.get_kid(signed))])
        return license_file.make(signed, key._to_jwk())

    # === MAKING KEYS === #

    @api.model
    def _make_first_keys(self, companies=None):
        """Give each of these companies, by default all, its first key."""
        ringed = self._read_group([], ["company_id"])
        ringless = Domain("id", "not in", [company.id for (company,) in ringed])
        if companies:
            ringless &= Domain("id", "in", companies.ids)
        all_companies = self.env["res.company"].with_context(active_test=False)
        for company in all_companies.search(ringless):
            self._add(company, signing.generate())

    @api.model
    def _add(self, company, private, at_once=True):
        """Put a private key on the ring of a company, as its newest one.

        It signs at once, or when nobody can hold a list of keys without it any more.
        """
        now = fields.Datetime.now()
        starts = now if at_once else now + timedelta(seconds=SIGNS_AFTER)
        jwk = signing.public_jwk(private)
        if self.search_count([("kid", "=", jwk["kid"])], limit=1):
            raise UserError(self.env._("This key is in a key ring already."))
        key = self.create(
            {
                "company_id": company.id,
                "kid": jwk["kid"],
                "algorithm": jwk["alg"],
                "issuer": company.sudo()._get_license_token_issuer(),
                "public_jwk": jwk,
                "public_pem": signing.public_pem(private),
                "endorsements": self._endorse(company, private, now),
                "signs_from": starts,
                "longest_days": self._get_longest_days(),
            }
        )
        key._keep_private(private)
        key._retire_others()
        return key

    @api.model
    def _endorse(self, company, private, now):
        """Return the endorsements of a new key: its predecessor's, and one by it."""
        signer = self._get_signer(company, now)
        if not signer:
            return []
        older = self.search([("kid", "=", signer.kid)])
        return [*(older.endorsements or []), token.endorse(signer, private, now)]

    def _retire_others(self):
        """Let this key alone sign, from its time on."""
        self.ensure_one()
        others = self.search([("company_id", "=", self.company_id.id)]) - self
        others.filtered(
            lambda it: not it.retired_at or it.retired_at > self.signs_from
        ).write({"retired_at": self.signs_from})

    @api.model
    def _get_longest_days(self):
        """Return for how many days a token may be given now, whatever the policy."""
        policies = self.env["software.license.policy"].sudo()
        found = policies.with_context(active_test=False)._read_group(
            [], [], ["offline_days:max", "file_days:max"]
        )
        return max(filter(None, found[0]), default=0)

    @api.model
    def _raise_longest_days(self, days):
        """Remember that tokens may be given for so many days from now on.

        By SQL, which writes rows that stay the same, too: who makes a key meanwhile,
        and knows nothing of these days, writes them as well, and has to try again.
        """
        self.flush_model()
        self.env.cr.execute(
            SQL(
                """UPDATE software_license_signing_key
                      SET longest_days = GREATEST(longest_days, %s)
                    WHERE retired_at IS NULL OR retired_at > %s""",
                days,
                fields.Datetime.now(),
            )
        )
        self.invalidate_model(["longest_days"])

    def action_withdraw(self):
        """Publish these keys no longer: what they signed is not to be trusted.

        A company that is left without a key that signs gets a new one at once.
        """
        self.check_access("read")  # who may read keys manages them
        keys = self.sudo().filtered(lambda it: not it.withdrawn_at)
        keys.write({"withdrawn_at": fields.Datetime.now()})
        keys._erase_private()
        for company, withdrawn in keys.grouped("company_id").items():
            self.sudo()._replace_signer(company, withdrawn[0].algorithm)

    @api.model
    def _replace_signer(self, company, algorithm):
        """See to it that a key of a company signs, now and from now on."""
        now = fields.Datetime.now()
        can_sign = Domain("company_id", "=", company.id) & Domain(
            "private_pem", "!=", False
        )
        newest = self.search(can_sign & self._get_still_signs_domain(now), limit=1)
        if not newest:
            self._add(company, signing.generate(algorithm))
        elif self._get_signer(company, now):
            newest.write({"retired_at": False})
        else:
            newest.write({"retired_at": False, "signs_from": now})

    @api.model
    def _get_still_signs_domain(self, now):
        """Return the domain of keys that sign, or will."""
        return Domain("retired_at", "=", False) | Domain("retired_at", ">", now)
