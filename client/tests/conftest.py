import time

import pytest
from authority import APPLICATION, DEVICE, KEY, ed25519_key, jwks
from license_server import LicenseServer

from software_license_client import LicenseClient, Limits


class Clock:
    """A clock that tests set; it stands still in between."""

    def __init__(self):
        self.now = float(int(time.time()))

    def __call__(self):
        return self.now

    def pass_by(self, seconds):
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(scope="session")
def key():
    """The signing key whose public part is pinned."""
    return ed25519_key()


@pytest.fixture
def server(key):
    server = LicenseServer(key)
    yield server
    server.stop()


@pytest.fixture
def make(server, key, clock, tmp_path):
    """Make clients: the same device and state each time, as after a restart."""

    def make(license_key=KEY, **options):
        server.clock = options.pop("server_clock", server.clock)
        defaults = {
            "keys": jwks(key),
            "device_id": DEVICE,
            "state_path": tmp_path / "state" / "license.json",
            "clock": clock,
            "between": lambda low, high: high,
            "limits": Limits(0.5, 0.5, 64 * 1024),
        }
        return LicenseClient(
            options.pop("url", server.url),
            options.pop("application", APPLICATION),
            license_key,
            **{**defaults, **options},
        )

    return make


@pytest.fixture
def state_file(tmp_path):
    return tmp_path / "state" / "license.json"
