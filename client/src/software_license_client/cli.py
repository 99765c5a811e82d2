"""The command line: `license-client`, for scripts and for trying things out."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from .client import LicenseClient
from .codec import parse_object
from .errors import ConfigurationError
from .online import Deactivation
from .verdict import Verdict
from .version import __version__

OK, NOT_VALID, WRONG_USE, CANNOT_TELL = range(4)

EPILOG = """\
exit codes:
  0  valid, or done
  1  not valid: said for sure by the server, or by what is stored here
  2  wrong use: an option is missing or wrong, a file cannot be read
  3  nobody can tell now: the server was not reached, and there is no token

Each setting may also come from the environment (LICENSE_SERVER, LICENSE_APPLICATION,
LICENSE_KEY, LICENSE_KEYS, LICENSE_ISSUER, LICENSE_DEVICE_ID, LICENSE_DEVICE_NAME,
LICENSE_STATE, LICENSE_CA_BUNDLE) or from a JSON file named by --config or
LICENSE_CONFIG, with the options' names and "_" for "-". An option wins over the
environment, the environment over the file.
"""

#: Settings: the option's name, its variable, its help.
SETTINGS = (
    ("server", "LICENSE_SERVER", "address of the license server"),
    ("application", "LICENSE_APPLICATION", "code of the application"),
    ("license_key", "LICENSE_KEY", "license key (else the one of activate)"),
    ("keys", "LICENSE_KEYS", "file with the pinned public keys: JWKS or PEM"),
    ("issuer", "LICENSE_ISSUER", "issuer of the tokens, needed for keys in PEM"),
    ("device_id", "LICENSE_DEVICE_ID", "id of this device (else made from the system)"),
    ("device_name", "LICENSE_DEVICE_NAME", "name of this device, for people"),
    ("state", "LICENSE_STATE", "the state file"),
    ("ca_bundle", "LICENSE_CA_BUNDLE", "file with the CAs to trust"),
)
REQUIRED = ("server", "application", "keys")
SWITCHES = {
    "offline": "never use the network",
    "allow_http": "allow a server without TLS",
    "require_token": "believe a server's yes only if it is signed (the default)",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        command: Callable[[LicenseClient, argparse.Namespace], int] = options.run
        return command(_client(options), options)
    except ConfigurationError as error:
        return _wrong_use(error.message)
    except UnicodeError:
        return _wrong_use("the file is not text")
    except OSError as error:
        return _wrong_use(f"{error.filename}: {error.strerror}")


def _wrong_use(message: str) -> int:
    print(f"license-client: {message}", file=sys.stderr)
    return WRONG_USE


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    for name, variable, text in SETTINGS:
        common.add_argument(f"--{name.replace('_', '-')}", help=f"{text} [{variable}]")
    for name, text in SWITCHES.items():
        option = f"--{name.replace('_', '-')}"
        switch = argparse.BooleanOptionalAction  # --no-… undoes what a file says
        common.add_argument(option, action=switch, default=None, help=text)
    common.add_argument("--config", metavar="FILE", help="settings as a JSON file")
    common.add_argument("--json", action="store_true", help="print JSON")

    parser = argparse.ArgumentParser(
        prog="license-client",
        description="Ask whether this software is licensed on this device.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name,
            parents=[common],
            help=text,
            description=text,
            epilog=EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.set_defaults(run=run)
        return command

    check = add("check", _check, "may the software run? Asks the server when it is due")
    check.add_argument("--refresh", action="store_true", help="ask the server now")
    activate = add("activate", _activate, "take a seat for this device")
    activate.add_argument("key", nargs="?", help="the license key")
    add("deactivate", _deactivate, "give up the seat of this device")
    add("sync", _sync, "ask the server now")
    request = add("request-file", _request, "make a request for a license file")
    request.add_argument("-o", "--output", metavar="FILE", help="where to write it")
    install = add("install-file", _install, "take over a license file")
    install.add_argument("file", help='the license file; "-" reads it from the input')
    return parser


def _client(options: argparse.Namespace) -> LicenseClient:
    """Return the client that the options, the environment and the file describe."""
    settings = _settings(options)
    for name in REQUIRED:
        if not settings.get(name):
            variable = {row[0]: row[1] for row in SETTINGS}[name]
            raise ConfigurationError(f"--{name} (or {variable}) is missing")
    state, bundle = settings.pop("state", None), settings.pop("ca_bundle", None)
    return LicenseClient(**settings, state_path=state, verify=bundle or True)


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    path = options.config or os.environ.get("LICENSE_CONFIG")
    settings = _read_config(path) if path else {}
    for name, variable, _text in SETTINGS:
        value = getattr(options, name) or os.environ.get(variable)
        if value:
            settings[name] = value
    for name in SWITCHES:
        value = getattr(options, name)
        if value is not None:
            settings[name] = value
    return settings


def _read_config(path: str) -> dict[str, Any]:
    try:
        settings = parse_object(Path(path).read_text("utf-8"))
    except ValueError as error:
        raise ConfigurationError(f"{path}: {error}") from error
    texts = [name for name, _variable, _help in SETTINGS]
    for name, value in settings.items():
        wanted = str if name in texts else bool if name in SWITCHES else None
        is_jwks = name == "keys" and isinstance(value, dict)
        if wanted is None:
            raise ConfigurationError(f"{path}: {name} is no setting")
        if not isinstance(value, wanted) and not is_jwks:
            raise ConfigurationError(f"{path}: {name} is of a wrong type")
    return settings


def _check(client: LicenseClient, options: argparse.Namespace) -> int:
    verdict = client.check(refresh=options.refresh)
    if not (verdict.valid and verdict.source == "server"):
        client.wait()  # if it was due: this process ends, and the question with it
        verdict = client.check()
    return _tell(verdict, options)


def _activate(client: LicenseClient, options: argparse.Namespace) -> int:
    return _tell(client.activate(options.key), options)


def _sync(client: LicenseClient, options: argparse.Namespace) -> int:
    return _tell(client.sync(), options)


def _deactivate(client: LicenseClient, options: argparse.Namespace) -> int:
    answer: Deactivation = client.deactivate()
    if options.json:
        _print_json(asdict(answer))
    else:
        print(f"{answer.code}: {answer.message}")
    return OK if answer.done else NOT_VALID if answer.conclusive else CANNOT_TELL


def _request(client: LicenseClient, options: argparse.Namespace) -> int:
    text = client.request_file()
    if options.output:
        Path(options.output).write_text(text, "utf-8")
    elif options.json:
        _print_json({"request": text})
    else:
        print(text, end="")
    return OK


def _install(client: LicenseClient, options: argparse.Namespace) -> int:
    if options.file == "-":
        text = sys.stdin.read()
    else:
        text = Path(options.file).read_text("utf-8")
    return _tell(client.install_file(text), options)


def _tell(verdict: Verdict, options: argparse.Namespace) -> int:
    """Print a verdict; the exit code for it."""
    if options.json:
        _print_json({**vars(verdict), "features": dict(verdict.features)})
    else:
        print(f"{verdict.code}: {verdict.message}")
        for warning in verdict.warnings:
            print(f"warning: {warning}", file=sys.stderr)
    if verdict.valid:
        return OK
    return NOT_VALID if verdict.conclusive else CANNOT_TELL


def _print_json(value: Mapping[str, Any]) -> None:
    print(json.dumps(value, default=datetime.isoformat))
