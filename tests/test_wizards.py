import re
from datetime import date, datetime

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged

from .common import LicenseBillingCommon

USER = "software_license.group_license_user"
MANAGER = "software_license.group_license_manager"


class WizardCommon(LicenseBillingCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer.email = "studio@example.com"

    def _user(self, group=USER, **vals):
        return new_test_user(
            self.env,
            f"wizard {group}",
            group,
            company_id=self.env.company.id,
            company_ids=self.env.company.ids,
            **vals,
        )

    def _open(self, name, licenses, user=None, **vals):
        """Return a wizard on licenses, as the web client makes it."""
        wizard = self.env[f"software.license.{name}"]
        return (
            wizard.with_user(user or self.env.user)
            .with_context(active_model="software.license", active_ids=licenses.ids)
            .create(vals)
        )

    def _last_message(self, license_):
        return license_.message_ids.sorted("id")[-1].body

    def _mails(self):
        return self.env["software.license.message"].search([], order="id")


@tagged("post_install", "-at_install")
@freeze_time("2026-03-01 10:00:00")
class TestIssue(WizardCommon):
    def _issue(self, user=None, **vals):
        """Issue by the wizard; return the licenses."""
        wizard = self.env["software.license.issue"].with_user(user or self.env.user)
        vals = {
            "partner_id": self.customer.id,
            "product_id": self.product.id,
            **vals,
        }
        action = wizard.create(vals).action_issue()
        return self.env["software.license"].search(action["domain"])

    def test_a_user_issues_one_license_for_so_many_units(self):
        license_ = self._issue(user=self._user(), quantity=3)
        self.assertEqual(len(license_), 1)
        self.assertEqual(license_.policy_id, self.policy)
        self.assertEqual(license_.product_id, self.product)
        self.assertEqual(license_.seat_limit, 6)
        self.assertEqual(license_.expires_at, datetime(2027, 3, 1))
        self.assertEqual(license_.term_ids.mapped("source"), ["manual"])
        self.assertIn("Issued by hand", self._last_message(license_))

    def test_a_license_extended_by_hand_keeps_its_units(self):
        license_ = self._issue(quantity=3)
        license_.expires_at = "2028-01-01"
        self.assertEqual(license_.seat_limit, 6)

    def test_or_as_many_licenses_as_the_policy_says(self):
        self.policy.quantity_rule = "licenses"
        licenses = self._issue(quantity=3)
        self.assertEqual(len(set(licenses.mapped("license_key"))), 3)
        self.assertEqual(licenses.mapped("seat_limit"), [2, 2, 2])

    def test_many_licenses_cost_few_statements_each(self):
        self.policy.quantity_rule = "licenses"
        self._issue()
        counts = []
        for quantity in (5, 105):
            before = self.env.cr.sql_log_count
            self._issue(quantity=quantity)
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLess((counts[1] - counts[0]) / 100, 1)

    def test_the_form_says_what_will_happen(self):
        self.policy.quantity_rule = "licenses"
        with Form(self.env["software.license.issue"]) as form:
            form.partner_id = self.customer
            form.product_id = self.product
            form.quantity = 3
            self.assertEqual(
                form.summary, "3 licenses, devices: 2 each, until 02/28/2027"
            )
            form.max_activations = -1
            form.date_end = False
            self.assertEqual(form.summary, "3 licenses, any number of devices, forever")

    def test_the_form_says_nothing_before_a_policy_is_chosen(self):
        form = Form(self.env["software.license.issue"])
        self.assertFalse(form.summary)
        self.assertFalse(form.date_end)

    def test_everything_may_be_chosen_by_hand(self):
        license_ = self._issue(
            policy_id=self.env.ref("software_license.policy_default").id,
            product_id=False,
            date_end="2026-03-31",
            max_activations=7,
            features_text='{"export": false}',
        )
        self.assertEqual(license_.expires_at, datetime(2026, 4, 1))
        self.assertEqual(license_.seat_limit, 7)
        self.assertEqual(license_.features, {"export": False})
        self.assertFalse(license_.product_id)

    def test_all_keys_are_in_one_email_and_in_no_second_one(self):
        self.policy.quantity_rule = "licenses"
        before = self._mails()
        licenses = self._issue(quantity=3, is_emailed=True)
        self._run_cron("cron_send_license_messages")
        message = self._mails() - before
        self.assertEqual(message.license_ids, licenses)
        self.assertEqual(message.mail_id.recipient_ids, self.customer)

    def test_no_email_is_sent_that_nobody_asked_for(self):
        before = self._mails()
        self._issue()
        self._issue(is_trial=True, trial_days=7)
        self._run_cron("cron_send_license_messages")
        self.assertEqual(self._mails(), before)

    def test_bad_input_names_its_field_and_issues_nothing(self):
        nobody = self.env["res.partner"].create({"name": "Nobody"})
        before = self.env["software.license"].search_count([])
        for field, vals in (
            ("Quantity", {"quantity": 0}),
            ("Quantity", {"quantity": 1001}),
            ("Days", {"is_trial": True, "trial_days": 0}),
            ("Days", {"is_trial": True, "trial_days": 10**9}),
            ("Valid Until", {"date_end": "2026-02-28"}),
            ("Own Device Limit", {"max_activations": -2}),
            ("E-mail the Keys", {"is_emailed": True, "partner_id": nobody.id}),
            ("Features", {"features_text": "{"}),
            ("Features", {"features_text": "[1]"}),
        ):
            with (
                self.subTest(vals),
                self.assertRaisesRegex(UserError, field),
                self.env.cr.savepoint(),  # as a call from the browser
            ):
                self._issue(**vals)
        self.policy.active = False
        with self.assertRaisesRegex(UserError, "License Policy"):
            self._issue()
        self.assertEqual(self.env["software.license"].search_count([]), before)

    def test_a_customer_gets_one_trial_unless_a_manager_is_willing(self):
        user = self._user()
        trial = self._issue(user=user, is_trial=True, trial_days=14)
        self.assertEqual(trial.trial_ends_at, datetime(2026, 3, 15))
        with self.assertRaisesRegex(UserError, "had a trial"):
            self._issue(user=user, is_trial=True, trial_days=14)
        with self.assertRaises(AccessError):
            self._issue(
                user=user, is_trial=True, trial_days=14, is_another_allowed=True
            )
        self._issue(is_trial=True, trial_days=14, is_another_allowed=True)

    def test_two_companies_do_not_mix(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.env.user.company_ids |= other
        foreign = {
            "policy_id": self._create_policy(company_id=other.id).id,
            "partner_id": self.env["res.partner"]
            .create({"name": "Theirs", "company_id": other.id})
            .id,
        }
        for name, value in foreign.items():
            with self.subTest(name), self.assertRaises(UserError):
                self._issue(**{name: value})
        with self.assertRaises(AccessError):
            self._issue(user=self._user(), company_id=other.id)

    # === FROM A CUSTOMER, FROM AN ORDER === #

    def test_the_customers_form_brings_the_customer(self):
        wizard = self.env["software.license.issue"].with_context(
            active_model="res.partner", active_id=self.customer.id
        )
        self.assertEqual(Form(wizard).partner_id, self.customer)

    def _open_from(self, order, user=None):
        action = order.action_issue_licenses()
        wizards = self.env["software.license.issue"].with_user(user or self.env.user)
        return wizards.with_context(**action["context"])

    def test_what_an_order_sold_is_issued_ahead_and_paid_later(self):
        order = self._order(quantity=3)
        self.assertTrue(order.has_unlicensed)
        salesman = self._user("sales_team.group_sale_salesman_all_leads")
        wizard = Form(self._open_from(order, salesman)).save()
        self.assertEqual(wizard.partner_id, self.customer)
        self.assertEqual(wizard.quantity, 3)
        self.assertEqual(wizard.date_end, date(2026, 3, 8))  # as keys issued on order
        wizard.date_end = False  # by RPC: what is not paid does not run forever
        wizard.action_issue()
        license_ = order.license_ids
        self.assertEqual(license_.term_ids.source, "order")
        self.assertEqual(license_.expires_at, datetime(2026, 3, 9))
        self.assertEqual(license_.seat_limit, 6)
        order.invalidate_recordset()
        self.assertFalse(order.has_unlicensed)
        invoice = order._create_invoices()
        invoice.invoice_date = "2026-03-02"
        invoice.action_post()
        self._pay(invoice)
        self.assertEqual(invoice.license_ids, license_)
        self.assertEqual(license_.expires_at, datetime(2027, 3, 2))

    def _bill(self, order, **vals):
        invoice = order._create_invoices()
        invoice.write({"invoice_date": "2026-03-01", **vals})
        return invoice

    def test_a_key_issued_ahead_runs_until_the_posted_invoice_is_due(self):
        order = self._order()
        self._bill(order, invoice_date_due="2026-05-31").action_post()
        form = Form(self._open_from(order))
        self.assertEqual(form.date_end, date(2026, 5, 31))
        self.assertTrue(form._get_modifier("date_end", "readonly"))

    def test_a_part_that_is_paid_is_not_the_whole(self):
        order = self._order(quantity=10)
        invoice = self._bill(order)
        invoice.invoice_line_ids.quantity = 1
        invoice.action_post()
        self._pay(invoice)
        invoice.license_ids.sudo().unlink()  # sold before the product had a policy
        line = order.order_line
        self.assertEqual(
            line._get_due_end(date(2026, 3, 1), None), invoice.invoice_date_due
        )
        rest = self._bill(order)
        rest.action_post()
        self._pay(rest)
        self.assertIsNone(line._get_due_end(date(2026, 3, 1), None))

    def test_a_key_issued_ahead_is_over_when_the_order_is_cancelled(self):
        order = self._order()
        self._open_from(order).create({}).action_issue()
        license_ = order.license_ids
        self.assertEqual(license_.status, "active")
        order._action_cancel()
        self.assertEqual(license_.status, "suspended")

    def test_keys_issued_ahead_follow_the_quantity_of_the_order(self):
        self.policy.quantity_rule = "licenses"
        order = self._order(quantity=3)
        self._open_from(order).create({}).action_issue()
        order.order_line.product_uom_qty = 1
        self.assertEqual(
            sorted(order.license_ids.mapped("status")),
            ["active", "suspended", "suspended"],
        )
        order.order_line.product_uom_qty = 4  # the fourth waits for its payment
        self.assertEqual(order.license_ids.mapped("status"), ["active"] * 3)

    def test_a_line_that_sells_something_else_by_now_ends_its_key(self):
        order = self._order()
        self._open_from(order).create({}).action_issue()
        license_ = order.license_ids
        plain = self.env["product.product"].create({"name": "Mug"})
        order.order_line.product_id = plain
        order.order_line.product_uom_qty = 2
        self.assertEqual(license_.status, "suspended")

    def test_a_second_click_issues_nothing(self):
        wizard = self.env["software.license.issue"].create(
            {"partner_id": self.customer.id, "product_id": self.product.id}
        )
        wizard.action_issue()
        with self.assertRaisesRegex(UserError, "done already"):
            wizard.action_issue()

    def test_an_order_gets_its_licenses_once(self):
        order = self._order()
        wizards = [self._open_from(order).create({}) for _ in range(2)]
        wizards[0].action_issue()
        with self.assertRaisesRegex(UserError, "Order Line"):
            wizards[1].action_issue()
        self.assertEqual(len(order.license_ids), 1)

    def test_an_order_is_no_cover_for_something_else(self):
        order = self._order()
        other = self._create_licensed_product(
            self._create_policy(application="acme-server")
        )
        with self.assertRaisesRegex(UserError, "Order"):
            self._open_from(order).create({"product_id": other.id}).action_issue()
        draft = self._order(is_confirmed=False)
        self.assertFalse(draft.has_unlicensed)
        with self.assertRaisesRegex(UserError, "Order Line"):
            self._open_from(draft).create(
                {"product_id": self.product.id}
            ).action_issue()

    def test_a_line_without_its_order_is_no_cover_either(self):
        theirs = self._order(
            partner_id=self.env["res.partner"].create({"name": "X"}).id
        )
        line = {"sale_line_id": theirs.order_line.id}
        with self.assertRaisesRegex(UserError, "Order Line"):
            self._issue(**line)
        with self.assertRaisesRegex(UserError, "Order Line"):
            self._open_from(self._order()).create(line).action_issue()
        self.assertFalse(theirs.license_ids)

    def test_nobody_reads_what_others_type_into_wizards(self):
        user, other = self._user(), self._user(MANAGER)
        vals = {"partner_id": self.customer.id, "policy_id": self.policy.id}
        license_ = self._create_license(self.policy, partner_id=self.customer.id)
        wizards = [
            self.env["software.license.issue"].with_user(user).create(vals),
            self.env["software.license.trial"].with_user(user).create(vals),
            self._open("extend", license_, user),
            self._open("replace.key", license_, user),
        ]
        for wizard in wizards:
            with self.subTest(wizard._name), self.assertRaises(AccessError):
                wizard.with_user(other).read(["id"])


@tagged("post_install", "-at_install")
@freeze_time("2026-03-01 10:00:00")
class TestExtend(WizardCommon):
    def _licenses(self, *ends):
        return self.env["software.license"].union(
            *(
                self._create_license(
                    self.policy, partner_id=self.customer.id, date_end=end
                )
                for end in ends
            )
        )

    def _extend(self, licenses, user=None, **vals):
        self._open("extend", licenses, user, **vals).action_extend()
        return licenses.mapped("date_end")

    def test_from_the_end_if_still_running_from_today_if_over(self):
        licenses = self._licenses("2026-04-30", "2026-02-10", "2026-03-01")
        self.assertEqual(
            self._extend(licenses, self._user(), interval=10, unit="day"),
            [date(2026, 5, 10), date(2026, 3, 10), date(2026, 3, 11)],
        )

    def test_months_keep_to_the_end_of_the_month(self):
        licenses = self._licenses("2026-04-30", "2027-01-31")
        self.assertEqual(
            self._extend(licenses, interval=1, unit="month"),
            [date(2026, 5, 31), date(2027, 2, 28)],
        )

    def test_the_end_of_all_time_is_the_latest_end(self):
        licenses = self._licenses("9999-12-30")
        self.assertEqual(
            self._extend(licenses, interval=1000, unit="year"), [date(9999, 12, 31)]
        )

    def test_what_never_ends_or_ends_later_is_named_and_left_alone(self):
        licenses = self._licenses(False, "2026-12-31", "2026-04-30")
        wizard = self._open(
            "extend", licenses, kind="until", date_end="2026-06-30", reason="Outage"
        )
        for license_ in licenses[:2]:
            name = re.escape(license_._get_masked_names())
            self.assertRegex(wizard.preview, f"Left alone, as [^<]*{name}")
        self.assertIn("06/30/2026", wizard.preview)
        wizard.action_extend()
        self.assertEqual(
            licenses.mapped("date_end"), [False, date(2026, 12, 31), date(2026, 6, 30)]
        )
        self.assertIn("Outage", self._last_message(licenses[2]))
        self.assertEqual(len(licenses[:2].term_ids), 2)  # those of the creation
        with self.assertRaisesRegex(UserError, "never end"):
            self._extend(licenses[0])

    def test_a_revoked_license_is_refused_by_name(self):
        licenses = self._licenses("2026-04-30", "2026-05-31")
        licenses[1].action_revoke()
        wizard = self._open("extend", licenses)
        name = licenses[1]._get_masked_names()
        self.assertIn(f"revoked, for good: {name}", wizard.preview)
        with self.assertRaisesRegex(UserError, re.escape(name)):
            wizard.action_extend()
        self.assertEqual(licenses[0].date_end, date(2026, 4, 30))

    def test_bad_input_names_its_field(self):
        licenses = self._licenses("2026-04-30")
        for field, vals in (
            ("By", {"interval": 0}),
            ("By", {"interval": 1001}),
            ("Valid Until", {"kind": "until"}),
            ("Valid Until", {"kind": "until", "date_end": "2026-02-28"}),
        ):
            with self.subTest(vals), self.assertRaisesRegex(UserError, field):
                self._extend(licenses, **vals)
        with self.assertRaisesRegex(UserError, "Licenses"):
            self._extend(self.env["software.license"])

    def test_a_longer_trial_is_still_a_trial(self):
        trial = self.env["software.license"]._give_trial(self.customer, self.policy, 14)
        self._extend(trial, self._user(), interval=1, unit="week")
        self.assertEqual(trial.trial_ends_at, datetime(2026, 3, 22))

    def test_a_trial_is_made_no_longer_than_one_may_be(self):
        trial = self.env["software.license"]._give_trial(self.customer, self.policy, 14)
        wizard = self._open("extend", trial, interval=10, unit="year")
        name = trial._get_masked_names()
        self.assertIn(f"3650 days at most: {name}", wizard.preview)
        with self.assertRaisesRegex(UserError, re.escape(name)):
            wizard.action_extend()
        self._extend(trial, kind="until", date_end="2036-02-26")
        self.assertEqual((trial.trial_ends_at - datetime(2026, 3, 1)).days, 3650)

    def test_a_second_click_extends_nothing(self):
        wizard = self._open("extend", self._licenses("2026-04-30"))
        wizard.action_extend()
        with self.assertRaisesRegex(UserError, "done already"):
            wizard.action_extend()

    def test_the_paid_end_moves_on_with_the_next_invoice(self):
        invoice = self._sell(date="2026-01-01", quantity=2)
        license_ = invoice.license_ids
        self.assertEqual(
            self._extend(license_, interval=1, unit="month"), [date(2027, 1, 31)]
        )
        self.assertEqual(license_.seat_limit, 4)
        self._unpay(invoice)
        self.assertEqual(license_.status, "suspended")

    def test_goodwill_begins_today_and_keeps_the_devices(self):
        invoice = self._sell(date="2026-01-01", quantity=2)
        license_ = invoice.license_ids
        self._unpay(invoice)
        self.assertEqual(
            self._extend(license_, interval=7, unit="day"), [date(2026, 3, 7)]
        )
        self.assertEqual((license_.status, license_.seat_limit), ("active", 4))

    def test_goodwill_does_not_come_back_once_the_license_was_paid_and_extended(self):
        invoice = self._sell(date="2026-01-01")
        license_ = invoice.license_ids
        self._unpay(invoice)
        self._extend(license_, interval=24, unit="month")
        self._pay(invoice)
        self.assertEqual(license_.date_end, date(2026, 12, 31))
        self._extend(license_, interval=1, unit="month")
        self._unpay(invoice)
        self.assertEqual(license_.status, "suspended")

    def test_a_thousand_licenses_take_few_statements_each(self):
        licenses = self.env["software.license"].create(
            [{"policy_id": self.policy.id, "partner_id": self.customer.id}] * 110
        )
        self.env.flush_all()
        counts = []
        for some in (licenses[:10], licenses[10:]):
            before = self.env.cr.sql_log_count
            self._extend(some)
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLess((counts[1] - counts[0]) / 90, 1)


@tagged("post_install", "-at_install")
class TestReplaceKey(WizardCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.licenses = cls.env["software.license"].create(
            [{"policy_id": cls.policy.id, "partner_id": cls.customer.id}] * 2
        )

    def test_the_new_key_is_sent_and_the_reason_on_record(self):
        license_, before = self.licenses[0], self._mails()
        old = license_.license_key
        wizard = self._open(
            "replace.key", license_, self._user(), reason="Leaked", is_emailed=True
        )
        wizard.action_replace()
        self.assertNotEqual(license_.license_key, old)
        mail = (self._mails() - before).mail_id
        self.assertIn(license_.license_key, mail.body_html)
        self.assertNotIn(old, mail.body_html)
        self.assertTrue(
            [it for it in license_.message_ids if "Leaked" in (it.body or "")]
        )

    def test_the_reason_is_text_and_no_html(self):
        wizard = self._open("replace.key", self.licenses[0], reason="<b>Leak</b>")
        wizard.action_replace()
        self.assertIn("&lt;b&gt;", self._last_message(self.licenses[0]))

    def test_several_keys_at_once_are_a_managers_decision(self):
        keys = self.licenses.mapped("license_key")
        with self.assertRaises(AccessError):
            self._open("replace.key", self.licenses, self._user()).action_replace()
        self.assertEqual(self.licenses.mapped("license_key"), keys)
        self._open("replace.key", self.licenses, self._user(MANAGER)).action_replace()
        self.assertFalse(set(self.licenses.mapped("license_key")) & set(keys))

    def test_a_revoked_one_is_refused_by_name_and_nothing_replaced(self):
        self.licenses[1].action_revoke()
        keys = self.licenses.mapped("license_key")
        name = re.escape(self.licenses[1]._get_masked_names())
        with self.assertRaisesRegex(UserError, name):
            self._open("replace.key", self.licenses).action_replace()
        self.assertEqual(self.licenses.mapped("license_key"), keys)

    def test_a_customer_without_address_is_told_of_before(self):
        self.customer.email = False
        key = self.licenses[0].license_key
        with self.assertRaisesRegex(UserError, "no e-mail address"):
            self._open(
                "replace.key", self.licenses[0], is_emailed=True
            ).action_replace()
        self.assertEqual(self.licenses[0].license_key, key)

    def test_a_license_of_another_company_is_not_shown(self):
        other = self.env["res.company"].create({"name": "Other"})
        hidden = self._create_license(company_id=other.id)
        for name in ("replace.key", "extend"):
            with self.subTest(name), self.assertRaises(AccessError):
                self._open(name, hidden, self._user())

    def test_the_key_is_still_checked(self):
        with self.assertRaisesRegex(ValidationError, "License Key"):
            self._create_license(license_key=self.licenses[0].license_key)
