"""One run of pytest: its output, and what its closing line says."""

import re
import subprocess
import sys
import time
from dataclasses import dataclass, field

from . import paths, process, venv
from .console import children, say


@dataclass
class Result:
    """What one step of dev/test came to."""

    title: str
    ok: bool
    seconds: float
    text: str = ""
    passed: int = 0
    failed: int = 0
    held_back: list = field(default_factory=list)

    def show(self):
        """Print what was held back, and the step's closing line."""
        sys.stdout.writelines(self.held_back)
        say(f"{self.seconds:8.1f} s  {self.title}{'' if self.ok else ': FAILED'}")


def pytest(title, ini, arguments, match, env, folder, live=True):
    """Run pytest in the virtual environment; show its output now, or hold it back."""
    say(f"     …    {title}")
    begin = time.monotonic()
    command = [venv.PYTHON, "-m", "pytest", "-c", ini, *arguments]
    command += ["-o", f"cache_dir={paths.CACHE / 'pytest'}"]
    command += ["-k", match] if match else []
    lines, code = _run(command, env, folder, live)
    result = _read(lines, code, match)
    result.title = title
    result.seconds = time.monotonic() - begin
    result.held_back = [] if live else lines
    return result


def _run(command, env, folder, live):
    """The output's lines and the exit code."""
    with subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**env, "PYTHONUNBUFFERED": "1"},
        cwd=folder,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as child:
        process.remember(child.pid)
        children.add(child)
        try:
            return _read_all(child, live), child.wait()
        finally:
            children.discard(child)
            process.stop(child)


def _read_all(child, live):
    lines = []
    for line in child.stdout:
        lines.append(line)
        if live:
            sys.stdout.write(line)
            sys.stdout.flush()
    return lines


def _read(lines, code, match):
    """Judge a run: a run without a test proves nothing, unless -k left none."""
    last = next((line for line in reversed(lines) if line.strip()), "").strip(" =\n")
    passed = _count(last, "passed|xfailed")
    failed = _count(last, "failed|errors?|xpassed")
    none_wanted = match and code == 5
    ok = bool(none_wanted or (code == 0 and passed))
    if not ok and not failed:
        failed = 1  # a crash, or nothing collected, is a failure too
        last = last or f"pytest ended with {code}"
    return Result("", ok, 0, last, passed, failed)


def _count(line, outcome):
    return sum(int(n) for n in re.findall(rf"(\d+) (?:{outcome})\b", line))
