"""The Python client: its command line, its types, and its tests, without Odoo."""

import os
import subprocess
from pathlib import Path

from . import lint, paths, venv
from .console import say, shown
from .pytest_run import pytest

FOLDER = paths.ROOT / "client"
SOURCES = FOLDER / "src"
MODULE = "software_license_client"


def run(*arguments):
    """Run the client's command line; show it and what it prints, return what ran."""
    shell = [shown(it) if isinstance(it, Path) else it for it in arguments]
    say(f"   $ license-client {' '.join(shell)}")
    done = subprocess.run(
        [str(part) for part in (venv.PYTHON, "-m", MODULE, *arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
    )
    say(f"   {(done.stdout or done.stderr).strip()}")
    return done


def check(match=None, live=True):
    """Run mypy and the tests on the sources as they are."""
    venv.prepare()
    config = FOLDER / "pyproject.toml"
    mypy = [venv.PYTHON, "-m", "mypy", "--strict", "--config-file", config]
    mypy += ["--cache-dir", paths.CACHE / "mypy", SOURCES]
    env = {**os.environ, "PYTHONPATH": str(SOURCES)}
    arguments = [f"--rootdir={FOLDER}", FOLDER / "tests"]
    return [
        lint.tool("mypy on the client", mypy),
        pytest("tests of the client", config, arguments, match, env, FOLDER, live),
    ]
