import logging

from odoo import api, fields, models, tools
from odoo.tools import SQL

from ..tools import signing

#: Options of Odoo's configuration file. The former one only opens what it locked.
PASSPHRASE = "software_license_passphrase"
FORMER_PASSPHRASE = "software_license_former_passphrase"
_logger = logging.getLogger(__name__)


class SoftwareLicenseSigningKey(models.Model):
    """The private parts: how they are stored, opened, kept in memory, and erased."""

    _inherit = "software.license.signing.key"

    # PKCS #8 in PEM. Written by _keep_private, erased once the key has retired.
    private_pem = fields.Text(
        groups=fields.NO_ACCESS, copy=False, readonly=True, prefetch=False
    )
    is_encrypted = fields.Boolean(
        string="Encrypted",
        readonly=True,
        help="The private part can't be read without the passphrase.",
    )

    @api.model
    def _get_signer_of_ring(self, company_id, version, now):
        """Return the key that signs for a company, as a ``SigningKey``, or None.

        ``version`` is that of the ring, in the transaction that asks.
        """
        ring = self._load_ring(company_id, version)
        return next((key for key in ring if key.signs_at(now)), None)

    @api.model
    def _can_all_sign(self):
        """Whether each company that has keys has one that signs now.

        Monitors ask: it costs one statement, and one more for a ring that changed.
        """
        self.flush_model()
        self.company_id.flush_model()
        now = fields.Datetime.now()
        rings = self.env.execute_query(
            SQL(
                """SELECT id, license_ring_version
                     FROM res_company
                    WHERE id IN (
                        SELECT company_id
                          FROM software_license_signing_key
                         WHERE withdrawn_at IS NULL
                    )"""
            )
        )
        return all(self._get_signer_of_ring(*ring, now) for ring in rings)

    @api.model
    @tools.ormcache("company_id", "version")
    def _load_ring(self, company_id, version):
        """Return the keys of a company that sign or will, the newest first.

        Kept in memory: what signs thousands of answers is read and decrypted once. A
        ring that changes gets another version, so that nobody takes an old one, or
        one of a transaction that was rolled back, for today's.
        """
        self.flush_model()
        self.env.cr.execute(
            SQL(
                """SELECT kid, algorithm, private_pem, issuer, signs_from, retired_at
                     FROM software_license_signing_key
                    WHERE company_id = %s AND withdrawn_at IS NULL
                      AND private_pem IS NOT NULL
                 ORDER BY signs_from DESC, id DESC""",
                company_id,
            )
        )
        keys = (signing.SigningKey(*row) for row in self.env.cr.fetchall())
        return tuple(
            key._replace(private=private)
            for key in keys
            if (private := self._open_private(key.kid, key.private))
        )

    def _keep_private(self, private):
        """Store the private part of a key, encrypted if there is a passphrase.

        By psycopg2's own cursor: that of Odoo writes what it executes into the log,
        if it is told to, or when something fails.
        """
        self.ensure_one()
        self.flush_recordset()
        pem = signing.dump(private, tools.config.get(PASSPHRASE))
        self.env.cr._obj.execute(
            "UPDATE software_license_signing_key SET private_pem = %s WHERE id = %s",
            [pem, self.id],
        )
        self.invalidate_recordset(["private_pem"])
        self.is_encrypted = signing.is_encrypted(pem)

    def _is_usable(self):
        """Whether this key has a private part that can be read."""
        self.ensure_one()
        pem = self.private_pem
        return bool(pem) and (
            not signing.is_encrypted(pem) or signing.opens(pem, *_get_passphrases())
        )

    @api.model
    def _open_private(self, kid, pem):
        """Return the private key of a PEM text, None if no passphrase opens it."""
        try:
            return signing.load(pem, _get_passphrases())
        except signing.BadKey:
            _logger.error(
                "The signing key %s can't be read: %s in the configuration file is "
                "missing or wrong. No tokens are signed with it.",
                kid,
                PASSPHRASE,
            )
            return None

    def _erase_private(self):
        """Erase what nobody needs any more: the private part of what signs no more."""
        self.write({"private_pem": False, "is_encrypted": False})

    @api.model
    def _cron_tidy_signing_keys(self):
        """Erase private parts of retired keys; encrypt those of others, if told to.

        Companies that have no key yet, say because they were archived, get one.
        """
        self._make_first_keys()
        now = fields.Datetime.now()
        has_private = [("private_pem", "!=", False)]
        self.search([*has_private, ("retired_at", "<=", now)])._erase_private()
        if passphrase := tools.config.get(PASSPHRASE):
            for key in self.search(has_private):
                key._encrypt(passphrase)

    def _encrypt(self, passphrase):
        """Encrypt a key that the passphrase does not open yet."""
        self.ensure_one()
        pem = self.private_pem
        if signing.is_encrypted(pem) and signing.opens(pem, passphrase):
            return
        if private := self._open_private(self.kid, pem):
            self._keep_private(private)


def _get_passphrases():
    """Return the passphrases of the configuration file, the one of today first."""
    names = (PASSPHRASE, FORMER_PASSPHRASE)
    return [it for it in map(tools.config.get, names) if it]
