"""The state file, and what others do to it."""

import json
import os
import stat
import threading

import pytest
from authority import DAY, claims, decided_by, ed25519_key

from software_license_client import LicenseClient
from software_license_client.state import State
from software_license_client.store import StateStore, default_path, write_private


@pytest.fixture
def stopped(make, server):
    """A device that was licensed once, and whose server is away."""
    make().check()
    server.stop()
    yield server
    server.start()


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def edit(path, **changes):
    data = json.loads(path.read_text())
    data.update(changes)
    path.write_text(json.dumps(data))


def test_the_file_is_for_its_user_only(make, state_file):
    make().check()
    assert (mode(state_file), mode(state_file.parent)) == (0o600, 0o700)


def test_a_folder_that_exists_keeps_its_mode(make, tmp_path):
    tmp_path.chmod(0o755)
    make(state_path=tmp_path / "license.json").check()
    assert mode(tmp_path) == 0o755
    assert mode(tmp_path / "license.json") == 0o600


def test_nothing_but_the_file_and_its_lock_is_left(make, state_file):
    make().check()
    names = sorted(path.name for path in state_file.parent.iterdir())
    assert names == ["license.json", "license.json.lock"]


def test_a_failed_write_leaves_the_old_file_whole(tmp_path, monkeypatch):
    path = tmp_path / "state.json"
    write_private(path, b"old")

    def no_space(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError):
        write_private(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


DAMAGED = {
    "nothing": b"",
    "no JSON": b"license",
    "a list": b"[]",
    "binary": bytes(range(256)),
    "another version": b'{"version": 2}',
    "no version": b"{}",
    "token a number": b'{"version": 1, "token": 1}',
    "latest NaN": b'{"version": 1, "latest": NaN}',
    "latest infinite": b'{"version": 1, "latest": 1e999}',
    "failures negative": b'{"version": 1, "failures": -1}',
    "keys no list": b'{"version": 1, "keys": {}}',
    "keys no objects": b'{"version": 1, "keys": [1]}',
    "nonces no truths": b'{"version": 1, "nonces": {"a": 1}}',
    "refusal a text": b'{"version": 1, "refusal": "no"}',
    "hostile nesting": b"[" * 100000,
    "too long": b'{"version": 1}' + b" " * 2**20,
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_state_is_none_and_is_told(make, stopped, state_file, data):
    state_file.write_bytes(data)
    verdict = make().check()
    assert (verdict.code, verdict.conclusive) == ("server_unreachable", False)
    assert any(warning.startswith("state_damaged") for warning in verdict.warnings)


def test_a_truncated_state_asks_the_server_anew(make, server, state_file):
    make().check()
    state_file.write_bytes(state_file.read_bytes()[:100])
    assert decided_by(make().check()) == "server"
    assert make().check() == make().check()
    assert make().check().warnings == ()


def test_a_state_that_cannot_be_written_is_kept_in_memory(make, server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    client = make(state_path=tmp_path / "file" / "license.json")
    verdict = client.check()
    assert verdict.valid and verdict.warnings[0].startswith("state_unwritable")
    server.stop()
    assert decided_by(client.check()) == "token"
    server.refusal = (200, {"valid": False, "error": "license_revoked"})
    server.start()
    client.sync()
    assert client.check().code == "license_revoked"


def test_a_state_that_cannot_be_read_is_none_and_is_told(make, tmp_path):
    (tmp_path / "folder.json").mkdir()
    verdict = make(state_path=tmp_path / "folder.json").check()
    assert verdict.valid
    assert verdict.warnings[0].startswith("state_unreadable")


def test_a_state_copied_from_another_machine_is_worth_nothing_offline(make, stopped):
    verdict = make(device_id="device-2").check()
    assert (verdict.code, verdict.source) == ("wrong_device", "token")


def test_a_state_copied_from_another_machine_asks_for_this_one(make, server):
    make().check()
    client = make(device_id="device-2")
    assert decided_by(client.check()) == "server"
    assert server.validations()[-1]["deviceId"] == "device-2"


def test_another_machines_refusal_is_none_here(make, server):
    server.refusal = (200, {"valid": False, "error": "device_blocked"})
    make().check()
    server.refusal = None
    assert make(device_id="device-2").check().valid


def test_a_state_of_another_application_is_worth_nothing(make, stopped):
    assert make(application="acme-player").check().code == "wrong_application"


def test_a_key_smuggled_into_the_state_is_not_believed(make, stopped, state_file):
    forger = ed25519_key()
    token = forger.sign(claims(seconds=9999 * DAY))
    for endorsements in ([], [forger.endorse(forger)]):
        forger.endorsements = endorsements
        edit(state_file, token=token, keys=[forger.jwk])
        assert make().check().code == "unknown_key"


def test_a_key_smuggled_in_under_the_pinned_kid_is_not_believed(
    make, stopped, state_file, key
):
    forger = ed25519_key()
    token = forger.sign(claims(), kid=key.kid)
    edit(state_file, token=token, keys=[{**forger.jwk, "kid": key.kid}])
    assert make().check().code == "bad_signature"


def test_a_refusal_taken_out_of_the_state_brings_no_token_back(
    make, server, state_file
):
    client = make()
    client.check()
    server.refusal = (200, {"valid": False, "error": "license_revoked"})
    client.sync()
    server.stop()
    edit(state_file, refusal=None)
    assert not make().check().valid
    server.start()


def test_an_edited_schedule_cannot_put_the_next_question_off(
    make, server, clock, state_file
):
    make().check()
    edit(state_file, ask_after=1e12, hold=1e12)
    clock.pass_by(DAY)
    client = make()
    client.check()
    client.wait(1)
    assert len(server.validations()) == 2


def test_what_one_process_learns_another_knows(make, server):
    one, two = make(), make()
    one.check()
    assert decided_by(two.check()) == "token"
    server.refusal = (200, {"valid": False, "error": "license_revoked"})
    two.sync()
    assert one.check().code == "license_revoked"


def test_changes_by_many_at_the_same_time_are_all_kept(tmp_path):
    path = tmp_path / "state.json"

    def work():
        store = StateStore(path)
        for _ in range(20):
            store.update(lambda state: setattr(state, "failures", state.failures + 1))

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert StateStore(path).load().failures == 100


def test_a_lock_that_another_process_never_gives_back_stops_nobody(
    tmp_path, monkeypatch
):
    import fcntl

    monkeypatch.setattr("software_license_client.filelock.PATIENCE", 0.05)
    with (tmp_path / "state.json.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        store = StateStore(tmp_path / "state.json")
        store.update(lambda state: setattr(state, "failures", 7))
    assert store.load().failures == 7


def test_a_state_reads_back_as_it_was_written():
    state = State(token="t", latest=5.0, keys=[{"kid": "k"}], nonces={"n": True})
    assert State.from_json(json.loads(json.dumps(state.to_json()))) == state


def test_no_license_key_is_in_any_text_about_the_objects(make, server):
    client = make()
    client.check()
    state = client._store.load()
    for thing in (client, state, client._asker, client.check()):
        assert "7K3M" not in repr(thing) and "eyJ" not in repr(thing)


def test_each_application_has_a_file_of_its_own_by_default(monkeypatch, tmp_path):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    names = ("acme", "../acme", "acme/", ".acme", "Ärger")
    paths = {default_path(name) for name in names}
    assert len(paths) == len(names)
    assert {path.parent for path in paths} == {tmp_path / "software-license"}


@pytest.mark.parametrize(
    ("platform", "folder"),
    [
        ("linux", ".local/state/software-license"),
        ("darwin", "Library/Application Support/software-license"),
        ("win32", "AppData/Local/software-license"),
    ],
)
def test_the_default_folder_is_the_operating_systems(
    monkeypatch, tmp_path, platform, folder
):
    monkeypatch.setattr("sys.platform", platform)
    for name in ("XDG_STATE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pathlib.Path.home", lambda: tmp_path)
    assert default_path("acme") == tmp_path / folder / "acme.json"


def test_a_user_without_a_home_is_licensed_in_memory(make, monkeypatch):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr("pathlib.Path.home", no_home)
    client = make(state_path=None)
    assert client.check().valid and decided_by(client.check()) == "token"
    assert client.check().warnings[0].startswith("state_unwritable")


def test_nothing_is_written_by_making_a_client(make, state_file):
    assert isinstance(make(), LicenseClient)
    assert not state_file.parent.exists()
