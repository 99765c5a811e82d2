from collections import defaultdict

from markupsafe import Markup

from odoo import api, fields, models


class AccountMoveLine(models.Model):
    _name = "account.move.line"
    _inherit = ["account.move.line", "software.license.line.mixin"]
    _license_quantity_field = "quantity"

    # Stamped when the line is created, and on purpose not copied: a duplicate of a
    # subscription's invoice bills a period that was billed already.
    license_source_ref = fields.Char(
        string="Licensed Through",
        copy=False,
        readonly=True,
        help="The subscription that this line bills, or the line that it corrects.",
    )
    license_date_start = fields.Date(string="Licensed from", copy=False, readonly=True)
    license_date_end = fields.Date(
        string="Licensed until", copy=False, readonly=True, help="Inclusive."
    )
    is_license_duplicate = fields.Boolean(
        copy=False,
        readonly=True,
        help="A copy of a line that grants a period already. It grants nothing.",
    )
    license_term_ids = fields.One2many(
        "software.license.term", "move_line_id", string="License Terms"
    )

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        adapters = self.env["software.license.subscription"]._get_adapters()
        if adapters:
            lines._stamp_license_source(adapters)
        return lines

    def copy_data(self, default=None):
        vals_list = super().copy_data(default)
        if not self.env.context.get("include_business_fields"):
            for line, vals in zip(self, vals_list, strict=True):
                line._mark_license_copy(vals)
        return vals_list

    def _mark_license_copy(self, vals):
        """A copy of what bills a period grants nothing, unless the period is free."""
        if self.is_license_duplicate:
            vals["is_license_duplicate"] = True
        elif self.license_date_start:
            if self._is_license_void():
                vals.update(self._prepare_license_stamp())
            else:
                vals["is_license_duplicate"] = True

    def _is_license_void(self):
        """Was this line's invoice cancelled, or credited in full?"""
        terms = self.license_term_ids
        return (
            self.parent_state == "cancel"
            or self.move_id.payment_state == "reversed"
            or (terms and not any(term.effective_quantity for term in terms))
        )

    def _copy_data_extend_business_fields(self, values):
        """A credit note, and the corrected invoice after it, are about the same."""
        res = super()._copy_data_extend_business_fields(values)
        if self._is_product_sold():
            values.update(self._prepare_license_stamp())
        return res

    def _prepare_license_stamp(self):
        """Return the values of a line that takes this one back, or its place."""
        origin = self.license_origin_line_id if self.move_id.reversed_entry_id else self
        return {
            "license_source_ref": self._get_license_source(),
            "license_origin_line_id": origin.id,
            "license_date_start": self.license_date_start,
            "license_date_end": self.license_date_end,
            "is_license_duplicate": self.is_license_duplicate,
        }

    def _stamp_license_source(self, adapters):
        """Note which subscription a new line bills, and from when to when."""
        for line in self.filtered(
            lambda line: (
                line._is_license_candidate()
                and not line.license_source_ref
                and not line.is_license_duplicate
            )
        ):
            for adapter in adapters:
                subscription = adapter.sudo()._get_subscription(line.sudo())
                if subscription:
                    start, end = adapter.sudo()._get_period(line.sudo(), subscription)
                    line.write(
                        {
                            "license_source_ref": f"{subscription._name},"
                            f"{subscription.id}",
                            "license_date_start": start,
                            "license_date_end": end,
                        }
                    )
                    break

    def _is_license_candidate(self):
        """Is this the line of a product sold, on an invoice or a receipt?

        Not on one that reverses a credit note: that gives back what it took.
        """
        return (
            self._is_product_sold()
            and self.move_id.move_type in ("out_invoice", "out_receipt")
            and self.move_id.reversed_entry_id.move_type != "out_refund"
        )

    def _is_product_sold(self):
        return bool(
            self.display_type == "product"
            and self.product_id
            and not self.is_downpayment
        )

    def _filter_licensed(self):
        """Return the lines that grant a license once they are paid."""
        return self._filter_licensed_products().filtered(
            lambda line: line._is_license_sale() and not line.is_license_left
        )

    def _is_license_sale(self):
        """Does this line sell something, rather than take it back or repeat it?"""
        return (
            self._is_license_candidate()
            and self.quantity > 0
            and not self.is_license_duplicate
        )

    def _filter_licensed_products(self):
        """Return the lines of licensed products; costs no query."""
        licensed = self.env["product.product"]._get_licensed_ids()
        return self.filtered(lambda line: line.product_id.id in licensed)

    def _get_license_source(self):
        """Return what a line's licenses come of, as "model,id".

        The subscription, else the order line, else the line itself.
        """
        self.ensure_one()
        if self.license_source_ref:
            return self.license_source_ref
        line = self.sudo()
        origin = line.sale_line_ids[:1] or line
        for adapter in line.env["software.license.subscription"]._get_adapters():
            # A line made before this addon was installed was never stamped.
            origin = adapter._get_subscription(line) or origin
        return f"{origin._name},{origin.id}"

    def _lock_license_source(self):
        """Let nobody else issue for the same subscription or order line meanwhile.

        A line that is its own source has no rival that its invoice does not have.
        """
        ids_by_model = defaultdict(set)
        for line in self:
            model, _comma, res_id = line._get_license_source().partition(",")
            if model in self.env and model != self._name:
                ids_by_model[model].add(int(res_id))
        for model, ids in ids_by_model.items():
            records = self.env[model].browse(sorted(ids))
            self.env["software.license"]._keep_rivals_off(records)

    def _license_identity(self):
        named = self.sale_line_ids.license_id[:1]
        if named and not self._is_license_of_subscription():
            application = named.application
            return named.billing_identity or f"{named._name},{named.id}|{application}"
        return super()._license_identity()

    def _get_licenses_of_order(self):
        """Return the licenses that this line's order names, or gave before payment.

        The first of them is the one that it renews or upgrades.
        """
        sale_lines = self.sale_line_ids
        application = self.product_id._get_license_policy().application
        given = sale_lines.license_term_ids.license_id.filtered(
            lambda license_: (
                license_.application == application
                and "invoice" not in license_.term_ids.mapped("source")
            )
        )
        return sale_lines.license_id[:1] | given

    def _is_license_upgrade(self):
        """Does this line take the place of what its license was granted before?"""
        sale_line = self.sale_line_ids[:1]
        return bool(sale_line.license_id and sale_line.license_change == "upgrade")

    def _get_license_period(self):
        """Return the inclusive (first, last) day paid for; last None: forever."""
        self.ensure_one()
        if self.license_date_start:
            return self.license_date_start, self.license_date_end or None
        start = self.move_id.invoice_date or fields.Date.context_today(self)
        renewed = self.sale_line_ids.license_id[:1]
        if renewed and not self._is_license_upgrade():
            known = self.license_term_ids[:1]
            start = known.date_start or renewed._get_renewal_start(start)
        return self.product_id._get_license_policy()._get_period(start)

    def _log_licenses(self):
        """Say in the chatter of these lines' invoices what they paid for."""
        licenses = {
            move: lines.license_term_ids.license_id
            for move, lines in self.grouped("move_id").items()
        }
        self.move_id._message_log_batch(
            {
                move.id: self.env._(
                    "Licenses paid: %(licenses)s",
                    licenses=Markup(", ").join(
                        it._get_html_link(title=it.product_id.display_name)
                        for it in paid
                    ),
                )
                for move, paid in licenses.items()
            }
        )

    # === CHANGED LINES === #

    def _update_license_terms(self):
        """Bring the terms that this line granted up to date with what it says now.

        Returns how many licenses are missing.
        """
        self.ensure_one()
        wanted = self._get_license_units()
        terms = self.license_term_ids.sorted("id")
        if not terms:
            return wanted
        application = self.product_id._get_license_policy().application
        same = terms.filtered(
            lambda term: (
                term.license_id.application == application
                and (self._is_license_of_seats() or not term._is_superseded())
            )
        )
        kept = same[:wanted]
        kept._set_quantity(self._get_term_quantity())
        (terms - kept)._set_quantity(0)
        for term in kept:
            if term.product_id != self.product_id or (
                term.date_start != self._get_license_period()[0]
            ):
                term.write(self.env["software.license"]._prepare_term_vals(self))
        return wanted - len(kept)

    # === PROBLEMS === #

    def _get_license_problem(self):
        """Return why this line can't be licensed, False if it can."""
        self.ensure_one()
        policy, problem = self.product_id._get_license_policy(), False
        renewed = self.sale_line_ids.license_id[:1]
        if not self.move_id.partner_id:
            problem = self.env._("the invoice names no customer")
        elif renewed and not self.license_term_ids:
            problem = self.sale_line_ids[:1]._get_license_mismatch(renewed)
        # What is sold no more is still renewed.
        is_new = not policy.active and not self._has_license()
        return self._describe_license_problem(
            problem
            or policy._get_problem(
                self.company_id, self._get_license_quantity(), is_new
            )
        )

    def _get_revoked_license_problems(self):
        """Return {line: problem} of lines that would pay for a revoked license."""
        new = self.filtered(lambda line: not line.license_term_ids)
        identities = {line: line._license_identity() for line in new}
        revoked = self.env["software.license"].search(
            [
                ("billing_identity", "in", list(set(identities.values()))),
                ("state", "=", "revoked"),
            ]
        )
        text = self.env._("the license was revoked")
        return {
            line: line._describe_license_problem(text)
            for line, identity in identities.items()
            if identity in revoked.mapped("billing_identity")
        }

    def _has_license(self):
        """Was a license issued before that this line paid for, or renews?"""
        same = [("billing_identity", "=", self._license_identity())]
        licenses = self.env["software.license"]
        return bool(self.license_term_ids or licenses.search_count(same, limit=1))

    def _is_license_of_subscription(self):
        """Does this line bill a subscription?"""
        model = self._get_license_source().partition(",")[0]
        adapters = self.env["software.license.subscription"]._get_adapters()
        return any(model == adapter._subscription_model for adapter in adapters)

    def _get_license_subscriptions(self):
        """Return {line: (subscription, its customer)} of lines that bill one."""
        sources = {line: line._get_license_source().partition(",") for line in self}
        found = {}
        for adapter in self.env["software.license.subscription"]._get_adapters():
            ids = {
                line: int(res_id)
                for line, (model, _comma, res_id) in sources.items()
                if model == adapter._subscription_model
            }
            subscriptions = self.env[adapter._subscription_model].browse(
                set(ids.values())
            )
            by_id = {one.id: one for one in subscriptions.exists()}
            for line in ids.keys() - found.keys():
                if subscription := by_id.get(ids[line]):
                    found[line] = subscription, adapter._get_partner(subscription)
        return found
