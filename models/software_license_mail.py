from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ..tools import entitlement, period
from .account_move_message import UNPAID_STATES


class SoftwareLicense(models.Model):
    """What customers read about their license, and the key sent by hand."""

    _inherit = "software.license"

    def action_send_key(self):
        """E-mail the key to the customer now, once more if need be."""
        return self._get_sent_notification(self._email_keys())

    def _email_keys(self):
        """Queue one e-mail for each customer with all its keys; return the messages."""
        self.check_access("write")
        self._check_sendable()
        groups = self.grouped(
            lambda license_: (license_.company_id, license_.partner_id)
        )
        messages = self.env["software.license.message"].sudo()
        messages = messages._send(
            [
                {
                    "kind": "issued",
                    "company_id": company.id,
                    "partner_id": partner.id,
                    "license_ids": licenses.ids,
                }
                for (company, partner), licenses in groups.items()
            ]
        )
        problems = messages.filtered("failure_reason").mapped("failure_reason")
        if problems:
            raise UserError("\n".join(problems))
        return messages

    def _check_sendable(self):
        """Refuse to e-mail a key that is revoked, or to nobody; say which they are."""
        if revoked := self.filtered(lambda license_: license_.state == "revoked"):
            raise UserError(
                self.env._(
                    "A revoked license key is not sent to its customer: %(keys)s",
                    keys=revoked._get_masked_names(),
                )
            )
        customers = self.partner_id
        if unknown := customers.filtered(lambda it: not it.email_normalized):
            raise UserError(
                self.env._(
                    "%(customer)s has no e-mail address.",
                    customer=", ".join(unknown.mapped("display_name")),
                )
            )

    def _get_sent_notification(self, messages):
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._(
                    "The key is on its way to %(email)s.",
                    email=", ".join(set(messages.mapped("email"))),
                ),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    # === WHAT MESSAGES SAY === #

    def _is_worth_telling(self):
        """Is the key one that its customer may use, or could until it ended?"""
        self.ensure_one()
        return self.active and self.status in ("active", "expired")

    def _get_message_facts(self):
        """Return what an e-mail says of this license; override it to say more."""
        self.ensure_one()
        policy = self.policy_id
        product = self.product_id.with_context(display_default_code=False)
        return {
            "name": product.display_name or policy.name,
            "plan": self.plan,
            "key": self.license_key,
            "devices": self._get_seat_limit(),
            "features": entitlement.describe(
                entitlement.features(policy.features, self.features)
            ),
            "until": period.day_of_end(self.expires_at or None),
            "is_trial": bool(self.trial_ends_at),
        }

    def _get_unpaid_invoice(self):
        """Return an invoice that is to be paid to extend one of these licenses."""
        moves = self.env["account.move"].search(
            [
                ("is_license_due", "=", True),
                ("state", "=", "posted"),
                ("payment_state", "in", UNPAID_STATES),
                ("company_id", "in", self.company_id.ids),
                ("commercial_partner_id", "in", self.commercial_partner_id.ids),
            ],
            order="invoice_date_due, id",
        )
        return moves.filtered(lambda move: move._get_licenses_to_pay() & self)[:1]

    def _get_recently_past_domain(self, since):
        """Return the domain of licenses whose end, with its grace, is after this.

        A bound for the index, and the exact one of each grace.
        """
        policies = self.env["software.license.policy"].sudo()
        ((longest,),) = policies.with_context(active_test=False)._read_group(
            [], [], ["grace_days:max"]
        )
        bound = fields.Datetime.subtract(since, days=longest or 0)
        return Domain("expires_at", ">", bound) & ~self._get_past_domain(since)
