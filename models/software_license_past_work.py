from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError

#: A batch that meets a rival's commit is tried so often.
TRIES = 5


class SoftwareLicensePast(models.Model):
    """The work on the past: a batch of invoices in each transaction."""

    _inherit = "software.license.past"

    @api.model
    def _cron_past_licenses(self, limit=100):
        """Work through what was started, a batch of invoices in each transaction."""
        cron = self.env["ir.cron"]
        for past in self.search([("state", "=", "running")], order="id"):
            cron._commit_progress(remaining=max(past.total_count - past.done_count, 1))
            while moves := past._get_next_moves(limit):
                past._do_again(moves)
                if not cron._commit_progress(len(moves), remaining=1):
                    return  # out of time: the scheduler calls again
                self.env.invalidate_all()  # somebody may have stopped it
            if past.state == "running":
                past.state = "done"
                past._get_products().product_tmpl_id._update_license_hint()
        cron._commit_progress(remaining=0)

    def _do_again(self, moves):
        """Do a batch; one that meets a rival's commit sees it when it begins anew."""
        for last in (*[False] * (TRIES - 1), True):
            try:
                return self._do(moves)
            except (OperationalError, ConcurrencyError):
                if last:
                    raise
                self.env.cr.rollback()

    def _do(self, moves):
        """Issue for, or leave, the past lines of invoices, and count."""
        self = self.with_company(self.company_id)
        moves = moves.with_env(self.env)
        issued, problems = self._issue(moves)
        self.write(
            {
                "last_date": moves[-1].invoice_date,
                "last_move_id": moves[-1].id,
                "done_count": self.done_count + len(moves),
                "issued_count": self.issued_count + issued[0],
                "left_count": self.left_count + issued[1],
            }
        )
        self.env["software.license.past.problem"].create(
            [
                {"past_id": self.id, "move_id": move.id, "problem": text}
                for move, text in problems.items()
            ]
        )
        self.env.flush_all()  # here is where a rival's commit may be met

    def _issue(self, moves):
        """Return ((licenses issued, invoices left out), {invoice: problem}).

        What fails for invoices together is tried for each of them alone.
        """
        found = []
        error = self.env["software.license"]._try(
            lambda: found.append(self._issue_together(moves)),
            ", ".join(moves[:9].mapped("name")),
        )
        if not error:
            return found[0]
        if len(moves) == 1:
            return (0, 0), {moves: error}
        issued, left, problems = 0, 0, {}
        for move in moves:
            counts, problem = self._issue(move)
            issued, left = issued + counts[0], left + counts[1]
            problems.update(problem)
        return (issued, left), problems

    def _issue_together(self, moves):
        judged = self._judge(moves)
        lines = moves.invoice_line_ids.browse(
            [line.id for line, reason in judged.items() if not reason]
        )
        if self.what == "leave":
            lines._leave_past()
            return (0, len(lines.move_id)), {}
        lines._stamp_past()
        problems = lines.move_id._try_licenses(lines)
        left = lines.filtered(lambda it: it.is_license_left and it.license_term_ids)
        left._write_past(is_license_left=False)
        terms = lines.license_term_ids
        self._quieten(terms)
        licenses = terms.license_id
        new = licenses.filtered(lambda license_: license_.term_ids <= terms)
        left_out = moves - terms.move_id - moves.browse([it.id for it in problems])
        return (len(new), len(left_out)), problems

    def _quieten(self, terms):
        """Let customers not be told of what was granted, or not of what is over."""
        if not self.is_emailed:
            terms.write({"is_announced": True, "is_quiet": True})
        else:
            now = fields.Datetime.now()
            over = terms.filtered(lambda it: it.expires_at and it.expires_at <= now)
            over.is_quiet = True
