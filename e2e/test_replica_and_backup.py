"""docs/replica_and_backup.md: a backup is restored, gets a standby, and loses either.

Whatever happens, each license is said to be what it is, and tokens verify.
"""

import itertools
import os
import re
import signal
from datetime import date
from types import SimpleNamespace

import jwt
import pytest
import requests
from calls import make_reads, make_writes
from kill import workers
from pair import BLOCKS, NAME, Pair, admin, conninfo, until
from storm import during

from ground.cluster import Cluster
from ground.postgres import USER
from ground.server import filestore

KEYS = "software.license.signing.key"
#: The text by which each block of the document is found, below.
RUN = (
    "install -d -o",
    "wal_level",
    "CREATE ROLE replicator",
    "-R -X stream",
    "pg_stat_replication",
    "pg_last_xact_replay_timestamp",
    "connect_timeout",
    "pg_promote",
    "pg_dump -Fc -d",
    "pg_restore -e --no-owner",
    "-D $BACKUPS/base",
    "pg_stat_archiver",
    "recovery.signal",
    "ALTER SYSTEM RESET",
    ":'until'",
    "pg_dump -Fc -a",
    "DELETE FROM",
    "\\copy",
)


@pytest.fixture(scope="module")
def before(own_site):
    """What a server says before it is backed up."""
    site = own_site
    policy = site.policy(offline_days=30, self_deactivation=True)
    states = ("active", "revoked", "suspended", "active")
    made = [site.license(policy, max_activations=2) for _state in states]
    for (license_, key), state in zip(made, states, strict=True):
        for device in ("laptop", "phone"):
            body = {"licenseKey": key, "deviceId": device}
            answer = requests.post(site.url("validate"), json=body, timeout=60)
        site.rpc("software.license", "write", [license_], {"state": state})
    ids, keys = zip(*made, strict=True)
    pairs = itertools.product(keys, (None, "laptop", "tower"))
    return SimpleNamespace(
        ids=ids,
        keys=keys,
        answers={pair: judge(site, *pair) for pair in pairs},
        token=answer.json()["token"],
        jwks=site.jwks(),
    )


def judge(site, key, device=None):
    """Return what verify says."""
    body = {"licenseKey": key, "deviceId": device}
    answer = requests.post(site.url("verify"), json=body, timeout=60)
    assert answer.status_code == 200
    return answer.json()


@pytest.fixture(scope="module")
def pair(place, own_site, before, tmp_path_factory):
    """The clusters: the backup of that server is restored on the primary."""
    data_dir = tmp_path_factory.mktemp("data")
    db = own_site.server.db
    source = {
        "DB": db,
        "FILES": filestore(db),
        "CONF": data_dir / "odoo.conf",
        "PRIMARY": conninfo(place.postgres, USER),
        "PGPASSWORD": place.postgres.environment()["PGPASSWORD"],
    }
    source["CONF"].write_text("software_license_passphrase = secret\n")
    with Pair(place.odoo.tree, data_dir) as pair:
        pair.paste("pg_dump -Fc -d", **source)
        (conf,) = (pair.primary.home / "apart").glob(f"{db}-{date.today()}T*.conf")
        assert "passphrase" in conf.read_text()
        for ending in (".dump", "-files.tar"):
            (made,) = pair.backups.glob(f"{db}-{date.today()}T????{ending}")
            made.rename(pair.backups / f"{NAME}-then{ending}")
        pair.paste("pg_restore -e --no-owner")
        pair.add_standby()
        yield pair


@pytest.fixture(scope="module")
def site(pair):
    """The server on both, which goes on running whatever happens to them."""
    replica = {"db_replica_host": "127.0.0.1", "db_replica_port": pair.standby.port}
    return pair.serve(pair.primary, **replica)


def judge_all(site, before):
    return {pair: judge(site, *pair) for pair in before.answers}


def verify_token(token, jwks):
    """Return the kid of a token that verifies against a list of keys."""
    kid = jwt.get_unverified_header(token)["kid"]
    (jwk,) = [it for it in jwks if it["kid"] == kid]
    options = {"verify_aud": False}
    jwt.decode(token, jwt.PyJWK(jwk).key, [jwk["alg"]], options=options)
    return kid


