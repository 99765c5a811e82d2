from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import SQL

from .software_license_term import SOURCES

#: How far back the dashboard's chart goes.
MONTHS = 12


class SoftwareLicenseReport(models.Model):
    """What the ledger says of sales and losses: one row for each thing that happened.

    Only terms that count are looked at: paid and not refunded, or given. Corrections
    of a paid license's end by hand are none of these.

    * issued: the first term of a license, on its first day.
    * converted: the first payment of a license that began as a trial.
    * renewed: a later term that ends after all before it. The first payment of a key
      given on an order renews nothing, nor do seats added in the middle of a period.
    * churned: the license ended, its grace too, and was not continued: on its last
      day. One that is renewed after all churned never.
    """

    _name = "software.license.report"
    _description = "License Analysis"
    _auto = False
    _rec_name = "license_id"
    _order = "date desc, id desc"
    _depends = {
        "software.license": ["commercial_partner_id", "company_id", "expires_at"],
        "software.license.policy": ["application", "plan"],
        "software.license.term": [
            "date_start",
            "expires_at",
            "effective_quantity",
            "is_adjustment",
            "is_effective",
            "policy_id",
            "product_id",
            "source",
        ],
    }

    date = fields.Date(readonly=True)
    kind = fields.Selection(
        [
            ("issued", "Issued"),
            ("converted", "Paid after a Trial"),
            ("renewed", "Renewed"),
            ("churned", "Churned"),
        ],
        string="What Happened",
        readonly=True,
    )
    license_id = fields.Many2one("software.license", readonly=True)
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    product_id = fields.Many2one("product.product", readonly=True)
    policy_id = fields.Many2one("software.license.policy", readonly=True)
    application = fields.Char(readonly=True)
    plan = fields.Char(readonly=True)
    source = fields.Selection(SOURCES, readonly=True, help="What granted the term.")
    quantity = fields.Float(readonly=True, digits="Product Unit")
    company_id = fields.Many2one("res.company", readonly=True)

    def action_open_license(self):
        """Open the license that a row is about."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "software.license",
            "res_id": self.license_id.id,
            "view_mode": "form",
            "views": [(False, "form")],
        }

    @api.model
    def get_chart(self):
        """Return how often each kind happened, by month, up to this one."""
        this_month = fields.Date.context_today(self).replace(day=1)
        days = [this_month - relativedelta(months=n) for n in range(MONTHS)][::-1]
        rows = self._read_group(
            [
                ("date", ">=", days[0]),
                ("date", "<", this_month + relativedelta(months=1)),
            ],
            ["kind", "date:month"],
            ["__count"],
        )
        counts = {(kind, day): count for kind, day, count in rows}
        return {
            "months": [fields.Date.to_string(day) for day in days],
            "series": [
                {
                    "kind": kind,
                    "label": label,
                    "counts": [counts.get((kind, day), 0) for day in days],
                }
                for kind, label in self._fields["kind"]._description_selection(self.env)
            ],
        }

    # === THE QUERY === #

    @property
    def _table_query(self):
        """Return the rows: of each term that was granted, and of each last one.

        One window reads the ledger in order; what churned is found from its end.
        """
        return SQL(
            "%(granted)s UNION ALL %(churned)s",
            granted=self._sql_rows(
                SQL("term.id::bigint * 2"),
                self._sql_granted(),
                SQL("term.date_start"),
                SQL(
                    "software_license license JOIN (%s) term"
                    " ON term.license_id = license.id",
                    self._sql_ledger(),
                ),
                SQL("%s IS NOT NULL", self._sql_granted()),
            ),
            churned=self._sql_rows(
                SQL("term.id::bigint * 2 + 1"),
                SQL("'churned'"),
                SQL("(license.expires_at - INTERVAL '1 microsecond')::date"),
                SQL(
                    "software_license license CROSS JOIN LATERAL (%s) term",
                    self._sql_last_term(),
                ),
                self._sql_is_past(),
            ),
        )

    @api.model
    def _sql_rows(self, id_, kind, date, source, condition):
        """Return the SELECT of one sort of rows, from ``license`` and ``term``."""
        return SQL(
            """
            SELECT %(id)s AS id, %(kind)s AS kind, %(date)s AS date,
                   license.id AS license_id,
                   license.commercial_partner_id AS partner_id,
                   COALESCE(term.product_id, license.product_id) AS product_id,
                   policy.id AS policy_id, policy.application, policy.plan,
                   term.source, term.effective_quantity AS quantity,
                   license.company_id
              FROM %(source)s
              JOIN software_license_policy policy
                ON policy.id = COALESCE(term.policy_id, license.policy_id)
             WHERE %(condition)s
            """,
            id=id_,
            kind=kind,
            date=date,
            source=source,
            condition=condition,
        )

    @api.model
    def _sql_counts(self):
        """Return the condition that a term is one of those that are looked at."""
        return SQL("term.is_effective AND term.is_adjustment IS NOT TRUE")

    @api.model
    def _sql_ledger(self):
        """Return the terms that count, each with what was before it.

        Nothing was before the first one: then these are NULL.
        """
        return SQL(
            """
            SELECT term.id, term.license_id, term.date_start, term.expires_at,
                   term.source, term.effective_quantity, term.product_id,
                   term.policy_id,
                   max(COALESCE(term.expires_at, 'infinity')) OVER before AS old_end,
                   bool_and(term.source IN ('order', 'trial')) OVER before AS is_unpaid,
                   bool_or(term.source = 'trial') OVER before AS was_trial
              FROM software_license_term term
             WHERE %s
            WINDOW before AS (PARTITION BY term.license_id
                              ORDER BY term.date_start, term.id
                              ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
            """,
            self._sql_counts(),
        )

    @api.model
    def _sql_last_term(self):
        """Return the last term that counts, of a ``license``."""
        return SQL(
            """
            SELECT term.* FROM software_license_term term
             WHERE term.license_id = license.id AND %s
          ORDER BY term.date_start DESC, term.id DESC LIMIT 1
            """,
            self._sql_counts(),
        )

    @api.model
    def _sql_granted(self):
        """Return what granting a term was; NULL: nothing to count."""
        return SQL(
            """
            CASE WHEN term.old_end IS NULL THEN 'issued'
                 WHEN term.is_unpaid AND term.source IN ('order', 'trial') THEN NULL
                 WHEN term.is_unpaid AND term.was_trial THEN 'converted'
                 WHEN term.is_unpaid THEN NULL
                 WHEN COALESCE(term.expires_at, 'infinity') > term.old_end
                 THEN 'renewed'
            END
            """
        )

    @api.model
    def _sql_is_past(self):
        """Return the condition that a license is over, with its grace."""
        licenses = self.env["software.license"].sudo()
        domain = licenses._get_past_domain().optimize_full(licenses)
        return domain._to_sql(licenses, "license", licenses._as_query(ordered=False))
