"""The state file: read with care, written whole or not at all, shared by processes.

Nothing here raises for what a disk or another program does. What cannot be written is
kept in memory, so that the software runs on; a warning says so.
"""

import hashlib
import json
import os
import re
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from .codec import parse_object
from .filelock import file_lock
from .state import State

FOLDER = "software-license"
MAX_BYTES = 1024 * 1024


def default_folder() -> Path:
    """Return where programs keep such files for their user, by operating system."""
    try:
        home = Path.home()
    except RuntimeError:  # a user without a home: nothing can be kept
        home = Path(os.devnull)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        xdg = Path(os.environ.get("XDG_STATE_HOME") or "")
        base = xdg if xdg.is_absolute() else home / ".local" / "state"
    return base / FOLDER


def default_path(application: str) -> Path:
    """Return where the state of an application is by default."""
    name = re.sub(r"[^A-Za-z0-9._-]", "_", application).lstrip(".") or "_"
    if name != application:  # two applications must not share a file
        name += "-" + hashlib.sha256(application.encode()).hexdigest()[:8]
    return default_folder() / f"{name}.json"


def write_private(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, for this user only (600, its folder 700).

    A folder that exists keeps its mode. Raises OSError.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
    try:
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


class StateStore:
    """The state of one license client, in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._memory: State | None = None  # what could not be written
        self._lock = threading.RLock()
        self._read_warning: str | None = None
        self._write_warning: str | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What went wrong with the file when it was last read and written."""
        both = (self._read_warning, self._write_warning)
        return tuple(warning for warning in both if warning)

    def load(self) -> State:
        """Return what is remembered; nothing, if that cannot be read."""
        with self._lock:
            if self._memory is not None:
                return State.from_json(self._memory.to_json())
            return self._read()

    def update(self, change: Callable[[State], None]) -> State:
        """Change the state as one step, whatever other processes do meanwhile."""
        with self._lock, file_lock(self.path.with_name(self.path.name + ".lock")):
            state = self.load()
            before = state.to_json()
            change(state)
            if state.to_json() != before or self._memory is not None:
                self._write(state)
            return state

    def _read(self) -> State:
        self._read_warning = None
        try:
            with self.path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
            if len(data) > MAX_BYTES:
                raise ValueError("too long")
            return State.from_json(parse_object(data))
        except FileNotFoundError:
            pass
        except NotADirectoryError:
            pass  # the warning comes when it is written
        except OSError as error:
            self._read_warning = f"state_unreadable: {error.strerror}"
        except ValueError:
            self._read_warning = "state_damaged: the state file is damaged and ignored"
        return State()

    def _write(self, state: State) -> None:
        try:
            write_private(self.path, json.dumps(state.to_json()).encode())
        except OSError as error:
            self._memory = state
            self._write_warning = f"state_unwritable: {error.strerror}"
        else:
            self._memory = self._write_warning = None
