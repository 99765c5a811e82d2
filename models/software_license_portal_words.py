from datetime import MAXYEAR

from odoo import fields, models
from odoo.tools import format_date, format_time

from ..tools import period
from .software_license_portal import SOON

#: How what was just done is shown.
NOTICE_COLORS = {
    "freed": "success",
    "removed": "success",
    "renamed": "success",
    "key_replaced": "success",
    "not_seated": "info",
    "blocked": "danger",
    "not_allowed": "danger",
}


class SoftwareLicense(models.Model):
    """What the portal says of a license, in sentences."""

    _inherit = "software.license"

    def _describe_last_day(self):
        """Return the last day of the license, as its e-mails name it; None: forever."""
        self.ensure_one()
        day = period.day_of_end(self.expires_at or None)
        return day and format_date(self.env, day, date_format="long")

    def _describe_moment(self, moment):
        """Return a moment in the time zone of the user, and which one that is."""
        if moment.year >= MAXYEAR:  # "forever", of people who had to name a date
            return format_date(self.env, moment.date(), date_format="long")
        zone = self.env.context.get("tz") or self.env.user.tz or "UTC"
        local = fields.Datetime.context_timestamp(self.with_context(tz=zone), moment)
        return self.env._(
            "%(date)s, %(time)s (%(zone)s)",
            date=format_date(self.env, local.date(), date_format="long"),
            time=format_time(self.env, local.time(), time_format="short"),
            zone=zone.replace("_", " "),
        )

    def _describe_end(self):
        """Return what "until" means: when exactly, and whether there is a grace."""
        self.ensure_one()
        facts, now = self._to_facts(), fields.Datetime.now()
        moment = self._describe_moment(facts.expires_at)
        sentences = [
            self.env._("It ended at %(moment)s.", moment=moment)
            if facts.expires_at <= now
            else self.env._("It ends at %(moment)s.", moment=moment)
        ]
        if facts.grace_days:
            until = self._describe_moment(facts.valid_until)
            sentences.append(
                self.env._("The software runs on until %(moment)s.", moment=until)
                if now < facts.valid_until
                else self.env._("The software ran on until %(moment)s.", moment=until)
            )
        return " ".join(sentences)

    def _describe_seats(self):
        """Return how many devices use it, and how many may."""
        self.ensure_one()
        used, limit = self.seat_count, self._get_seat_limit()
        if limit is None:
            return self.env._("%(used)s in use, without a limit", used=used)
        return self.env._("%(used)s of %(limit)s in use", used=used, limit=limit)

    def _describe_freeing(self):
        """Return by what freeing devices is limited, None where it is not."""
        self.ensure_one()
        left = self._get_self_deactivations_left()
        if left is None:
            return None
        if not self.policy_id.self_deactivation:
            return self.env._(
                "Devices of this license can't be freed here. Contact %(company)s.",
                company=self.company_id.name,
            )
        allowed = self.policy_id.yearly_self_deactivations
        if left:
            return self.env._(
                "You can free devices %(left)s more times this year, of %(allowed)s.",
                left=left,
                allowed=allowed,
            )
        return self.env._(
            "This license lets you free a device so often in a year: %(allowed)s. You "
            "can free devices again from January 1, or contact %(company)s.",
            allowed=allowed,
            company=self.company_id.name,
        )

    # === WHAT TO DO === #

    def _get_portal_advice(self):
        """Return (color, sentence): how the license is, and what to do about it."""
        self.ensure_one()
        now = fields.Datetime.now()
        if self.status == "revoked":
            return "danger", self.env._(
                "This license was revoked: it can't be used any more. If you think "
                "that this is a mistake, contact %(company)s.",
                company=self.company_id.name,
            )
        if self.status == "suspended":
            return "warning", self._explain_suspension()
        if self.status == "expired":
            return "warning", self.env._(
                "This license has expired: the software stopped. Renew it, and it "
                "goes on with the same key on the same devices."
            )
        if self.expires_at and self.expires_at <= now:
            return "warning", self.env._(
                "This license has ended, and the software runs on for a few days, so "
                "that you have time. Renew it now."
            )
        if self.trial_ends_at:
            return "info", self.env._(
                "This is a trial. Buy the software before it ends, and it goes on with "
                "the same key on the same devices."
            )
        if self.expires_at and self.expires_at <= now + SOON:
            return "info", self.env._(
                "This license ends soon. Renew it in time, and nothing changes for "
                "your devices."
            )
        return "success", self.env._("This license is good. Nothing needs to be done.")

    def _explain_suspension(self):
        company = self.company_id.name
        if self.state == "suspended" or not self.is_payment_reversed:
            return self.env._(
                "This license is suspended: the software does not run until "
                "%(company)s reinstates it. Contact %(company)s.",
                company=company,
            )
        if self._get_invoice_to_pay():
            return self.env._(
                "This license is suspended, because its payment was taken back. Pay "
                "the invoice, and the software runs again."
            )
        return self.env._(
            "This license is suspended, because its payment was taken back or "
            "refunded. To use it again, contact %(company)s.",
            company=company,
        )

    def _get_portal_notice(self, code, device):
        """Return (color, sentence) of what was just done; None: of no such code."""
        self.ensure_one()
        sentences = {
            "freed": self.env._(
                "%(device)s was freed: another device can take its seat. %(seats)s.",
                device=device,
                seats=self._describe_seats(),
            ),
            "removed": self.env._(
                "%(device)s was removed. It is listed again when it next asks.",
                device=device,
            ),
            "renamed": self.env._("The name is now: %(device)s.", device=device),
            "key_replaced": self.env._(
                "Your license has a new key. Enter it on each of your devices: the "
                "old one stopped working."
            ),
            "not_seated": self.env._(
                "%(device)s holds no seat any more.", device=device
            ),
            "blocked": self.env._(
                "%(device)s is blocked, and holds no seat. Contact %(company)s.",
                device=device,
                company=self.company_id.name,
            ),
            "not_allowed": self.env._("%(device)s was not freed.", device=device)
            + f" {self._describe_freeing() or ''}",
        }
        return sentences.get(code) and (NOTICE_COLORS[code], sentences[code])
