from odoo import models
from odoo.exceptions import UserError


class SoftwareLicense(models.Model):
    """A license that goes to another customer, with what was paid for it.

    The ledger stays: what the old customer paid counts on for the new one.
    """

    _inherit = "software.license"

    def write(self, vals):
        if self._is_changed("partner_id", vals):
            partner = self.env["res.partner"].browse(vals["partner_id"])
            moved = self._filter_of_others(partner)
            moved._check_move(partner)
            moved._forget_customer()
        return super().write(vals)

    def _filter_of_others(self, partner):
        """Return those of these licenses that a customer's company does not own."""
        return self.filtered(
            lambda license_: (
                license_.commercial_partner_id != partner.commercial_partner_id
            )
        )

    def _check_move(self, partner):
        """Refuse to give licenses to another customer; contacts are a user's business.

        It takes from one customer what was paid for, and gives it to another one: a
        manager decides. Whoever pays an open order that bills it would get nothing.
        """
        if not self:
            return
        self._check_is_manager(
            self.env._("Only a license manager can move a license to another customer.")
        )
        if orders := self._get_open_orders(partner):
            raise UserError(
                self.env._(
                    "Customer: these orders of another customer bill a license that is "
                    "to be moved, and are not invoiced and paid in full. Cancel them "
                    "first, or wait until they are paid: %(orders)s.",
                    orders=", ".join(orders.mapped("name")),
                )
            )

    def _get_open_orders(self, partner):
        """Return the orders of others than a customer that bill these, unpaid."""
        return (
            self.sudo()
            ._get_billing_order_lines()
            .filtered(
                lambda line: (
                    line.order_partner_id.commercial_partner_id
                    != partner.commercial_partner_id
                    and line._is_license_unpaid()
                )
            )
            .order_id
        )

    def _get_billing_order_lines(self):
        """Return the order lines that sold these licenses, or renew them by name.

        What a subscription bills is never paid in full: that it goes on is asked.
        """
        subscribed = self._get_subscriptions()
        licenses = self.filtered(lambda license_: license_ not in subscribed)
        prefix = "sale.order.line,"
        identities = filter(None, licenses.mapped("billing_identity"))
        ids = [
            int(identity.removeprefix(prefix).partition("|")[0])
            for identity in identities
            if identity.startswith(prefix)
        ]
        lines = self.env["sale.order.line"]
        return (
            lines.search([("license_id", "in", self.ids)])
            | lines.browse(ids).exists()
            | licenses.sale_line_id
            | licenses.term_ids.sale_line_id
        )

    def _get_foreign_subscriptions(self, partner):
        """Return the subscriptions of others than a customer that renew these."""
        adapters = {
            adapter._subscription_model: adapter.sudo()
            for adapter in self.env["software.license.subscription"]._get_adapters()
        }
        return [
            subscription
            for subscription in dict.fromkeys(self.sudo()._get_subscriptions().values())
            if adapters[subscription._name]
            ._get_partner(subscription)
            .commercial_partner_id
            != partner.commercial_partner_id
        ]

    def _forget_customer(self):
        """Let whoever gets these licenses next read nothing of who had them before.

        Devices in use go with the license. What was said and done stays on record,
        for the own staff only; of a device that was freed nothing would be.
        """
        licenses = self.sudo()
        for owner, owned in licenses.grouped("commercial_partner_id").items():
            followers = owned.message_partner_ids.filtered(
                lambda it, owner=owner: it.commercial_partner_id == owner
            )
            owned.message_unsubscribe(followers.ids)
        licenses.message_ids.filtered(lambda it: not it.is_internal).is_internal = True
        self._forget_devices()
        licenses.write({"self_deactivation_year": 0, "self_deactivation_count": 0})

    def _forget_devices(self):
        """Delete freed devices; one that is refused goes on to be, without a name."""
        devices = self.env["software.license.activation"].sudo()
        unused = devices.with_context(active_test=False).search(
            [("license_id", "in", self.ids), ("active", "=", False)]
        )
        blocked = unused.filtered("blocked")
        blocked.write({"label": False, "device_name": False, "ip_address": False})
        (unused - blocked).unlink()

    def _move(self, partner, notes):
        """Give these licenses to another customer; the old one sees them no more.

        ``notes``, {license id: HTML}, are said in their chatter, which the old
        customer no longer follows.
        """
        self.check_access("write")
        self.partner_id = partner
        self._message_log_batch(notes)
