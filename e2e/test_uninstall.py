"""Modules come and go, really: what stays opens, reads, bills and answers."""

import inventory
import pytest
import requests
from books import Books

from ground import paths
from ground.console import Failure

BUSINESS = (
    "account.move",
    "account.move.line",
    "account.payment",
    "product.product",
    "product.template",
    "res.config.settings",
    "res.partner",
    "sale.order",
)
SUBSCRIPTIONS = ("sale.subscription", "contract.contract")
OURS = (
    "software.license",
    "software.license.activation",
    "software.license.event",
    "software.license.event.delivery",
    "software.license.policy",
    "software.license.term",
)


@pytest.fixture
def serve(place, request):
    """Start servers on databases of the test's own, named after their use."""

    def start(name, base):
        place.databases.clone(base, name)
        server = place.server(name)
        request.addfinalizer(lambda: place.databases.drop(name))
        request.addfinalizer(server.stop)
        return server.start()

    return start


def install(books, *modules):
    _press(books, modules, "button_immediate_install")


def uninstall(books, *modules):
    _press(books, modules, "button_immediate_uninstall")


def _press(books, modules, button):
    found = books.rpc.search("ir.module.module", ["name", "in", modules])
    assert len(found) == len(modules)
    books.rpc("ir.module.module", button, found)


def sell(books, **policy):
    """Sell the same product in each way, paid; return the product and the invoices."""
    product = books.product(license_policy_id=books.policy(**policy))
    invoices = [
        books.invoice(product, quantity=2),
        books.bill_subscription(books.subscription(product)),
        books.bill_contract(books.contract(product)),
    ]
    books.pay(*invoices)
    return product, invoices


def create_webhook(books, url):
    """Press Create Rule in the settings."""
    settings = books.rpc.create("res.config.settings", license_webhook_url=url)
    books.rpc("res.config.settings", "action_create_license_webhook", [settings])


def is_valid(server, key):
    url = f"{server.url}/api/licenses/verify"
    return requests.post(url, json={"licenseKey": key}).json()["valid"]


def test_licenses_outlive_the_subscription_modules(serve, installed):
    server = serve("e2e_outlive", installed)
    books = Books(server)
    product, invoices = sell(books)
    sold = books.licenses(*invoices)
    assert len(sold) == 3
    uninstall(books, "subscription_oca", "contract")
    inventory.open_all(books.rpc, (*BUSINESS, *OURS))
    assert inventory.follow_menus(books.rpc)
    left = books.licenses(*invoices)
    assert [row["license_key"] for row in left] == [row["license_key"] for row in sold]
    assert not any(row["subscription_ref"] for row in left)
    assert all(is_valid(server, row["license_key"]) for row in left)
    invoice = books.invoice(product)
    books.pay(invoice)
    assert len(books.licenses(invoice)) == 1


def test_uninstalling_leaves_nothing_behind_and_installing_again_works(
    serve, place, installed
):
    server = serve("e2e_uninstall", installed)
    books = Books(server)
    product, invoices = sell(books, quantity_rule="licenses")
    books.rpc("ir.config_parameter", "set_param", f"{paths.MODULE}.wait_for_bank", "1")
    create_webhook(books, server.url)

    uninstall(books, paths.MODULE)
    before = inventory.take(place, place.databases.template("oca"))
    assert sorted(inventory.take(place, server.db) - before) == []
    inventory.open_all(books.rpc, (*BUSINESS, *SUBSCRIPTIONS))
    assert inventory.follow_menus(books.rpc)
    plain = books.invoice(product)
    books.pay(plain)
    row = books.rpc.read("account.move", plain, "payment_state")
    assert row["payment_state"] == "paid"

    install(books, paths.MODULE)
    books.rpc("account.move", "action_issue_licenses", invoices)
    _product, again = sell(books)
    assert len(books.licenses(*again)) == 3
    inventory.open_all(books.rpc, (*BUSINESS, *SUBSCRIPTIONS, *OURS))


def test_a_subscription_module_installed_later_needs_nothing(serve, place):
    server = serve("e2e_later", place.databases.installed("core"))
    books = Books(server)
    product = books.product(license_policy_id=books.policy())
    install(books, "subscription_oca")
    invoice = books.bill_subscription(books.subscription(product))
    books.pay(invoice)
    (license_,) = books.licenses(invoice)
    assert license_["subscription_ref"].startswith("sale.subscription,")
    assert is_valid(server, license_["license_key"])


def test_webhooks_come_and_go_with_the_automation_rules(serve, place):
    server = serve("e2e_webhooks", place.databases.installed("core"))
    books = Books(server)
    product = books.product(license_policy_id=books.policy())
    address = f"{server.url}/api/licenses/verify"  # it knows no such request
    with pytest.raises(Failure, match="base_automation"):
        create_webhook(books, address)

    install(books, "base_automation")
    create_webhook(books, address)
    invoice = books.invoice(product)
    books.pay(invoice)
    cron = books.rpc.xmlid(f"{paths.MODULE}.cron_send_license_events")
    books.rpc("ir.cron", "method_direct_trigger", [cron])
    deliveries = "software.license.event.delivery"
    (delivery,) = books.rpc.search(deliveries)
    row = books.rpc.read(deliveries, delivery, "state", "tries", "problem")
    assert row["problem"] == "Answered with HTTP status 400.", row

    uninstall(books, "base_automation")
    again = books.invoice(product)
    books.pay(again)
    assert len(books.licenses(again)) == 1
    assert len(books.rpc.search("software.license.event")) == 1
    assert not books.rpc.search(deliveries)
    inventory.open_all(books.rpc, (*BUSINESS, *OURS))
    assert inventory.follow_menus(books.rpc)
