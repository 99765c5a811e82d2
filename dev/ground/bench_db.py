"""The databases of dev/bench: filled once, kept, and put back before each use."""

import hashlib
import secrets
from base64 import b64encode

from . import addon, fill, paths
from .console import step

#: Licenses that are drawn for a call: more than a run sends, so that none comes twice.
DRAWN = 100_000
#: What a run of the benchmark wrote, undone. `write_date` tells who was written to.
RESET = (
    "DELETE FROM software_license_activation WHERE device_id LIKE 'new-%'",
    """UPDATE software_license_activation
          SET active = TRUE, last_seen = create_date - interval '1 day',
              write_date = create_date
        WHERE write_date != create_date""",
    """UPDATE software_license
          SET self_deactivation_count = NULL, self_deactivation_year = NULL
        WHERE self_deactivation_count IS NOT NULL""",
    "DELETE FROM res_users_apikeys",
    "VACUUM ANALYZE software_license, software_license_activation",
    "CHECKPOINT",
)


class BenchDatabase:
    """A database of so many licenses, each with its devices."""

    def __init__(self, place, count):
        self.place = place
        self.postgres = place.postgres
        self.count = count
        self.name = f"bench_{count}"

    def prepare(self, is_refill=False):
        """Have it filled and up to date, with nothing in it of an earlier run."""
        recipe = paths.digest(
            self.place.databases.template("core"), paths.ROOT / "dev/ground/fill.py"
        )
        found_recipe, found_addon = self._read_note()
        if is_refill or found_recipe != recipe:
            self._fill()
        elif found_addon != addon.digest():
            with step(f"{self.name}: update of the addon"):
                self.place.odoo.manage(self.name, "-u", paths.MODULE)
        note = f"{recipe} {addon.digest()}"
        self.postgres.sql(f"COMMENT ON DATABASE {self.name} IS '{note}'")
        self.sql(f"ALTER DATABASE {self.name} RESET ALL", *RESET)
        return self

    def sql(self, *statements):
        return self.postgres.sql(*statements, db=self.name)

    def _read_note(self):
        """Return what the database was filled by, and the addon that it is of."""
        notes = self.postgres.sql(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database"
            f" WHERE datname = '{self.name}'"
        )
        found = notes[0].split() if notes else []
        return found if len(found) == 2 else (None, None)

    def _fill(self):
        """Fill another one, and rename it at the end: what has the name is whole."""
        databases, building = self.place.databases, "building_bench"
        with step(f"{self.name}: {self.count:,} licenses, devices, terms"):
            databases.fresh(building, base="core", install=[paths.MODULE])
            product = _create_product(self.postgres, building)
            fill.fill(self.postgres, building, self.count, product)
            fill.fill_devices(self.postgres, building)
            databases.rename(building, self.name)

    def draw(self, texts, condition, limit=DRAWN):
        """Return rows of SQL texts, of licenses drawn at random, none of them twice.

        They are told by their numbers: no table is read, so that what a request will
        look for is not in PostgreSQL's memory because of us.
        """
        numbers = f"""SELECT n FROM ({self._get_numbers(20 * limit)}) AS number
                       WHERE {condition} ORDER BY random() LIMIT {limit}"""
        select = f"SELECT {', '.join(texts)} FROM ({numbers}) AS license"
        return [row.split("|") for row in self.sql(select)]

    def _get_numbers(self, enough):
        """Return the SQL of all numbers of licenses, or of enough of them."""
        if self.count <= enough:
            return f"SELECT generate_series(1, {self.count}) AS n"
        return f"""SELECT DISTINCT 1 + floor(random() * {self.count})::int AS n
                     FROM generate_series(1, {enough})"""

    def check_in(self, asked):
        """Let devices seem to have checked in just now, so that nothing is written.

        ``asked`` is a file of lines ``key,device``. It holds for nine minutes: a
        check-in of five minutes ago, or ahead, is not taken for one of now.
        """
        self.sql(
            "CREATE TEMP TABLE asked (license_key text, device_id text)",
            f"\\copy asked FROM '{asked}' CSV",
            "ANALYZE asked",
            """UPDATE software_license_activation AS device
                  SET last_seen = now() AT TIME ZONE 'UTC' + interval '4 minutes'
                 FROM asked
                 JOIN software_license AS license
                   ON license.license_key_normalized = asked.license_key
                WHERE device.license_id = license.id
                  AND device.device_id = asked.device_id""",
        )

    def draw_customers(self):
        """Return the ids of customers, in random order."""
        return self.sql(
            "SELECT id FROM res_partner WHERE name LIKE 'Scale %' AND active"
            f" ORDER BY random() LIMIT {DRAWN}"
        )

    def make_api_key(self):
        """Return an API key of Odoo's administrator, hashed as Odoo does."""
        key, salt = secrets.token_hex(20), secrets.token_bytes(16)
        rounds = 6000
        digest = hashlib.pbkdf2_hmac("sha512", key.encode(), salt, rounds)
        hashed = f"$pbkdf2-sha512${rounds}${_encode(salt)}${_encode(digest)}"
        self.sql(
            "INSERT INTO res_users_apikeys (name, user_id, index, key)"
            f" VALUES ('bench', 2, '{key[:8]}', '{hashed}')"
        )
        return key


def _encode(data):
    """Base 64 as passlib has it."""
    return b64encode(data).decode().rstrip("=").replace("+", ".")


def _create_product(postgres, db):
    """Return the id of a product."""
    (product,) = postgres.sql(
        """WITH template AS (
               INSERT INTO product_template
                      (name, type, active, categ_id, uom_id, service_tracking,
                       invoice_policy, create_date, write_date)
               SELECT '{"en_US": "Editor"}', 'service', TRUE,
                      (SELECT min(id) FROM product_category),
                      (SELECT min(id) FROM uom_uom), 'no', 'order', now(), now()
               RETURNING id)
           INSERT INTO product_product (product_tmpl_id, active)
           SELECT id, TRUE FROM template RETURNING id""",
        db=db,
    )
    return product
