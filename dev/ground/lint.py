"""The linters: ruff on the whole checkout, pylint-odoo on the addon."""

import os
import shutil
import subprocess
import time

from . import addon, paths, venv
from .console import say, shown
from .pytest_run import Result

RUFF = paths.ROOT / "dev" / "ruff.toml"


def check(live=True):
    """Run each linter; all of them, whatever the first one says. None shows much."""
    venv.prepare()
    addon.link()
    ruff = [venv.PYTHON, "-m", "ruff"]
    options = ["--config", RUFF, "--cache-dir", paths.CACHE / "ruff", paths.ROOT]
    rcfile = f"--rcfile={paths.ROOT / 'dev/pylintrc'}"
    copy = _copy()
    return [
        tool("ruff check", [*ruff, "check", "--no-fix", *options]),
        tool("ruff format", [*ruff, "format", "--check", *options]),
        tool("pylint-odoo", [venv.PYTHON, "-m", "pylint", rcfile, copy]),
    ]


def _copy():
    """A copy of the addon under its own name: pylint does not follow links."""
    copy = paths.CACHE / "lint" / paths.MODULE
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(addon.FOLDER, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def tool(title, command):
    """Run a linter; what it says is shown only when it finds something."""
    say(f"     …    {title}")
    begin = time.monotonic()
    done = subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=paths.ROOT,
        env={**os.environ, "PYLINTHOME": str(paths.CACHE / "pylint")},
    )
    result = Result(title, done.returncode == 0, time.monotonic() - begin)
    if not result.ok:
        result.text = "see above"
        said = (done.stdout + done.stderr).rstrip() + "\n"
        said = said.replace(f"{shown(paths.CACHE / 'lint' / paths.MODULE)}/", "")
        result.held_back = [said]
    return result
