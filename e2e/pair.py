"""A primary, a standby, and servers on them, as docs/replica_and_backup.md says."""

import re
import time
from types import SimpleNamespace

import requests
from conftest import Site
from documents import BLOCK

from ground import paths
from ground.cluster import Cluster
from ground.postgres import USER
from ground.server import Odoo, OdooServer

NAME = "e2e_restored"
#: Odoo's role: no superuser, as Debian makes it.
ROLE = "licensing"
PASSPHRASE = "wGQ5mJx2vXo0aYk7ZcT9sBnL4eRf1hUd"
TEXT = (paths.ROOT / "docs" / "replica_and_backup.md").read_text()
#: The commands, and settings, of the document; those of places are the tests' own.
BLOCKS = [text for language, text in BLOCK.findall(TEXT) if language in ("sh", "conf")]
#: How a line of the access log ends: status, size, queries, seconds, cursors.
ACCESS = re.compile(r'"\w+ [^"]*" \d+ - \d+ [\d.]+ [\d.]+ (\S+)$', re.MULTILINE)


def block(begin):
    """Return the one block of the document with this text in it."""
    (found,) = [text for text in BLOCKS if begin in text]
    return found


def until(condition, seconds=60):
    """Wait until a condition holds; return what it says then."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
    return found


def conninfo(cluster, role=ROLE):
    """Say where a cluster is, as the document does."""
    return f"host=127.0.0.1 port={cluster.port} user={role}"


def admin(cluster):
    """Say how its superuser gets in, as the document does."""
    return f"{conninfo(cluster, USER)} dbname=postgres"


class Pair:
    """Two clusters in a `with` block: the one restored from a backup, and its copy."""

    def __init__(self, tree, data_dir):
        self.tree = tree
        self.data_dir = data_dir
        self.primary = Cluster("primary")
        self.standby = Cluster("standby", like=self.primary)
        self.servers = []

    def __enter__(self):
        self.primary.__enter__()
        self.backups = self.primary.home / "backups"
        conf = block("wal_level").replace("/var/backups/licenses", str(self.backups))
        self.primary.create(conf.replace("'*'", "'127.0.0.1'"))
        self.paste("install -d -o")
        self.standby.__enter__()
        password = self.primary.environment()["PGPASSWORD"]
        self.primary.sql(f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{password}'")
        self.paste("CREATE ROLE replicator", ADMIN=admin(self.primary))
        return self

    def __exit__(self, *_exception):
        for server in self.servers:
            server.stop()
        for cluster in (self.standby, self.primary):
            cluster.__exit__()

    def paste(self, begin, as_owner=False, **settings):
        """Run a block of the document, after what says where things are."""
        settings = {
            "DB": NAME,
            "FILES": self.data_dir / "filestore" / NAME,
            "BACKUPS": self.backups,
            "APART": self.primary.home / "apart",
            "PRIMARY": conninfo(self.primary),
            "STANDBY": conninfo(self.standby),
            "DATA": self.standby.data,
            "REPLICATION_PASSWORD": "secret",
            "STAMP": "then",
            **settings,
        }
        lines = [f"export {name}='{value}'" for name, value in settings.items()]
        # What is thrown away need not be safe on the disk.
        commands = block(begin).replace("-X stream", "-X stream --no-sync")
        owner = self.primary.owner
        commands = commands.replace(
            "-o postgres", f"-o {owner.pw_name}" if owner else ""
        )
        return self.primary.paste("\n".join([*lines, commands]), as_owner)

    def add_standby(self, standby=None, **settings):
        """Make a standby where something lies already, as apt does, and start it."""
        standby = standby or self.standby
        (standby.folder("data") / "of-apt").touch()
        self.paste("-R -X stream", as_owner=True, DATA=standby.data, **settings)
        standby.start()

    def serve(self, cluster, **options):
        """Start a server on a cluster; it stops with the pair."""
        service = self.data_dir / "pg_service.conf"
        service.write_text(block("connect_timeout"))
        service = {"PGSERVICE": "odoo", "PGSERVICEFILE": str(service)}
        environment = {**cluster.environment(), "PGUSER": ROLE, **service}
        settings = {
            "workers": 2,
            "data_dir": self.data_dir,
            "software_license_passphrase": PASSPHRASE,
            **options,
        }
        server = OdooServer(Odoo(self.tree, environment), NAME, **settings)
        self.servers.append(server)
        return Answers(server.start(), SimpleNamespace(postgres=cluster))

    def sql(self, query, cluster=None):
        """Ask the database; return the rows."""
        return (cluster or self.primary).sql(query, db=NAME)


class Answers(Site):
    """A site, and what it says of licenses."""

    def ask(self, call, key, device=None):
        """Make a public call; return the response."""
        body = {"licenseKey": key, "deviceId": device}
        return requests.post(self.url(call), json=body, timeout=60)

    def mode(self, call):
        """Return the cursors that a call ran on, as Odoo's access log says."""
        before = len(ACCESS.findall(self.log()))
        call()
        return until(lambda: ACCESS.findall(self.log())[before:])[0]
