import base64
import json
import re
import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest.mock import patch

from freezegun import freeze_time

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import file_open, mute_logger

from ..tools import webhook
from .common import LicenseBillingCommon, LicenseHttpCommon
from .test_events import EventsMixin

#: The example of the specification: id, timestamp, secret, body, signature.
VECTOR = (
    "msg_p5jXN8AQM9LWM0D4loKWxJek",
    1614265330,
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    b'{"test": 2432232314}',
    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
)
DELIVERIES = "odoo.addons.software_license.models.software_license_event_delivery"


class Receiver(ThreadingHTTPServer):
    """Somebody's server: keeps what it receives, and answers as it is told."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests = []
        self.status = 204
        self.seconds = 0  # that an answer takes
        self.url = f"http://127.0.0.1:{self.server_port}/hook"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self):
        self.shutdown()
        self.server_close()

    def take(self):
        """Return the (headers, body) that came since this was asked last."""
        taken, self.requests = self.requests, []
        return taken


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((dict(self.headers), body))
        time.sleep(self.server.seconds)
        self.send_response(self.server.status)
        self.send_header("Location", "/hook")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        """Say nothing."""


def read_docs(language):
    """Return the first example in a language of docs/webhooks.md."""
    with file_open("software_license/docs/webhooks.md") as stream:
        return re.search(rf"```{language}\n(.*?)```", stream.read(), re.DOTALL)[1]


class WebhooksMixin(EventsMixin):
    """Makes rules, and receives what they send."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.example = {}
        exec(read_docs("python"), cls.example)  # noqa: S102 our own documentation
        cls.license = cls._create_license()

    def setUp(self):
        super().setUp()
        # What rules wrap is the registry's: no rollback takes it away.
        self.addCleanup(self.env["base.automation"]._unregister_hook)
        self.receiver = self._start_receiver()

    def _start_receiver(self):
        receiver = Receiver()
        self.addCleanup(receiver.stop)
        return receiver

    def _create_rule(self, url=None):
        """Make the ready-made rule; return its action."""
        settings = self.env["res.config.settings"].create(
            {"license_webhook_url": url or self.receiver.url}
        )
        action = settings.action_create_license_webhook()
        return self.env[action["res_model"]].browse(action["res_id"])

    def _send(self, is_quiet=True, **later):
        """Commit, and run the scheduled action, now or later."""
        self.env.cr.flush()
        with freeze_time(fields.Datetime.now() + timedelta(**later)):
            with mute_logger(*[DELIVERIES] * is_quiet):
                self._run_cron("cron_send_license_events")
        self.env.invalidate_all()

    def _take(self, **later):
        """Send; return the messages that were received."""
        self._send(**later)
        return [json.loads(body) for _headers, body in self.receiver.take()]

    def _deliveries(self, **vals):
        domain = [(name, "=", value) for name, value in vals.items()]
        return self.env["software.license.event.delivery"].search(domain, order="id")

    def _is_genuine(self, action_or_secret, headers, body):
        secret = action_or_secret
        if not isinstance(secret, str):
            secret = secret.license_webhook_secret
        headers = {name.lower(): value for name, value in headers.items()}
        return self.example["is_genuine"](secret, headers, body)


@tagged("post_install", "-at_install")
class TestWebhooksOverHttp(WebhooksMixin, LicenseHttpCommon):
    def test_a_device_that_comes_and_goes_over_http_is_told_of(self):
        self._create_rule()
        self._call("validate", self.license, "laptop", deviceName="Ada's laptop")
        self._call("deactivate", self.license, "laptop")
        messages = self._take()
        self.assertEqual(
            [message["type"] for message in messages],
            ["device.activated", "device.freed"],
        )
        self.assertEqual(messages[0]["data"]["device"]["deviceId"], "laptop")


