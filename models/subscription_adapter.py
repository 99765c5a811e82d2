from odoo import api, models

from ..tools.past_periods import tell_periods
from ..tools.period import DAY


class SoftwareLicenseSubscription(models.AbstractModel):
    """What the addon needs to know of a subscription module; one model for each.

    An adapter inherits this model under a name of its own and is listed in
    ``_get_adapter_names``. It may not depend on the module it adapts: whether that
    is installed is asked in each database, by ``_is_available``.
    """

    _name = "software.license.subscription"
    _description = "Adapter of a Subscription Module"

    #: Model of the subscriptions that this adapter knows.
    _subscription_model = None

    @api.model
    def _get_adapter_names(self):
        """Return the model names of all adapters; override it to add yours."""
        return [
            "software.license.subscription.oca",
            "software.license.subscription.contract",
            "software.license.subscription.enterprise",
        ]

    @api.model
    def _get_adapters(self):
        """Return the adapters of the modules that are installed."""
        adapters = [self.env[name] for name in self._get_adapter_names()]
        return [adapter for adapter in adapters if adapter._is_available()]

    @api.model
    def _selection_models(self):
        """Return the models that a license's subscription can be of."""
        return [
            (adapter._subscription_model, adapter._description)
            for adapter in self._get_adapters()
        ]

    @api.model
    def _is_available(self):
        """Is the module installed in this database?"""
        return self._subscription_model in self.env

    @api.model
    def _get_subscription(self, move_line):
        """Return the subscription that bills this invoice line, if any."""
        raise NotImplementedError

    @api.model
    def _get_order_subscription(self, order_line):
        """Return the subscription that an order line starts or renews, if known yet."""
        return None

    @api.model
    def _get_period(self, move_line, subscription):
        """Return the inclusive (first, last) day that this new line bills, if any.

        Called once, when the line is created: later nobody knows. None, None where
        the module bills no period: then the license policy's duration counts.
        """
        raise NotImplementedError

    @api.model
    def _get_past_period(self, move_line, subscription):
        """Return the same of a line made before this addon was installed."""
        return self._get_period(move_line, subscription)

    @api.model
    def _tell_past_period(self, move_line, lines, read_bill, days, **rules):
        """Return the same, by what is noted of other lines that bill the same.

        :param lines: all of them
        :param read_bill: returns the ``Bill`` of a line, and of the one before it
        :param days: the first and the last day that they bill, each may be empty
        :param rules: how ``tell_periods`` is to read the bills
        """
        lines = self._get_line_of_each_invoice(move_line, lines)
        at = [line.move_id for line in lines].index(move_line.move_id)
        if lines[at].license_date_start:
            return lines[at].license_date_start, lines[at].license_date_end
        noted = [index for index, line in enumerate(lines) if line.license_date_start]
        before = max((index for index in noted if index < at), default=-1)
        after = min((index for index in noted if index > at), default=len(lines))
        first_day, last_day = days
        if before >= 0 and lines[before].license_date_end:
            first_day = lines[before].license_date_end + DAY
        if after < len(lines):
            last_day = lines[after].license_date_start - DAY
            rules["is_cut"] = False
        bills = [
            read_bill(lines[index], lines[index - 1 : index])
            for index in range(before + 1, after)
        ]
        periods = tell_periods(bills, first_day, last_day, **rules)
        return periods[at - before - 1]

    @api.model
    def _get_line_of_each_invoice(self, move_line, lines):
        """Return one line of each invoice that bills a period, oldest first.

        What corrects an invoice takes its place, and its days.
        """
        lines = move_line | lines.filtered(
            lambda line: (
                line._is_license_candidate()
                and not line.is_license_duplicate
                and (line.move_id.invoice_date or line.license_date_start)
            )
        )
        found = {}
        for line in lines.sorted(lambda line: not line.license_date_start):
            found.setdefault(line.move_id, line)
        ordered = sorted(
            found.values(), key=lambda line: (line.license_origin_line_id or line).id
        )
        return move_line.browse([line.id for line in ordered])

    @api.model
    def _get_partner(self, subscription):
        """Return the customer of a subscription."""
        return subscription.partner_id
