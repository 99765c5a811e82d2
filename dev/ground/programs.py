"""Programs that Odoo and the tests start: Chromium, wkhtmltopdf for PDFs, nginx.

The machine's own are taken; what it lacks is fetched from Debian and unpacked below
`.dev/`, with a small script in `.dev/bin` that starts it with its libraries and fonts.
"""

import os
import shlex
import shutil

from . import debian, paths
from .console import run, step

BIN = paths.DEV / "bin"
#: What to fetch, and which program of it to start, where that is not its command.
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
    },
    "nginx": {
        "title": "nginx (Debian's packages)",
        "packages": ("nginx",),
        "program": "usr/sbin/nginx",
        "check": "-v",
    },
}
_OWN_NAMES = {"chromium": ("chromium", "google-chrome", "chromium-browser")}


def search_path():
    """The PATH on which Odoo and the tests find the programs."""
    return os.pathsep.join([str(BIN), os.environ.get("PATH", os.defpath)])


def find(name):
    """The path of a program that `prepare` has seen to."""
    names = _OWN_NAMES.get(name, (name,))
    return next(
        filter(None, (shutil.which(n, path=search_path()) for n in names)), None
    )


def prepare(*names):
    """Fetch the programs that are not there."""
    for name in names:
        if not find(name):
            _fetch(name)


def _fetch(name):
    recipe = RECIPES[name]
    root = paths.DEV / "programs" / name
    debian.prepare()
    with step(recipe["title"]):
        shutil.rmtree(root, ignore_errors=True)
        debian.fetch(debian.with_missing_dependencies(recipe["packages"]), root)
        starter = _write_starter(name, root)
        run([starter, recipe.get("check", "--version")], name)
        starter.rename(BIN / name)  # last: what can be found there has started once


def _write_starter(name, root):
    """A script that starts the program where it was unpacked, not yet in its place."""
    settings = {
        "LD_LIBRARY_PATH": debian.library_environment(root)["LD_LIBRARY_PATH"],
        "FONTCONFIG_PATH": root / "etc/fonts",
        "XDG_DATA_DIRS": f"{root / 'usr/share'}:/usr/local/share:/usr/share",
        "XDG_DATA_HOME": root / "usr/share",
    }
    # Fonts of the machine's own configuration win, where it has one.
    if os.path.exists("/etc/fonts/fonts.conf"):
        del settings["FONTCONFIG_PATH"]
    lines = [f"export {key}={shlex.quote(str(v))}" for key, v in settings.items()]
    program = shlex.quote(str(root / RECIPES[name]["program"]))
    BIN.mkdir(parents=True, exist_ok=True)
    starter = BIN / f"{name}.new"
    starter.write_text("\n".join(["#!/bin/sh", *lines, f'exec {program} "$@"', ""]))
    starter.chmod(0o755)
    return starter
