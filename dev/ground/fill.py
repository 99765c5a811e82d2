"""Many licenses at once, with devices and terms, by SQL: Odoo would take hours.

What a license is, its number ``n`` (from 1) tells: its key, its devices, its state. So
a benchmark finds licenses of a kind without a look into the database, which would
bring what it finds into PostgreSQL's memory before it is asked for.
"""

from contextlib import contextmanager

#: So many licenses a customer has, if there are 5,000 or more of them.
PER_CUSTOMER = 100
#: Devices that hold a seat, of each license.
DEVICES = 3
#: The seats of every other license; all seats of the rest are taken.
SEATS = 100
#: A license whose number is this, modulo 200, or less is not valid, or was not.
LAST_INVALID = 29
#: Licenses that are valid, with a customer who is not archived.
VALID = f"n % 200 > {LAST_INVALID} AND n % 50 != 49"
FULL = f"{VALID} AND n % 2 = 0"
FREE = f"{VALID} AND n % 2 = 1"
#: One license in ten has a self-hosted instance, too.
HOSTED = f"{VALID} AND n % 10 = 3"
INSTANCE = "'https://n' || n || '.example.com'"
APPLICATION = "'scale-' || 1 + n % 3"
GROUND = """
INSERT INTO res_partner
       (name, complete_name, active, is_company, type, autopost_bills)
SELECT 'Scale ' || n, 'Scale ' || n, n % 50 != 0, TRUE, 'contact', 'ask'
  FROM generate_series(1, {customers}) n;
UPDATE res_partner SET commercial_partner_id = id WHERE name LIKE 'Scale %';
INSERT INTO software_license_policy
       (name, application, plan, key_format, key_groups, key_group_size,
        validity_interval, validity_unit, issue_on, trial_days, grace_days,
        max_activations, lease_minutes, quantity_rule, yearly_self_deactivations,
        self_deactivation, offline_days, file_days, active, features)
SELECT jsonb_build_object('en_US', 'Scale ' || n), 'scale-' || n, 'pro',
       'grouped', 4, 4, 1, 'year', 'payment', 0, n, {devices}, 0, 'seats', 0,
       TRUE, 14, 0, TRUE, '{{"export": true, "max_users": 50}}'
  FROM generate_series(1, 3) n
"""
#: In all states; most are valid for another one to three years.
LICENSES = """
INSERT INTO software_license
       (license_key, license_key_normalized, partner_id, commercial_partner_id,
        company_id, product_id, policy_id, application, plan, state, active,
        is_payment_reversed, max_activations, seat_version, quantity,
        expires_at, create_date, write_date)
SELECT key, key, partner, partner, 1, {product}, policy.first + n % 3, {application},
       'pro', CASE kind WHEN 0 THEN 'revoked' WHEN 1 THEN 'suspended' ELSE 'active' END,
       TRUE, kind = 2, CASE n % 2 WHEN 1 THEN {seats} ELSE 0 END, 0, 1,
       CASE WHEN kind BETWEEN 3 AND {last_invalid}
            THEN current_date - (10 + n / 200 % 100)::int
            ELSE current_date + (365 + n % 730)::int END,
       now() - (n % 1000) * interval '1 day', now()
  FROM (SELECT min(id) AS first FROM res_partner WHERE name LIKE 'Scale %') AS customer,
       (SELECT min(id) AS first FROM software_license_policy
         WHERE application LIKE 'scale-%') AS policy,
       generate_series(1, {count}) AS n,
       LATERAL (SELECT customer.first + n % {customers} AS partner, n % 200 AS kind,
                       {key} AS key OFFSET 0) AS made
"""
#: What was written by hand: no invoices, which a look-up does not read.
TERMS = """
INSERT INTO software_license_term
       (license_id, company_id, policy_id, source, date_start, date_end, quantity,
        effective_quantity, is_effective, is_announced, expires_at, create_date,
        write_date)
SELECT id, 1, policy_id, 'manual', create_date, expires_at - interval '1 day', 1, 1,
       TRUE, TRUE, expires_at, create_date, write_date
  FROM software_license
"""
#: One statement for each of a license's devices: as in life, they do not lie together.
SEATED = """
INSERT INTO software_license_activation
       (license_id, company_id, partner_id, device_id, device_name, kind, instance_url,
        active, blocked, ip_address, first_seen, last_seen, create_date, write_date)
SELECT id, 1, partner_id, {device}, {name}, '{kind}', {url}, TRUE, FALSE, '192.0.2.1',
       now() - interval '90 days', now() - (1 + n % 30) * interval '1 day', now(), now()
  FROM (SELECT license.*, id - (SELECT min(id) FROM software_license) + 1 AS n
          FROM software_license AS license) AS license
 WHERE {condition}
 ORDER BY id
"""
TABLES = ("software_license", "software_license_activation", "software_license_term")
CLEAR = (
    "DELETE FROM software_license",
    "DELETE FROM software_license_policy WHERE application LIKE 'scale-%'",
    "DELETE FROM res_partner WHERE name LIKE 'Scale %'",
)
#: Nobody looks whether what a row belongs to is there: it is.
UNCHECKED = "SET session_replication_role = replica"
#: Of tables, all but the primary keys: how each is dropped, and made.
INDEXES = """
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
       format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname,
              pg_get_constraintdef(oid))
  FROM pg_constraint WHERE contype = 'u' AND conrelid::regclass::text IN ({tables})
UNION ALL
SELECT format('DROP INDEX %I', indexname), indexdef FROM pg_indexes
 WHERE tablename IN ({tables})
   AND NOT EXISTS (SELECT FROM pg_constraint WHERE conname = indexname)
"""


