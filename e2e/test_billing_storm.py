"""Two payments of one subscription at the same moment: one key, both periods."""

from concurrent.futures import ThreadPoolExecutor

import pytest


@pytest.fixture
def subscription(site):
    """A subscription with two unpaid invoices."""
    rpc = site.rpc
    policy = site.policy(max_activations=2)
    income = rpc.search("account.account", ["account_type", "=", "income"], limit=1)
    product = rpc.create(
        "product.product",
        name="Editor",
        type="service",
        taxes_id=[],
        license_policy_id=policy,
        property_account_income_id=income[0],
    )
    plan = rpc.create("sale.subscription.template", name="Monthly")
    subscription = rpc.create(
        "sale.subscription",
        partner_id=rpc.create("res.partner", name="Customer"),
        template_id=plan,
        pricelist_id=rpc.create("product.pricelist", name="Public"),
        sale_subscription_line_ids=[
            [0, 0, {"product_id": product, "product_uom_qty": 1, "price_unit": 10}]
        ],
    )
    for _month in range(2):
        rpc("sale.subscription", "manual_invoice", [subscription])
    return subscription


def pay(site, invoice):
    rpc = type(site)(site.server, site.place).rpc
    context = {"active_model": "account.move", "active_ids": [invoice]}
    wizard = rpc("account.payment.register", "create", [{}], context=context)
    rpc("account.payment.register", "action_create_payments", wizard)


def test_two_payments_at_once_issue_one_key_for_both_periods(site, subscription):
    rpc = site.rpc
    invoices = rpc.search("account.move", ["subscription_id", "=", subscription])
    for invoice in invoices:
        rpc("account.move", "action_post", [invoice])
    with ThreadPoolExecutor(2) as pool:
        for paid in [pool.submit(pay, site, invoice) for invoice in invoices]:
            paid.result()
    rows = [
        rpc.read("account.move", invoice, "payment_state", "license_problem")
        for invoice in invoices
    ]
    assert {row["payment_state"] for row in rows} == {"paid"}
    assert not any(row["license_problem"] for row in rows)
    licenses = rpc.search(
        "software.license",
        ["billing_identity", "=like", f"sale.subscription,{subscription}|%"],
    )
    assert len(licenses) == 1
    terms = rpc.search("software.license.term", ["license_id", "=", licenses[0]])
    assert len(terms) == 2
