"""Where things are: the checkout, and `.dev/` with all that is fetched or made."""

import hashlib
import json
from pathlib import Path

MODULE = "software_license"
ROOT = Path(__file__).resolve().parents[2]
DEV = ROOT / ".dev"
LOGS = DEV / "log"
PIDS = DEV / "pid"
CACHE = DEV / "cache"
ADDONS = DEV / "addons"
DATA = DEV / "data"  # Odoo's data_dir: filestore, sessions
VENV = DEV / "venv"
OCA = DEV / "oca"

PINS = ROOT / "dev" / "versions.json"
REQUIREMENTS = ROOT / "dev" / "requirements.txt"
REQUIREMENTS_OCA = ROOT / "dev" / "requirements-oca.txt"

# Entries of the checkout that are no part of the addon.
NOT_ADDON = {
    "benchmarks",
    "client",
    "deploy",
    "dev",
    "e2e",
    "node_modules",
    "pyproject.toml",
    "__pycache__",
}


def addon_entries():
    """The checkout's entries that make up the addon, dotfiles left out."""
    return sorted(
        entry
        for entry in ROOT.iterdir()
        if not entry.name.startswith(".") and entry.name not in NOT_ADDON
    )


def pins():
    """The pinned Debian packages."""
    return json.loads(PINS.read_text())


def digest(*parts):
    """One short hash of texts and of files' contents."""
    total = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, Path) else str(part).encode()
        total.update(hashlib.sha256(data).digest())
    return total.hexdigest()[:12]


def is_current(folder, key):
    """Whether a folder was completed with this key."""
    stamp = folder / ".stamp"
    return stamp.is_file() and stamp.read_text() == key


def mark_current(folder, key):
    """Say that a folder is complete; the last thing its maker does."""
    (folder / ".stamp").write_text(key)