# === BACKUP === #


def test_every_command_of_the_document_is_run_here():
    found = {begin: [text for text in BLOCKS if begin in text] for begin in RUN}
    assert {begin: len(texts) for begin, texts in found.items()} == dict.fromkeys(
        RUN, 1
    )
    assert len(BLOCKS) == len(RUN) + 1  # the first says where things are
    known = re.findall(r"^(\w+)=", BLOCKS[0], re.MULTILINE)
    used = re.findall(r"\$\{?([A-Z_]+)", "".join(BLOCKS))
    assert sorted(set(known)) == sorted(set(used) | {"STANDBY"})


def test_a_restored_server_says_of_every_license_what_it_said_before(site, before):
    assert judge_all(site, before) == before.answers
    good = site.ask("validate", before.keys[0], "laptop").json()
    assert (good["valid"], good["currentActivations"]) == (True, 2)
    full = site.ask("validate", before.keys[0], "tower").json()
    assert full["error"] == "activation_limit_reached"


def test_tokens_signed_before_verify_and_new_ones_have_the_same_key(site, before):
    tidy = site.rpc.xmlid("software_license.cron_tidy_signing_keys")
    site.rpc("ir.cron", "method_direct_trigger", [tidy])
    assert site.jwks() == before.jwks
    kid = verify_token(before.token, site.jwks())
    token = site.ask("validate", before.keys[0], "laptop").json()["token"]
    assert verify_token(token, before.jwks) == kid


def test_licenses_alone_are_a_table_for_other_systems(pair, before):
    pair.paste("\\copy")
    lines = (pair.backups / f"{NAME}-licenses.csv").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith(before.keys[1])]
    assert line.split(",")[1:6] == ["Customer", "", "acme-editor", "", "revoked"]


# === REPLICA === #


@pytest.fixture(scope="module")
def reads(site, before):
    """The calls that the document says the standby answers, by name."""
    return make_reads(site, before.ids[0], before.keys[0])


@pytest.fixture(scope="module")
def writes(site):
    """The calls that the document says the primary answers, by name."""
    return make_writes(site)


def test_reads_run_on_the_standby_and_writes_on_the_primary(site, reads, writes):
    calls = {**reads, **writes}
    assert {call().status_code for call in calls.values()} <= {200, 201}
    assert {name: site.mode(call) for name, call in reads.items()} == dict.fromkeys(
        reads, "ro"
    )
    assert {name: site.mode(call) for name, call in writes.items()} == dict.fromkeys(
        writes, "rw"
    )
    assert "Traceback" not in site.log()
    assert "retrying with a read/write cursor" not in site.log()


def test_a_standby_that_lags_answers_as_of_then_and_sells_no_seat_twice(
    site, pair, before
):
    license_, key = site.license(max_activations=1)
    until(lambda: site.manage("GET", f"/{key}").status_code == 200)
    pair.standby.sql("SELECT pg_wal_replay_pause()")
    until(lambda: paused(pair.standby))
    try:
        new = site.license()[1]
        assert site.ask("verify", new).status_code == 404
        assert site.ask("validate", key, "laptop").json()["valid"]
        assert judge(site, key, "laptop")["error"] == "device_not_activated"
        full = site.ask("validate", key, "tower").json()
        assert full["error"] == "activation_limit_reached"
        site.rpc("software.license", "write", [license_], {"state": "revoked"})
        assert judge(site, key)["valid"]
        assert site.ask("validate", key, "laptop").json()["error"] == "license_revoked"
        assert site.manage("GET", f"/{key}").json()["status"] == "active"
    finally:
        pair.standby.sql("SELECT pg_wal_replay_resume()")
    until(lambda: judge(site, key).get("error") == "license_revoked")
    until(lambda: site.ask("verify", new).status_code == 200)
    assert is_streaming(pair, pair.primary)
    assert float(pair.paste("pg_last_xact_replay_timestamp")) >= 0


def paused(standby):
    return standby.sql("SELECT pg_get_wal_replay_pause_state()") == ["paused"]