def sql_key(n="n"):
    """Return the SQL of a license's key: 64 bits, as a policy would have it made."""
    digits = f"md5('license ' || {n})"
    groups = [f"substr({digits}, {start}, 4)" for start in (1, 5, 9, 13)]
    parts = " || '-' || ".join(["'bench'", *groups])
    return f"upper({parts})"


def sql_device(number):
    """Return the SQL of the fingerprint of a license's device, from 1."""
    return f"md5(n || ' device {number}')"


def count_customers(count):
    """Return how many customers so many licenses have."""
    return 50 * max(1, count // (50 * PER_CUSTOMER))


def fill(postgres, db, count, product="NULL"):
    """Have so many licenses and no others, of a product: the SQL of its id."""
    numbers = {"count": count, "customers": count_customers(count)}
    texts = {"key": sql_key(), "application": APPLICATION, "product": product}
    options = {"seats": SEATS, "last_invalid": LAST_INVALID}
    ground = GROUND.format(devices=DEVICES, **numbers)
    with _without_indexes(postgres, db, TABLES[:1]):
        postgres.sql(
            *CLEAR,
            *ground.split(";"),
            UNCHECKED,
            LICENSES.format(**numbers, **texts, **options),
            db=db,
        )
    postgres.sql("VACUUM ANALYZE", db=db)


def fill_devices(postgres, db):
    """Give each license its devices and its term, one in ten an instance, too."""
    statements = [TERMS]
    for number in range(1, DEVICES + 1):
        statements.append(_get_seated(sql_device(number), f"'Laptop {number}'"))
    statements.append(
        _get_seated(INSTANCE, "NULL", "instance", INSTANCE, condition=HOSTED)
    )
    with _without_indexes(postgres, db, TABLES[1:]):
        postgres.sql(UNCHECKED, *statements, db=db)
    postgres.sql("VACUUM ANALYZE", db=db)


def _get_seated(device, name, kind="device", url="NULL", **more):
    texts = {"condition": "TRUE", **more}
    return SEATED.format(device=device, name=name, kind=kind, url=url, **texts)


@contextmanager
def _without_indexes(postgres, db, tables):
    """Have no indexes on some tables meanwhile: made at once, they take less time."""
    names = ", ".join(f"'{table}'" for table in tables)
    rows = postgres.sql(INDEXES.format(tables=names), db=db)
    indexes = [row.split("|", 1) for row in rows]
    postgres.sql(*(drop for drop, _make in indexes), db=db)
    yield
    memory = "SET maintenance_work_mem = '1GB'"
    postgres.sql(memory, *(make for _drop, make in indexes), db=db)
