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
#: What is told, in the order of the alphabet: what makes it 1.
TROUBLES = {
    "e-mails to customers that failed": """
        INSERT INTO software_license_message
               (kind, partner_id, company_id, failure_reason)
        VALUES ('issued', 1, 1, 'No address')""",
    "paid invoices without their licenses": """
        UPDATE account_move SET state = 'posted', license_problem = 'No policy'
         WHERE id = (SELECT max(id) FROM account_move)""",
    "scheduled actions failing, late or off": f"""
        UPDATE ir_cron SET nextcall = {NOW} - interval '4 hours'
         WHERE id = (SELECT res_id FROM ir_model_data
                      WHERE name = 'cron_issue_licenses')""",
    "webhook events given up today": DELIVERY.format(state="failed", at=NOW),
    "webhook events waiting for an hour": DELIVERY.format(
        state="waiting", at=f"{NOW} - interval '2 hours'"
    ),
}


def test_what_the_document_alerts_on_is_0_until_it_happens(own_site):
    own_site.license()
    customer = own_site.rpc.create("res.partner", name="Customer")
    own_site.rpc.create("account.move", move_type="out_invoice", partner_id=customer)
    ask = BLOCKS["sql"]

    def get_alerts(*before):
        rows = own_site.place.postgres.sql(
            "BEGIN", *before, ask, "ROLLBACK", db=own_site.server.db
        )
        return {name for name, count in (row.split("|") for row in rows) if int(count)}

    assert get_alerts() == set()
    for name, trouble in TROUBLES.items():
        assert get_alerts(trouble) == {name}
