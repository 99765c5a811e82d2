from datetime import timedelta

from odoo import api, models
from odoo.exceptions import UserError

from ..tools import period


class SoftwareLicense(models.Model):
    """What people do by hand, for one license or many: issue, and extend."""

    _inherit = "software.license"

    @api.model
    def _issue(self, vals_list):
        """Issue licenses whose first terms are among their values; return them.

        Nobody writes the ledger but us: what the user may do is asked here.
        """
        self.check_access("create")
        licenses = self.browse(self.sudo().create(vals_list).ids)
        licenses.check_access("write")  # of a company that is this user's
        return licenses

    # === LONGER === #

    def _get_extended_day(self, length, today):
        """Return the last day of this license, made longer by a relativedelta.

        From its end, or from today if that is over or nothing is paid any more.
        """
        self.ensure_one()
        is_running = not self.is_payment_reversed
        start = period.day_after(self.expires_at) if is_running else today
        return period.last_day(max(start, today), length)

    @api.model
    def _extend(self, days, note=None):
        """Let licenses run until later, last day included: {license: day}.

        ``note`` is said in their chatter.
        """
        licenses = self.union(*days)
        licenses.check_access("write")
        trials = licenses.filtered("trial_ends_at")
        if problem := trials._get_trial_problem(days):
            raise UserError(problem)
        trials._extend_trials(days)
        for day, same in (licenses - trials).grouped(days.get).items():
            same.expires_at = period.end_moment(day)
        if note:
            licenses._message_log_batch(dict.fromkeys(licenses.ids, note))

    def _get_trial_problem(self, days):
        """Return which trials would last too long, {license: day}; False if none."""
        longest = timedelta(days=period.MAX_TRIAL_DAYS)
        too_long = self.browse().union(
            *(
                license_
                for license_, day in days.items()
                if license_.trial_ends_at
                and day >= min(license_.sudo().term_ids.mapped("date_start")) + longest
            )
        )
        return bool(too_long) and self.env._(
            "Trials last %(limit)s days at most: %(keys)s.",
            limit=period.MAX_TRIAL_DAYS,
            keys=too_long._get_masked_names(),
        )

    def _extend_trials(self, days):
        """A trial that is made longer stays one: a date set by hand would end it."""
        for license_ in self:
            trials = license_.sudo().term_ids.filtered("is_effective")
            trials[-1:].date_end = days[license_]
