"""The Python packages of Odoo, of the tests and of the linters, in `.dev/venv`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from . import debian, paths
from .console import Failure, run, step

PYTHON = paths.VENV / "bin" / "python"
SYSTEM = Path("/usr/bin/python3")
OLDEST = (3, 11)  # what the pinned packages ask for
NO_INDEX = "look whether this machine reaches PyPI, then run this again"


def prepare():
    """Make the virtual environment, if the pins changed since the last time."""
    interpreter = _interpreter()
    version = _ask(interpreter, "import sys; print(sys.version)")
    key = paths.digest(paths.REQUIREMENTS, interpreter, version)
    if paths.is_current(paths.VENV, key):
        return
    if sys.version_info < OLDEST:
        raise Failure(
            f"Python {sys.version.split()[0]} is too old: run this with Python "
            f"{OLDEST[0]}.{OLDEST[1]} or newer, such as Debian 12's python3"
        )
    with step("Python packages"):
        shutil.rmtree(paths.VENV, ignore_errors=True)
        _create(interpreter)
        # What is imported is compiled then, and kept apart: see Odoo.environment.
        pip("install", "--no-compile", "-r", paths.REQUIREMENTS)
        paths.mark_current(paths.VENV, key)


def pip(*arguments):
    """Run the environment's pip, with a cache of our own."""
    cache = {"PIP_CACHE_DIR": str(paths.CACHE / "pip"), "PIP_NO_INPUT": "1"}
    run(
        [PYTHON, "-m", "pip", *arguments],
        "pip",
        env={**os.environ, **cache},
        hint=NO_INDEX,
    )


def _interpreter():
    """What Odoo runs on: the distribution's Python, if it is of the same version.

    A distribution compiles it with profiles of real programs, pyenv does not: calls
    of the ORM took a twelfth less of its time here. It must have all it takes to make
    an environment, as Debian's has with python3-venv.
    """
    asked = "import ensurepip, sys, venv; print(sys.implementation.cache_tag)"
    is_same = _ask(SYSTEM, asked) == sys.implementation.cache_tag
    return str(SYSTEM) if is_same else sys.executable


def _ask(interpreter, code):
    """What some code prints; nothing if it cannot be run."""
    try:
        done = subprocess.run([interpreter, "-c", code], capture_output=True, text=True)
    except OSError:
        return ""
    return done.stdout.strip()


def _create(interpreter):
    """An environment with pip; Debian keeps the pip that it needs in a package."""
    create = [interpreter, "-m", "venv"]
    if _ask(interpreter, "import ensurepip; print(True)"):
        run([*create, paths.VENV], "pip")
        return
    run([*create, "--without-pip", paths.VENV], "pip")
    root = paths.DEV / "pip"
    debian.prepare()
    debian.fetch(["python3-pip-whl"], root)
    wheel = next(root.glob("usr/share/python-wheels/pip-*.whl"))
    run([PYTHON, wheel / "pip", "install", "--no-deps", wheel], "pip", hint=NO_INDEX)
