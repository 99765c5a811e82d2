import hashlib
import json
import re
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..tools.errors import IdempotencyKeyReused, InvalidRequest
from ..tools.payload import IDEMPOTENCY_KEY

#: So long a request that is sent again gets the answer of the first time.
KEPT = timedelta(days=1)


class SoftwareLicenseRequest(models.Model):
    """Requests of the managed API that carried an Idempotency-Key, and their answers.

    As the IETF's draft has it (draft-ietf-httpapi-idempotency-key-header): the same
    key and request again do nothing twice, and are answered with the license, as it is
    by now, to who may see it. What was refused is not kept: it may be tried again.
    """

    _name = "software.license.request"
    _description = "Idempotent Request"

    user_id = fields.Many2one("res.users", required=True, ondelete="cascade")
    idempotency_key = fields.Char(required=True)
    digest = fields.Char(required=True, help="SHA-256 of the request.")
    license_id = fields.Many2one("software.license", ondelete="cascade", index=True)

    _user_key_unique = models.UniqueIndex("(user_id, idempotency_key)")

    @api.model
    def _run_once(self, key, request, function):
        """Return the license of a function, or of the same request before.

        ``request`` is a JSON value. A rival with the same key makes PostgreSQL wait,
        and then fail: Odoo tries again, and finds the rival's answer.
        """
        if key is None:
            return function()
        if not re.fullmatch(IDEMPOTENCY_KEY, key):
            raise InvalidRequest("Idempotency-Key must be 1 to 255 characters of ASCII")
        requests = self.sudo()
        text = json.dumps(request, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        same = [("user_id", "=", self.env.uid), ("idempotency_key", "=", key)]
        if not requests._insert(key, digest):
            known = requests.search(same)
            if known.digest != digest:
                raise IdempotencyKeyReused()
            return self.env["software.license"]._api_find(known.license_id.license_key)
        license_ = function()
        requests.search(same).license_id = license_
        return license_

    @api.model
    def _insert(self, key, digest):
        """Note a request; return whether it is the first with this key of late."""
        now = fields.Datetime.now()
        self.env.cr.execute(
            SQL(
                """DELETE FROM software_license_request
                    WHERE user_id = %s AND idempotency_key = %s AND create_date < %s""",
                self.env.uid,
                key,
                now - KEPT,
            ),
            log_exceptions=False,
        )
        self.env.cr.execute(
            SQL(
                """INSERT INTO software_license_request
                          (user_id, idempotency_key, digest, create_date)
                   VALUES (%s, %s, %s, %s)
                   ON CONFLICT DO NOTHING""",
                self.env.uid,
                key,
                digest,
                now,  # not PostgreSQL's: one clock says when it is over, too
            ),
            log_exceptions=False,  # a rival is no error: Odoo tries again
        )
        return bool(self.env.cr.rowcount)

    @api.autovacuum
    def _gc_requests(self):
        """Forget what nobody sends again."""
        old = fields.Datetime.now() - KEPT
        self.sudo().search([("create_date", "<", old)]).unlink()
