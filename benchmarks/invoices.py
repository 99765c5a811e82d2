"""One side of `dev/bench invoices`: makes, posts and pays invoices when told to.

Runs inside Odoo, on one database, with or without the addon. It reads a line of JSON
for each batch and answers with one: seconds, seconds of CPU (this process and its
PostgreSQL backend) and SQL statements of each stage. A stage is a transaction of its
own, committed, with an environment of its own: as one request of the web client is.
"""

import gc
import json
import os
import sys
import time
from pathlib import Path

from odoo import SUPERUSER_ID, Command, api
from odoo.modules.registry import Registry
from odoo.tools import config

ADMIN = 2
LINES = 10


class Bench:
    def __init__(self, db):
        self.registry = Registry(db)
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            self.customer = env["res.partner"].create({"name": "Customer"}).id
            self.products = {
                kind: self._create_products(env, kind)
                for kind in ("unlicensed", "licensed")
            }

    def _create_products(self, env, kind):
        vals = {"name": kind, "type": "service", "taxes_id": False}
        income = [("account_type", "=", "income")]
        account = env["account.account"].search(income, limit=1)
        vals["property_account_income_id"] = account.id
        if kind == "licensed" and "software.license.policy" in env:
            policy = {"name": "Editor", "application": "acme-editor"}
            vals["license_policy_id"] = env["software.license.policy"].create(policy).id
        return env["product.product"].create([vals] * LINES).ids

    def run(self, kind, size):
        """Measure one batch of invoices, paid by one payment."""
        made, create = self._measure(self._create, kind, size)
        _none, post = self._measure(self._post, made)
        _none, pay = self._measure(self._pay, made)
        self._check(made)
        return {"create": create, "post": post, "pay": pay}

    def _measure(self, stage, *arguments):
        """Run a stage; return what it returns, and what it took."""
        gc.collect()
        with self.registry.cursor() as cr:
            env = api.Environment(cr, ADMIN, {})
            before = self._read_meters(cr)
            result = stage(env, *arguments)
            env.flush_all()
            cr.commit()
            after = self._read_meters(cr)
        return result, {name: after[name] - before[name] for name in after}

    def _read_meters(self, cr):
        backend = Path(f"/proc/{cr.connection.info.backend_pid}/stat").read_text()
        user, system = backend.rpartition(")")[2].split()[11:13]
        ticks = os.sysconf("SC_CLK_TCK")
        return {
            "seconds": time.perf_counter(),
            "cpu": time.process_time() + (int(user) + int(system)) / ticks,
            "statements": cr.sql_log_count,
        }

    def _create(self, env, kind, size):
        lines = [
            Command.create({"product_id": product, "price_unit": 10, "tax_ids": False})
            for product in self.products[kind]
        ]
        vals = {
            "move_type": "out_invoice",
            "partner_id": self.customer,
            "invoice_date": "2026-01-01",
            "invoice_line_ids": lines,
        }
        return env["account.move"].create([vals] * size).ids

    def _post(self, env, invoices):
        env["account.move"].browse(invoices).action_post()

    def _pay(self, env, invoices):
        wizard = env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoices
        )
        wizard.create({"group_payment": True}).action_create_payments()

    def _check(self, invoices):
        """Was what is measured what it is called? Asked apart: it reads, too."""
        with self.registry.cursor() as cr:
            moves = api.Environment(cr, ADMIN, {})["account.move"].browse(invoices)
            assert set(moves.mapped("payment_state")) == {"paid"}
            if "license_ids" in moves and moves.line_ids.product_id.license_policy_id:
                assert len(moves.license_ids) == len(moves) * LINES


def main(config_file, db):
    config.parse_config(["-c", config_file, "-d", db, "--log-level", "error"])
    bench = Bench(db)
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(bench.run(**json.loads(line))), flush=True)


main(*sys.argv[1:])
