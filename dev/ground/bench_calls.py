"""The calls that dev/bench measures, each with a license drawn at random."""

import json
import secrets
from pathlib import Path

from . import bench_http, fill, paths
from .bench_http import Call

VERIFY = "verify"
KNOWN = "validate, known device"
DUE = "validate, known device, to be noted"
NEW = "validate, new device"
FULL = "validate, full license"
LICENSING = "licensing/validate"
DEACTIVATE = "deactivate"
CUSTOMER = "list, of one customer"
LIST = "list, of all licenses"
#: So much of a no-op's speed each shall have at least (2 workers, 8 connections).
TARGETS = {VERIFY: 0.88, KNOWN: 0.80, FULL: 0.80, NEW: 0.55, LICENSING: 0.85}
#: So fast a call shall be with many licenses, beside few.
SCALE_TARGET = 0.95
#: What reading a license takes, however many there are.
SCALED = (VERIFY, KNOWN, NEW, FULL, LICENSING, DEACTIVATE, CUSTOMER)

VALIDATE = "/api/licenses/validate"
VALID = '"valid": true'
KEY = fill.sql_key()
ABOUT = ("licenseKey", "application")


def get_scale_target(call):
    """Return how fast a call shall be with many licenses; the no-op reads none."""
    return None if call == bench_http.NOOP else SCALE_TARGET


def make_calls(database):
    """Return the calls, ``{name: Call}``, of a database that was just prepared."""
    known = (VALID, '"activation"', '"token": "')
    return {
        call.name: call
        for call in (
            bench_http.noop,
            _call(database, VERIFY, "/api/licenses/verify", has=(VALID,)),
            _call(database, KNOWN, VALIDATE, _device(1), has=known),
            # Of full licenses: the others' second devices are freed by another call.
            _call(
                database,
                DUE,
                VALIDATE,
                _device(2),
                has=known,
                condition=fill.FULL,
                is_once=True,
            ),
            # As many licenses as requests: a license that gets many devices in a row
            # has ever more seats to count, and those who give them wait in line.
            _call(
                database,
                NEW,
                VALIDATE,
                *_new_devices(database.count),
                has=known,
                condition=fill.FREE,
                is_once=True,
            ),
            _call(
                database,
                FULL,
                VALIDATE,
                {"deviceId": "md5(n || 'another')"},
                has=('"activation_limit_reached"',),
                condition=fill.FULL,
            ),
            _call(
                database,
                LICENSING,
                "/api/v1/licensing/validate",
                {"instanceUrl": fill.INSTANCE},
                about=ABOUT[:1],
                has=(VALID, '"organizationName": "Scale '),
                condition=fill.HOSTED,
            ),
            _call(
                database,
                DEACTIVATE,
                "/api/licenses/deactivate",
                _device(2),
                _device(3),
                about=ABOUT[:1],
                has=('"success": true',),
                condition=fill.FREE,
                is_once=True,
            ),
            *_make_lists(database),
        )
    }


def check_in(database, calls):
    """Let those whose calls are to write nothing have checked in just now."""
    for name, field in ((KNOWN, "deviceId"), (LICENSING, "instanceUrl")):
        file = Path(calls[name].file)
        bodies = [body for _path, body in json.loads(file.read_text())]
        lines = [f"{body['licenseKey']},{body[field]}" for body in bodies]
        asked = file.with_suffix(".csv")
        asked.write_text("\n".join(lines))
        database.check_in(asked)


def _device(number):
    return {"deviceId": fill.sql_device(number)}


def _new_devices(count):
    """Return what each license is asked about in turn: once, unless there are few."""
    run = secrets.token_hex(4)
    return [
        {"deviceId": f"'new-{run}-' || md5(n || ' {turn}')"}
        for turn in range(1 + 20_000 // count)
    ]


def _call(database, name, path, *turns, about=ABOUT, condition=fill.VALID, **options):
    """Draw licenses and write the requests down; return the call.

    Each license is asked about in each of the ``turns``: what is sent beside its key.
    """
    known = {"licenseKey": KEY, "application": fill.APPLICATION}
    requests = []
    for turn in turns or ({},):
        texts = {**{field: known[field] for field in about}, **turn}
        rows = database.draw(texts.values(), condition)
        requests += [[path, dict(zip(texts, row, strict=True))] for row in rows]
    return Call(name, file=_write(database, name, requests), **options)


def _make_lists(database):
    """Return the calls of who manages licenses: a page each, of up to 100."""
    headers = {"Authorization": f"Bearer {database.make_api_key()}"}
    requests = [
        [f"/api/licenses?customerId={customer}", None]
        for customer in database.draw_customers()
    ]
    found = {"has": ('"customerName": "Scale ',), "headers": headers}
    file = _write(database, CUSTOMER, requests)
    return (
        Call(CUSTOMER, file=file, **found),
        Call(LIST, "/api/licenses", **found),
    )


def _write(database, name, requests):
    """Write requests where the load finds them; return the path."""
    folder = paths.DEV / "bench" / database.name
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name.replace('/', ' ')}.json"
    file.write_text(json.dumps(requests))
    return str(file)
