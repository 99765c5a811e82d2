"""Machines with the vendor's software on them: the client, its clock, its files."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from software_license_client import LicenseClient

APPLICATION = "acme-editor"
DAY, YEAR = 86400, 365 * 86400


@dataclass
class Clock:
    """The machine's clock, wrong by so many seconds."""

    wrong_by: float = 0.0

    def __call__(self):
        return time.time() + self.wrong_by


@dataclass
class Machine:
    """One device, which the software may be started on again and again.

    :param jwk: the public key that was shipped with the software
    :param authorities: the path of the certificates that it trusts; None: the usual
    """

    name: str
    url: str
    jwk: dict
    folder: Path
    authorities: Path | None = None
    clock: Clock = field(default_factory=Clock)

    @property
    def state(self):
        """The path of the client's state file."""
        return self.folder / self.name / "state.json"

    @property
    def token(self):
        """The token that the client keeps there."""
        return json.loads(self.state.read_text())["token"]

    def twin(self, name):
        """Another machine with the same software."""
        return replace(self, name=name, clock=Clock())

    def start(self, key=None, **options):
        """Start the software anew: it knows what its state file tells it."""
        defaults = {
            "keys": {"keys": [self.jwk]},
            "device_id": self.name,
            "state_path": self.state,
            "clock": self.clock,
            "verify": self.authorities or True,
            # Not at random: when the time has come for all, and not before.
            "between": lambda _low, high: high,
        }
        settings = {**defaults, **options}
        application = settings.pop("application", APPLICATION)
        return LicenseClient(self.url, application, key, **settings)

    def run(self, *arguments):
        """Run the client's command line; return (exit code, what it printed)."""
        keys = self.folder / "keys.json"
        keys.write_text(json.dumps({"keys": [self.jwk]}))
        settings = {
            "LICENSE_SERVER": self.url,
            "LICENSE_APPLICATION": APPLICATION,
            "LICENSE_KEYS": str(keys),
            "LICENSE_DEVICE_ID": self.name,
            "LICENSE_STATE": str(self.state),
        }
        done = subprocess.run(
            [sys.executable, "-m", "software_license_client", *arguments],
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout


#: What is told of a good license, by what decided it.
BY_TOKEN, BY_SERVER, BY_FILE = (
    ("valid", source, 0) for source in ("token", "server", "file")
)


def told(verdict):
    """What a verdict says: its code, what decided, the exit code that it makes."""
    exit_code = 0 if verdict.valid else 1 if verdict.conclusive else 3
    return verdict.code, verdict.source, exit_code
