"""The Odoo 19 that everything runs on: Debian's package, or the tree in ODOO_HOME."""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from . import debian, paths
from .console import Failure, say, step

PACKAGED = Path("usr/lib/python3/dist-packages")


@dataclass(frozen=True)
class OdooTree:
    """An Odoo source tree: where to import it from and how to start it."""

    python_path: Path
    program: Path
    addons: tuple
    label: str


def find_or_fetch():
    """The tree that ODOO_HOME names, else the one that Debian packages."""
    return check_home() or _tree_at(_packaged_root())


def check_home():
    """The tree that ODOO_HOME names, if it names one."""
    home = os.environ.get("ODOO_HOME")
    return _tree_at(Path(home).expanduser().resolve()) if home else None


def _tree_at(home):
    """Recognize a Debian-like root or a source checkout, and check its series."""
    for python_path, program in (
        (home / PACKAGED, home / "usr/bin/odoo"),
        (home, home / "odoo-bin"),
    ):
        release = python_path / "odoo" / "release.py"
        if release.is_file() and program.is_file():
            break
    else:
        raise Failure(
            f"{home} is no Odoo tree: ODOO_HOME must hold odoo-bin and odoo/release.py"
        )
    wanted, series = paths.pins()["series"], _series(release)
    if series != wanted:
        raise Failure(
            f"{home} is Odoo {series}: set ODOO_HOME to a tree of series {wanted}, "
            "or unset it to have one fetched"
        )
    addons = (python_path / "addons",) if program.name == "odoo-bin" else ()
    label = paths.digest(str(python_path), release)
    return OdooTree(python_path, program, addons, label)


def _series(release):
    found = re.search(r"^version_info = \((\d+), (\d+)", release.read_text(), re.M)
    return ".".join(found.groups()) if found else "of an unknown series"


def _packaged_root():
    """Odoo as Debian packages it, unpacked below `.dev/`."""
    root, key = paths.DEV / "odoo", paths.digest(paths.PINS)
    if paths.is_current(root, key):
        return root
    pins = paths.pins()
    debian.prepare()
    with step("Odoo (Debian's package, 120 MB)"):
        shutil.rmtree(root, ignore_errors=True)
        # The package links to files of these; see its Depends.
        debian.fetch(
            [
                *(_offered(name, want) for name, want in pins["odoo"].items()),
                *(f"{name}/{pins['suite']}" for name in pins["assets"]),
                *pins["assets_of_own_suite"],
            ],
            root,
        )
        _fill_gaps(root)
        paths.mark_current(root, key)
    return root


def _offered(package, wanted):
    """`package=version`: the pinned version, else the newest of the same series."""
    series = paths.pins()["series"]
    offered = [v for v in debian.versions(package) if v.startswith(f"{series}.")]
    if not offered:
        raise Failure(
            f"the Debian mirror offers no {package} {series}: set ODOO_HOME to an "
            f"Odoo {series} source tree"
        )
    if wanted in offered:
        return f"{package}={wanted}"
    say(f"           {package} {wanted} is no longer offered; taking {offered[0]}")
    return f"{package}={offered[0]}"


def _fill_gaps(root):
    """An asset that Debian strips and that the bundles still name: leave it empty."""
    library = root / PACKAGED / "odoo/addons/mail/static/lib/selfie_segmentation"
    library.mkdir(parents=True, exist_ok=True)
    (library / "selfie_segmentation.js").touch()
