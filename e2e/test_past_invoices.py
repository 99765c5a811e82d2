"""Years of paid invoices, and then the addon: nothing, until somebody asks.

With 10,000: `E2E_PAST_INVOICES=10000 dev/test e2e -k touches_no_invoice`.
"""

import os
import time

import past
import pytest
from books import Books

from ground import paths

#: Of 10,000, installing and all else hold as well; that takes some minutes.
COUNT = int(os.environ.get("E2E_PAST_INVOICES", "2000"))
DAYS = 400
#: What PostgreSQL moves when a row is written.
PLACES = (
    "SELECT md5(string_agg(ctid::text, ' ' ORDER BY id)) FROM account_move",
    "SELECT md5(string_agg(ctid::text, ' ' ORDER BY id)) FROM account_move_line",
)
MODEL = "software.license.past"


def timed(what, function, *arguments, **keywords):
    begin = time.monotonic()
    result = function(*arguments, **keywords)
    print(f"{what}: {time.monotonic() - begin:.1f} s")
    return result


@pytest.fixture
def old_books(place, request):
    """A company with many paid invoices, of a product that nothing licenses yet."""
    db = place.databases.fresh("e2e_past", base="core")
    request.addfinalizer(lambda: place.databases.drop(db))
    with place.server(db) as server:
        books = Books(server)
        product = books.product()
        invoice = books.invoice(product)
        books.pay(invoice)
    timed(f"{COUNT} invoices", past.fill, place.postgres, db, invoice, COUNT - 1, DAYS)
    return db, product


def test_installing_touches_no_invoice_and_the_past_is_issued_as_asked(
    place, old_books
):
    db, product = old_books
    before = [place.postgres.sql(query, db=db) for query in PLACES]
    timed("installing", place.odoo.manage, db, "-i", paths.MODULE)
    assert [place.postgres.sql(query, db=db) for query in PLACES] == before
    with place.server(db, cron_threads=1) as server:
        books = Books(server)
        assert_nothing_is_issued_by_itself(books, product)
        vals = {"product_ids": [[6, 0, [product]]]}
        done = timed("issuing", work, books, **vals)
        running = get_running(place, db)
        assert done["issued_count"] == len(running)
        assert done["left_count"] == COUNT - len(running)
        assert done["done_count"] == done["total_count"] == COUNT
        assert get_licensed(place, db) == running  # each once
        assert work(books, **vals)["issued_count"] == 0
        everything = work(books, **vals, is_over_included=True)
        assert everything["issued_count"] == COUNT - len(running)
        assert (
            len(get_licensed(place, db)) == len(set(get_licensed(place, db))) == COUNT
        )
        assert not books.rpc.search("software.license.message")


def assert_nothing_is_issued_by_itself(books, product):
    """A product gets its policy, and the sweep runs."""
    policy = books.policy()
    books.rpc("product.product", "write", [product], {"license_policy_id": policy})
    cron = books.rpc.xmlid(f"{paths.MODULE}.cron_issue_licenses")
    books.rpc("ir.cron", "method_direct_trigger", [cron])
    assert not books.rpc.search("software.license")
    assert books.rpc.read("product.product", product, "has_license_past")[
        "has_license_past"
    ]


def work(books, **vals):
    """Start it, and wait for the scheduler to do it; return what it says."""
    started = books.rpc.create(MODEL, **vals)
    assert "Invoices" in books.rpc.read(MODEL, started, "preview")["preview"]
    books.rpc(MODEL, "action_start", [started])
    names = ("state", "done_count", "total_count", "issued_count", "left_count")
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        said = books.rpc.read(MODEL, started, *names)
        if said["state"] != "running":
            break
        time.sleep(0.5)
    assert said["state"] == "done", said
    return said


def get_running(place, db):
    """Return the invoices whose year has not ended, by SQL."""
    return place.postgres.sql(
        "SELECT id FROM account_move WHERE state = 'posted'"
        " AND move_type = 'out_invoice'"
        " AND invoice_date + interval '1 year' > current_date ORDER BY id",
        db=db,
    )


def get_licensed(place, db):
    """Return the invoice of each license, by SQL."""
    return place.postgres.sql(
        "SELECT move_id FROM software_license_term"
        " JOIN software_license license ON license.id = license_id"
        " ORDER BY move_id",
        db=db,
    )
