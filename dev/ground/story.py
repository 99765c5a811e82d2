"""The addon's main job, played on a real server: from a subscription to a license.

Every step shows what really happened, and is checked.
"""

import json
import shutil
import urllib.request
from datetime import datetime, timezone

from . import client, curl, paths
from .console import Failure, say, shown

MONTHLY_PRICE = 49.0


def play(server, rpc):
    """Play all chapters; the first that goes otherwise ends the script."""
    story = Story(server, rpc)
    for chapter in (
        story.seller_sets_up,
        story.customer_subscribes,
        story.cron_bills,
        story.customer_pays,
        story.devices_take_seats,
        story.a_seat_moves,
        story.payment_is_undone,
        story.next_month_is_paid,
        story.software_starts_offline,
    ):
        chapter()


class Story:
    """One customer's way; each run has a customer of its own."""

    def __init__(self, server, rpc):
        self.url = server.url
        self.rpc = rpc
        self.log = server.log
        self.chapter = 0
        self.name = f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M:%S}"

    # -- chapters ----------------------------------------------------------------

    def seller_sets_up(self):
        self.title("The seller says what a product's license is worth")
        policy = self.rpc.create(
            "software.license.policy",
            name=f"Acme Editor Pro ({self.name})",
            application="acme-editor",
            plan="pro",
            key_format="grouped",
            key_prefix="ACME",
            validity_interval=1,
            validity_unit="month",
            max_activations=2,
            quantity_rule="seats",
            features={"export": True},
        )
        template = self.rpc.create(
            "product.template",
            name="Acme Editor Pro, monthly",
            type="service",
            list_price=MONTHLY_PRICE,
            taxes_id=[],
            # OCA's module takes the income account from the category alone.
            categ_id=self.rpc.xmlid("product.product_category_services"),
            license_policy_id=policy,
        )
        variants = self.rpc.search(
            "product.product", ["product_tmpl_id", "=", template]
        )
        self.product = self.only(variants, "product")
        say("   policy: 2 devices, valid as long as it is paid, keys ACME-…")
        say(f"   product: Acme Editor Pro, monthly, {MONTHLY_PRICE:.2f} a month")

    def customer_subscribes(self):
        self.title("A customer subscribes (OCA's sale.subscription)")
        self.customer = self.rpc.create("res.partner", name=f"Customer {self.name}")
        plan = self.rpc.create(
            "sale.subscription.template",
            name="Monthly",
            recurring_interval=1,
            recurring_rule_type="months",
            invoicing_mode="draft",
        )
        self.subscription = self.rpc.create(
            "sale.subscription",
            partner_id=self.customer,
            template_id=plan,
            pricelist_id=self.pricelist(),
            sale_subscription_line_ids=[
                [0, 0, {"product_id": self.product, "product_uom_qty": 1}]
            ],
            stage_id=self.rpc.xmlid("subscription_oca.subscription_stage_ready"),
        )
        row = self.rpc.read("sale.subscription", self.subscription, "name")
        say(f"   {row['name']} for Customer {self.name}, ready to start")
        self.expect(not self.licenses(), "no license before anything is paid")

    def cron_bills(self):
        self.title("The subscription's own cron bills it")
        cron = self.rpc.xmlid("subscription_oca.ir_cron_subscription_management")
        self.rpc("ir.cron", "method_direct_trigger", [cron])
        self.invoice = self.only(self.invoices(), "invoice of the subscription")
        self.post_invoice()
        self.expect(not self.licenses(), "no license for an unpaid invoice")

    def customer_pays(self):
        self.title("The customer pays; the license appears")
        self.register_payment()
        self.license = self.only(self.licenses(), "license of the customer")
        self.key = self.license["license_key"]
        say(f"   {self.key}, {self.license['status']}")
        say(f"   valid until {self.license['expires_at']} UTC")
        self.expect(self.license["status"] == "active", "the license is active")
        self.expect(
            self.license["subscription_ref"]
            == f"sale.subscription,{self.subscription}",
            "the license knows its subscription",
        )
        self.expect(self.verify().get("valid"), "the software sees a valid key")

    def devices_take_seats(self):
        self.title("Two devices activate; a third is one too many")
        for device, name in (("dev-1", "Laptop of Ana"), ("dev-2", "Desktop of Ben")):
            answer = self.validate(device, name)
            self.expect(answer.get("valid"), f"{name}: seated")
        answer = self.validate("dev-3", "Tablet of Cleo")
        self.expect(
            answer.get("error") == "activation_limit_reached", "the third is refused"
        )

    def a_seat_moves(self):
        self.title("One device gives its seat back; the third gets in")
        body = {"licenseKey": self.key, "deviceId": "dev-1"}
        answer = self.post("deactivate", body)
        self.expect(answer.get("success"), "the seat is free")
        answer = self.validate("dev-3", "Tablet of Cleo")
        self.expect(answer.get("valid"), "Tablet of Cleo: seated")
        row = self.rpc.read("software.license", self.license["id"], "activation_ids")
        self.expect(len(row["activation_ids"]) >= 2, "the seller sees the devices")

    def payment_is_undone(self):
        self.title("The payment is undone, and made again")
        partials = self.rpc.search(
            "account.partial.reconcile",
            ["debit_move_id.move_id", "=", self.invoice],
        )
        partial = self.only(partials, "payment on the invoice")
        row = self.rpc.read("account.partial.reconcile", partial, "credit_move_id")
        move = "account.move"
        self.rpc(move, "js_remove_outstanding_partial", [self.invoice], partial)
        self.show_invoice()
        answer = self.verify()
        self.expect(answer.get("error") == "license_suspended", "it is suspended")
        payment = row["credit_move_id"]
        self.rpc(move, "js_assign_outstanding_line", [self.invoice], payment)
        self.show_invoice()
        self.expect(self.verify().get("valid"), "paid again, valid again")

    def next_month_is_paid(self):
        self.title("The next month is billed early and paid; the same key lives longer")
        # The button "Create Invoice" of the subscription: a month is long to wait.
        before = self.verify()["expiresAt"]
        self.rpc("sale.subscription", "manual_invoice", [self.subscription])
        new = set(self.invoices()) - {self.invoice}
        self.invoice = self.only(new, "new invoice")
        self.post_invoice()
        self.register_payment()
        after = self.verify()["expiresAt"]
        say(f"   {before}  ->  {after}")
        self.expect(after > before, "the license ends later")
        self.expect(
            [row["license_key"] for row in self.licenses()] == [self.key],
            "the key is still the same, and the only one",
        )

    def software_starts_offline(self):
        self.title("The software starts without internet: a signed answer is enough")
        folder = paths.DEV / "story"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        keys = folder / "keys.json"
        with urllib.request.urlopen(f"{self.url}/api/licenses/jwks.json") as answer:
            keys.write_bytes(answer.read())
        settings = {
            "server": self.url,
            "application": "acme-editor",
            "keys": str(keys),
            "device_id": "dev-3",
            "state": str(folder / "state.json"),
        }
        config = folder / "license.json"
        config.write_text(json.dumps(settings))
        said = client.run("activate", self.key, "--config", config)
        self.expect(said.returncode == 0, "it asked once, with the server's public key")
        said = client.run("check", "--offline", "--config", config)
        self.expect(said.returncode == 0, "from now on it needs nobody")

    # -- what the chapters share ---------------------------------------------------

    def title(self, text):
        self.chapter += 1
        say(f"\n{self.chapter}. {text}")

    def expect(self, condition, text):
        """A check that the user sees; a false one ends the story."""
        if not condition:
            self.fail(text)
        say(f"   ✓ {text}")

    def only(self, found, what):
        """The one thing that there must be."""
        if len(found) != 1:
            self.fail(f"one {what}, but there are {len(found)}")
        return next(iter(found))

    def fail(self, text):
        raise Failure(
            f"step {self.chapter} went wrong, expected: {text}; "
            f"read {shown(self.log)}, or try dev/run --fresh"
        )

    def pricelist(self):
        """The pricelist that the seller has, else a new one."""
        found = self.rpc.search("product.pricelist", limit=1)
        return (
            found[0] if found else self.rpc.create("product.pricelist", name="Public")
        )

    def invoices(self):
        """The subscription's invoices, newest first."""
        return self.rpc.search(
            "account.move",
            ["subscription_id", "=", self.subscription],
            order="id desc",
        )

    def post_invoice(self):
        """Confirm the draft that the subscription made."""
        self.rpc("account.move", "action_post", [self.invoice])
        self.show_invoice()

    def register_payment(self):
        """Pay with Odoo's own wizard."""
        context = {"active_model": "account.move", "active_ids": [self.invoice]}
        wizard = self.rpc("account.payment.register", "create", [{}], context=context)
        self.rpc("account.payment.register", "action_create_payments", wizard)
        self.show_invoice()

    def show_invoice(self):
        """What the invoice says of itself."""
        fields = ("name", "state", "payment_state", "amount_total")
        row = self.rpc.read("account.move", self.invoice, *fields)
        amount = f"{row['amount_total']:.2f}"
        say(f"   {row['name']}: {amount}, {row['state']}, {row['payment_state']}")

    def licenses(self):
        """The customer's licenses."""
        names = ["license_key", "status", "expires_at", "subscription_ref"]
        domain = [["partner_id", "=", self.customer]]
        return self.rpc("software.license", "search_read", domain, names)

    def verify(self):
        return self.post("verify", {"licenseKey": self.key})

    def validate(self, device, name):
        body = {"licenseKey": self.key, "deviceId": device, "deviceName": name}
        return self.post("validate", body)

    def post(self, route, body):
        return curl.post(f"{self.url}/api/licenses/{route}", body)