@tagged("post_install", "-at_install")
class TestWebhooks(WebhooksMixin, LicenseBillingCommon):
    # === THE MESSAGE === #

    def test_a_whole_life_arrives_signed(self):
        action = self._create_rule()
        invoice = self._sell(date=fields.Date.today())
        license_ = invoice.license_ids
        self.env.cr.flush()
        self._activate(license_, "laptop", device_name="Ada's laptop")
        license_._free_device("laptop")
        for change in ("action_suspend", "action_reinstate"):
            getattr(license_, change)()
            self.env.cr.flush()
        renewal = self._order(license_id=license_.id)._create_invoices()
        renewal.action_post()
        self._pay(renewal)
        self.env.cr.flush()
        self._age(license_, days=1)
        self.env.cr.flush()
        license_.action_revoke()
        self._send()
        received = self.receiver.take()
        for headers, body in received:
            self.assertTrue(self._is_genuine(action, headers, body))
            self.assertFalse(self._is_genuine(action, headers, body + b" "))
        messages = [json.loads(body) for _headers, body in received]
        messages = [it for it in messages if it["data"]["id"] == str(license_.id)]
        self.assertEqual(
            [message["type"] for message in messages],
            [
                "license.issued",
                "device.activated",
                "device.freed",
                "license.suspended",
                "license.reinstated",
                "license.renewed",
                "license.expired",
                "license.revoked",
            ],
        )
        self.assertEqual(len({message["id"] for message in messages}), 8)

    def test_a_message_has_what_the_documentation_shows(self):
        self._create_rule()
        license_ = self._create_license(product_id=self.product.id)
        self._activate(license_, "c0ffee", device_name="Ada's laptop")
        issued, activated = self._take()
        documented = json.loads(read_docs("json"))
        self.assertEqual(activated["type"], documented["type"])
        self._assert_same_shape(activated, documented)
        del documented["data"]["device"]
        self._assert_same_shape(issued, documented)
        data = activated["data"]
        self.assertEqual(data["licenseKey"], license_.license_key)
        self.assertEqual(data["customerId"], str(license_.partner_id.id))
        self.assertEqual(data["currentActivations"], 1)
        self.assertEqual(
            data["device"], {"deviceId": "c0ffee", "deviceName": "Ada's laptop"}
        )

    def _assert_same_shape(self, given, documented):
        self.assertEqual(list(given), list(documented))
        for name, value in documented.items():
            with self.subTest(name):
                self.assertIsInstance(given[name], type(value))
                if name in ("data", "device"):
                    self._assert_same_shape(given[name], value)

    def test_what_is_not_limited_is_null(self):
        self._create_rule()
        policy = self._create_policy(
            max_activations=0, plan=False, validity_unit="perpetual"
        )
        self._create_license(policy)
        (message,) = self._take()
        for name in ("productId", "maxActivations", "expiresAt", "plan"):
            self.assertIsNone(message["data"][name], name)

    def test_signatures_are_those_of_the_specification(self):
        message_id, moment, secret, body, signature = VECTOR
        headers = webhook.headers(message_id, moment, body, [secret])
        self.assertEqual(
            headers,
            {
                "webhook-id": message_id,
                "webhook-timestamp": str(moment),
                "webhook-signature": signature,
            },
        )

    def test_during_a_change_of_secrets_both_sign(self):
        action = self._create_rule()
        old = action.license_webhook_secret
        action.action_rotate_license_webhook_secret()
        new = action.license_webhook_secret
        self.assertNotEqual(old, new)
        self.license.action_suspend()
        self._send()
        ((headers, body),) = self.receiver.take()
        self.assertTrue(self._is_genuine(old, headers, body))
        self.assertTrue(self._is_genuine(new, headers, body))
        action.action_forget_license_webhook_secret()
        self.license.action_reinstate()
        self._send()
        ((headers, body),) = self.receiver.take()
        self.assertFalse(self._is_genuine(old, headers, body))
        self.assertTrue(self._is_genuine(new, headers, body))

    def test_each_address_has_a_random_secret_that_managers_alone_see(self):
        actions = self._create_rule() + self._create_rule()
        secrets = actions.mapped("license_webhook_secret")
        self.assertEqual(len(set(secrets)), 2)
        for secret in secrets:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
            self.assertEqual(len(key), webhook.SECRET_BYTES)
        user = new_test_user(self.env, "user", "software_license.group_license_user")
        with self.assertRaises(AccessError):
            actions.with_user(user).read(["license_webhook_secret"])
        self.assertNotEqual(actions[0].copy().license_webhook_secret, secrets[0])

    def test_other_webhooks_of_odoo_are_left_as_they_are(self):
        action = self.env["ir.actions.server"].create(
            {
                "name": "Other",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "state": "webhook",
                "webhook_url": self.receiver.url,
            }
        )
        self.assertFalse(action.license_webhook_secret)
        partner = self.license.partner_id
        action.with_context(active_model=partner._name, active_id=partner.id).run()
        self.env.cr.postcommit.run()
        ((headers, body),) = self.receiver.take()
        self.assertEqual(json.loads(body)["_id"], partner.id)
        self.assertNotIn("webhook-signature", headers)

    # === WHO LISTENS === #

    def test_nothing_is_recorded_without_an_active_rule(self):
        rule = self._create_rule().base_automation_id
        self.assertEvents(self.license)
        self.license.action_suspend()
        self.assertEvents(self.license, "license.suspended")
        rule.active = False
        self.license.action_reinstate()
        self.assertEvents(self.license, "license.suspended")
        rule.active = True
        self.license.action_suspend()
        self.assertEvents(self.license, *["license.suspended"] * 2)
        rule.unlink()
        self.license.action_reinstate()
        self.assertEvents(self.license, *["license.suspended"] * 2)

    def test_a_rule_chooses_its_events(self):
        rule = self._create_rule().base_automation_id
        rule.filter_domain = "[('type', '=', 'license.revoked')]"
        self.license.action_suspend()
        self.assertEqual(self._take(), [])
        self.license.action_revoke()
        self.assertEqual([it["type"] for it in self._take()], ["license.revoked"])

    def test_an_address_that_is_none_makes_no_rule(self):
        for url in ("", "example.com", "ftp://example.com", "https://", "http://["):
            with self.subTest(url), self.assertRaises(UserError):
                self.env["res.config.settings"].create(
                    {"license_webhook_url": url}
                ).action_create_license_webhook()

    def test_each_rule_sends_to_its_own_address(self):
        other = self._start_receiver()
        self._create_rule()
        self._create_rule(other.url)
        self.license.action_suspend()
        self._send()
        ((_headers, body),) = self.receiver.take()
        ((_headers, same),) = other.take()
        self.assertEqual(json.loads(body), json.loads(same))

    # === WHAT GOES WRONG === #

    def test_a_broken_rule_stops_no_payment(self):
        action = self._create_rule()
        action.base_automation_id.action_server_ids = [
            Command.create(
                {
                    "name": "Broken",
                    "model_id": action.model_id.id,
                    "state": "code",
                    "code": "record.license_id.write({'active': 1 / 0})",
                    "usage": "base_automation",
                }
            )
        ]
        with self.assertLogs("odoo.addons.software_license", "WARNING") as logs:
            invoice = self._sell()
            self.assertEvents(invoice.license_ids, "license.issued")
        self.assertEqual(invoice.payment_state, "paid")
        self.assertNotIn(invoice.license_ids.license_key, str(logs.output))
        self.assertEqual(self._take(), [])

    def test_what_is_refused_is_tried_again_with_growing_pauses(self):
        self._create_rule()
        self.license.action_suspend()
        self.receiver.status = 500
        now = fields.Datetime.now()
        with freeze_time(now):
            (first,) = self._take()
            self.assertEqual(self._take(), [])
            waited = timedelta()
            for tries, pause in enumerate(webhook.PAUSES, 1):
                delivery = self._deliveries()
                self.assertEqual(delivery.state, "waiting")
                self.assertEqual(delivery.tries, tries)
                self.assertEqual(delivery.problem, "Answered with HTTP status 500.")
                waited += pause
                self.assertEqual(self._take(seconds=waited.total_seconds() - 1), [])
                (again,) = self._take(seconds=waited.total_seconds())
                self.assertEqual(again["id"], first["id"])
            self.assertEqual(self._deliveries().state, "failed")
            self.assertEqual(self._take(days=30), [])
            self.receiver.status = 200
            self._deliveries().action_try_again()
            (again,) = self._take()
        self.assertEqual(again["id"], first["id"])
        self.assertEqual(self._deliveries().state, "sent")
        self.assertFalse(self._deliveries().problem)

    def test_an_address_that_is_gone_is_not_tried_again(self):
        self._create_rule()
        self.receiver.status = 410
        self.license.action_suspend()
        self.assertEqual(len(self._take()), 1)
        self.assertEqual(self._deliveries().state, "failed")

    def test_a_redirect_is_not_followed(self):
        self._create_rule()
        self.receiver.status = 307
        self.license.action_suspend()
        self.assertEqual(len(self._take()), 1)
        self.assertEqual(self._deliveries().state, "waiting")

    def test_an_address_that_is_silent_holds_up_no_other(self):
        silent = self._start_receiver()
        silent.stop()
        action = self._create_rule(silent.url)
        self._create_rule()
        for change in ("action_suspend", "action_reinstate"):
            getattr(self.license, change)()
            self.env.cr.flush()
        with self.assertLogs(DELIVERIES, "WARNING") as logs:
            self.assertEqual(len(self._take(is_quiet=False)), 2)
        self.assertEqual(len(logs.output), 1)  # the second one was not even tried
        self.assertNotIn(silent.url, str(logs.output))
        waiting = self._deliveries(state="waiting")
        self.assertEqual(waiting.action_id, action)
        self.assertEqual(waiting.mapped("tries"), [1, 0])
        self.assertEqual(waiting.mapped("problem"), ["ConnectionError", False])
        action.webhook_url = self.receiver.url
        self.assertEqual(len(self._take(minutes=2)), 2)

    def _suspend_and_reinstate(self, times=1):
        """Have two things to tell, so many times."""
        for change in ("action_suspend", "action_reinstate") * times:
            getattr(self.license, change)()
            self.env.cr.flush()

    def test_an_address_in_trouble_is_left_alone_for_a_while(self):
        self._create_rule()
        other = self._start_receiver()
        self._create_rule(other.url)
        for status in (500, 503, 429):
            self.receiver.status = status
            self._suspend_and_reinstate()
            with self.subTest(status):
                self._send()
                self.assertEqual(len(self.receiver.take()), 1)
                self.assertEqual(len(other.take()), 2)
                self._send(seconds=30)
                self.assertEqual(self.receiver.take(), [])
            self.receiver.status = 204
            self.assertEqual(len(self._take(minutes=2)), 2)

    def test_what_is_refused_for_itself_holds_up_no_other_of_its_address(self):
        self._create_rule()
        self.receiver.status = 400
        self._suspend_and_reinstate()
        self.assertEqual(len(self._take()), 2)

    def _send_slowly(self):
        """Send, where the receiver takes longer than others are to wait for."""
        self.receiver.seconds = 0.1
        self.env.cr.flush()
        with patch(f"{DELIVERIES}.SLOW", 0.05):
            self._run_cron("cron_send_license_events")
        self.env.invalidate_all()

    def test_a_slow_address_is_left_alone_while_others_wait(self):
        self._create_rule()
        other = self._start_receiver()
        self._create_rule(other.url)
        self._suspend_and_reinstate()
        self._send_slowly()
        self.assertEqual(len(self.receiver.take()), 1)
        self.assertEqual(len(other.take()), 2)
        self.assertEqual(self._deliveries(state="waiting").tries, 0)
        self.assertEqual(len(self._take(minutes=2)), 1)

    def test_a_slow_address_is_sent_all_if_no_other_waits(self):
        self._create_rule()
        self._suspend_and_reinstate()
        self._send_slowly()
        self.assertEqual(len(self.receiver.take()), 2)

    def test_addresses_take_turns(self):
        other = self._start_receiver()
        other.requests = self.receiver.requests  # one list, in the order of arrival
        first, second = self._create_rule(), self._create_rule(other.url)
        self._suspend_and_reinstate(times=2)
        second_ones = self._deliveries(action_id=second.id).sudo()
        second_ones.next_try_at = fields.Datetime.now() + timedelta(seconds=1)
        self._send(minutes=1)
        received = self.receiver.requests
        self.assertEqual(
            [self._is_genuine(first, *it) for it in received], [True, False] * 4
        )

    def test_nothing_is_sent_once_its_rule_is_archived(self):
        rule = self._create_rule().base_automation_id
        other = self._start_receiver()
        self._create_rule(other.url)
        self._suspend_and_reinstate()
        rule.active = False
        self._send()
        self.assertEqual(self.receiver.take(), [])
        self.assertEqual(len(other.take()), 2)
        failed = self._deliveries(state="failed")
        self.assertEqual(failed.action_id, rule.action_server_ids)
        self.assertEqual(
            failed.mapped("problem"),
            ["The automation rule is not active any more."] * 2,
        )
        rule.active = True
        failed.action_try_again()
        self.assertEqual(len(self._take()), 2)

    def test_nothing_is_sent_once_the_rule_around_its_action_is_archived(self):
        action = self._create_rule()
        rule = action.base_automation_id
        several = Command.create(
            {
                "name": "Several",
                "model_id": action.model_id.id,
                "state": "multi",
                "usage": "base_automation",
            }
        )
        rule.action_server_ids = [several]
        (rule.action_server_ids - action).child_ids = [Command.link(action.id)]
        action.base_automation_id = False
        self.license.action_suspend()
        self.env.cr.flush()
        self.assertEqual(self._deliveries().action_id, action)
        rule.active = False
        self.assertEqual(self._take(), [])
        self.assertEqual(self._deliveries().state, "failed")

    def test_nothing_is_sent_by_an_action_that_does_something_else_by_now(self):
        action = self._create_rule()
        self.license.action_suspend()
        self.env.cr.flush()
        action.write({"state": "code", "code": "pass"})
        self.assertEqual(self._take(), [])
        self.assertEqual(
            self._deliveries().problem, "The action sends no license events any more."
        )

    def test_a_message_that_can_not_be_made_holds_up_no_other(self):
        self._create_rule()
        self.license.action_suspend()
        self.env.cr.flush()
        bad = self._deliveries().event_id
        self._create_license()
        Event = self.env.registry["software.license.event"]
        prepare = Event._prepare_event_payload

        def fail_for_one(event):
            if event == bad:
                raise KeyError(event.license_id.license_key)
            return prepare(event)

        with patch.object(Event, "_prepare_event_payload", fail_for_one):
            messages = self._take()
        self.assertEqual([it["type"] for it in messages], ["license.issued"])
        self.assertEqual(bad.delivery_ids.problem, "KeyError")

    def test_only_a_manager_sees_and_repeats_deliveries(self):
        self._create_rule()
        self.receiver.status = 410
        self.license.action_suspend()
        self._send()
        delivery = self._deliveries()
        user = new_test_user(self.env, "user", "software_license.group_license_user")
        manager = new_test_user(
            self.env, "manager", "software_license.group_license_manager"
        )
        with self.assertRaises(AccessError):
            delivery.with_user(user).action_try_again()
        delivery.with_user(manager).action_try_again()
        self.assertEqual(delivery.state, "waiting")
        with self.assertRaises(AccessError):
            delivery.with_user(manager).unlink()

    def test_our_rules_go_with_the_addon(self):
        from ..hooks import uninstall_hook

        rule = self._create_rule().base_automation_id
        rule.active = False
        uninstall_hook(self.env)
        self.assertFalse(rule.exists())