def is_streaming(pair, cluster):
    """Whether a cluster has a standby that follows it."""
    return "|streaming|" in pair.paste("pg_stat_replication", ADMIN=admin(cluster))


def assert_refused(answers):
    """Each is 503 in JSON, with a time to wait."""
    for answer in answers:
        assert answer.status_code == 503, answer.text
        assert answer.json()["error"] == "service_unavailable"
        assert int(answer.headers["Retry-After"]) > 0


def verifying(before):
    """Bodies for verify, and what is answered, without an end."""
    return ({"licenseKey": key} for key in itertools.cycle(before.keys))


def test_the_primary_stopped_costs_no_read_and_writes_are_503_until_it_is_back(
    site, pair, before, reads, writes
):
    pages = {name: call() for name, call in reads.items()}
    answers = during(pair.primary.stop, site.url("verify"), verifying(before))
    try:
        assert {it.status for it in answers} == {200}
        assert judge_all(site, before) == before.answers
        for name, call in reads.items():
            answer = call()
            assert (name, answer.status_code) == (name, 200)
            assert name.startswith("portal") or answer.text == pages[name].text
        assert_refused(call() for call in writes.values())
    finally:
        pair.primary.start()
    assert writes["validate"]().json()["valid"]
    assert writes["deactivate"]().json()["success"]
    until(lambda: is_streaming(pair, pair.primary))
    print(len(answers), "calls of verify while the primary went down")


def test_a_primary_that_does_not_answer_keeps_nobody_waiting_for_long(
    site, pair, before
):
    pid = pair.primary.pid
    of_odoo = f"FROM pg_stat_activity WHERE datname = '{NAME}'"
    pair.primary.sql(f"SELECT pg_terminate_backend(pid) {of_odoo}")
    os.kill(pid, signal.SIGSTOP)  # as if it had no power: nobody gets in, or out
    try:
        refused = site.ask("validate", before.keys[0], "laptop")
        assert_refused([refused])
        assert refused.elapsed.total_seconds() < 20  # connect_timeout is 3
        assert judge(site, before.keys[0])["valid"]
    finally:
        os.kill(pid, signal.SIGCONT)
    assert site.ask("validate", before.keys[0], "laptop").json()["valid"]


def test_the_standby_stopped_leaves_reads_to_the_primary_and_gets_them_back(
    site, pair, before, reads
):
    answers = during(pair.standby.stop, site.url("verify"), verifying(before))
    try:
        assert {it.status for it in answers} <= {200, 503}
        assert answers[-1].status == 200
        assert judge_all(site, before) == before.answers
        assert site.mode(reads["verify"]) == "rw"
    finally:
        pair.standby.start()
    refused = sum(it.status == 503 for it in answers)
    print(f"{len(answers)} calls while the standby went down, {refused} refused")
    ended = set()
    for pid in workers(site.server):
        ended.add(pid)
        os.kill(pid, signal.SIGINT)
        until(lambda: len(set(workers(site.server)) - ended) == 2)
    assert {site.mode(reads["verify"]) for _turn in range(6)} == {"ro"}


# === A STEP BACK === #


def moments(pair, cluster):
    """What a database holds of that which happens in the test below."""
    return pair.sql(
        "SELECT kid FROM software_license_signing_key"
        " UNION ALL SELECT state FROM software_license WHERE license_key = 'E2E-BACK'"
        " UNION ALL SELECT device_id FROM software_license_activation"
        " WHERE device_id = 'since-then' ORDER BY 1",
        cluster,
    )


