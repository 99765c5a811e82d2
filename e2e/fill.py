"""Many licenses at once, by SQL: Odoo would take hours."""

CUSTOMERS = 10_000

#: Customers and policies first; every fiftieth customer is archived.
GROUND = f"""
INSERT INTO res_partner
       (name, complete_name, active, is_company, type, autopost_bills)
SELECT 'Scale ' || n, 'Scale ' || n, n % 50 != 0, TRUE, 'contact', 'ask'
  FROM generate_series(1, {CUSTOMERS}) n;
UPDATE res_partner SET commercial_partner_id = id WHERE name LIKE 'Scale %';
INSERT INTO software_license_policy
       (name, application, plan, key_format, key_groups, key_group_size,
        validity_interval, validity_unit, issue_on, trial_days, grace_days,
        max_activations, lease_minutes, quantity_rule, yearly_self_deactivations,
        offline_days, file_days, active)
SELECT jsonb_build_object('en_US', 'Scale ' || n), 'scale-' || n, 'pro',
       'grouped', 4, 4, 1, 'year', 'payment', 0, n, 3, 0, 'seats', 0, 14, 0, TRUE
  FROM generate_series(1, 3) n
"""
#: In all states, from all but expired to a year and a half ahead.
LICENSES = """
INSERT INTO software_license
       (license_key, license_key_normalized, partner_id, commercial_partner_id,
        company_id, product_id, policy_id, application, plan, state, active,
        is_payment_reversed, max_activations, seat_version, quantity,
        expires_at, create_date, write_date)
SELECT key, key, partner, partner, 1, {product}, policy.ids[1 + n % 3],
       'scale-' || (1 + n % 3), 'pro',
       CASE n % 200 WHEN 0 THEN 'revoked' WHEN 1 THEN 'suspended' ELSE 'active' END,
       TRUE, n % 200 = 2, 0, 0, 1, now() + (n % 730 - 100) * interval '1 day',
       now() - (n % 1000) * interval '1 day', now()
  FROM (SELECT array_agg(id) AS ids FROM res_partner
         WHERE name LIKE 'Scale %') AS customer,
       (SELECT array_agg(id) AS ids FROM software_license_policy
         WHERE application LIKE 'scale-%') AS policy,
       generate_series(1, {count}) AS n,
       LATERAL (SELECT customer.ids[1 + n % {customers}] AS partner,
                       'SCALE-' || upper(substr(md5(n::text), 1, 8)) || '-'
                       || lpad(n::text, 8, '0') AS key) AS made
"""


def fill(postgres, db, count, product):
    """Have so many licenses and no others, one in a hundred of a product (its id)."""
    indexes = postgres.sql(
        """SELECT indexname || '|' || indexdef FROM pg_indexes
            WHERE tablename = 'software_license' AND indexdef NOT LIKE '%UNIQUE%'""",
        db=db,
    )
    drop = [f"DROP INDEX {index.partition('|')[0]}" for index in indexes]
    make = [index.partition("|")[2] for index in indexes]
    product = f"CASE WHEN n % 100 = 0 THEN {product} END"
    rows = LICENSES.format(count=count, product=product, customers=CUSTOMERS)
    clear = (
        "DELETE FROM software_license",
        "DELETE FROM software_license_policy WHERE application LIKE 'scale-%'",
        "DELETE FROM res_partner WHERE name LIKE 'Scale %'",
    )
    postgres.sql(
        *clear, *GROUND.split(";"), *drop, rows, *make, "VACUUM ANALYZE", db=db
    )
