"""A long past: many paid invoices at once, by SQL. Odoo would take hours."""

#: Customers of the past, in turn.
CUSTOMERS = 500

MAKE = """
INSERT INTO res_partner
       (name, complete_name, active, is_company, type, autopost_bills, email)
SELECT 'Past ' || n, 'Past ' || n, TRUE, TRUE, 'contact', 'ask',
       'past' || n || '@example.com'
  FROM generate_series(1, {customers}) n;
UPDATE res_partner SET commercial_partner_id = id WHERE name LIKE 'Past %';
CREATE TEMP TABLE past AS
SELECT n, nextval('account_move_id_seq')::int AS move_id,
       current_date - n % {days} AS day,
       customer.ids[1 + n % {customers}] AS partner
  FROM generate_series(1, {count}) n,
       (SELECT array_agg(id ORDER BY id) AS ids FROM res_partner
         WHERE name LIKE 'Past %') AS customer;
INSERT INTO account_move ({move_columns})
SELECT {move_values} FROM account_move move, past WHERE move.id = {invoice};
INSERT INTO account_move_line ({line_columns})
SELECT {line_values} FROM account_move_line line, past WHERE line.move_id = {invoice}
 ORDER BY past.n, line.id;
"""
#: What differs from the invoice that is copied.
MOVE = {
    "id": "past.move_id",
    "name": "'PAST/' || past.n",
    "sequence_number": "past.n",
    "sequence_prefix": "'PAST/'",
    "payment_reference": "NULL",
    "access_token": "NULL",
    "partner_id": "past.partner",
    "commercial_partner_id": "past.partner",
    "partner_shipping_id": "past.partner",
    **dict.fromkeys(("date", "invoice_date", "invoice_date_due"), "past.day"),
}
LINE = {
    "id": "nextval('account_move_line_id_seq')",
    "move_id": "past.move_id",
    "move_name": "'PAST/' || past.n",
    "partner_id": "past.partner",
    "date_maturity": "CASE WHEN line.date_maturity IS NULL THEN NULL ELSE past.day END",
    **dict.fromkeys(("date", "invoice_date"), "past.day"),
    **dict.fromkeys(("full_reconcile_id", "matching_number"), "NULL"),
}


def fill(postgres, db, invoice, count, days=400):
    """Copy a paid invoice so many times: by turns over the last days and customers."""
    columns = {}
    for table, changed, alias in (
        ("account_move", MOVE, "move"),
        ("account_move_line", LINE, "line"),
    ):
        found = postgres.sql(
            "SELECT column_name FROM information_schema.columns"
            f" WHERE table_name = '{table}'",
            db=db,
        )
        values = [changed.get(name, f'{alias}."{name}"') for name in found]
        columns[f"{alias}_columns"] = ", ".join(f'"{name}"' for name in found)
        columns[f"{alias}_values"] = ", ".join(values)
    statements = MAKE.format(
        invoice=invoice, count=count, days=days, customers=CUSTOMERS, **columns
    )
    postgres.sql(*statements.strip().rstrip(";").split(";\n"), "ANALYZE", db=db)
