from odoo import api, models


class SoftwareLicenseSubscriptionEnterprise(models.AbstractModel):
    """Enterprise ``sale_subscription`` 17 to 19: a subscription is a sales order.

    A renewal or an upsell is an order of its own; its origin is the subscription that
    the license belongs to. The period is on the invoice line: its deferred dates.
    """

    _name = "software.license.subscription.enterprise"
    _inherit = "software.license.subscription"
    _description = "Subscription Order"
    _subscription_model = "sale.order"

    @api.model
    def _is_available(self):
        # Others call their fields subscription_id, too: look at what it is.
        field = self.env["account.move.line"]._fields.get("subscription_id")
        return field is not None and field.comodel_name == self._subscription_model

    @api.model
    def _get_subscription(self, move_line):
        order = move_line.subscription_id
        return order.origin_order_id or order

    @api.model
    def _get_order_subscription(self, order_line):
        return order_line.order_id.origin_order_id

    @api.model
    def _get_period(self, move_line, subscription):
        if not move_line.deferred_start_date:
            return None, None
        return move_line.deferred_start_date, move_line.deferred_end_date or None
