"""Real curl commands: shown as one would type them, then run."""

import json
import os
import shlex
import shutil
import subprocess

from . import debian, paths
from .console import Failure, say, step


def post(url, body):
    """POST a JSON body with curl; show the command and the answer, return that."""
    command = ["curl", "-sS", url, "--json", json.dumps(body)]
    say(f"   $ {shlex.join(command)}")
    program, env = _program()
    done = subprocess.run(
        [program, *command[1:]], capture_output=True, text=True, env=env
    )
    if done.returncode:
        raise Failure(f"curl failed: {done.stderr.strip()}")
    say(f"   {done.stdout.strip()}")
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        raise Failure(f"{url} did not answer JSON: {done.stdout[:200]}") from error


def _program():
    """The machine's curl, else Debian's, unpacked in private."""
    found = shutil.which("curl")
    if found:
        return found, {**os.environ}
    root, key = paths.DEV / "curl", "curl"
    if not paths.is_current(root, key):
        debian.prepare()
        with step("curl (Debian's package)"):
            debian.fetch(debian.with_missing_dependencies(["curl"]), root)
            paths.mark_current(root, key)
    return root / "usr/bin/curl", debian.library_environment(root)
