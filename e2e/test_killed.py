"""A server that is killed (SIGKILL) at any moment owes nothing when it is back."""

import time

import pytest
from books import Books
from kill import KILLS, kill_at_work

#: More than can be paid before the last kill.
GROUPS = 32

#: Paid lines, each with the terms it should have and those it has.
LINES = """
    SELECT line.id,
           CASE policy.quantity_rule
               WHEN 'licenses' THEN line.quantity::int ELSE 1 END AS wanted,
           (SELECT count(*) FROM software_license_term WHERE move_line_id = line.id)
               AS found
      FROM account_move_line line
      JOIN account_move move ON move.id = line.move_id
      JOIN product_product product ON product.id = line.product_id
      JOIN product_template template ON template.id = product.product_tmpl_id
      JOIN software_license_policy policy ON policy.id = template.license_policy_id
     WHERE line.display_type = 'product' AND move.payment_state = 'paid'
"""


@pytest.fixture
def server(place, installed):
    """A server of processes, as in production, on a database of the test's own."""
    name = "e2e_killed"
    place.databases.clone(installed, name)
    with place.server(name, workers=2) as server:
        yield server
    place.databases.drop(name)


@pytest.fixture
def groups(server):
    """Posted invoices, in groups that are paid together; a subscription in each."""
    books = Books(server)
    seats = books.product(license_policy_id=books.policy())
    render = books.policy(application="acme-render", quantity_rule="licenses")
    keys = books.product(license_policy_id=render)
    subscriptions = [books.subscription(seats) for _number in range(4)]
    billed = [
        books.bill_subscription(subscriptions[number % len(subscriptions)])
        for number in range(GROUPS)
    ]
    return list(
        zip(
            books.invoices(GROUPS, seats, quantity=2, lines=3),
            books.invoices(GROUPS, keys, quantity=3, lines=2),
            books.invoices(GROUPS, books.product()),
            billed,
            strict=True,
        )
    )


def unpaid(books, groups):
    """Return what is left to pay of each group."""
    states = ["payment_state", "=", "not_paid"]
    left = set(books.rpc.search("account.move", states))
    rest = [[invoice for invoice in group if invoice in left] for group in groups]
    return [group for group in rest if group]


def sweep(books):
    """Run the scheduled action that issues what was paid and not issued."""
    cron = books.rpc.xmlid("software_license.cron_issue_licenses")
    books.rpc("ir.cron", "method_direct_trigger", [cron])


def test_a_server_killed_while_paying_owes_no_license_and_issued_none_twice(
    server, place, groups, seed
):
    books = Books(server)
    books.pay(*groups[0])
    begin = time.monotonic()
    books.pay(*groups[1])
    patience = 2 * (time.monotonic() - begin)
    for is_whole in KILLS:
        first, *rest = unpaid(books, groups)
        books.pay(*first)  # a server that was just started takes its time for that
        kill_at_work(
            server, lambda group: books.pay(*group), rest, patience, is_whole=is_whole
        )
        sweep(books)
    left = unpaid(books, groups)
    print(f"killed {len(KILLS)} times within {patience:.1f} s; {len(left)} groups left")
    paid = GROUPS - len(left)
    assert [len(group) for group in left] == [len(groups[0])] * len(left)

    def sql(query):
        return place.postgres.sql(query, db=server.db)

    assert sql(f"SELECT count(*) FROM ({LINES}) AS line") == [str(6 * paid)]
    assert sql(f"SELECT * FROM ({LINES}) AS line WHERE wanted != found") == []
    assert (
        sql(
            "SELECT billing_identity, billing_unit, count(*) FROM software_license "
            "GROUP BY 1, 2 HAVING count(*) > 1 OR billing_identity IS NULL"
        )
        == []
    )
    assert (
        sql(
            "SELECT id FROM software_license license WHERE NOT EXISTS (SELECT FROM "
            "software_license_term WHERE license_id = license.id AND is_effective)"
        )
        == []
    )
    assert (
        sql(
            "SELECT id FROM account_move WHERE payment_state = 'paid' "
            "AND (is_license_due OR license_problem != '')"
        )
        == []
    )
    # Three keys a line of keys, one a line of seats, one a subscription.
    assert sql("SELECT count(*) FROM software_license") == [str(paid * (6 + 3) + 4)]
