"""Programs that Odoo and the tests start: Chromium, wkhtmltopdf for PDFs, nginx, curl.

The machine's own are taken, if they start; what it lacks is fetched from Debian and
unpacked below `.dev/`, with a small script in `.dev/bin` that starts it with its
libraries and fonts.
"""

import os
import shlex
import shutil
import subprocess

from . import debian, paths
from .console import run, step

BIN = paths.DEV / "bin"
#: What to fetch; the program in it, or where a Python package brought that; how to see
#: that it starts, if not by its version; the release of Debian to turn to without it.
RECIPES = {
    "chromium": {
        "title": "Chromium (Debian's packages, 120 MB)",
        "packages": ("chromium", "fonts-dejavu-core"),
        "program": "usr/lib/chromium/chromium",
    },
    "wkhtmltopdf": {
        "title": "wkhtmltopdf (Debian's packages)",
        "packages": ("wkhtmltopdf", "fonts-dejavu-core"),
        "program": "usr/bin/wkhtmltopdf",
        "check": ("-q", "about:blank", "/dev/null"),  # Qt's plugins are needed to print
        "else from": "bookworm",
    },
    "nginx": {
        "title": "nginx (Debian's packages)",
        "packages": ("nginx",),
        "program": "usr/sbin/nginx",
        "check": ("-v",),
    },
    "curl": {
        "title": "curl (Debian's packages)",
        "packages": ("curl",),
        "program": "usr/bin/curl",
    },
    # It comes with playwright, in the virtual environment, but for a library.
    "playwright-node": {
        "title": "what playwright needs (Debian's packages)",
        "packages": ("libatomic1",),
        "brought": "lib/python3.*/site-packages/playwright/driver/node",
    },
}
_OWN_NAMES = {"chromium": ("chromium", "google-chrome", "chromium-browser")}


def search_path():
    """The PATH on which Odoo and the tests find the programs."""
    # nginx is where Debian's users do not look.
    places = [str(BIN), os.environ.get("PATH", os.defpath), "/usr/sbin"]
    return os.pathsep.join(places)


def find(name):
    """The path of a program that `prepare` has seen to."""
    names = _OWN_NAMES.get(name, (name,))
    found = filter(None, (shutil.which(n, path=search_path()) for n in names))
    return next(found, None) or _brought(name)


def prepare(*names):
    """Fetch the programs that are not there, or do not start."""
    for name in names:
        if not _starts(find(name), name):
            (BIN / name).unlink(missing_ok=True)  # it may hide one that starts
            if not _starts(find(name), name):
                _fetch(name)


def _brought(name):
    """The path of a program that comes with a Python package, once that is there."""
    pattern = RECIPES[name].get("brought")
    return next(map(str, paths.VENV.glob(pattern)), None) if pattern else None


def _starts(program, name):
    """Whether a program is there with all that it takes."""
    if not program:
        return False
    try:
        done = subprocess.run(_check(program, name), capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return not done.returncode


def _check(program, name):
    """The command that shows whether a program starts."""
    return [program, *RECIPES[name].get("check", ("--version",))]


def _fetch(name):
    recipe = RECIPES[name]
    root = paths.DEV / "programs" / name
    packages, suite = recipe["packages"], recipe.get("else from")
    debian.prepare()
    if suite and not debian.versions(packages[0]):
        debian.prepare(suite)
    else:
        suite = None
    with step(recipe["title"]):
        shutil.rmtree(root, ignore_errors=True)
        needed = debian.with_missing_dependencies(packages, suite)
        debian.fetch(needed, root, suite)
        program = _brought(name) or root / recipe["program"]
        starter = _write_starter(name, root, program)
        run(_check(starter, name), name)
        starter.rename(BIN / name)  # last: what can be found there has started once


def _write_starter(name, root, program):
    """A script that starts a program with what was unpacked, not yet in its place."""
    settings = {
        "LD_LIBRARY_PATH": debian.library_environment(root)["LD_LIBRARY_PATH"],
    }
    share = root / "usr/share"
    if (share / "fonts").exists():
        settings["XDG_DATA_DIRS"] = f"{share}:/usr/local/share:/usr/share"
        settings["XDG_DATA_HOME"] = share
        # Fonts of the machine's own configuration win, where it has one.
        if not os.path.exists("/etc/fonts/fonts.conf"):
            settings["FONTCONFIG_PATH"] = root / "etc/fonts"
    for plugins in root.glob("usr/lib/*-linux-*/qt5/plugins"):
        settings["QT_PLUGIN_PATH"] = plugins
    lines = [f"export {key}={shlex.quote(str(v))}" for key, v in settings.items()]
    command = f'exec {shlex.quote(str(program))} "$@"'
    BIN.mkdir(parents=True, exist_ok=True)
    starter = BIN / f"{name}.new"
    starter.write_text("\n".join(["#!/bin/sh", *lines, command, ""]))
    starter.chmod(0o755)
    return starter
