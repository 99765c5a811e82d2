"""The name of a device."""

import re
import stat
import sys
from types import SimpleNamespace

import pytest

from software_license_client import fingerprint
from software_license_client.store import default_folder

MODULE = "software_license_client.fingerprint"
MACHINE = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def linux(monkeypatch, tmp_path):
    """The two places of the machine id on Linux, empty."""
    files = (tmp_path / "etc", tmp_path / "dbus")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(sys.modules[MODULE], "_LINUX_FILES", files)
    return files


def test_it_is_the_same_each_time_and_tells_nothing_about_the_machine(linux):
    linux[0].write_text(f"{MACHINE}\n")
    name = fingerprint("acme")
    assert re.fullmatch("[0-9a-f]{32}", name)
    assert name == fingerprint("acme") and name != MACHINE


def test_two_applications_cannot_compare_names(linux):
    linux[0].write_text(MACHINE)
    assert fingerprint("acme") != fingerprint("other")


def test_the_second_place_counts_where_the_first_is_not_set(linux):
    linux[1].write_text(MACHINE)
    name = fingerprint("acme")
    linux[0].write_text("uninitialized\n")
    assert fingerprint("acme") == name
    linux[0].write_text(MACHINE)
    assert fingerprint("acme") == name


def test_a_machine_without_an_id_is_given_one_that_stays(linux, tmp_path):
    folder = tmp_path / "state"
    name = fingerprint("acme", folder)
    assert fingerprint("acme", folder) == name
    assert fingerprint("acme", tmp_path / "other") != name
    assert stat.S_IMODE((folder / "device-id").stat().st_mode) == 0o600
    (folder / "device-id").write_text("damaged")
    assert fingerprint("acme", folder) != name


def test_a_machine_that_keeps_nothing_gets_a_name_all_the_same(linux, tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert fingerprint("acme", tmp_path / "file") != fingerprint(
        "acme", tmp_path / "file"
    )


def test_by_default_the_id_lies_beside_the_state(linux, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    fingerprint("acme")
    assert (default_folder() / "device-id").is_file()


def test_on_macos_it_is_made_from_the_platforms_uuid(monkeypatch, tmp_path):
    said = '  "IOPlatformUUID" = "5F2A0E57-3B7C-5D2A-8D0B-000000000001"\n'
    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setattr("subprocess.run", lambda *a, **k: SimpleNamespace(stdout=said))
    name = fingerprint("acme", tmp_path)
    assert name == fingerprint("acme", tmp_path / "other")
    assert list(tmp_path.iterdir()) == []


def test_a_system_that_does_not_answer_is_a_machine_without_an_id(
    monkeypatch, tmp_path
):
    def broken(*args, **kwargs):
        raise OSError("no ioreg")

    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setattr("subprocess.run", broken)
    assert fingerprint("acme", tmp_path) == fingerprint("acme", tmp_path)


def test_a_client_uses_it_by_default(make, linux):
    linux[0].write_text(MACHINE)
    assert make(device_id=None).device_id == fingerprint("acme-editor")
