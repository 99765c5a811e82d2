from odoo import api, fields, models
from odoo.tools import SQL

from .account_move_message import UNPAID_STATES

#: Set in a transaction that granted something to tell of.
WAKE_UP = "software_license.messages"


class SoftwareLicenseTerm(models.Model):
    """What customers are told of the ledger: it is the outbox of their messages.

    Nothing is written for that when a term is granted: a new one is not announced.
    """

    _inherit = "software.license.term"

    is_announced = fields.Boolean(
        string="Announced",
        readonly=True,
        help="The customer was told of it, or need not be.",
    )
    is_quiet = fields.Boolean(
        readonly=True,
        help="Granted for the past, without e-mails: the customer is not told of an "
        "end that was near, or over, at that time.",
    )
    unpaid_since = fields.Datetime(
        compute="_compute_unpaid_since",
        store=True,
        index="btree_not_null",
        help="When the payment that it counted for was undone.",
    )

    _to_announce = models.Index(
        "(move_id) WHERE is_announced IS NOT TRUE AND is_effective IS TRUE"
    )

    @api.depends(
        "is_effective", "effective_quantity", "move_id.state", "move_id.payment_state"
    )
    def _compute_unpaid_since(self):
        now = fields.Datetime.now()
        for term in self:
            since = term.unpaid_since or now
            term.unpaid_since = since if term._is_unpaid() else False

    def _is_unpaid(self):
        """Does this term not count because its invoice is not paid, or no longer?

        Not what was credited or canceled: that somebody decided.
        """
        self.ensure_one()
        return (
            not self.is_effective
            and self.effective_quantity > 0
            and self.move_id.state == "posted"
            and self.move_id.payment_state in UNPAID_STATES
        )

    @api.model_create_multi
    def create(self, vals_list):
        terms = super().create(
            [
                {"is_announced": vals.get("source", "manual") == "manual", **vals}
                for vals in vals_list
            ]
        )
        if not all(terms.mapped("is_announced")):
            self._wake_messages()
        return terms

    @api.model
    def _wake_messages(self):
        """Have messages sent right after this transaction, however much it grants.

        If what was granted first is undone again, they wait for the hourly run.
        """
        data = self.env.cr.postcommit.data  # emptied when the transaction ends
        if WAKE_UP not in data:
            data[WAKE_UP] = True
            self.env["software.license.message"]._trigger_cron()

    def _init_column(self, column_name):
        """Nobody is told today of what was granted before this was kept."""
        if column_name != "is_announced":
            return super()._init_column(column_name)
        return self.env.cr.execute(
            SQL(
                "UPDATE software_license_term SET is_announced = TRUE "
                "WHERE is_effective OR source = 'manual'"
            )
        )

    def _get_renewed_licenses(self):
        """Return those of these terms' licenses that their customer had before."""
        first = {term.license_id: term.id for term in self.sorted("id", reverse=True)}
        earlier = self.license_id.term_ids.filtered(
            lambda term: (
                term.id < first[term.license_id]
                and (term.is_announced or term.is_effective)
            )
        )
        return earlier.license_id
