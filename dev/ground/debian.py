"""Debian packages, fetched with apt and unpacked into a private folder.

Nothing is installed on the machine: apt works on states of our own (sources, lists,
cache), so the machine's package sources, its dpkg database and its services stay as
they are, no root is needed, and the `postgresql` package cannot start a cluster.
"""

import os
import shutil
import subprocess
import threading
import time
from pathlib import Path

from . import paths
from .console import Failure, run, step

STATE = paths.DEV / "apt"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
DAY = 24 * 60 * 60
#: Every program runs with the machine's own, which serve what was built for older ones.
RUNTIME = {"libc6", "libgcc-s1", "libstdc++6"}
_preparing = threading.Lock()
NO_NETWORK = "look whether this machine reaches its Debian mirror, then run again"


def fetch(packages, root, suite=None):
    """Download packages, each `name`, `name/suite` or `name=version`, and unpack.

    They come from the suites of `prepare`, or from another one that it was called for.
    """
    debs = _state(suite) / f"debs-{root.name}"
    shutil.rmtree(debs, ignore_errors=True)
    debs.mkdir(parents=True)
    root.mkdir(parents=True, exist_ok=True)
    _apt(["download", *packages], suite, cwd=debs)
    for deb in sorted(debs.glob("*.deb")):
        run(["dpkg", "-x", deb, root], "apt")
    shutil.rmtree(debs)


def with_missing_dependencies(packages, suite=None):
    """The packages and what they need that this machine lacks, as `name=version`."""
    # Asked for again: what dpkg calls installed may still not be what works.
    install = ["apt-get", "install", "-s", "--reinstall", "--no-install-recommends"]
    simulated = _query([*install, *packages], suite)
    # A line reads: Inst libpq5 [installed version] (15.8 Debian:12/stable [amd64])
    lines = [line for line in simulated.splitlines() if line.startswith("Inst ")]
    versions = {line.split()[1]: line.partition("(")[2].split()[0] for line in lines}
    return [f"{it}={versions[it]}" for it in versions if not (suite and it in RUNTIME)]


def library_environment(root):
    """For programs of a private root: their libraries lie beside them.

    Some lie one folder deeper, as PulseAudio's do: the library that needs them names
    that folder by its path on a machine it is installed on.
    """
    if root == Path("/"):
        return {**os.environ}
    folders = {
        str(path.parent)
        for lib in ("usr/lib", "lib")
        for depth in ("", "*/")
        for path in root.glob(f"{lib}/*-linux-*/{depth}lib*.so*")
    }
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(sorted(folders))}


def versions(package):
    """The versions that the mirror offers, newest first."""
    table = _query(["apt-cache", "madison", package])
    return [line.split("|")[1].strip() for line in table.splitlines()]


def prepare(suite=None):
    """Make a private apt state: the machine's own suites, and the one with Odoo.

    With a suite, one of that suite alone: it has what the machine's release dropped,
    and knows of nothing that is installed, which may not go with it.
    """
    if not shutil.which("apt-get"):
        raise Failure(
            "apt-get is not on this machine: use Debian, or set ODOO_HOME to an "
            "Odoo 19 source tree and install PostgreSQL, python3-venv, curl and "
            "wkhtmltopdf, and for the tests Chromium and nginx"
        )
    with _preparing:
        ready = _state(suite) / "ready"
        # Mirrors drop a version soon after there is a newer one.
        if ready.exists() and time.time() - ready.stat().st_mtime < DAY:
            return
        with step(f"package lists of Debian{f' {suite}' if suite else ''}"):
            _write_state(suite)
            _apt(["update", "-o", "APT::Update::Error-Mode=any"], suite)
            ready.touch()


def _state(suite):
    """The folder of a private apt."""
    return STATE.with_name(f"{STATE.name}-{suite}") if suite else STATE


def _write_state(suite):
    """Sources, preferences and configuration of a private apt."""
    state, odoos = _state(suite), paths.pins()["suite"]
    for folder in ("lists/partial", "cache/archives/partial", "sources", "none"):
        (state / folder).mkdir(parents=True, exist_ok=True)
    own = _own_suites()
    mirror = own[0][0]
    suites = [(mirror, suite)] if suite else [*own, (mirror, odoos)]
    signed = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
    lines = [f"deb {signed}{uri} {name} main" for uri, name in suites]
    (state / "sources" / "debian.list").write_text("\n".join(lines) + "\n")
    # What both suites offer comes from the machine's own, unless asked otherwise.
    (state / "preferences").write_text(
        f"Package: *\nPin: release n={odoos}\nPin-Priority: 50\n"
    )
    settings = {
        "Dir::Etc::SourceList": "/dev/null",
        "Dir::Etc::SourceParts": state / "sources",
        "Dir::Etc::Preferences": state / "preferences",
        "Dir::Etc::PreferencesParts": state / "none",
        "Dir::State::Lists": state / "lists",
        "Dir::Cache": state / "cache",
        "Acquire::Languages": "none",
        "Acquire::Retries": "2",
        "Acquire::http::Timeout": "20",
        "Acquire::https::Timeout": "20",
        "APT::Sandbox::User": "root",  # _apt cannot enter a private folder
    }
    if suite:
        settings["Dir::State::status"] = state / "status"
        (state / "status").touch()
    (state / "apt.conf").write_text(
        "".join(f'{name} "{value}";\n' for name, value in settings.items())
    )


def _own_suites():
    """The machine's Debian mirror and suites, its release's own suite first."""
    codename = _os_release().get("VERSION_CODENAME", "stable")
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)"]
        + ["Created-By: Packages"],
        capture_output=True,
        text=True,
    ).stdout
    rows = [line.split() for line in listed.splitlines()]
    own = [
        (uri, suite)
        for uri, suite, component in (row for row in rows if len(row) == 3)
        if component == "main"
        and suite.split("-")[0].split("/")[0] in (codename, "stable")
        and not suite.endswith(("-pgdg", "-backports"))
    ]
    if not own:
        raise Failure(f"apt knows no Debian mirror for {codename}: add one and retry")
    return sorted(dict.fromkeys(own), key=lambda row: row[1] != codename)


def _os_release():
    lines = Path("/etc/os-release").read_text().splitlines()
    return dict(line.replace('"', "").split("=", 1) for line in lines if "=" in line)


def _environment(suite):
    conf = str(_state(suite) / "apt.conf")
    return {**os.environ, "APT_CONFIG": conf, "LC_ALL": "C.UTF-8"}


def _apt(arguments, suite, cwd=None):
    """Run apt-get, its output in the log."""
    run(
        ["apt-get", "-q", *arguments],
        "apt",
        env=_environment(suite),
        cwd=cwd,
        hint=NO_NETWORK,
    )


def _query(command, suite=None):
    """What apt answers to a question."""
    env = _environment(suite)
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        raise Failure(f"apt finds no way to get {command[-1]}: {said}")
    return done.stdout
