from collections import defaultdict

from markupsafe import Markup

from odoo import api, fields, models

#: So many invoices are looked at one by one, within a second or two; of more, what
#: PostgreSQL can count is told.
MAX_LOOKED_AT = 1000


class SoftwareLicensePast(models.Model):
    """What will happen to the past, before anything does."""

    _inherit = "software.license.past"

    preview = fields.Html(
        compute="_compute_preview",
        compute_sudo=True,  # it counts invoices, which managers may not read
        sanitize=False,
    )
    is_ready = fields.Boolean(compute="_compute_preview", compute_sudo=True)
    is_emailing = fields.Boolean(
        related="company_id.license_send_messages", string="Sends E-mails"
    )

    @api.depends(
        "company_id",
        "product_ids",
        "policy_ids",
        "date_from",
        "date_to",
        "what",
        "is_over_included",
        "is_left_included",
        "state",
    )
    def _compute_preview(self):
        for past in self:
            past.preview, past.is_ready = past._render_preview()

    def _render_preview(self):
        """Return what will happen as HTML, and whether there is something to do."""
        is_own = self.company_id in self.env.user.company_ids
        if self.state != "draft" or not is_own:
            return False, False
        if problem := self._get_problem():
            return Markup('<p class="text-danger mb-0">%s</p>') % problem, False
        is_few = self._count_moves() <= MAX_LOOKED_AT
        rows = self._look_at_each() if is_few else self._estimate()
        done, *left_out = rows
        title = (
            self.env._("Will be left without licenses")
            if self.what == "leave"
            else self.env._("Will be issued")
        )
        rows = [(Markup("<strong>%s</strong>") % title, *done[1:])]
        for reason, *counts in left_out:
            rows.append((self.env._("Left out: %(reason)s", reason=reason), *counts))
        html = self._render_table(rows) + self._render_notes(not is_few)
        return html, bool(done[1])

    def _look_at_each(self):
        """Return [(why left out, invoices, customers, licenses)], the done first."""
        moves = self.env["account.move"].search(self._get_move_domain())
        groups = self._group_past(moves.with_company(self.company_id))
        done = groups.pop(False, self.env["account.move.line"])
        return [
            (
                reason,
                len(lines.move_id),
                len(lines.move_id.commercial_partner_id),
                None if reason else self._count_new_licenses(lines),
            )
            for reason, lines in [(False, done), *groups.items()]
        ]

    def _estimate(self):
        """Return the same, by date and policy alone: of many it is near enough."""
        lines, today = self.env["account.move.line"], fields.Date.today()
        moves = self.env["account.move"]._search(self._get_move_domain())
        groups = lines._read_group(
            [*lines._get_past_domain(self._get_products()), ("move_id", "in", moves)],
            ["product_id", "invoice_date:day", "is_license_left"],
            ["move_id:array_agg", "partner_id:array_agg", "quantity:sum"],
        )
        found = {False: (set(), set(), [])}
        for product, day, is_left, move_ids, partner_ids, quantity in groups:
            policy = product._get_license_policy()
            reason = self._get_reason_of_many(policy, day, is_left, today)
            if reason is None:
                continue
            of_moves, of_partners, units = found.setdefault(reason, (set(), set(), []))
            of_moves.update(move_ids)
            of_partners.update(partner_ids)
            is_of_seats = policy.quantity_rule == "seats"
            units.append(len(move_ids) if is_of_seats else round(quantity))
        return [
            (reason, len(of_moves), len(of_partners), None if reason else sum(units))
            for reason, (of_moves, of_partners, units) in found.items()
        ]

    def _get_reason_of_many(self, policy, day, is_left, today):
        """Return why lines are left out, False if not; None: they are not counted."""
        if self.what == "leave":
            return None if is_left else False
        if is_left and not self.is_left_included:
            return self._get_reasons()["left"]
        end = policy._get_period(day)[1]
        if end and end < today and not self.is_over_included:
            return self._get_reasons()["over"]
        return policy._get_problem(self.company_id, 1) or False

    def _group_past(self, moves):
        """Return {why left out, False if not: lines} of invoices' past lines."""
        groups = defaultdict(list)
        judged = self._judge(moves)
        lines = moves.invoice_line_ids.browse([line.id for line in judged])
        is_issued = self.what == "issue"
        problems = lines._get_revoked_license_problems() if is_issued else {}
        for line, reason in judged.items():
            if is_issued and not reason:
                reason = problems.get(line) or line._get_license_problem()
            groups[reason or False].append(line.id)
        return {reason: lines.browse(ids) for reason, ids in groups.items()}

    def _count_new_licenses(self, lines):
        """Return how many licenses these lines issue, beside those that they extend.

        As billing does it, but nothing is written.
        """
        if self.what == "leave":
            return 0
        licenses = self.env["software.license"]
        identities = {line: line._license_identity() for line in lines}
        slots = licenses._get_slots(set(identities.values()))
        for line in lines.sorted(lambda it: (it.move_id.invoice_date, it.id)):
            of_identity = slots[identities[line]]
            licenses._allocate(of_identity, line, line._get_license_units())
        return sum(not slot.license for group in slots.values() for slot in group)

    def _render_table(self, rows):
        """Return the table of [(title, invoices, customers, licenses)]."""
        titles = [self.env._("Invoices"), self.env._("Customers")]
        if self.what == "issue":
            titles.append(self.env._("New Licenses"))
        head = Markup("").join(
            Markup('<th class="text-end">%s</th>') % title for title in titles
        )
        body = Markup("").join(
            Markup("<tr><td>%s</td>%s</tr>")
            % (
                title,
                Markup("").join(
                    Markup('<td class="text-end">%s</td>') % self._format_count(count)
                    for count in counts[: len(titles)]
                ),
            )
            for title, *counts in rows
        )
        return Markup(
            '<table class="table table-sm mb-2"><thead><tr><th></th>%s</tr></thead>'
            "<tbody>%s</tbody></table>"
        ) % (head, body)

    def _render_notes(self, is_estimate):
        """Return, as HTML, what else is good to know before."""
        paragraph = Markup('<p class="text-muted mb-1">%s</p>')
        texts = self._get_notes(is_estimate)
        return Markup("").join(paragraph % text for text in texts if text)

    def _get_notes(self, is_estimate):
        """Return sentences on the estimate, and on what is not the past."""
        products = self._get_products()
        issued = self._count_ours(("license_term_ids.product_id", "in", products.ids))
        due = self._count_ours(
            ("is_license_due", "=", True),
            ("invoice_line_ids.product_id", "in", products.ids),
        )
        others = self.what == "issue" and self._count_customers_by_hand()
        return [
            is_estimate
            and self.env._(
                "These are many. Each is looked at when its turn comes: what was "
                "credited is left out then, and renewals of a subscription share one "
                "license."
            ),
            issued
            and self.env._(
                "Invoices that have their licenses: %(count)s.",
                count=self._format_count(issued),
            ),
            due
            and self.env._(
                "Invoices that issue their licenses by themselves once they are paid: "
                "%(count)s.",
                count=self._format_count(due),
            ),
            others
            and self.env._(
                "Customers who have a license for it by hand or by import: %(count)s.",
                count=self._format_count(others),
            ),
        ]

    def _count_ours(self, *conditions):
        """Count the invoices of this company and these dates that meet conditions."""
        moves = self.env["account.move"]
        return moves.search_count([*self._get_choice_domain(), *conditions])

    def _count_customers_by_hand(self):
        """Count customers of these invoices with licenses that no invoice issued."""
        policies = {it._get_license_policy() for it in self._get_products()}
        moves = self.env["account.move"]._search(self._get_move_domain())
        partners = self.env["software.license"]._read_group(
            [
                ("company_id", "=", self.company_id.id),
                ("application", "in", [policy.application for policy in policies]),
                ("billing_identity", "=", False),
                ("trial_ends_at", "=", False),
                (
                    "partner_id.commercial_partner_id",
                    "in",
                    moves.subselect("commercial_partner_id"),
                ),
            ],
            aggregates=["partner_id:recordset"],
        )[0][0]
        return len(partners.commercial_partner_id)

    def _format_count(self, number):
        if number is None:
            return ""
        lang = self.env["res.lang"]._lang_get(self.env.user.lang or "en_US")
        return lang.format("%d", number, grouping=True)
