"""Processes that outlive a call: started here, remembered by pid, stopped by pid."""

import os
import signal
import socket
import subprocess
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from . import paths
from .console import Failure


def spawn(command, log_path, env):
    """Start a process in a session of its own, and write its pid down.

    A session of its own: Ctrl-C in the terminal reaches the script only, which then
    stops its children in order.
    """
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("ab") as out:
        child = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=env,
            start_new_session=True,
        )
    remember(child.pid)
    return child


def remember(pid):
    """Write a pid down, so that a later script can stop what a killed one left."""
    paths.PIDS.mkdir(parents=True, exist_ok=True)
    (paths.PIDS / str(pid)).write_text(_started(pid))


def forget(pid):
    """The process of this pid has ended."""
    (paths.PIDS / str(pid)).unlink(missing_ok=True)


def stop(child, patience=15):
    """End a child and its own children: asked first, killed when it does not go."""
    with suppress(ProcessLookupError):
        child.terminate()
        try:
            child.wait(patience)
        except subprocess.TimeoutExpired:
            pass
    _kill_group(child.pid)
    child.wait()
    forget(child.pid)


def kill(child):
    """End a child and its own children at once, with no chance to tidy up."""
    _kill_group(child.pid)
    child.wait()
    forget(child.pid)


def stop_leftovers():
    """End what a script that was killed left running."""
    for record in paths.PIDS.glob("*") if paths.PIDS.exists() else ():
        pid = int(record.name)
        # The start time tells our process from a later one with the same number.
        if _started(pid) and _started(pid) == record.read_text():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            _wait_gone(pid, 10)
            _kill_group(pid)
        record.unlink(missing_ok=True)


def free_port(asked=None, option="--port"):
    """The asked port if it is free, else any free one of the loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", asked or 0))
        except (OSError, OverflowError) as error:
            raise Failure(
                f"port {asked} is in use or not allowed: choose another with "
                f"{option}, or leave {option} out to get a free one"
            ) from error
        return probe.getsockname()[1]


def free_ports(count):
    """So many free ports of the loopback, each another one."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _number in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def _kill_group(pid):
    """End what is left of a process's own session."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _wait_gone(pid, seconds):
    deadline = time.monotonic() + seconds
    while _started(pid) and time.monotonic() < deadline:
        time.sleep(0.1)


def _started(pid):
    """The kernel's start time of a living process, else nothing."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]
