from odoo import api, models


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
    def _get_partner(self, subscription):
        """Return the customer of a subscription."""
        return subscription.partner_id
