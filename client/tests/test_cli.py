"""The command line: what it prints, and what scripts learn from its exit code."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from authority import APPLICATION, DEVICE, KEY, jwks, license_file

from software_license_client.armor import unwrap_request
from software_license_client.cli import main

SOURCES = Path(__file__).parents[1] / "src"


@pytest.fixture
def run(server, key, tmp_path, monkeypatch, capsys):
    """Run a command on a device that is set up by the environment."""
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(jwks(key)))
    settings = {
        "LICENSE_SERVER": server.url,
        "LICENSE_APPLICATION": APPLICATION,
        "LICENSE_KEYS": str(keys),
        "LICENSE_DEVICE_ID": DEVICE,
        "LICENSE_STATE": str(tmp_path / "state.json"),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    def run(*arguments):
        code = main(list(arguments))
        said = capsys.readouterr()
        run.out, run.err = said.out, said.err
        return code

    return run


def usage(run, *arguments):
    """The exit code of what argparse ends."""
    with pytest.raises(SystemExit) as caught:
        run(*arguments)
    return caught.value.code


def test_a_devices_life(run, server):
    assert run("check") == 1 and run.out.startswith("no_license_key: ")
    assert run("activate", KEY) == 0
    assert run("check") == 0 and run.out.startswith("valid: ")
    assert run("sync") == 0
    server.refusal = (200, {"valid": False, "error": "license_revoked"})
    assert run("check") == 0
    assert run("check", "--refresh") == 1 and run.out.startswith("license_revoked: ")
    assert run("sync") == 1
    server.refusal = None
    assert run("sync") == 0
    assert run("deactivate") == 0 and run.out.startswith("deactivated: ")
    assert run("check") == 1 and run("sync") == 1
    assert run("activate") == 0  # the key is still known
    assert run("check") == 0


def test_nobody_can_tell_without_server_and_token(run, server):
    server.stop()
    assert run("check", "--license-key", KEY) == 3
    assert run("activate", KEY) == 3
    assert run("sync", "--license-key", KEY) == 3
    assert run("deactivate", "--license-key", KEY) == 3
    assert run("check", "--license-key", KEY, "--offline") == 3
    server.start()


def test_a_stopped_server_does_not_matter_while_there_is_a_token(run, server):
    run("activate", KEY)
    server.stop()
    assert run("check") == 0 and run.err == ""
    assert run("sync") == 0 and run.err.startswith("warning: server_unreachable")
    server.start()


def test_a_due_check_of_the_command_line_waits_for_the_answer(run, server, tmp_path):
    run("activate", KEY)
    state = tmp_path / "state.json"
    data = json.loads(state.read_text())
    state.write_text(json.dumps({**data, "asked_at": 0}))
    server.refusal = (200, {"valid": False, "error": "license_revoked"})
    assert run("check") == 1
    data = json.loads(state.read_text())
    state.write_text(json.dumps({**data, "asked_at": 0}))
    server.refusal = None
    assert run("check") == 0


def test_a_file_is_requested_and_installed(run, key, tmp_path, monkeypatch):
    path = tmp_path / "request.txt"
    assert run("request-file", "-o", str(path), "--offline") == 0
    request = unwrap_request(path.read_text())
    assert request["deviceId"] == DEVICE
    assert run("request-file") == 0 and run.out.startswith("-----BEGIN LICENSE REQ")
    assert run("request-file", "--json") == 0
    assert unwrap_request(json.loads(run.out)["request"])

    path.write_text(license_file(key, nonce=request["nonce"]))
    assert run("install-file", str(path), "--offline") == 0
    assert run("check", "--offline") == 0
    monkeypatch.setattr("sys.stdin", io.StringIO(license_file(key)))
    assert run("install-file", "-") == 0
    path.write_text(license_file(key, deviceId="device-2"))
    assert run("install-file", str(path)) == 1 and run.out.startswith("wrong_device: ")


def test_a_verdict_as_json(run):
    assert run("activate", KEY, "--json") == 0
    said = json.loads(run.out)
    assert said["valid"] is True and said["code"] == "valid"
    assert said["features"] == {"export": True, "seats": 5, "beta": False}
    assert said["expires_at"].endswith("+00:00")
    assert KEY not in run.out
    assert run("deactivate", "--json") == 0
    assert json.loads(run.out)["done"] is True


def test_settings_come_from_a_file_too(run, server, tmp_path, key, monkeypatch):
    config = tmp_path / "license.json"
    config.write_text(json.dumps({"license_key": KEY, "keys": jwks(key)}))
    monkeypatch.delenv("LICENSE_KEYS")
    assert run("check") == 2
    assert run("check", "--config", str(config)) == 0
    monkeypatch.setenv("LICENSE_CONFIG", str(config))
    assert run("check", "--device-id", "device-2") == 0
    assert server.validations()[-1]["deviceId"] == "device-2"


def test_an_option_undoes_a_switch_of_the_file(run, server, tmp_path, monkeypatch):
    config = tmp_path / "license.json"
    config.write_text(json.dumps({"license_key": KEY, "offline": True}))
    monkeypatch.setenv("LICENSE_CONFIG", str(config))
    server.signs = False
    assert run("check") == 3 and run.out.startswith("offline: ")
    assert run("check", "--no-offline") == 3 and run.out.startswith("bad_answer: ")
    assert run("check", "--no-offline", "--no-require-token") == 0


WRONG_CONFIG = {
    "no JSON": "{",
    "unknown setting": '{"licenceKey": "x"}',
    "number": '{"license_key": 5}',
    "text for a switch": '{"offline": "yes"}',
    "no set of keys": '{"keys": {"keys": 1}}',
}


@pytest.mark.parametrize("text", WRONG_CONFIG.values(), ids=WRONG_CONFIG)
def test_a_wrong_file_of_settings_is_wrong_use(run, tmp_path, monkeypatch, text):
    monkeypatch.delenv("LICENSE_KEYS")
    config = tmp_path / "license.json"
    config.write_text(text)
    assert run("check", "--config", str(config)) == 2
    assert run.err.startswith("license-client: ") and run.err.count("\n") == 1


def test_wrong_use_is_said_in_one_line(run, tmp_path, monkeypatch, capsys):
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")
    assert usage(run) == 2
    assert usage(run, "chek") == 2
    assert usage(run, "install-file") == 2
    capsys.readouterr()
    for arguments in (
        ["check", "--server", "http://licenses.example.com"],
        ["check", "--keys", str(tmp_path / "none")],
        ["check", "--keys", str(binary)],
        ["check", "--config", str(tmp_path / "none")],
        ["check", "--ca-bundle", str(tmp_path / "none")],
        ["install-file", str(tmp_path / "none")],
        ["install-file", str(binary)],
        ["request-file", "-o", str(tmp_path / "none" / "request")],
    ):
        assert run(*arguments) == 2, arguments
        assert run.err.startswith("license-client: ") and run.err.count("\n") == 1
    monkeypatch.delenv("LICENSE_SERVER")
    assert run("check") == 2 and "LICENSE_SERVER" in run.err


def test_the_help_tells_the_exit_codes(run, capsys):
    for arguments in (["--help"], ["check", "--help"]):
        assert usage(run, *arguments) == 0
        assert "exit codes:" in capsys.readouterr().out


def test_the_module_runs_as_a_program(run):
    done = subprocess.run(
        [sys.executable, "-m", "software_license_client", "check", "--json"],
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["code"] == "no_license_key"
