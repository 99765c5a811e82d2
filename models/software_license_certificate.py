import re

from odoo import fields, models

from ..tools import qr_code

#: What file names may hold, on any system.
UNFIT = re.compile(r"[^\w.,() -]+")


class SoftwareLicense(models.Model):
    """What the certificate of a license says."""

    _inherit = "software.license"

    def _get_certificate_facts(self):
        """Return what the certificate says; override it to say more.

        As an e-mail says it, and whether it holds on the day of printing: what is
        on paper can't be taken back.
        """
        self.ensure_one()
        statuses = dict(self._fields["status"]._description_selection(self.env))
        status = statuses[self.status] if self.active else self.env._("Archived")
        return {
            **self._get_message_facts(),
            "from": self._get_first_day(),
            "is_valid": self.active and self.status == "active",
            "status": status,
            "qr_code": qr_code.to_data_uri(self.license_key),
            "today": fields.Date.context_today(self),
        }

    def _get_first_day(self):
        """Return the first day of what counts; of a license that lost it, of all."""
        terms = self.term_ids.filtered("is_effective") or self.term_ids
        return min(terms.mapped("date_start"), default=self.create_date.date())

    def _get_report_base_filename(self):
        """Return the name of the certificate's file; keys are for the page only."""
        self.ensure_one()
        words = (
            self.env._("License"),
            self._get_message_facts()["name"],
            "-",
            self.commercial_partner_id.name or "",
        )
        return " ".join(UNFIT.sub(" ", " ".join(words)).split())[:100]
