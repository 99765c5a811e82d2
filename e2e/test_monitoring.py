"""docs/deployment.md: its query tells of each trouble, and else of nothing."""

from documents import BLOCK

from ground import paths

BLOCKS = dict(BLOCK.findall((paths.ROOT / "docs" / "deployment.md").read_text()))
NOW = "(now() AT TIME ZONE 'UTC')"
DELIVERY = """
    WITH event AS (
        INSERT INTO software_license_event (license_id, type, reference, occurred_at)
        SELECT max(id), 'x', 'x', now() FROM software_license RETURNING id)
    INSERT INTO software_license_event_delivery
        (event_id, action_id, state, create_date, write_date)
    SELECT event.id, (SELECT max(id) FROM ir_act_server), '{state}', {at}, {at}
      FROM event"""
CRON = """
    UPDATE ir_cron SET {vals} WHERE id = (
        SELECT res_id FROM ir_model_data WHERE name = 'cron_issue_licenses')"""
MAILS, CRONS = (
    "e-mails to customers that failed",
    "scheduled actions failing, late or off",
)
#: (what is told, what makes it 1). The connections can't be made to.
TROUBLES = (
    (
        "paid invoices without their licenses",
        """
        UPDATE account_move SET state = 'posted', license_problem = 'No policy'
         WHERE id = (SELECT max(id) FROM account_move)""",
    ),
    (
        "past invoices that wait for hours",
        f"""
        INSERT INTO software_license_past (what, company_id, state, write_date)
        VALUES ('issue', 1, 'running', {NOW} - interval '3 hours')""",
    ),
    (
        MAILS,
        """
        INSERT INTO software_license_message
               (kind, partner_id, company_id, failure_reason)
        VALUES ('issued', 1, 1, 'No address')""",
    ),
    (
        MAILS,
        """
        WITH content AS (
            INSERT INTO mail_message (message_type) VALUES ('email') RETURNING id),
        mail AS (
            INSERT INTO mail_mail (mail_message_id, state)
            SELECT id, 'exception' FROM content RETURNING id)
        INSERT INTO software_license_message (kind, partner_id, company_id, mail_id)
        SELECT 'issued', 1, 1, id FROM mail""",
    ),
    ("webhook events given up today", DELIVERY.format(state="failed", at=NOW)),
    (
        "webhook events waiting for an hour",
        DELIVERY.format(state="waiting", at=f"{NOW} - interval '2 hours'"),
    ),
    (CRONS, CRON.format(vals=f"nextcall = {NOW} - interval '4 hours'")),
    (CRONS, CRON.format(vals="active = false")),
    (CRONS, CRON.format(vals="failure_count = 1")),
)


def test_what_the_document_alerts_on_is_0_until_it_happens(own_site):
    own_site.license()
    customer = own_site.rpc.create("res.partner", name="Customer")
    own_site.rpc.create("account.move", move_type="out_invoice", partner_id=customer)
    ask = BLOCKS["sql"]
    # The template's never ran, and may be older than what is late.
    due = f"UPDATE ir_cron SET nextcall = {NOW}"

    def get_alerts(*before):
        rows = own_site.place.postgres.sql(
            "BEGIN", due, *before, ask, "ROLLBACK", db=own_site.server.db
        )
        return {name for name, count in (row.split("|") for row in rows) if int(count)}

    assert get_alerts() == set()
    for name, trouble in TROUBLES:
        assert get_alerts(trouble) == {name}, trouble
