from datetime import timedelta

from odoo import fields

from .common import LicenseBillingCommon


class LicensePastCommon(LicenseBillingCommon):
    """Base of the tests about what was paid before its product was licensed."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["account.move"].search([]).is_license_due = False
        cls.product.license_policy_id = False
        cls.today = fields.Date.today()
        cls.recent = str(cls.today - timedelta(days=100))

    def _sell_in_the_past(self, **kwargs):
        """Return an invoice that was paid before its product was licensed."""
        product = kwargs.setdefault("product", self.product)
        product.license_policy_id = False
        invoice = self._sell(**{"date": self.recent, **kwargs})
        product.license_policy_id = self.policy
        return invoice

    def _prepare(self, **vals):
        return self.env["software.license.past"].create(
            {"product_ids": self.product.ids, **vals}
        )

    def _issue(self, **vals):
        """Have the past issued, or what the values say; return what was done."""
        past = self._prepare(**vals)
        past.action_start()
        self._run_cron("cron_past_licenses")
        return past

    def _tell(self):
        """Let customers be told what there is to tell; return the messages."""
        messages = self.env["software.license.message"].search([])
        self._run_cron("cron_send_license_messages")
        return messages.search([]) - messages
