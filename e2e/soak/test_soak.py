"""Mixed load on a server as in production, for minutes: nothing leaks, nothing drifts.

``dev/test --soak`` takes ten minutes; ``dev/test`` itself a few seconds, so that this
file still works when it is needed. What grows shows in minutes only.
"""

import json
import os
import time

import pytest
import watch
from conftest import Site
from crowd import PASSWORD, SEATS, Accountant, Customer, Fleet, Manager

from ground import paths

SECONDS = float(os.environ.get("SOAK_SECONDS", 8))
#: Shorter ones are all warm-up, and have too few calls for a p99.
TELLING = 100
REGIONS = ("europe", "asia", "america", "africa")
LICENSES = 8
NAME = "e2e_soak"
#: Odoo's limits that have a worker begin anew: it must not be what keeps it small.
NEVER = {
    "limit_request": 10**9,
    "limit_memory_soft": 64 * 2**30,
    "limit_memory_hard": 128 * 2**30,
}
#: Paid invoices, each with how many licenses of it count and are kept.
LEDGER = """
    SELECT move.id,
           count(license.id) FILTER (
               WHERE license.state = 'active' AND NOT license.is_payment_reversed
                 AND term.is_effective AND term.effective_quantity = 2),
           count(license.id)
      FROM account_move move
      JOIN account_move_line line ON line.move_id = move.id
      LEFT JOIN software_license_term term ON term.move_line_id = line.id
      LEFT JOIN software_license license ON license.id = term.license_id
     WHERE move.id IN ({}) AND line.display_type = 'product'
     GROUP BY move.id
"""


@pytest.fixture
def site(place, installed):
    """Four processes and scheduled actions, on a database of their own."""
    place.databases.clone(installed, NAME)
    with place.server(NAME, workers=4, cron_threads=1, **NEVER) as server:
        site = Site(server, place)
        _hurry_scheduled_actions(site)
        yield site
    place.databases.drop(NAME)


def _hurry_scheduled_actions(site):
    """Let those of ours run each minute, from now on."""
    place = site.place
    place.postgres.sql(
        "UPDATE ir_cron SET interval_number = 1, interval_type = 'minutes',"
        " nextcall = now() AT TIME ZONE 'UTC' FROM ir_model_data data"
        " WHERE data.model = 'ir.cron' AND data.res_id = ir_cron.id"
        " AND data.module = 'software_license'",
        db=NAME,
    )


@pytest.fixture
def callers(site):
    """Everybody who calls, none of them at it yet."""
    policy = site.policy(
        max_activations=SEATS, self_deactivation=True, yearly_self_deactivations=0
    )
    keys = [site.license(policy)[1] for _number in range(LICENSES)]
    _license, full_key = site.license(policy, max_activations=1)
    early = Fleet(site, "early", [full_key], full_key)
    assert early._validate(full_key, "early")
    accountant = Accountant(site, None)
    accountant.product = accountant.books.product(license_policy_id=policy)
    customer = site.rpc.create(
        "res.users",
        name="Customer",
        login="soak",
        password=PASSWORD,
        group_ids=[[6, 0, [site.rpc.xmlid("base.group_portal")]]],
    )
    partner = site.rpc.read("res.users", customer, "partner_id")["partner_id"]
    site.license(policy, partner_id=partner)
    fleets = [Fleet(site, region, keys, full_key) for region in REGIONS]
    manager = Manager(site, partner, accountant.product)
    return [*fleets, manager, accountant, Customer(site, "soak")]


