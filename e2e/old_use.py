"""What somebody did with an old version, by the calls that it knew."""

import requests
from books import Books

LICENSE = "software.license"
#: Read of each license, before an upgrade and after it.
FACTS = ("license_key", "state", "status", "expires_at", "quantity", "partner_id")


class OldBooks(Books):
    """A company that sells for so long that no verdict changes as years go by."""

    def use(self):
        """Sell, renew, refund and suspend; return what must hold ever after."""
        editor = self.product(license_policy_id=self.policy(**LONG))
        seats = {**LONG, "application": "acme-server", "quantity_rule": "licenses"}
        servers = self.product(license_policy_id=self.policy(**seats))
        once = {"application": "acme-once", "validity_unit": "perpetual"}
        forever = self.product(license_policy_id=self.policy(**once))
        short = {"application": "acme-old", "validity_unit": "day"}
        brief = self.product(license_policy_id=self.policy(**short))
        plain = self.invoice(editor, quantity=3)
        many = self.invoice(servers, quantity=2)
        perpetual, old, refunded = map(self.invoice, (forever, brief, editor))
        suspended, revoked, kept = map(self.invoice, (editor, editor, editor))
        renewed = self.subscribe(editor)
        first, second = (self.bill_subscription(renewed) for _period in range(2))
        paid = (plain, many, perpetual, old, refunded, suspended, revoked, kept, first)
        self.pay(*paid, second)
        self.refund(refunded)
        self.rpc(LICENSE, "action_suspend", self.ids(suspended))
        self.rpc(LICENSE, "action_revoke", self.ids(revoked))
        for invoice in (plain, many, perpetual, first):
            self.run_on_devices(invoice)
        return {
            "licenses": self.licenses_by_key(),
            "devices": self.devices(),
            "open_invoice": self.invoice(editor),
            "open_renewal": self.bill_subscription(renewed),
            "renewed": self.ids(first)[0],
            "paid_invoice": kept,
            "to_refund": self.ids(kept)[0],
        }

    def subscribe(self, product):
        """Make a subscription that bills decades at a time."""
        subscription = self.subscription(product)
        template = self.rpc.read("sale.subscription", subscription, "template_id")
        template = template["template_id"]
        vals = {"recurring_interval": 30, "recurring_rule_type": "years"}
        self.rpc("sale.subscription.template", "write", [template], vals)
        return subscription

    def ids(self, *invoices):
        """Return the licenses that invoices paid for."""
        return self.rpc.search(LICENSE, ["term_ids.move_id", "in", invoices])

    def refund(self, invoice):
        """Credit an invoice in full, by Odoo's wizard."""
        context = {"active_model": "account.move", "active_ids": [invoice]}
        journal = self.rpc.read("account.move", invoice, "journal_id")["journal_id"]
        vals = {"journal_id": journal, "reason": "No longer wanted"}
        wizard = self.rpc("account.move.reversal", "create", [vals], context=context)
        self.rpc("account.move.reversal", "reverse_moves", wizard)
        of = ["reversed_entry_id", "=", invoice]
        self.post(*self.rpc.search("account.move", of))

    def run_on_devices(self, invoice):
        """Let two devices ask for a seat of each license; one gives its back."""
        for license_ in self.ids(invoice):
            key = self.rpc.read(LICENSE, license_, "license_key")["license_key"]
            for device in ("laptop", "tower"):
                body = {"deviceId": f"{device}-{license_}", "deviceName": device}
                self.call("validate", licenseKey=key, **body)
            self.call("deactivate", licenseKey=key, deviceId=f"tower-{license_}")

    def call(self, call, **body):
        """Call the public API as software does; return the answer."""
        url = f"{self.rpc.url}/api/licenses/{call}"
        return requests.post(url, json=body, timeout=60).json()

    def licenses_by_key(self):
        """Return {key: facts} of all licenses, and what the API says of them."""
        found = self.rpc(LICENSE, "search_read", [], FACTS, load="")
        verdicts = {
            row["license_key"]: self.call("verify", licenseKey=row["license_key"])
            for row in found
        }
        return {
            row["license_key"]: {**row, "verdict": verdicts[row["license_key"]]}
            for row in found
        }

    def devices(self):
        """Return [[license id, device, name, whether it has a seat]]."""
        rows = self.rpc(
            f"{LICENSE}.activation",
            "search_read",
            [["active", "in", [True, False]]],
            ["license_id", "device_id", "device_name", "active"],
            load="",
            order="id",
        )
        names = ("license_id", "device_id", "device_name", "active")
        return [[row[name] for name in names] for row in rows]


#: A policy whose licenses outlive whoever reads this.
LONG = {
    "validity_interval": 90,
    "validity_unit": "year",
    "max_activations": 2,
    "key_prefix": "OLD",
    "features": {"export": True},
}


def use(server):
    """Use an old version on its server; return what must hold after an upgrade."""
    return OldBooks(server).use()
