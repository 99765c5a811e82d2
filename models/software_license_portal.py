from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain

from ..tools import entitlement, license_key

#: What ends within it is listed as expiring soon.
SOON = timedelta(days=30)
#: No license is searched for by more characters; a key has fewer.
MAX_SEARCH = 200


class SoftwareLicense(models.Model):
    """Which licenses a customer finds in the portal, and what is offered of each."""

    _inherit = "software.license"

    @api.model
    def _get_portal_domain(self):
        """Return the domain of the licenses of the user's own company."""
        customer = self.env.user.commercial_partner_id
        return Domain("partner_id", "child_of", customer.id)

    def _get_portal_path(self):
        """Return where the customer sees this license, once logged in."""
        self.ensure_one()
        return f"/my/licenses/{self.id}"

    def _get_portal_name(self):
        """Return what a customer calls it: the product, without its internal code."""
        self.ensure_one()
        product = self.product_id.with_context(display_default_code=False)
        return product.display_name or self.policy_id.name or self.application

    # === THE LIST === #

    @api.model
    def _get_portal_sortings(self):
        """Return {name: {label, order}} of how the list is sorted, default first."""
        return {
            "newest": {"label": self.env._("Newest"), "order": "id desc"},
            "end": {"label": self.env._("End"), "order": "expires_at, id desc"},
            "product": {"label": self.env._("Product"), "order": "product_id, id desc"},
        }

    @api.model
    def _get_portal_filters(self):
        """Return {name: {label, domain}} of what the list shows, default first."""
        domains = self._get_status_domains()
        soon = Domain("expires_at", "<=", fields.Datetime.now() + SOON)
        statuses = self._fields["status"]._description_selection(self.env)
        return {
            "all": {"label": self.env._("All"), "domain": Domain.TRUE},
            "soon": {
                "label": self.env._("Expiring soon"),
                "domain": domains["active"] & soon,
            },
            **{
                status: {"label": label, "domain": domains[status]}
                for status, label in statuses
            },
        }

    @api.model
    def _get_portal_inputs(self):
        """Return {name: {input, label}} of where it is searched, default first."""
        labels = {
            "all": self.env._("Search in all"),
            "key": self.env._("Search in keys"),
            "product": self.env._("Search in products"),
            "device": self.env._("Search in devices"),
        }
        return {name: {"input": name, "label": labels[name]} for name in labels}

    @api.model
    def _get_portal_search_domain(self, search_in, text):
        """Return the domain of the licenses that hold a text, wherever it is meant."""
        text = "".join(filter(str.isprintable, str(text or "")))[:MAX_SEARCH].strip()
        if not text:
            return Domain.TRUE
        # Customers see the names of products, and have no right to the records.
        product = Domain("name", "ilike", text)
        domains = {
            "key": Domain.OR(
                Domain("license_key_normalized", "like", part)
                for part in license_key.normalize_part(text)
            ),
            "product": Domain("product_id", "any!", product)
            | Domain("policy_id", "any!", product),
            "device": Domain.OR(
                Domain(f"activation_ids.{name}", "ilike", text)
                for name in ("label", "device_name", "device_id")
            ),
        }
        return domains.get(search_in) or Domain.OR(domains.values())

    # === WHAT IS OFFERED === #

    def _can_customer_replace_key(self):
        """Whether the portal offers a new key for this license."""
        self.ensure_one()
        return self.policy_id.customers_replace_keys and self.state != "revoked"

    def _can_have_file(self):
        """Whether license files are offered: of what is good and not leased."""
        self.ensure_one()
        return self.status == "active" and not self.policy_id.lease_minutes

    def _can_have_certificate(self):
        """Whether the customer gets the license as a document."""
        self.ensure_one()
        return self.active and self.state != "revoked"

    def _describe_features(self):
        """Return what the license includes, in the words of a customer."""
        self.ensure_one()
        return entitlement.describe(self._to_facts().features)

    def _get_seat_percent(self):
        """Return how full the license is, 0 to 100; None: it is never full."""
        self.ensure_one()
        limit = self._get_seat_limit()
        if limit is None:
            return None
        return min(100, round(100 * self.seat_count / limit)) if limit else 100
