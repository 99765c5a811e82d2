"""Real curl commands: shown as one would type them, then run."""

import json
import shlex
import subprocess

from . import programs
from .console import Failure, say


def post(url, body):
    """POST a JSON body with curl; show the command and the answer, return that."""
    programs.prepare("curl")
    command = ["curl", "-sS", url, "--json", json.dumps(body)]
    say(f"   $ {shlex.join(command)}")
    done = subprocess.run(
        [programs.find("curl"), *command[1:]], capture_output=True, text=True
    )
    if done.returncode:
        raise Failure(f"curl failed: {done.stderr.strip()}")
    say(f"   {done.stdout.strip()}")
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        raise Failure(f"{url} did not answer JSON: {done.stdout[:200]}") from error
