from functools import partial

from odoo import api, fields, models

from ..tools.past_periods import Bill
from ..tools.period import DAY


class SoftwareLicenseSubscriptionOca(models.AbstractModel):
    """OCA ``subscription_oca``, in all its invoicing modes.

    Its link is on the invoice; on the first order's invoice and on those of the
    mode "sale order & invoice" it is only on the order.
    """

    _name = "software.license.subscription.oca"
    _inherit = "software.license.subscription"
    _description = "Subscription"
    _subscription_model = "sale.subscription"

    @api.model
    def _is_available(self):
        # Other vendors' modules use the same names: look at what the field is.
        field = self.env["account.move"]._fields.get("subscription_id")
        return (
            super()._is_available()
            and field is not None
            and field.comodel_name == self._subscription_model
        )

    @api.model
    def _get_subscription(self, move_line):
        orders = move_line.sale_line_ids.order_id
        return (
            move_line.move_id.subscription_id
            or orders.order_subscription_id
            or self._get_started_subscription(orders, move_line.product_id)
        )[:1]

    @api.model
    def _get_order_subscription(self, order_line):
        order = order_line.order_id
        return (
            order.order_subscription_id
            or self._get_started_subscription(order, order_line.product_id)
        )[:1]

    @api.model
    def _get_started_subscription(self, orders, product):
        """Return the subscription that an order started for a product."""
        template = product.subscription_template_id
        return orders.subscription_ids.filtered(
            lambda subscription: (
                subscription.template_id == template
                and product in subscription.sale_subscription_line_ids.product_id
            )
        )

    @api.model
    def _get_period(self, move_line, subscription):
        sibling = move_line.move_id.invoice_line_ids.filtered(
            lambda line: (
                line.license_source_ref == f"{subscription._name},{subscription.id}"
            )
        )
        if sibling:  # added to an invoice that bills a period already
            return sibling[0].license_date_start, sibling[0].license_date_end
        # The module dates an invoice with the period's first day, and moves the
        # subscription's next date on as soon as the invoice is there.
        start = move_line.move_id.invoice_date or subscription.recurring_next_date
        if subscription in move_line.sale_line_ids.order_id.subscription_ids:
            start = subscription.date_start  # the order itself bills the first period
        start = start or fields.Date.today()
        return start, start + subscription._get_recurrence_delta() - DAY

    @api.model
    def _get_past_period(self, move_line, subscription):
        next_day = subscription.recurring_next_date
        return self._tell_past_period(
            move_line,
            self._get_billed_lines(subscription),
            partial(self._read_bill, subscription),
            (subscription.date_start, next_day and next_day - DAY),
            length=subscription._get_recurrence_delta(),
        )

    @api.model
    def _get_billed_lines(self, subscription):
        """Return the lines that bill a subscription, those of its orders included."""
        orders = subscription.sale_order_id | subscription.sale_order_ids
        moves = subscription.invoice_ids | orders.invoice_ids
        return moves.invoice_line_ids.filtered(
            lambda line: self._get_subscription(line) == subscription
        )

    @api.model
    def _read_bill(self, subscription, move_line, _before):
        """Return what an invoice's date says: most often it is the first day."""
        day = move_line.move_id.invoice_date or fields.Date.today()
        if subscription in move_line.sale_line_ids.order_id.subscription_ids:
            day = subscription.date_start or day
        return Bill(day, day + subscription._get_recurrence_delta() - DAY)
