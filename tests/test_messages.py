from datetime import timedelta
from unittest import mock

from dateutil.relativedelta import relativedelta
from freezegun import freeze_time
from markupsafe import Markup
from psycopg2.errors import SerializationFailure

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.base.tests.test_ir_cron import CronMixinCase

from .common import LicenseBillingCommon

CRON = "cron_send_license_messages"
LOGGER = "odoo.addons.software_license"


class MessagesCommon(LicenseBillingCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer.write({"email": "studio@example.com", "lang": "en_US"})
        cls.env.company.email = "shop@example.com"
        # What the database had before, such as demo data.
        cls.env["software.license.term"].search([]).is_announced = True
        cls.env["software.license"].search([]).active = False

    @classmethod
    def _sell_with_days_left(cls, days, **kwargs):
        """Return a paid invoice of a year that ends in so many days."""
        start = fields.Date.today() + timedelta(days=days) - relativedelta(years=1)
        return cls._sell(date=start, **kwargs)

    def _tell(self, **later):
        """Run the scheduled action, now or later; return the new messages."""
        before = self._messages()
        with freeze_time(fields.Datetime.now() + timedelta(**later)):
            self._run_cron(CRON)
        return self._messages() - before

    def _messages(self):
        return self.env["software.license.message"].search([], order="id")

    def _template(self, kind):
        return self.env.ref(f"software_license.mail_template_{kind}")

    def assertTold(self, messages, *kinds):
        self.assertEqual(messages.mapped("kind"), list(kinds))
        self.assertEqual(messages.mapped("failure_reason"), [False] * len(messages))

    def assertQueued(self, messages):
        """One e-mail each, to the customer of the message."""
        for message in messages:
            self.assertEqual(message.state, "queued")
            self.assertEqual(message.mail_id.recipient_ids, message.partner_id)


@tagged("post_install", "-at_install")
class TestKeysByMail(CronMixinCase, MessagesCommon):
    """The key when issued and when renewed."""

    def test_every_key_of_the_invoice_is_in_one_message(self):
        per_unit = self._create_policy(
            quantity_rule="licenses", application="acme-server"
        )
        server = self._create_licensed_product(per_unit, name="Server")
        invoice = self._create_license_invoice(date="2099-01-01")
        invoice.invoice_line_ids = [
            Command.create({"product_id": server.id, "quantity": 2, "tax_ids": False})
        ]
        invoice.action_post()
        self._pay(invoice)
        message = self._tell()
        self.assertTold(message, "issued")
        self.assertQueued(message)
        self.assertEqual(len(invoice.license_ids), 3)
        self.assertEqual(message.license_ids, invoice.license_ids)
        for license_ in invoice.license_ids:
            self.assertIn(license_.license_key, message.mail_id.body_html)

    def test_the_message_says_what_the_key_grants_until_when_and_where_it_is_billed(
        self,
    ):
        self.policy.features = {"export": True, "max_users": 50, "beta": False}
        invoice = self._sell(date="2099-01-01", quantity=3)
        mail = self._tell().mail_id
        body = " ".join(mail.body_html.split())
        self.assertEqual(mail.subject, "Your license for Editor")
        self.assertIn("shop@example.com", mail.email_from)
        for text in ("Editor", "pro", ">6<", "Export", "Max users: 50", "12/31/2099"):
            self.assertIn(text, body)
        self.assertNotIn("Beta", body)
        self.assertIn(f"/my/invoices/{invoice.id}?access_token=", body)

    def test_an_invoice_is_told_of_once_however_often_the_action_runs(self):
        self._sell(date="2099-01-01")
        self.assertTold(self._tell(), "issued")
        self.assertFalse(self._tell() + self._tell(days=1))

    def test_an_accountant_at_the_same_invoice_is_no_error_and_it_is_told_next(self):
        self._sell(date="2099-01-01")
        messages = type(self.env["software.license.message"])
        rival = mock.patch.object(messages, "_send", side_effect=SerializationFailure)
        with rival, self.assertNoLogs("odoo.addons.base.models.ir_cron", "ERROR"):
            self._run_cron(CRON)
        self.assertTold(self._tell(), "issued")

    def test_a_payment_wakes_the_scheduled_action_once(self):
        self.env.cr.postcommit.clear()  # what another test left
        cron = self.env.ref(f"software_license.{CRON}")
        with self.capture_triggers(cron.id) as triggers:
            self._sell(date="2099-01-01")
            self._sell(date="2099-02-01")
        self.assertEqual(len(triggers.records), 1)

    def test_the_message_is_in_the_customers_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        french = self._template("issued").with_context(lang="fr_FR")
        french.subject = "Votre licence pour {{ object._get_product_names() }}"
        self.product.with_context(lang="fr_FR").name = "Éditeur"
        self._sell(date="2099-01-01")
        self.customer.lang = "fr_FR"
        mail = self._tell().mail_id
        self.assertEqual(mail.subject, "Votre licence pour Éditeur")
        self.assertIn("31/12/2099", mail.body_html)

    def _renew(self, license_, date):
        """Pay an invoice that extends a license."""
        invoice = self._create_license_invoice(date=date)
        line = invoice.invoice_line_ids
        line.license_source_ref = license_.billing_identity.partition("|")[0]
        invoice.action_post()
        self._pay(invoice)
        return invoice

    def test_the_next_paid_invoice_says_that_the_license_is_extended(self):
        license_ = self._sell(date="2099-01-01").license_ids
        self._tell()
        invoice = self._renew(license_, "2100-01-01")
        message = self._tell()
        self.assertTold(message, "renewed")
        self.assertEqual(message.license_ids, license_)
        self.assertEqual(message.move_id, invoice)
        self.assertIn("is extended", message.mail_id.subject)
        self.assertIn("12/31/2100", message.mail_id.body_html)

    def test_an_invoice_that_renews_and_issues_sends_one_message_with_both(self):
        license_ = self._sell(date="2099-01-01").license_ids
        self._tell()
        invoice = self._create_license_invoice(date="2100-01-01")
        source = license_.billing_identity.partition("|")[0]
        invoice.invoice_line_ids.license_source_ref = source
        other = self._create_licensed_product(
            self._create_policy(application="acme-server"), name="Server"
        )
        invoice.invoice_line_ids = [
            Command.create({"product_id": other.id, "tax_ids": False})
        ]
        invoice.action_post()
        self._pay(invoice)
        message = self._tell()
        self.assertTold(message, "issued")
        self.assertEqual(message.renewed_license_ids, license_)
        for key in invoice.license_ids.mapped("license_key"):
            self.assertEqual(message.mail_id.body_html.count(key), 1)
        self.assertIn("extends what you have already", message.mail_id.body_html)

    def test_two_lines_for_one_license_issue_it_once(self):
        invoice = self._create_license_invoice(date="2099-01-01")
        invoice.invoice_line_ids.copy()
        invoice.invoice_line_ids.license_source_ref = f"res.partner,{self.customer.id}"
        invoice.action_post()
        self._pay(invoice)
        self.assertEqual(len(invoice.license_ids.term_ids), 2)
        message = self._tell()
        self.assertTold(message, "issued")
        self.assertFalse(message.renewed_license_ids)

    def test_a_trial_given_by_hand_is_told_without_an_invoice(self):
        license_ = self._create_license(self.policy, partner_id=self.customer.id)
        self.assertFalse(self._tell(), "a license made by hand is not sent by itself")
        license_.term_ids.sudo().create(
            {"license_id": license_.id, "source": "trial", "date_end": "2099-01-31"}
        )
        message = self._tell()
        self.assertEqual(message.license_ids, license_)
        self.assertFalse(message.move_id)

    def test_what_was_unpaid_before_the_message_is_told_once_it_is_paid_again(self):
        invoice = self._sell(date="2099-01-01")
        self._unpay(invoice)
        self.assertFalse(self._tell())
        self._pay(invoice)
        self.assertTold(self._tell(), "issued")

    def test_a_revoked_key_is_not_sent(self):
        self._sell(date="2099-01-01").license_ids.action_revoke()
        self.assertFalse(self._tell())
        self.assertTrue(
            all(self.env["software.license.term"].search([]).mapped("is_announced"))
        )

    def test_license_and_invoice_say_what_was_sent_to_whom_and_why(self):
        invoice = self._sell(date="2099-01-01")
        self._tell()
        body = invoice.license_ids.message_ids[0].body
        self.assertIn("E-mailed the license key to studio@example.com.", body)
        self.assertIn(invoice.name, body)
        body = invoice.message_ids[0].body
        self.assertIn("License keys e-mailed to studio@example.com: 1.", body)

    def test_upgrading_tells_nobody_of_what_was_paid_before(self):
        terms = self._sell(date="2099-01-01").license_term_ids
        unpaid = self._sell(date="2099-01-01")
        self._unpay(unpaid)
        self.env.flush_all()
        self.env.cr.execute("UPDATE software_license_term SET is_announced = NULL")
        terms._init_column("is_announced")
        self.env.invalidate_all()
        self.assertFalse(self._tell(hours=2))
        self._pay(unpaid)
        self.assertTold(self._tell(), "issued")


@tagged("post_install", "-at_install")
class TestEndByMail(MessagesCommon):
    """About to expire, and expired."""

    def _tell_end(self, **later):
        messages = self._tell(**later)
        return messages.filtered(
            lambda message: message.kind in ("expiring", "expired")
        )

    def test_each_notice_is_sent_once_on_its_day(self):
        license_ = self._sell_with_days_left(40).license_ids
        told = []
        for day in range(42):
            messages = self._tell_end(days=day)
            told += [(day, kind, days) for kind, days in self._what(messages)]
            self.assertFalse(self._tell_end(days=day))
        left = {"expiring": 40, "expired": 40}
        self.assertEqual(
            [(left[kind] - day, kind, days) for day, kind, days in told],
            [(30, "expiring", 30), (7, "expiring", 7), (1, "expiring", 1),
             (0, "expired", 0)],
        )  # fmt: skip
        self.assertEqual(self._messages().license_ids, license_)

    def _what(self, messages):
        return [(message.kind, message.notice_days) for message in messages]

    def test_a_license_that_was_told_nothing_gets_only_the_nearest_notice(self):
        self._sell_with_days_left(5)
        self.assertEqual(self._what(self._tell_end()), [("expiring", 7)])
        self.assertFalse(self._tell_end())

    def test_a_monthly_license_gets_no_notice_of_thirty_days(self):
        self.policy.write({"validity_interval": 1, "validity_unit": "month"})
        self._sell(date=fields.Date.today())
        self.assertFalse(self._tell_end())
        self.assertEqual(self._what(self._tell_end(days=24)), [("expiring", 7)])

    def test_licenses_that_end_together_are_in_one_message(self):
        self.policy.quantity_rule = "licenses"
        licenses = self._sell_with_days_left(5, quantity=3).license_ids
        message = self._tell_end()
        self.assertEqual(message.license_ids, licenses)
        self.assertIn(
            "Your 3 licenses end on", " ".join(message.mail_id.body_html.split())
        )

    def test_a_new_end_is_told_anew(self):
        license_ = self._sell_with_days_left(5).license_ids
        self._tell_end()
        license_.expires_at += timedelta(days=300)
        self.assertFalse(self._tell_end())
        self.assertEqual(self._what(self._tell_end(days=299)), [("expiring", 7)])

    def test_a_perpetual_license_never_ends(self):
        self.policy.validity_unit = "perpetual"
        self._sell()
        self.assertFalse(self._tell_end())

    def test_a_trial_is_told_that_the_trial_ends(self):
        license_ = self._create_license(self.policy, partner_id=self.customer.id)
        trial = {"license_id": license_.id, "source": "trial"}
        trial["date_start"] = fields.Date.today() - timedelta(days=27)
        trial["date_end"] = fields.Date.today() + timedelta(days=2)
        license_.term_ids.sudo().unlink()
        license_.term_ids.sudo().create(trial)
        message = self._tell_end()
        self.assertEqual(self._what(message), [("expiring", 7)])
        self.assertIn("Your trial ends on", message.mail_id.body_html)

    def test_expired_is_told_when_the_grace_is_past(self):
        self.policy.grace_days = 10
        self._sell_with_days_left(0)
        self.assertFalse(self._tell_end())
        self.assertFalse(self._tell_end(days=9))
        message = self._tell_end(days=10)
        self.assertEqual(self._what(message), [("expired", 0)])
        self.assertIn("ended on", message.mail_id.subject)
        self.assertFalse(self._tell_end(days=11))

    def test_what_ended_long_ago_is_told_to_nobody(self):
        self._sell_with_days_left(-8)
        self.assertFalse(self._tell_end())

    def test_suspended_revoked_and_archived_ones_are_told_nothing(self):
        for days in (5, -1):
            sold = [self._sell_with_days_left(days).license_ids for _ in range(4)]
            sold[0].action_suspend()
            sold[1].action_revoke()
            sold[2].active = False
            sold[3].partner_id = self.customer.copy({"name": "Closed"})
            sold[3].partner_id.active = False
        self.assertFalse(self._tell_end())

    def test_the_notice_leads_to_the_invoice_that_extends_the_license(self):
        license_ = self._sell_with_days_left(5).license_ids
        source = license_.billing_identity.partition("|")[0]
        unrelated, renewal = (self._create_license_invoice() for _ in range(2))
        renewal.invoice_line_ids.license_source_ref = source
        (unrelated + renewal).action_post()
        message = self._tell_end()
        self.assertEqual(message.move_id, renewal)
        self.assertIn(renewal.name, message.mail_id.body_html)
        self.assertIn(f"/my/invoices/{renewal.id}?", message.mail_id.body_html)

    def test_the_days_are_each_companys_own(self):
        company = self.env.company
        company.license_expiry_notice_days = "14"
        self._sell_with_days_left(5)
        self.assertEqual(self._what(self._tell_end()), [("expiring", 14)])
        company.license_expiry_notice_days = ""
        self._sell_with_days_left(5)
        self.assertFalse(self._tell_end())

    def test_days_that_are_none_are_refused_by_name(self):
        for text in ("soon", "7; 1", "0", "-7", "7, 99999"):
            with (
                self.subTest(text),
                self.assertRaisesRegex(ValidationError, "Days before the End"),
            ):
                self.env.company.license_expiry_notice_days = text


@tagged("post_install", "-at_install")
class TestFailedPaymentByMail(MessagesCommon):
    def _create_transaction(self, invoice, state="error"):
        Transactions = self.env["payment.transaction"].sudo()
        transaction = Transactions.create(
            {
                "provider_id": Transactions.provider_id.search([], limit=1).id,
                "payment_method_id": self.env.ref("payment.payment_method_unknown").id,
                "reference": f"try {Transactions.search_count([])}",
                "amount": invoice.amount_total,
                "currency_id": invoice.currency_id.id,
                "partner_id": invoice.partner_id.id,
                "invoice_ids": invoice.ids,
            }
        )
        transaction.write({"state": state, "last_state_change": fields.Datetime.now()})
        return transaction

    def test_a_payment_undone_is_told_after_an_hour_once_each_time(self):
        invoice = self._sell(date="2099-01-01")
        self._tell()
        for hours in (0, 10):
            with freeze_time(fields.Datetime.now() + timedelta(hours=hours)):
                self._unpay(invoice)
                self.assertFalse(self._tell(minutes=50))
                message = self._tell(minutes=70)
                self.assertTold(message, "payment_failed")
                self.assertIn(
                    invoice.license_ids.license_key, message.mail_id.body_html
                )
                self.assertIn(f"/my/invoices/{invoice.id}?", message.mail_id.body_html)
                self.assertFalse(self._tell(hours=2))
                self._pay(invoice)
                self.assertFalse(self._tell(hours=3))

    def test_a_correction_within_the_hour_tells_nothing(self):
        invoice = self._sell(date="2099-01-01")
        self._tell()
        self._unpay(invoice)
        self._pay(invoice)
        self.assertFalse(self._tell(hours=2))

    def test_a_refund_tells_nothing(self):
        refunded, credited, canceled = (self._sell(date="2099-01-01") for _ in range(3))
        self._tell()
        self._refund(refunded)
        self._unpay(credited)
        self._refund(credited)
        self._unpay(canceled)
        canceled.button_draft()
        canceled.button_cancel()
        licenses = (refunded + credited + canceled).license_ids
        self.assertEqual(set(licenses.mapped("status")), {"suspended"})
        self.assertFalse(self._tell(hours=2))

    def test_what_was_credited_is_not_told_with_what_is_unpaid(self):
        other = self._create_licensed_product(
            self._create_policy(application="acme-server"), name="Server"
        )
        invoice = self._create_license_invoice(date="2099-01-01")
        invoice.invoice_line_ids = [
            Command.create({"product_id": other.id, "tax_ids": False})
        ]
        invoice.action_post()
        self._pay(invoice)
        self._tell()
        self._unpay(invoice)
        refund = invoice._reverse_moves([{"invoice_date": invoice.invoice_date}])
        refund.invoice_line_ids.filtered(lambda it: it.product_id == other).unlink()
        refund.action_post()
        self.assertEqual(invoice.payment_state, "partial")
        self.assertEqual(self._tell(hours=2).license_ids.product_id, other)

    def test_a_license_that_is_paid_otherwise_is_not_told(self):
        first = self._sell(date="2099-01-01")
        second = self._create_license_invoice(date="2100-01-01")
        source = first.license_ids.billing_identity.partition("|")[0]
        second.invoice_line_ids.license_source_ref = source
        second.action_post()
        self._pay(second)
        self._tell()
        self._unpay(second)
        self.assertFalse(self._tell(hours=2))

    def test_a_failed_online_payment_is_told_once(self):
        invoice = self._create_license_invoice(date="2099-01-01")
        invoice.action_post()
        transaction = self._create_transaction(invoice)
        self.assertFalse(self._tell())
        message = self._tell(hours=2)
        self.assertTold(message, "payment_failed")
        self.assertEqual(message.transaction_id, transaction)
        self.assertEqual(
            message.mail_id.subject, f"Payment failed: invoice {invoice.name}"
        )
        self.assertIn("Editor", message.mail_id.body_html)
        self.assertFalse(self._tell(hours=3))
        self._create_transaction(invoice)
        self.assertTold(self._tell(hours=4), "payment_failed")

    def test_a_failed_online_payment_names_the_license_that_it_extends(self):
        license_ = self._sell(date="2099-01-01").license_ids
        self._tell()
        renewal = self._create_license_invoice(date="2100-01-01")
        source = license_.billing_identity.partition("|")[0]
        renewal.invoice_line_ids.license_source_ref = source
        renewal.action_post()
        self._create_transaction(renewal)
        self.assertEqual(self._tell(hours=2).license_ids, license_)

    def test_no_failed_try_is_told_once_another_one_is_on_its_way(self):
        for state in ("done", "pending"):
            invoice = self._create_license_invoice(date="2099-01-01")
            invoice.action_post()
            self._create_transaction(invoice)
            self._create_transaction(invoice, state)
        self.assertFalse(self._tell(hours=2))

    def test_no_failed_try_is_told_that_is_old_paid_or_of_no_license(self):
        paid = self._create_license_invoice(date="2099-01-01")
        old, unlicensed = paid.copy(), paid.copy()
        unlicensed.invoice_line_ids.product_id = self.env["product.product"].create(
            {"name": "Training"}
        )
        for invoice in paid + old + unlicensed:
            invoice.action_post()
            self._create_transaction(invoice)
        old.sudo().transaction_ids.last_state_change -= timedelta(days=4)
        self._pay(paid)
        messages = self._tell(hours=2)
        self.assertNotIn("payment_failed", messages.mapped("kind"))


@tagged("post_install", "-at_install")
class TestMessages(MessagesCommon):
    """Settings, troubles, crashes, rights, cost."""

    def test_switched_off_nothing_is_sent_and_nothing_is_made_up_for_later(self):
        self.env.company.license_send_messages = False
        invoice = self._sell_with_days_left(5)
        self.assertFalse(self._tell())
        self.assertTrue(invoice.license_term_ids.is_announced)
        self._unpay(invoice)
        self.assertFalse(self._tell(hours=2))
        self.env.company.license_send_messages = True
        self._pay(invoice)
        self.assertTold(self._tell(), "expiring")

    def test_each_company_decides_for_itself(self):
        other = self.setup_other_company(name="Other")["company"]
        other.license_send_messages = False
        silent, own = (
            self._create_license(
                self._create_policy(),
                partner_id=self.customer.id,
                company_id=company.id,
            )
            for company in (other, self.env.company)
        )
        trial = {"source": "trial", "date_end": "2099-01-31"}
        for license_ in silent + own:
            license_.term_ids.sudo().create({"license_id": license_.id, **trial})
        self.assertEqual(self._tell().license_ids, own)
        self.assertTrue(all(silent.term_ids.mapped("is_announced")))

    def test_the_settings_are_written_in_the_form(self):
        with Form(self.env["res.config.settings"]) as form:
            form.license_expiry_notice_days = "14, 2"
        form.record.execute()
        self.assertEqual(self.env.company._get_license_notice_days(), [2, 14])

    def test_an_archived_template_is_not_sent(self):
        self._template("issued").active = False
        invoice = self._sell_with_days_left(5)
        self.assertTold(self._tell(), "expiring")
        self.assertTrue(invoice.license_term_ids.is_announced)

    def test_a_customer_without_an_address_is_noted_once_and_can_be_told_later(self):
        self.customer.email = False
        license_ = self._sell(date="2099-01-01").license_ids
        message = self._tell()
        self.assertEqual(message.state, "failed")
        self.assertFalse(self._tell())
        notes = license_.message_ids.filtered(lambda it: "no e-mail address" in it.body)
        self.assertEqual(len(notes), 1)
        self.customer.email = "studio@example.com"
        user = new_test_user(self.env, "user", "software_license.group_license_user")
        message.with_user(user).action_try_again()
        self.assertFalse(message.failure_reason)
        self.assertQueued(message)

    def test_a_template_that_fails_for_one_stops_no_other_and_logs_no_key(self):
        bad = self.customer.copy({"name": "Bad"})
        template = self._template("issued")
        template.body_html += Markup(
            "<t t-if=\"object.partner_id.name == 'Bad'\""
            ' t-out="{}[object.license_ids.license_key]"/>'
        )
        self._sell(date="2099-01-01")
        failed = self._sell(date="2099-01-01", partner_id=bad.id)
        self._sell(date="2099-01-01")
        with self.assertLogs(LOGGER) as logs:
            messages = self._tell()
        self.assertEqual(messages.mapped("state"), ["queued", "failed", "queued"])
        self.assertFalse(self._tell())
        key = failed.license_ids.license_key
        self.assertNotIn(key, "".join(logs.output) + messages[1].problem)
        template.body_html = "<p>Hello</p>"
        messages[1].action_try_again()
        self.assertQueued(messages)

    def test_an_email_that_could_not_be_sent_is_found_and_tried_again(self):
        self._sell(date="2099-01-01")
        message = self._tell()
        message.mail_id.sudo().write(
            {"state": "exception", "failure_reason": "No server"}
        )
        found = message.search([("state", "=", "failed")])
        self.assertEqual((found, found.problem), (message, "No server"))
        message.action_try_again()
        self.assertEqual(message.search([("state", "=", "queued")]), message)
        message.mail_id.sudo().unlink()  # as Odoo does when it is sent
        self.assertEqual(message.search([("state", "=", "sent")]), message)
        self.assertEqual(message.state, "sent")

    def test_a_crash_in_the_middle_keeps_what_was_committed_and_repeats_nothing(self):
        cron = self.env.ref(f"software_license.{CRON}")
        cron.code = "model._cron_send_license_messages(limit=2)"
        invoices = self.env["account.move"]
        for _number in range(5):
            invoices += self._sell(date="2099-01-01")
        # A rival told of the third one at this very moment.
        rival = (
            self.env["software.license.message"]
            .sudo()
            .create(
                {
                    "kind": "issued",
                    "company_id": self.env.company.id,
                    "partner_id": self.customer.id,
                    "reference": f"term|{invoices[2].license_term_ids.id}",
                }
            )
        )
        with mute_logger("odoo.addons.base.models.ir_cron", "odoo.sql_db"):
            first = self._tell()
        self.assertEqual(first.move_id, invoices[:2])
        rival.unlink()
        rest = self._tell()
        self.assertEqual(rest.move_id, invoices[2:])
        self.assertEqual(len(first + rest), 5)
        self.assertQueued(first + rest)

    def test_the_key_is_sent_again_by_hand_as_often_as_wanted(self):
        license_ = self._sell(date="2099-01-01").license_ids
        self._tell()
        user = new_test_user(self.env, "user", "software_license.group_license_user")
        for _number in range(2):
            before = self._messages()
            license_.with_user(user).action_send_key()
            message = self._messages() - before
            self.assertIn(license_.license_key, message.mail_id.body_html)
            self.assertQueued(message)
        self.assertEqual(license_.message_ids[0].author_id, user.partner_id)
        self.assertFalse(self._tell())

    def test_a_key_is_not_sent_by_hand_to_nobody_or_when_it_is_revoked(self):
        license_ = self._sell(date="2099-01-01").license_ids
        self.customer.email = "not an address"
        with self.assertRaisesRegex(UserError, "Blue Heron Studio"):
            license_.action_send_key()
        self.customer.email = "studio@example.com"
        license_.action_revoke()
        with self.assertRaisesRegex(UserError, "revoked"):
            license_.action_send_key()
        reader = new_test_user(self.env, "reader", "account.group_account_readonly")
        with self.assertRaises(AccessError):
            license_.with_user(reader).action_send_key()

    def test_a_message_costs_a_few_queries_however_many_there_are(self):
        def cost(count):
            for _number in range(count):
                self._sell(date="2099-01-01", quantity=2)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            told = self.env["software.license.message"].sudo()._tell_announcements(100)
            self.env.flush_all()
            self.assertEqual(told, count)
            return self.env.cr.sql_log_count - before

        cost(1)
        few, many = cost(3), cost(13)
        self.assertLessEqual((many - few) / 10, 10)
