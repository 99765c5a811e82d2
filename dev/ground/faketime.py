"""libfaketime: it lets a program see another time than the machine's.

The machine's own is taken; what it lacks is fetched from Debian, as programs are.
"""

import shutil
from pathlib import Path

from . import debian, paths
from .console import Failure, step

#: The build for programs with threads.
NAME = "libfaketimeMT.so.1"
ROOT = paths.DEV / "programs" / "libfaketime"


def find():
    """Return the path of the library, or None."""
    folders = (Path("/"), ROOT)
    found = (path for it in folders for path in it.glob(f"usr/lib/*/faketime/{NAME}"))
    return next(found, None)


def prepare():
    """Fetch the library if it is not there; return its path."""
    if not find():
        debian.prepare()
        with step("libfaketime (Debian's package)"):
            half_made = ROOT.with_name("libfaketime.new")
            shutil.rmtree(half_made, ignore_errors=True)
            debian.fetch(["libfaketime"], half_made)
            shutil.rmtree(ROOT, ignore_errors=True)
            half_made.rename(ROOT)
    if not find():
        raise Failure(f"Debian's package libfaketime holds no {NAME}")
    return find()
