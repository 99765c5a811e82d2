from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

#: An accountant's correction is over by then, and a customer's second try, too.
PATIENCE = timedelta(hours=1)
#: What is longer ago is no news: it is from before an import or a setting.
RECENT = timedelta(days=7)
#: The same for a payment that was tried online.
RECENT_TRY = timedelta(days=3)


class SoftwareLicenseMessage(models.Model):
    """Finds what customers are to be told, and tells them, from a scheduled action."""

    _inherit = "software.license.message"

    @api.model
    def _trigger_cron(self, xmlid="software_license.cron_send_license_messages"):
        """Have a scheduled action run as soon as this transaction is committed."""
        cron = self.env.ref(xmlid, raise_if_not_found=False)
        if cron:
            cron.sudo()._trigger()

    @api.model
    def _cron_send_license_messages(self, limit=50):
        """Tell customers what they do not know yet.

        Each batch is one transaction: messages, queued e-mails, and what keeps from
        telling it again. A crash loses a batch whole, and the next run makes it.
        """
        for tell in (
            self._tell_announcements,
            self._tell_expiring,
            self._tell_expired,
            self._tell_unpaid,
            self._tell_failed_transactions,
        ):
            try:
                while told := self._tell_batch(tell, limit):
                    # Whether there is more shows the next batch.
                    if not self.env["ir.cron"]._commit_progress(told, remaining=1):
                        return
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                # Somebody changes right now what this tells of: soon again.
                self.env["ir.cron"]._commit_progress(remaining=1)
                return
        self.env["ir.cron"]._commit_progress(remaining=0)

    @api.model
    def _tell_batch(self, tell, limit):
        """Tell one batch; after an error the scheduler can still use its cursor."""
        with self.env.cr.savepoint():
            return tell(limit)

    @api.model
    def _get_companies(self, kind):
        """Return the companies whose customers get this kind of message."""
        if not self._get_template(kind):
            return self.env["res.company"]
        return self.env["res.company"].search([("license_send_messages", "=", True)])

    # === ISSUED AND RENEWED === #

    @api.model
    def _tell_announcements(self, limit):
        """Tell of what the ledger granted: one message per invoice and customer.

        A term that does not count waits: paid again, it is told of.
        """
        groups = self.env["software.license.term"]._read_group(
            [("is_announced", "=", False), ("is_effective", "=", True)],
            ["company_id", "move_id", "license_id.partner_id"],
            ["id:recordset"],
            limit=limit,
            order="id:min",
        )
        tellers = [self._get_companies(kind) for kind in ("issued", "renewed")]
        vals_list = [
            self._prepare_announcement(*group, *[group[0] in it for it in tellers])
            for group in groups
        ]
        for *_group, terms in groups:
            terms.is_announced = True
        self._send([vals for vals in vals_list if vals])
        return len(groups)

    @api.model
    def _prepare_announcement(
        self, company, move, partner, terms, tell_new, tell_renewed
    ):
        """Return the values of the message about these terms, None without one."""
        terms = terms.filtered(lambda term: term.license_id._is_worth_telling())
        renewed = terms._get_renewed_licenses()
        new = (terms.license_id - renewed).filtered(lambda _license: tell_new)
        renewed = renewed.filtered(lambda _license: tell_renewed)
        if not new | renewed:
            return None
        return {
            "kind": "issued" if new else "renewed",
            "company_id": company.id,
            "partner_id": partner.id,
            "move_id": move.id,
            "license_ids": (new | renewed).sorted("id").ids,
            "renewed_license_ids": renewed.ids,
            "reference": f"term|{min(terms.ids)}",
        }

    # === EXPIRING AND EXPIRED === #

    @api.model
    def _tell_expiring(self, limit):
        """Tell of licenses that end within the days that their company chose.

        The fewest days that apply count, so that nobody gets several notices at once.
        """
        for company in self._get_companies("expiring"):
            later = 0
            for days in company._get_license_notice_days():
                domain = self._get_expiring_domain(company, later, days)
                if told := self._tell_end("expiring", domain, limit, days):
                    return told
                later = days
        return 0

    @api.model
    def _get_expiring_domain(self, company, more_than, days):
        """Return the domain of licenses with so many days left."""
        now = fields.Datetime.now()
        return (
            self.env["software.license"]._get_status_domains()["active"]
            & Domain("company_id", "=", company.id)
            & Domain("expires_at", ">", now + timedelta(days=more_than))
            & Domain("expires_at", "<=", now + timedelta(days=days))
            & self._get_long_enough_domain(days)
        )

    @api.model
    def _get_long_enough_domain(self, days):
        """Return the domain of licenses whose last period is worth such a notice.

        Thirty days before its end is no news where a license lasts a month.
        """
        return Domain.custom(
            to_sql=lambda _model, alias, _query: SQL(
                """NOT EXISTS (
                    SELECT FROM software_license_term term
                     WHERE term.license_id = %(license)s AND term.is_effective
                       AND term.is_adjustment IS NOT TRUE
                       AND term.expires_at = %(end)s
                       AND term.date_end - term.date_start < %(days)s)""",
                license=SQL.identifier(alias, "id"),
                end=SQL.identifier(alias, "expires_at"),
                days=2 * days,
            )
        )

    @api.model
    def _tell_expired(self, limit):
        """Tell of licenses whose end, with its grace, is past since a few days."""
        Licenses, now = self.env["software.license"], fields.Datetime.now()
        domain = (
            Licenses._get_status_domains()["expired"]
            & Licenses._get_recently_past_domain(now - RECENT)
            & Domain("company_id", "in", self._get_companies("expired").ids)
        )
        return self._tell_end("expired", domain, limit)

    @api.model
    def _tell_end(self, kind, domain, limit, days=0):
        """Tell of the end of licenses: one message for all that end together."""
        groups = (
            self.env["software.license"]
            .with_context(tz="UTC")
            ._read_group(
                domain & self._get_end_untold_domain(kind, days),
                ["company_id", "partner_id", "expires_at:day"],
                ["id:recordset"],
                limit=limit,
                order="id:min",
            )
        )
        self._send(
            [
                self._prepare_end(kind, days, partner, licenses)
                for _company, partner, _day, licenses in groups
            ]
        )
        return len(groups)

    @api.model
    def _prepare_end(self, kind, days, partner, licenses):
        """Return the values of the message that these licenses end, or ended."""
        end = min(licenses.mapped("expires_at"))
        return {
            "kind": kind,
            "company_id": licenses.company_id.id,
            "partner_id": partner.id,
            "move_id": licenses._get_unpaid_invoice().id,
            "license_ids": licenses.sorted("id").ids,
            "occasion_at": end,
            "notice_days": days,
            "reference": f"{kind}|{min(licenses.ids)}|{end.date()}|{days}",
        }

    @api.model
    def _get_end_untold_domain(self, kind, days):
        """Return the domain of licenses whose customer was not told of this end."""
        untold = self._get_untold_domain(
            "id",
            SQL("message.kind = %s AND message.notice_days = %s", kind, days),
            lambda alias: SQL(
                "date_trunc('day', message.occasion_at) = date_trunc('day', %s)",
                SQL.identifier(alias, "expires_at"),
            ),
        )
        return untold & self._get_loud_domain(days)

    @api.model
    def _get_loud_domain(self, days):
        """Return the domain of licenses but those granted quietly for the past.

        Of an end that comes near afterwards, their customers are told.
        """
        return Domain.custom(
            to_sql=lambda _model, alias, _query: SQL(
                """NOT EXISTS (
                    SELECT FROM software_license_term term
                     WHERE term.license_id = %(license)s AND term.is_quiet
                       AND term.expires_at = %(end)s
                       AND term.create_date > term.expires_at
                           - %(days)s * interval '1 day')""",
                license=SQL.identifier(alias, "id"),
                end=SQL.identifier(alias, "expires_at"),
                days=days,
            )
        )

    @api.model
    def _get_untold_domain(self, license_column, is_such, is_about):
        """Return the domain of records of whose license no such message tells."""
        self.env.flush_all()
        return Domain.custom(
            to_sql=lambda _model, alias, _query: SQL(
                """NOT EXISTS (
                    SELECT FROM software_license_message_license_rel told
                      JOIN software_license_message message
                        ON message.id = told.message_id
                     WHERE told.license_id = %(license)s
                       AND %(is_such)s AND %(is_about)s)""",
                license=SQL.identifier(alias, license_column),
                is_such=is_such,
                is_about=is_about(alias),
            )
        )

    # === PAYMENT FAILED === #

    @api.model
    def _tell_unpaid(self, limit):
        """Tell of licenses that stopped because a payment was undone."""
        groups = self.env["software.license.term"]._read_group(
            self._get_unpaid_domain(),
            ["company_id", "move_id", "license_id.partner_id"],
            ["id:recordset"],
            limit=limit,
            order="id:min",
        )
        self._send([self._prepare_unpaid(*group) for group in groups])
        return len(groups)

    @api.model
    def _prepare_unpaid(self, company, move, partner, terms):
        """Return the values of the message that the payment of these was undone."""
        since = max(terms.mapped("unpaid_since"))
        return {
            "kind": "payment_failed",
            "company_id": company.id,
            "partner_id": partner.id,
            "move_id": move.id,
            "license_ids": terms.license_id.sorted("id").ids,
            "occasion_at": since,
            "reference": f"unpaid|{min(terms.ids)}|{since.isoformat()}",
        }

    @api.model
    def _get_unpaid_domain(self):
        """Return the domain of terms whose payment was undone, news to the customer."""
        now = fields.Datetime.now()
        return Domain(
            [
                ("company_id", "in", self._get_companies("payment_failed").ids),
                ("is_announced", "=", True),
                ("unpaid_since", ">", now - RECENT),
                ("unpaid_since", "<=", now - PATIENCE),
                ("license_id.is_payment_reversed", "=", True),
                ("license_id.state", "=", "active"),
                ("license_id.active", "=", True),
                ("license_id.partner_id.active", "=", True),
            ]
        ) & self._get_untold_domain(
            "license_id",
            SQL("message.kind = 'payment_failed'"),
            lambda alias: SQL(
                "message.move_id = %s AND message.occasion_at >= %s",
                SQL.identifier(alias, "move_id"),
                SQL.identifier(alias, "unpaid_since"),
            ),
        )

    @api.model
    def _tell_failed_transactions(self, limit):
        """Tell of payments that failed online and that nothing has replaced since."""
        failed = self.env["payment.transaction"].search(
            self._get_failed_transaction_domain(), order="id"
        )
        failed -= self.search([("transaction_id", "in", failed.ids)]).transaction_id
        due = [(it, move) for it in failed if (move := it._get_license_invoice())]
        self._send([self._prepare_failed_transaction(*it) for it in due[:limit]])
        return len(due[:limit])

    @api.model
    def _get_failed_transaction_domain(self):
        now = fields.Datetime.now()
        return [
            ("company_id", "in", self._get_companies("payment_failed").ids),
            ("state", "=", "error"),
            ("last_state_change", ">", now - RECENT_TRY),
            ("last_state_change", "<=", now - PATIENCE),
            ("invoice_ids", "!=", False),
        ]

    @api.model
    def _prepare_failed_transaction(self, transaction, move):
        """Return the values of the message that paying this invoice failed online."""
        return {
            "kind": "payment_failed",
            "company_id": move.company_id.id,
            "partner_id": move.partner_id.id,
            "move_id": move.id,
            "transaction_id": transaction.id,
            "license_ids": move._get_licenses_to_pay().sorted("id").ids,
            "occasion_at": transaction.last_state_change,
            "reference": f"transaction|{transaction.id}",
        }
