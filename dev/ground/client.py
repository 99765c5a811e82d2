"""The Python client: its types, and its tests, which need no Odoo."""

import os

from . import lint, paths, venv
from .pytest_run import pytest

FOLDER = paths.ROOT / "client"
SOURCES = FOLDER / "src"


def check(match=None):
    """Run mypy and the tests on the sources as they are."""
    venv.prepare()
    config = FOLDER / "pyproject.toml"
    mypy = [venv.PYTHON, "-m", "mypy", "--strict", "--config-file", config]
    mypy += ["--cache-dir", paths.CACHE / "mypy", SOURCES]
    env = {**os.environ, "PYTHONPATH": str(SOURCES)}
    arguments = [f"--rootdir={FOLDER}", FOLDER / "tests"]
    return [
        lint.tool("mypy on the client", mypy),
        pytest("tests of the client", config, arguments, match, env, FOLDER),
    ]
