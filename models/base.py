from lxml import etree

from odoo import api, models

SUBSCRIPTION_ACTION = "software_license.action_view_subscription_licenses"


class Base(models.AbstractModel):
    _inherit = "base"

    @api.model
    def _get_view(self, view_id=None, view_type="form", **options):
        """Lead from the forms of subscriptions to their licenses.

        A view can't inherit one of a module that may not be installed, and would
        break with it.
        """
        arch, view = super()._get_view(view_id, view_type, **options)
        if view_type == "form" and self._is_licensed_subscription_model():
            action = self.env.ref(SUBSCRIPTION_ACTION, raise_if_not_found=False)
            for box in arch.xpath("//div[@name='button_box']") if action else ():
                box.append(self._prepare_license_button(action))
        return arch, view

    def _is_licensed_subscription_model(self):
        """Is this another module's model that licenses are sold through?"""
        adapters = self.env["software.license.subscription"]._get_adapters()
        own_button = "action_view_licenses"
        return not hasattr(self, own_button) and any(
            adapter._subscription_model == self._name for adapter in adapters
        )

    def _prepare_license_button(self, action):
        return etree.Element(
            "button",
            {
                "type": "action",
                "name": str(action.id),
                "string": self.env._("Licenses"),
                "class": "oe_stat_button",
                "icon": "fa-key",
                "groups": "software_license.group_license_user,"
                "account.group_account_invoice,account.group_account_readonly",
            },
        )
