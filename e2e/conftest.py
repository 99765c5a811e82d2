"""Real servers on a real PostgreSQL: one database, and a server of each kind."""

import json
import os
import random
import secrets
import subprocess

import pytest
import requests
from faulty_proxy import FaultyProxy
from machine import Machine
from passlib.context import CryptContext

from ground import workplace
from ground.console import Failure
from ground.rpc import Rpc

#: Processes as in production, and threads in one process.
WORKERS = (6, 0)
#: Which tests these are: others may run beside them, on databases of their own.
KIND = os.environ.get("E2E_KIND", "some")


class Site:
    """A running server, and the few things that the tests make on it."""

    def __init__(self, server, place):
        self.server = server
        self.place = place
        self._log_begin = server.log.stat().st_size
        self.rpc = Rpc(server.url, server.db, "admin", "admin")

    def url(self, call):
        """The address of a call of the licenses API, or of a path such as /api/v1."""
        path = call if call.startswith("/") else f"/api/licenses/{call}"
        return f"{self.server.url}{path}"

    def policy(self, **vals):
        defaults = {"name": "Editor", "application": "acme-editor", "key_prefix": "E2E"}
        return self.rpc.create("software.license.policy", **{**defaults, **vals})

    def license(self, policy=None, **vals):
        """Make a license; return its (id, key)."""
        partner = self.rpc.create("res.partner", name="Customer")
        license_ = self.rpc.create(
            "software.license",
            **{"partner_id": partner, "policy_id": policy or self.policy(), **vals},
        )
        return license_, self.rpc.read("software.license", license_, "license_key")[
            "license_key"
        ]

    def let_in(self, license_, device_id):
        """Give a device a seat as people do; return whether one was free.

        Several may at once: each call is a session of its own.
        """
        rpc = Rpc(self.server.url, self.server.db, "admin", "admin")
        vals = {"license_id": license_, "device_id": device_id}
        try:
            rpc.create("software.license.activation", **vals)
        except Failure as refusal:
            assert "seats of this license are taken" in str(refusal), refusal
            return False
        return True

    def api_key(self, user=2):
        """Make an API key of a user, Odoo's administrator if none is named."""
        key = secrets.token_hex(20)
        context = CryptContext(["pbkdf2_sha512"], pbkdf2_sha512__rounds=6000)
        self.place.postgres.sql(
            "INSERT INTO res_users_apikeys (name, user_id, index, key)"
            f" VALUES ('e2e', {user}, '{key[:8]}', '{context.hash(key)}')",
            db=self.server.db,
        )
        return key

    def manage(self, method, path="", headers=None, **keywords):
        """Call the managed API as the administrator; return the response."""
        self.key = getattr(self, "key", None) or self.api_key()
        return requests.request(
            method,
            f"{self.server.url}/api/licenses{path}",
            headers={"Authorization": f"Bearer {self.key}", **(headers or {})},
            timeout=60,
            **keywords,
        )

    def jwks(self):
        """The published signing keys, the newest first."""
        answer = requests.get(self.url("jwks.json"), timeout=60)
        return answer.json()["keys"]

    def rotate(self, **vals):
        """Make a signing key that signs at once, as a manager does; return its kid."""
        wizard = "software.license.signing.key.add"
        added = self.rpc.create(wizard, is_at_once=True, **vals)
        self.rpc(wizard, "action_add", [added])
        key = self.rpc.read(wizard, added, "key_id")["key_id"]
        return self.rpc.read("software.license.signing.key", key, "kid")["kid"]

    def rows(self, license_):
        """How many devices the database holds for a license, by SQL."""
        (count,) = self.place.postgres.sql(
            "SELECT count(*) FROM software_license_activation "
            f"WHERE license_id = {license_} AND active",
            db=self.server.db,
        )
        return int(count)

    def log(self):
        """What the server wrote since the tests began."""
        with self.server.log.open("rb") as stream:
            stream.seek(self._log_begin)
            return stream.read().decode(errors="replace")


@pytest.fixture(scope="session")
def place():
    return workplace.attach()


@pytest.fixture(scope="session")
def installed():
    """The addon beside OCA's modules: nothing works on it, everything is cloned."""
    return os.environ["E2E_INSTALLED"]


@pytest.fixture(scope="session")
def database(place, installed):
    """A database with the subscription module, and somebody to bill."""
    return place.databases.clone(installed, f"test_e2e_{KIND}")


def _name(workers):
    return f"workers={workers}"


#: For tests of what is answered, not of how it is served: only as in production.
one_kind = pytest.mark.parametrize("site", WORKERS[:1], indirect=True, ids=_name)


@pytest.fixture(scope="session", params=WORKERS, ids=_name)
def site(request, place, database):
    """Each test that takes it runs against processes, then against threads."""
    # Threads share one pool of connections: it must hold as many as call at once.
    with place.server(database, workers=request.param, db_maxconn=250) as server:
        yield Site(server, place)


@pytest.fixture(scope="session")
def own_site(place, installed):
    """A server of threads that tests may stop, on a database of their own."""
    name = place.databases.clone(installed, f"test_e2e_own_{KIND}")
    with place.server(name, db_maxconn=64) as server:
        yield Site(server, place)
    place.databases.drop(name)


@pytest.fixture
def proxy(own_site):
    """What stands between machines and that server; tests make it misbehave."""
    with FaultyProxy(own_site.server.port) as proxy:
        yield proxy


@pytest.fixture
def laptop(own_site, proxy, tmp_path):
    """A machine with the client, as it was shipped just now."""
    return Machine("laptop", proxy.url, own_site.jwks()[0], tmp_path)


@pytest.fixture
def tower(laptop):
    """A second machine."""
    return laptop.twin("tower")


@pytest.fixture
def seed():
    """Moments and choices are random, and can be had again."""
    seed = random.randrange(10**6)
    random.seed(seed)
    print(f"random seed {seed}")
    return seed


@pytest.fixture
def curl(site):
    """Run a real curl; return (status, headers, answer)."""

    def run(call, *arguments):
        done = subprocess.run(
            ["curl", "-sS", "-i", "--max-time", "30", *arguments, site.url(call)],
            capture_output=True,
            text=True,
            check=True,
        )
        head, _blank, body = done.stdout.replace("\r", "").rpartition("\n\n")
        status, *lines = head.split("\n\n")[-1].splitlines()
        headers = dict(line.split(": ", 1) for line in lines)
        return int(status.split()[1]), headers, json.loads(body)

    return run
