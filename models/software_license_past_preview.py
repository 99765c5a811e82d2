from collections import defaultdict

from markupsafe import Markup

from odoo import api, fields, models

#: Of more invoices, only their number is told: each would have to be read.
MAX_LOOKED_AT = 20_000


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
        count = self._count_moves()
        if count > MAX_LOOKED_AT:
            text = self.env._(
                "%(count)s paid invoices: too many to look at each beforehand. Choose "
                "a shorter time to see more.",
                count=self._format_count(count),
            )
            return Markup("<p>%s</p>") % text + self._render_notes(), True
        return self._render_found()

    def _render_found(self):
        moves = self.env["account.move"].search(self._get_move_domain())
        groups = self._group_past(moves.with_company(self.company_id))
        done = groups.pop(False, self.env["account.move.line"])
        title = (
            self.env._("Will be left without licenses")
            if self.what == "leave"
            else self.env._("Will be issued")
        )
        rows = [(Markup("<strong>%s</strong>") % title, done)]
        rows += [
            (self.env._("Left out: %(reason)s", reason=reason), lines)
            for reason, lines in groups.items()
        ]
        table = self._render_table(rows, self._count_new_licenses(done))
        return table + self._render_notes(), bool(done)

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

    def _render_table(self, rows, license_count):
        """Return the table of what becomes of how many; the first row is what is."""
        is_issued = self.what == "issue"
        titles = [self.env._("Invoices"), self.env._("Customers")]
        titles += [self.env._("New Licenses")] if is_issued else []
        body = Markup("")
        for title, lines in rows:
            moves = lines.move_id
            cells = [len(moves), len(moves.commercial_partner_id)]
            is_first = lines is rows[0][1]
            cells = [self._format_count(number) for number in cells]
            if is_issued:
                cells.append(self._format_count(license_count) if is_first else "")
            body += Markup("<tr><td>%s</td>%s</tr>") % (
                title,
                Markup("").join(
                    Markup('<td class="text-end">%s</td>') % cell for cell in cells
                ),
            )
        head = Markup("").join(
            Markup('<th class="text-end">%s</th>') % title for title in titles
        )
        return Markup(
            '<table class="table table-sm mb-2"><thead><tr><th></th>%s</tr></thead>'
            "<tbody>%s</tbody></table>"
        ) % (head, body)

    def _render_notes(self):
        """Return, as HTML, what is not the past: what is issued, and what is open."""
        products, moves = self._get_products(), self.env["account.move"]
        ours = self._get_choice_domain()
        issued = moves.search_count(
            [*ours, ("license_term_ids.product_id", "in", products.ids)]
        )
        due = moves.search_count(
            [
                *ours,
                ("is_license_due", "=", True),
                ("invoice_line_ids.product_id", "in", products.ids),
            ]
        )
        texts = []
        if issued:
            texts.append(
                self.env._(
                    "Invoices that have their licenses: %(count)s.",
                    count=self._format_count(issued),
                )
            )
        if due:
            texts.append(
                self.env._(
                    "Invoices that issue their licenses by themselves once they are "
                    "paid: %(count)s.",
                    count=self._format_count(due),
                )
            )
        return Markup("").join(
            Markup('<p class="text-muted mb-1">%s</p>') % text for text in texts
        )

    def _format_count(self, number):
        lang = self.env["res.lang"]._lang_get(self.env.user.lang or "en_US")
        return lang.format("%d", number, grouping=True)
