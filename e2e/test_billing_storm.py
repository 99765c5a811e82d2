"""Two payments of one subscription at the same moment: one key, both periods."""

from concurrent.futures import ThreadPoolExecutor

from books import Books


def test_two_payments_at_once_issue_one_key_for_both_periods(site):
    books = Books(site.server)
    rpc = books.rpc
    subscription = books.subscription(books.product(license_policy_id=books.policy()))
    invoices = [books.bill_subscription(subscription) for _month in range(2)]
    with ThreadPoolExecutor(2) as pool:
        payers = [pool.submit(Books(site.server).pay, invoice) for invoice in invoices]
        for payer in payers:
            payer.result()
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
