"""A server that is killed (SIGKILL) while it writes to customers tells each once."""

import time

import pytest
from books import Books
from kill import KILLS, kill_at_work
from smtp_sink import SmtpSink

#: So many invoices the cron tells of in a transaction here: there are kills between
#: two and within one.
LOT = 8
#: More than can be told of before the last kill.
LOTS = 32
CRON = "software_license.cron_send_license_messages"
QUEUE = "mail.ir_cron_mail_scheduler_action"

#: Paid invoices that were not announced by exactly one message and one e-mail.
WRONGLY_TOLD = """
    SELECT move.id
      FROM account_move move
      LEFT JOIN software_license_message message ON message.move_id = move.id
     WHERE move.payment_state = 'paid'
     GROUP BY move.id
    HAVING count(message.id) != 1 OR count(DISTINCT message.mail_id) != 1
"""


@pytest.fixture
def sink():
    with SmtpSink() as sink:
        yield sink


@pytest.fixture
def server(place, installed, sink):
    """A server of processes, as in production, whose e-mails go to the sink."""
    name = "e2e_killed_mail"
    place.databases.clone(installed, name)
    options = {"smtp_server": "127.0.0.1", "smtp_port": sink.port}
    with place.server(name, workers=2, **options) as server:
        yield server
    place.databases.drop(name)


def run_cron(books, xmlid):
    books.rpc("ir.cron", "method_direct_trigger", [books.rpc.xmlid(xmlid)])


def run_cron_until(books, xmlid, is_done):
    """Run a scheduled action until nothing is left; after a while that is a failure."""
    for _run in range(50):
        if is_done():
            return
        run_cron(books, xmlid)
    raise AssertionError(f"{xmlid} does not come to an end")


def announce(books):
    run_cron(books, CRON)


def test_a_server_killed_while_announcing_tells_each_customer_once(
    server, place, sink, seed
):
    books = Books(server)
    product = books.product(license_policy_id=books.policy())

    def count(query):
        return int(place.postgres.sql(f"SELECT count(*) {query}", db=server.db)[0])

    code = f"model._cron_send_license_messages({LOT})"
    books.rpc("ir.cron", "write", [books.rpc.xmlid(CRON)], {"code": code})
    for _time in ("a server that was just started takes longer", "now it is measured"):
        books.pay(*books.invoices(LOT, product))
        begin = time.monotonic()
        announce(books)
        patience = 2 * (time.monotonic() - begin)
    for _lots in range(2):
        books.pay(*books.invoices(LOT * (LOTS // 2 - 1), product))
    told = [2 * LOT]
    for is_whole in KILLS:
        # Odoo leaves a job out that was killed three times in a row.
        place.postgres.sql("DELETE FROM ir_cron_progress", db=server.db)
        kill_at_work(
            server,
            announce,
            [books],
            patience,
            lambda: count("FROM software_license_message") > told[-1],
            is_whole,
        )
        told.append(count("FROM software_license_message"))
    print(f"killed {len(KILLS)} times within {patience:.1f} s; told by then: {told}")
    place.postgres.sql("DELETE FROM ir_cron_progress", db=server.db)
    run_cron_until(
        books,
        CRON,
        lambda: not count("FROM software_license_term WHERE NOT is_announced"),
    )

    sold = LOT * LOTS
    assert place.postgres.sql(WRONGLY_TOLD, db=server.db) == []
    assert count("FROM software_license_message") == sold
    assert count("FROM mail_mail") == sold
    run_cron_until(
        books, QUEUE, lambda: not count("FROM mail_mail WHERE state = 'outgoing'")
    )
    assert len(sink.delivered) == len(set(sink.delivered)) == sold
