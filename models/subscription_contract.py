from datetime import timedelta

from odoo import api, fields, models

from ..tools.past_periods import Bill
from ..tools.period import DAY


class SoftwareLicenseSubscriptionContract(models.AbstractModel):
    """OCA ``contract``: the link is on the invoice line, through its contract line."""

    _name = "software.license.subscription.contract"
    _inherit = "software.license.subscription"
    _description = "Contract"
    _subscription_model = "contract.contract"

    @api.model
    def _is_available(self):
        field = self.env["account.move.line"]._fields.get("contract_line_id")
        return (
            super()._is_available()
            and field is not None
            and field.comodel_name == "contract.line"
        )

    @api.model
    def _get_subscription(self, move_line):
        contract = move_line.contract_line_id.contract_id
        return contract.filtered(lambda contract: contract.contract_type == "sale")

    @api.model
    def _get_period(self, move_line, subscription):
        # The contract moves its line on before it makes the invoice's: by now
        # "last invoiced" is the end of the very period that is being billed.
        contract_line = move_line.contract_line_id
        end = contract_line.last_date_invoiced
        if not end:
            return None, None
        before = self._get_last_billed_day(move_line)
        if before:
            return before + DAY, end
        start = end + DAY - self._get_length(contract_line)
        # A month back from a short month's end may be too early.
        return max(start, contract_line.date_start or start), end

    @api.model
    def _get_length(self, contract_line):
        """Return how long a bill of a contract line lasts."""
        return contract_line.get_relative_delta(
            contract_line.recurring_rule_type, contract_line.recurring_interval
        )

    @api.model
    def _get_past_period(self, move_line, subscription):
        contract_line = move_line.contract_line_id
        length, end = self._get_length(contract_line), contract_line.last_date_invoiced
        return self._tell_past_period(
            move_line,
            move_line.search([("contract_line_id", "=", contract_line.id)]),
            self._read_bill,
            (contract_line.date_start, end),
            length=length,
            # The contract is right about its days, but may have billed none of some.
            slack=length,
            is_cut=bool(end) and end == contract_line.date_end,
        )

    @api.model
    def _read_bill(self, move_line, before):
        """Return what an invoice's date says, and the date of the one before it."""
        contract_line = move_line.contract_line_id
        length = self._get_length(contract_line)
        offset = timedelta(days=contract_line.recurring_invoicing_offset)
        day = (move_line.move_id.invoice_date or fields.Date.today()) - offset
        if contract_line.recurring_invoicing_type == "pre-paid":
            return Bill(day, day + length - DAY)
        start = day + DAY - length
        if before.move_id.invoice_date:
            start = before.move_id.invoice_date - offset + DAY
        return Bill(start, day)

    @api.model
    def _get_last_billed_day(self, move_line):
        """Return the end of the period that was billed before, if it was noted."""
        earlier = move_line.search(
            [
                ("contract_line_id", "=", move_line.contract_line_id.id),
                (
                    "license_date_end",
                    "<",
                    move_line.contract_line_id.last_date_invoiced,
                ),
                ("id", "!=", move_line.id),
            ],
            order="license_date_end DESC",
            limit=1,
        )
        return earlier.license_date_end