def test_nothing_leaks_and_nothing_is_lost_under_mixed_load(site, callers, seed):
    watching = watch.Watch(site)
    begin, end = _run(site, callers, watching)
    assert [caller.problem for caller in callers if caller.problem] == []
    calls = [call for caller in callers for call in getattr(caller, "calls", ())]
    _report(site, callers, watching, calls, begin, end)
    assert all(caller.steps for caller in callers)
    assert "Traceback" not in site.log()
    assert _errors(site.log()) == []
    _assert_seats_are_exact(site, [it for it in callers if isinstance(it, Fleet)])
    (manager,) = (it for it in callers if isinstance(it, Manager))
    _assert_issued(site, manager.issued)
    (accountant,) = (it for it in callers if isinstance(it, Accountant))
    _assert_ledger_is_right(site, accountant)
    if SECONDS >= TELLING:
        assert watch.grown(watching.samples, begin, end) == []
        assert watch.slower(calls, begin, end) < watch.SLOWER


def _run(site, callers, watching):
    """Let all call, with a new signing key half-way; return when it began and ended."""
    kids = {site.jwks()[0]["kid"]}
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.has_begun.wait()  # each worker loads its registry first
    begin = time.monotonic()
    half, end = begin + SECONDS / 2, begin + SECONDS
    while time.monotonic() < end and not any(caller.problem for caller in callers):
        watching.look()
        if time.monotonic() > half and len(kids) == 1:
            kids.add(site.rotate())
        time.sleep(min(2, SECONDS / 40))
    end = time.monotonic()
    for caller in callers:
        caller.finish()
    assert any(caller.problem for caller in callers) or len(kids) == 2
    return begin, end


def _errors(log):
    """The errors in a log, but for transactions that Odoo tries again."""
    lines = [line for line in log.splitlines() if " ERROR " in line]
    return [line for line in lines if " odoo.sql_db: bad query" not in line]


def _report(site, callers, watching, calls, begin, end):
    """Print a row for each fifth of the time, and keep them in .dev/soak.json."""
    rows = watch.rows(watching.samples, calls, begin, end)
    print({caller.name: caller.steps for caller in callers})
    print(*(f"{name:>21}" for name in rows[0]))
    for row in rows:
        print(*(f"{value:21}" for value in row.values()))
    kept = {
        "seconds": round(end - begin),
        "workers": site.server.options["workers"],
        "steps": {caller.name: caller.steps for caller in callers},
        "fifths": rows,
        "p99_last_to_second": round(watch.slower(calls, begin, end), 2),
        "grown": watch.grown(watching.samples, begin, end),
    }
    (paths.DEV / "soak.json").write_text(json.dumps(kept, indent=2) + "\n")


def _assert_seats_are_exact(site, fleets):
    """Those hold a seat, and only those, who were told so last."""
    found = site.place.postgres.sql(
        "SELECT license_key, device_id, kind FROM software_license_activation device"
        " JOIN software_license license ON license.id = device.license_id"
        " WHERE device.active",
        db=NAME,
    )
    rows = [tuple(row.split("|")) for row in found]
    seated = {pair for fleet in fleets for pair in fleet.seated}
    instances = {pair for fleet in fleets for pair in fleet.instances}
    assert {(key, name) for key, name, kind in rows if kind == "instance"} == instances
    devices = [(key, name) for key, name, kind in rows if kind == "device"]
    assert len(devices) == len(set(devices))
    assert {pair for pair in devices if pair[1] != "early"} == seated


def _assert_issued(site, keys):
    """What was issued twice with one Idempotency-Key is there, and once."""
    found = site.rpc.search("software.license", ["license_key", "in", keys])
    assert len(found) == len(keys) == len(set(keys)) > 0
    requests = "SELECT count(*) FROM software_license_request"
    assert site.place.postgres.sql(requests, db=NAME) == [str(len(keys))]


def _assert_ledger_is_right(site, accountant):
    """Each paid invoice has its license; a credited one has one that is stopped."""
    paid = ",".join(map(str, accountant.paid))
    found = site.place.postgres.sql(LEDGER.format(paid), db=NAME)
    rows = {
        int(move): (good, all_) for move, good, all_ in (r.split("|") for r in found)
    }
    refunded = set(accountant.refunded)
    wanted = {move: ("0" if move in refunded else "1", "1") for move in accountant.paid}
    assert rows == wanted
    assert len(wanted) > len(refunded)
