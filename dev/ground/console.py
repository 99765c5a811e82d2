"""What a script tells its user: steps with their time, one line for an error."""

import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from contextlib import contextmanager

from . import paths

_print_lock = threading.Lock()
children = set()  # what runs now, in whichever thread; a signal ends it


class Failure(Exception):
    """Something the user must know in one line: what is wrong and what to do."""


class Stopped(BaseException):
    """The script was told to stop, by Ctrl-C or by a signal."""


def say(text=""):
    """Print a line at once, whichever thread says it."""
    with _print_lock:
        print(text, flush=True)


@contextmanager
def step(title):
    """Announce a long step and tell how long it took."""
    begin = time.monotonic()
    say(f"     …    {title}")
    yield
    say(f"{time.monotonic() - begin:8.1f} s  {title}")


def run(command, log, *, env=None, cwd=None, hint="", user=None):
    """Run a tool with its output in a log file; a failure names that file."""
    paths.LOGS.mkdir(parents=True, exist_ok=True)
    log_path = paths.LOGS / f"{log}.log"
    command = [str(part) for part in command]
    with log_path.open("ab") as out:
        out.write(f"\n$ {' '.join(command)}\n".encode())
        out.flush()
        try:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=cwd,
                **as_user(user),
            )
        except FileNotFoundError as error:
            raise Failure(f"{command[0]} is not on this machine. {hint}") from error
        children.add(child)
        code = child.wait()
        children.discard(child)
    if code:
        name = command[2] if command[1] == "-m" else os.path.basename(command[0])
        hint = f"; {hint}" if hint else ""
        raise Failure(f"{name} failed{hint}; its output is in {shown(log_path)}")


def as_user(user):
    """subprocess arguments that make a child run as another user (or as ourselves)."""
    if user is None:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def shown(path):
    """A path as the user would type it from the checkout."""
    try:
        return str(path.relative_to(paths.ROOT))
    except ValueError:
        return str(path)


def main(function):
    """Run a script: exit code, one-line errors, a clean end on Ctrl-C and SIGTERM."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        sys.exit(function() or 0)
    except Stopped:
        say("stopped")
        sys.exit(130)
    except Exception as error:
        if os.environ.get("DEBUG") or "--debug" in sys.argv:
            traceback.print_exc()
        print(f"error: {_one_line(error)}", file=sys.stderr, flush=True)
        sys.exit(1)


def _stop(number, _frame):
    """End by exception, so that every `finally` runs; once, so that it can finish."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    for child in tuple(children):
        child.terminate()
    raise Stopped(number)


def _one_line(error):
    """The message without line breaks; a full disk gets words of its own."""
    if isinstance(error, OSError) and error.errno == 28:
        return f"the disk is full; free some space for {paths.DEV} and run this again"
    said = " ".join(str(error).split())
    if isinstance(error, PermissionError):
        return f"{said}: run this as the user who made it"
    if isinstance(error, (Failure, OSError)):
        return said
    return f"unexpected {type(error).__name__}: {said} (DEBUG=1 shows where)"