def test_a_database_goes_back_to_a_moment_and_its_signing_keys_do_not(
    site, pair, before
):
    pair.paste("-D $BACKUPS/base", as_owner=True)
    license_, key = site.license(license_key="E2E-BACK")
    then = moments(pair, pair.primary)
    moment = pair.sql("SELECT now()")[0]
    site.ask("validate", key, "since-then")
    site.rpc("software.license", "write", [license_], {"state": "revoked"})
    kid = site.rotate()
    pair.primary.sql("SELECT pg_switch_wal()")
    until(lambda: archived(pair.primary))
    assert pair.paste("pg_stat_archiver", ADMIN=admin(pair.primary)) == "f|0\n"
    with Cluster("back", like=pair.primary) as back:
        place = {
            "BASE": pair.backups / f"base-{date.today()}",
            "DATA": back.data,
            "UNTIL": moment,
            "RESTORED": conninfo(back),
        }
        back.folder("data")
        pair.paste("recovery.signal", as_owner=True, **place)
        back.start()
        until(lambda: back.sql("SELECT pg_is_in_recovery()") == ["f"])
        assert moments(pair, back) == then
        lost = pair.paste(":'until'", **place)
        assert all(it in lost for it in (key, "revoked", "since-then", kid))
        assert before.keys[1] not in lost
        pair.paste("pg_dump -Fc -a")
        pair.paste("DELETE FROM", **place)
        assert set(moments(pair, back)) - set(then) == {kid}
        pair.paste("ALTER SYSTEM RESET", ADMIN=admin(back))
        back.stop()
        back.start()
        assert back.sql("SHOW archive_mode") == ["on"]
        assert_can_have_a_standby(pair, back)


def assert_can_have_a_standby(pair, primary):
    """A standby of it follows it, and goes on following."""
    with Cluster("follower", like=primary) as follower:
        pair.add_standby(follower, PRIMARY=conninfo(primary))
        until(lambda: is_streaming(pair, primary))
        # At the next transaction it would end, if it had a target that is over.
        primary.sql("CREATE TABLE followed ()")
        until(lambda: follower.sql("SELECT to_regclass('followed')") == ["followed"])
        assert follower.sql("SELECT pg_is_in_recovery()") == ["t"]


def archived(primary):
    """Whether all closed files of the write-ahead log are in the archive."""
    return primary.sql(
        "SELECT last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - 16777216)"
        " FROM pg_stat_archiver"
    ) == ["t"]


# === FAILOVER === #


@pytest.fixture(scope="module")
def promoted(site, pair, before):
    """What the server said; its primary is gone, and the standby is one."""
    said = SimpleNamespace(jwks=site.jwks(), seats=pair.sql(SEATS))
    site.server.stop()
    pair.primary.stop()
    pair.paste("pg_promote", ADMIN=admin(pair.standby))
    return said


SEATS = """
    SELECT license_id, device_id, active, first_seen FROM software_license_activation
    ORDER BY 1, 2
"""


def test_a_promoted_standby_has_all_licenses_seats_and_signing_keys(
    pair, promoted, before
):
    site = pair.serve(pair.standby, workers=0)
    assert judge_all(site, before) == before.answers
    assert pair.sql(SEATS, pair.standby) == promoted.seats
    assert site.jwks() == promoted.jwks
    token = site.ask("validate", before.keys[0], "laptop").json()["token"]
    assert verify_token(token, promoted.jwks) == promoted.jwks[0]["kid"]
    license_, key = site.license()
    assert site.ask("validate", key, "laptop").json()["valid"]
    site.server.stop()


def test_without_the_passphrase_all_calls_answer_without_a_token_until_a_new_key(
    pair, promoted, before
):
    site = pair.serve(pair.standby, workers=0, software_license_passphrase="another")
    assert judge_all(site, before) == before.answers
    good = site.ask("validate", before.keys[0], "laptop")
    assert (good.status_code, good.json()["valid"]) == (200, True)
    assert "token" not in good.json()
    nonce = {"licenseKey": before.keys[0], "nonce": "n"}
    assert "token" not in requests.post(site.url("verify"), json=nonce).json()
    refused = site.manage("GET", f"/{before.keys[0]}/file")
    assert refused.json()["error"] == "file_not_available"
    kid = promoted.jwks[0]["kid"]
    assert f"The signing key {kid} can't be read" in site.log()
    (key,) = site.rpc.search(KEYS, ["kid", "=", kid])
    assert site.rpc.read(KEYS, key, "status")["status"] == "unusable"
    new = site.rotate()
    token = site.ask("validate", before.keys[0], "laptop").json()["token"]
    assert verify_token(token, site.jwks()) == new
    assert verify_token(before.token, site.jwks())
    assert "Traceback" not in site.log()
