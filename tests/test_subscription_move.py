from odoo.exceptions import UserError
from odoo.tests import tagged

from .test_subscription_oca import SubscriptionOcaCommon


@tagged("post_install", "-at_install")
class TestSubscriptionMove(SubscriptionOcaCommon):
    """A license that goes to another customer while a subscription renews it."""

    def _move(self, licenses, partner, **vals):
        wizard = self.env["software.license.move"].create(
            {"license_ids": licenses.ids, "partner_id": partner.id, **vals}
        )
        wizard.action_move()
        return wizard

    def test_a_move_from_a_subscription_is_confirmed_and_it_goes_on_to_renew(self):
        subscription = self._subscribe()
        license_ = self._bill(subscription).license_ids
        buyer = self.env["res.partner"].create({"name": "Grey Owl Ltd."})
        with self.assertRaisesRegex(UserError, "Move Nevertheless"):
            self._move(license_, buyer)
        wizard = self._move(license_, buyer, is_billing_confirmed=True)
        self.assertEqual(license_.partner_id, buyer)
        self.assertTrue(wizard)
        end = license_.expires_at
        invoice = self._bill(subscription)
        self.assertEqual(invoice.license_ids, license_)
        self.assertGreater(license_.expires_at, end)

    def test_no_question_when_the_subscription_is_the_new_customers_by_now(self):
        subscription = self._subscribe()
        license_ = self._bill(subscription).license_ids
        buyer = self.env["res.partner"].create({"name": "Grey Owl Ltd."})
        subscription.partner_id = buyer
        self._move(license_, buyer)
        self.assertEqual(license_.partner_id, buyer)

    def test_a_license_whose_subscription_was_deleted_is_opened_and_moved(self):
        subscription = self._subscribe()
        license_ = self._bill(subscription).license_ids
        buyer = self.env["res.partner"].create({"name": "Grey Owl Ltd."})
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE software_license SET subscription_ref = %s WHERE id = %s",
            ("sale.subscription,999999999", license_.id),
        )
        self.env.invalidate_all()
        fields_ = {"license_key": {}, "can_view_subscription": {}}
        (values,) = license_.web_read(fields_)
        self.assertEqual(values["license_key"], license_.license_key)
        self.assertFalse(values["can_view_subscription"])
        with self.assertRaisesRegex(UserError, "no subscription"):
            license_.action_view_subscription()
        self._move(license_, buyer)
        self.assertEqual(license_.partner_id, buyer)

    def test_many_subscriptions_are_looked_at_together(self):
        buyer = self.env["res.partner"].create({"name": "Grey Owl Ltd."})
        subscriptions = [self._subscribe() for _number in range(6)]
        licenses = self.env["software.license"].union(
            *(self._bill(subscription).license_ids for subscription in subscriptions)
        )
        counts = []
        for some in (licenses[:1], licenses):
            wizard = self.env["software.license.move"].create(
                {"license_ids": some.ids, "partner_id": buyer.id}
            )
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.assertIn("subscriptions of another customer", wizard.billing)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual(counts[1], counts[0])  # the first one warms caches
