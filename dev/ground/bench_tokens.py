"""dev/bench tokens: what it costs to sign the answer to a device that is known."""

import json
import urllib.request
from base64 import urlsafe_b64decode

from . import bench_http, measure, paths
from .bench_http import Call
from .console import Failure, say
from .rpc import Rpc
from .workplace import Workplace, locked

DB = "bench_tokens"
ROUNDS = 60
RESULT = paths.DEV / "bench-tokens.json"
PATH = "/api/licenses/validate"
#: The calls, and how their company signs. The last one shows what is but noise.
UNSIGNED = "without a token"
SIGNED = {
    UNSIGNED: None,
    "with an Ed25519 token": "EdDSA",
    "with an RS256 token": "RS256",
    f"{UNSIGNED}, again": None,
}


def tokens(rounds, db_port):
    """Measure `validate`; print a table and write all of it as JSON."""
    with locked(), Workplace(db_port) as place:
        machine = bench_http.describe_machine()
        place.databases.fresh(DB, base="core", install=[paths.MODULE])
        with place.server(DB) as server:
            bodies = _fill(server, place.postgres)
        with bench_http.server(place, DB) as server:
            calls = [_prepare_call(server, name, bodies[name]) for name in SIGNED]
            found = bench_http.measure_calls(
                server, [bench_http.noop, *calls], ROUNDS * rounds
            )
    rows = bench_http.summarize(found, UNSIGNED)
    bench_http.show(rows, UNSIGNED)
    say(f"\nMore than {UNSIGNED}, and the 95 % interval of it:")
    for row in rows:
        if row["call"] not in (UNSIGNED, bench_http.NOOP):
            bench_http.show_added(row)
    measure.write(RESULT, {"machine": machine, "rows": rows, "measured": found})
    return 0


def _fill(server, postgres):
    """Make a license for each call; return what its device asks.

    Each is of a company of its own, in one database: so one server answers all of
    them, and nothing but the key ring differs.
    """
    rpc = Rpc(server.url, server.db, "admin", "admin")
    policy = rpc.create(
        "software.license.policy", name="Editor", application="acme-editor"
    )
    return {
        name: _make_license(rpc, postgres, policy, name, algorithm)
        for name, algorithm in SIGNED.items()
    }


def _make_license(rpc, postgres, policy, name, algorithm):
    company = rpc.create("res.company", name=name)
    if algorithm:
        wizard = rpc.create(
            "software.license.signing.key.add",
            company_id=company,
            algorithm=algorithm,
            is_at_once=True,
        )
        rpc("software.license.signing.key.add", "action_add", [wizard])
    else:  # as data/neutralize.sql does
        postgres.sql(
            "UPDATE software_license_signing_key SET private_pem = NULL"
            f" WHERE company_id = {company}",
            db=DB,
        )
    license_ = rpc.create(
        "software.license",
        partner_id=rpc.create("res.partner", name="Customer"),
        policy_id=policy,
        company_id=company,
    )
    key = rpc.read("software.license", license_, "license_key")["license_key"]
    return {"licenseKey": key, "deviceId": "laptop", "application": "acme-editor"}


def _prepare_call(server, name, body):
    """Give the device its seat; return the call, of a device that is known now."""
    answer = _post(server.url + PATH, body)
    algorithm = _read_algorithm(answer.get("token"))
    if not answer["valid"] or algorithm != SIGNED[name]:
        said = answer.get("message", f"signed by {algorithm}")
        raise Failure(f"the benchmark measures something else: {name}: {said}")
    valid, token = '"valid": true', '"token": "'
    if algorithm:
        return Call(name, PATH, body, has=(valid, token))
    return Call(name, PATH, body, has=(valid,), lacks=(token,))


def _post(url, body):
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


def _read_algorithm(token):
    """Return what a token says that signed it, None without a token."""
    if not token:
        return None
    header = token.partition(".")[0]
    return json.loads(urlsafe_b64decode(header + "=" * (-len(header) % 4)))["alg"]
