from datetime import timedelta

from odoo import api, models
from odoo.exceptions import ConcurrencyError
from odoo.fields import Domain
from odoo.tools import SQL, escape_psql

from ..tools import entitlement, license_key, payload, verdict
from ..tools.errors import (
    DeviceNotFound,
    InvalidRequest,
    LicenseIsRevoked,
    LicenseKeyExists,
    LicenseNotFound,
    TrialNotOffered,
    TrialUsed,
)
from ..tools.timestamp import to_timestamp

#: What a page of the list holds, unless it is told.
PAGE = 100
#: So many customers are looked at, whose names hold what is searched for.
MAX_CUSTOMERS = 1000
#: The order of a list. Ids grow with time, and have an index.
ORDERS = {
    "createdAt": "id",
    "-createdAt": "id desc",
    "expiresAt": "expires_at, id",
    "-expiresAt": "expires_at desc, id desc",
}


class SoftwareLicense(models.Model):
    """The managed HTTP calls (api.md, "Licenses, managed over HTTP").

    They run as the user whose API key was sent: access rights, record rules and
    companies are those of the web client.
    """

    _inherit = "software.license"

    @api.model
    def _api_list(
        self,
        limit=None,
        offset=None,
        sort=None,
        **filters,
    ):
        """Return a page of licenses, and how many there are in all."""
        self.check_access("read")
        domain = self._get_api_domain(**filters)
        licenses = self.search(
            domain, offset or 0, limit or PAGE, ORDERS[sort or "-createdAt"]
        )
        return [license_._to_admin_dict() for license_ in licenses], self.search_count(
            domain
        )

    @api.model
    def _get_api_domain(
        self,
        status=None,
        customerId=None,
        productId=None,
        q=None,
        expiresBefore=None,
        createdAfter=None,
    ):
        """Return the domain of the filters of a list; each one has an index."""
        domain = Domain.TRUE
        if status:
            domain &= Domain("status", "in", [status])
        if customerId:
            domain &= Domain("partner_id", "=", customerId) | Domain(
                "commercial_partner_id", "=", customerId
            )
        if productId:
            domain &= Domain("product_id", "=", productId)
        if q:
            domain &= self._get_api_search_domain(q)
        if expiresBefore:
            domain &= Domain("expires_at", "<", expiresBefore)
        if createdAfter:
            # The answer tells seconds: who asks on from there gets nothing twice.
            domain &= Domain("create_date", ">=", createdAfter + timedelta(seconds=1))
        return domain

    @api.model
    def _get_api_search_domain(self, text):
        """Return the domain of licenses whose key, or customer's name, holds a text.

        The customers are looked up first: PostgreSQL would read all licenses to find
        what meets either of two tables.
        """
        name = [("complete_name", "ilike", escape_psql(text))]
        customers = self.env["res.partner"].with_context(active_test=False)
        found = customers.search(name, limit=MAX_CUSTOMERS)
        parts = license_key.normalize_part(text)
        return Domain("partner_id", "in", found.ids) | Domain.OR(
            Domain("license_key_normalized", "like", escape_psql(part))
            for part in parts
        )

    @api.model
    def _api_create(self, body):
        """Issue a license, and return it."""
        self.check_access("create")
        partner = self._find_for_api("res.partner", "customerId", body["customerId"])
        product = self._find_for_api("product.product", "productId", body["productId"])
        policy = product._get_license_policy() or self._get_default_policy()
        if body["policyId"]:
            policy = self._find_for_api(
                "software.license.policy", "policyId", body["policyId"]
            )
        company = self._find_company_for_api(partner, product, policy)
        if problem := policy.sudo()._get_problem(company, 1):
            raise InvalidRequest(f"policyId: {problem}.")
        vals = {
            "product_id": product.id,
            "company_id": company.id,
            "max_activations": body["maxActivations"] or entitlement.INHERIT,
            "features": body["features"] or False,
            **self._read_api_key(body["licenseKey"]),
        }
        if body["trial"]:
            return self._api_give_trial(partner, policy, body["expiresAt"], vals)
        vals.update(partner_id=partner.id, policy_id=policy.id)
        if body["expiresAt"]:
            vals["expires_at"] = body["expiresAt"]
        return self.create(vals)

    @api.model
    def _find_company_for_api(self, *records):
        """Return the company, of the user's, to which all of these may belong."""
        mine = (self.env.company | self.env.companies).sudo()
        named = mine.browse().union(*(it.sudo().company_id for it in records))
        for company in (named & mine) | mine:
            if all(it in company.parent_ids for it in named):
                return company
        raise InvalidRequest(
            "customerId, productId and policyId are not of one company of yours"
        )

    @api.model
    def _get_default_policy(self):
        """Return the policy of products that have none: perpetual and unlimited."""
        policy = self.env.ref("software_license.policy_default", False)
        if not policy:
            raise InvalidRequest("productId: this product has no license policy")
        return policy

    @api.model
    def _find_for_api(self, model, name, id_):
        """Return the record that a field names, as far as this user may see it."""
        record = self.env[model].search([("id", "=", id_)])
        if not record:
            raise InvalidRequest(f"{name}: there is none with this id")
        return record

    @api.model
    def _read_api_key(self, key):
        """Return the values of a license whose key was made elsewhere."""
        if not key:
            return {}
        normalized = license_key.normalize(key)
        self._keep_key_to_ourselves(normalized)
        if self._is_key_known(normalized):
            raise LicenseKeyExists()
        return {"license_key": key}

    @api.model
    def _keep_key_to_ourselves(self, normalized):
        """Let nobody else issue a license with this key until we are through.

        Who comes second is tried again by Odoo, and finds the license of the first.
        PostgreSQL would refuse it, too, and log the whole key.
        """
        self.env.cr.execute(
            SQL(
                "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", normalized
            ),
            log_exceptions=False,
        )
        if not self.env.cr.fetchone()[0]:
            raise ConcurrencyError("a license with this key is being issued")

    @api.model
    def _api_give_trial(self, partner, policy, expires_at, vals):
        """Return a new license on trial: one for each customer and application."""
        if expires_at:
            raise InvalidRequest("expiresAt: a trial ends as its policy says")
        if not policy.trial_days:
            raise TrialNotOffered()
        partner._lock_license_trials()
        if partner._had_license_trial(policy.application):
            raise TrialUsed()
        return self._give_trial(partner, policy, policy.trial_days, vals)

    @api.model
    def _api_find(self, key):
        """Return the license with this key, or raise LicenseNotFound."""
        self.check_access("read")
        same = [("license_key_normalized", "=", license_key.normalize(key))]
        license_ = payload.is_storable(key) and self.search(same)
        if not license_:
            raise LicenseNotFound()
        return license_

    def _api_update(self, changes):
        """Change what was sent of this license; None clears.

        What it reads as already is no change: who sends back what was read, with one
        field changed, sets nothing else by hand.
        """
        self.ensure_one()
        self.check_access("write")
        shown = self._to_admin_dict()
        changes = {
            name: value
            for name, value in changes.items()
            if shown[name] != (to_timestamp(value) if name == "expiresAt" else value)
        }
        vals = {}
        if "status" in changes:
            if self.state == "revoked" and changes["status"] != "revoked":
                raise LicenseIsRevoked()
            vals["state"] = changes["status"]
        if "maxActivations" in changes:
            vals["max_activations"] = changes["maxActivations"] or entitlement.INHERIT
        if "features" in changes:
            vals["features"] = changes["features"] or False
        if "expiresAt" in changes:
            vals["expires_at"] = changes["expiresAt"] or False
        if vals:
            self.write(vals)
        return self._to_admin_dict()

    def _api_delete(self):
        """Delete this license; what was sold or tried is archived for its trace."""
        self.ensure_one()
        self._check_is_manager()
        is_given = set(self.sudo().term_ids.mapped("source")) - {"manual"}
        named = (
            self.env["sale.order.line"]
            .sudo()
            .search_count([("license_id", "=", self.id)], limit=1)
        )
        if is_given or named or self.billing_identity:
            self.active = False
        else:
            self.unlink()
        return {"success": True}

    def _api_activations(self):
        """Return the devices that hold a seat of this license."""
        self.ensure_one()
        seated = self.activation_ids.filtered(lambda device: device.status == "seated")
        return [device._to_admin_dict() for device in seated]

    def _api_free_device(self, device_id):
        """Free the seat of a device."""
        self.ensure_one()
        self.check_access("write")
        kinds = (verdict.DEVICE, verdict.INSTANCE)
        if not payload.is_storable(device_id) or not self._free_device(
            device_id, kinds
        ):
            raise DeviceNotFound()
        return {
            "success": True,
            "currentActivations": self.seat_count,
            "maxActivations": self._get_seat_limit(),
        }

    def _api_file(self, deviceId, deviceName, nonce):
        """Return the text of a license file, for any device or for one."""
        self.ensure_one()
        self.check_access("write")
        return self._make_file(deviceId, deviceName, nonce)

    def _api_rotate(self):
        """Replace the key of this license, and return it."""
        self.ensure_one()
        if self.state == "revoked":
            raise LicenseIsRevoked()
        self._replace_key()
        return self

    # === ANSWERS === #

    def _to_admin_dict(self):
        """Return what a client sees that manages this license; override it."""
        self.ensure_one()
        facts = self._to_facts()
        ref = self.subscription_ref
        named = self.sudo()  # as the web client shows names of what it does not open
        return {
            "id": str(self.id),
            "licenseKey": self.license_key,
            "customerId": str(self.partner_id.id),
            "customerName": named.partner_id.display_name,
            "productId": str(self.product_id.id) if self.product_id else None,
            "productName": named.product_id.display_name or None,
            "policyId": str(self.policy_id.id),
            "application": self.application,
            "plan": self.plan or None,
            "status": self.status,
            "maxActivations": facts.seat_limit,
            "currentActivations": self.seat_count,
            "features": facts.features,
            "expiresAt": to_timestamp(self.expires_at),
            "trialEndsAt": to_timestamp(self.trial_ends_at),
            "subscription": f"{ref._name},{ref.id}" if ref else None,
            "createdAt": to_timestamp(self.create_date),
        }
