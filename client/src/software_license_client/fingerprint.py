"""Name a device so that it has the same name after a reboot or in another network.

The operating system's own installation id, hashed with the application: two vendors
cannot compare what they got. No network card's address (docks and virtual machines
change them), no host name (people do), nothing that tells who the user is.
"""

import hashlib
import re
import secrets
import subprocess
import sys
from pathlib import Path

from .store import default_folder, write_private

LENGTH = 32
_LINUX_FILES = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
_FILE = "device-id"
_IO_REG = ("/usr/sbin/ioreg", "-rd1", "-c", "IOPlatformExpertDevice")


def fingerprint(application: str, folder: Path | str | None = None) -> str:
    """Return 32 hex digits that name this device for this application.

    :param folder: where a random id is kept on systems that have none of their own
        (minimal containers, for example); by default the folder of the state
    """
    machine = machine_id() or _random_id(Path(folder) if folder else default_folder())
    salted = f"software-license-device:{application}:{machine}"
    return hashlib.sha256(salted.encode("utf-8", "replace")).hexdigest()[:LENGTH]


def machine_id() -> str | None:
    """Return the installation id of the operating system, or None."""
    try:
        if sys.platform == "darwin":
            return _macos()
        if sys.platform == "win32":
            return _windows()
        return _linux()
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def _linux() -> str | None:
    for path in _LINUX_FILES:
        text = path.read_text("ascii").strip() if path.is_file() else ""
        if re.fullmatch("[0-9a-f]{32}", text):  # "uninitialized" is one, too
            return text
    return None


def _macos() -> str | None:
    done = subprocess.run(_IO_REG, capture_output=True, text=True, timeout=5)
    found = re.search(r'"IOPlatformUUID" = "([0-9A-Fa-f-]{36})"', done.stdout)
    return found.group(1).lower() if found else None


def _windows() -> str | None:
    if sys.platform != "win32":
        return None
    import winreg

    access = winreg.KEY_READ | winreg.KEY_WOW64_64KEY  # one id for 32 and 64 bits
    path = r"SOFTWARE\Microsoft\Cryptography"
    with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path, 0, access) as key:
        return str(winreg.QueryValueEx(key, "MachineGuid")[0]).lower() or None


def _random_id(folder: Path) -> str:
    """Return the id kept in the folder, made at the first call.

    Where it cannot be kept, each run is a device of its own: better than one id for
    all such machines, which would let them share a seat.
    """
    path = folder / _FILE
    try:
        text = path.read_text("ascii").strip()
        if re.fullmatch("[0-9a-f]{32}", text):
            return text
    except (OSError, ValueError):
        pass
    text = secrets.token_hex(16)
    try:
        write_private(path, text.encode())
    except OSError:
        pass
    return text
