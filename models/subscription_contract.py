from datetime import timedelta

from odoo import api, models


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
        length = contract_line.get_relative_delta(
            contract_line.recurring_rule_type, contract_line.recurring_interval
        )
        before = self._get_last_billed_day(move_line)
        start = (before or end - length) + timedelta(days=1)
        if not before:  # a month back from a short month's end is too early
            start = max(start, contract_line.date_start)
        return start, end

    @api.model
    def _get_past_period(self, move_line, subscription):
        # Where the contract stands today says nothing of then: its rhythm does.
        contract_line, day = move_line.contract_line_id, move_line.move_id.invoice_date
        length = contract_line.get_relative_delta(
            contract_line.recurring_rule_type, contract_line.recurring_interval
        )
        is_ahead = contract_line.recurring_invoicing_type == "pre-paid"
        start = day if is_ahead else day - length
        return start, start + length - timedelta(days=1)

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
