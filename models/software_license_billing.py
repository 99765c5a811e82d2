from collections import defaultdict

from odoo import Command, api, fields, models

from ..tools import period


class SoftwareLicense(models.Model):
    """From paid invoice lines to licenses: new ones, and longer lives of old ones."""

    _inherit = "software.license"

    billing_identity = fields.Char(
        readonly=True,
        copy=False,
        help="What the license is renewed by: see account.move.line.",
    )
    billing_unit = fields.Integer(
        readonly=True,
        copy=False,
        help="Which of the units bought this license is, counted from 1.",
    )

    _billing_unique = models.UniqueIndex(
        "(billing_identity, billing_unit)"
        " WHERE billing_identity IS NOT NULL AND active",
        "What this license was sold with has another license by now.",
    )

    @api.model
    def _grant(self, move_lines):
        """Grant what these paid lines bought: each a term on its licenses.

        Lines that granted before are brought up to date with what they say now.
        """
        move_lines._lock_license_source()
        identities = {line: line._license_identity() for line in move_lines}
        missing = {
            line: line._update_license_terms(identity)
            for line, identity in identities.items()
        }
        slots = self._get_slots(set(identities.values()))
        for line, identity in identities.items():
            for slot in self._allocate(slots[identity], line, missing[line]):
                slot["terms"].append(self._prepare_term_vals(line))
                slot.setdefault("line", line)
                slot["identity"] = identity
        self._write_slots([slot for group in slots.values() for slot in group])

    @api.model
    def _get_slots(self, identities):
        """Return {identity: slots}; a slot is a license, there or yet to be made."""
        slots = defaultdict(list)
        for license_ in self.search(
            [("billing_identity", "in", list(identities))], order="billing_unit"
        ):
            slots[license_.billing_identity].append(
                {
                    "license": license_,
                    "unit": license_.billing_unit,
                    "terms": [],
                    "periods": license_.term_ids._get_paid_periods(),
                }
            )
        return slots

    @api.model
    def _allocate(self, slots, line, wanted):
        """Return the slots of the licenses that a line pays for, beside those it has.

        One license takes all units as seats. Where each unit is a license, a unit
        that is paid for in this period already is left alone: what is bought
        beside it is another one.
        """
        bought = line._get_license_period()
        had = line.license_term_ids.license_id
        free = [slot for slot in slots if slot["license"] not in had]
        if not line._is_license_of_seats():
            free = [it for it in free if not period.overlaps(bought, it["periods"])]
        chosen = free[:wanted]
        while len(chosen) < wanted:
            unit = max((slot["unit"] for slot in slots), default=0) + 1
            nobody = self.browse()
            slots.append({"license": nobody, "unit": unit, "terms": [], "periods": []})
            chosen.append(slots[-1])
        for slot in chosen:
            slot["periods"].append(bought)
        return chosen

    @api.model
    def _write_slots(self, slots):
        new = [slot for slot in slots if slot["terms"] and not slot["license"]]
        quiet = self.with_context(mail_create_nolog=True, mail_create_nosubscribe=True)
        licenses = quiet.create(
            [
                {
                    **self._prepare_license_vals(slot["line"]),
                    "billing_identity": slot["identity"],
                    "billing_unit": slot["unit"],
                    "term_ids": [Command.create(vals) for vals in slot["terms"]],
                }
                for slot in new
            ]
        )
        licenses._message_log_batch(
            {
                license_.id: self.env._(
                    "Issued: invoice %(invoice)s was paid.",
                    invoice=slot["line"].move_id._get_html_link(),
                )
                for license_, slot in zip(licenses, new, strict=True)
            }
        )
        self.env["software.license.term"].create(
            [
                {**vals, "license_id": slot["license"].id}
                for slot in slots
                if slot["license"]
                for vals in slot["terms"]
            ]
        )

    @api.model
    def _prepare_license_vals(self, move_line):
        """Return the values of the license that a paid line issues; override it."""
        subscription, partner = move_line._get_license_subscription()
        sale_line = move_line.sale_line_ids[:1]
        partner = (
            partner or sale_line.order_id.partner_id or move_line.move_id.partner_id
        )
        return {
            "partner_id": partner.id,
            "product_id": move_line.product_id.id,
            "policy_id": move_line.product_id._get_license_policy().id,
            "company_id": move_line.company_id.id,
            "sale_line_id": sale_line.id,
            "subscription_ref": f"{subscription._name},{subscription.id}"
            if subscription
            else False,
        }

    @api.model
    def _prepare_term_vals(self, move_line):
        """Return the values of the term that a paid line grants one license."""
        start, end = move_line._get_license_period()
        return {
            "source": "invoice",
            "move_line_id": move_line.id,
            "product_id": move_line.product_id.id,
            "policy_id": move_line.product_id._get_license_policy().id,
            "date_start": start,
            "date_end": end,
            "quantity": move_line._get_term_quantity(),
        }
