"""A database of an older version of the addon: made from its commit, and restored.

It lives in e2e/data/ as SQL, beside what must hold after any upgrade of it.
"""

import ast
import json
import lzma
import os
import re
import shutil
import subprocess

from . import console, debian, paths
from .server import OdooServer
from .workplace import Workplace, locked

DATA = paths.ROOT / "e2e/data"
DB = "old_version"
#: What pg_dump began to write in 2025, and psql of the years before doesn't know.
RESTRICT = re.compile(rb"^\\(?:un)?restrict .*\n", re.MULTILINE)
#: Rows that say nothing of the addon, and whose files are not in the dump.
LEFT_OUT = ("ir_attachment", "bus_bus", "ir_cron_progress", "ir_logging")


def dump(commit, db_port=None):
    """Install the addon of a commit, let it be used, and write what came of it."""
    from old_use import use  # of e2e/, on the script's path

    with locked(), Workplace(db_port) as place:
        addons, version = _check_out(commit)
        place.databases.fresh(DB, base="oca")
        path = place.odoo.addons_path().replace(str(paths.ADDONS), str(addons))
        with console.step(f"installing {version}"):
            config = place.odoo.config(DB, addons_path=path, http_enable=False)
            command = place.odoo.command(config, "-i", paths.MODULE)
            console.run(
                [*command, "--stop-after-init"], "dump", env=place.odoo.environment()
            )
        with (
            console.step("using it"),
            OdooServer(place.odoo, DB, addons_path=path) as server,
        ):
            facts = use(server)
        DATA.mkdir(exist_ok=True)
        _write(place.postgres, DATA / f"{version}.sql.xz")
        text = json.dumps(facts, indent=1, sort_keys=True)
        (DATA / f"{version}.json").write_text(f"{text}\n")
        place.databases.drop(DB)
    console.say(f"wrote {console.shown(DATA / version)}.sql.xz and .json")
    return 0


def versions():
    """The versions that there are dumps of, the oldest first."""
    return sorted(path.stem for path in DATA.glob("*.json"))


def restore(postgres, version, db):
    """Make a database from a dump; return the facts that it was made with."""
    postgres.sql(f'CREATE DATABASE "{db}" TEMPLATE template0')
    with lzma.open(DATA / f"{version}.sql.xz") as stream:
        _call(postgres, "psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-d", db, feed=stream)
    return json.loads((DATA / f"{version}.json").read_text())


def _check_out(commit):
    """The folder of addons with a commit's addon in it, and the addon's version."""
    home = paths.DEV / "dump"
    shutil.rmtree(home, ignore_errors=True)
    tree, folder = home / "tree", home / "addons" / paths.MODULE
    tree.mkdir(parents=True)
    archive = subprocess.run(
        ["git", "archive", commit], cwd=paths.ROOT, capture_output=True, check=True
    )
    subprocess.run(["tar", "-x"], cwd=tree, input=archive.stdout, check=True)
    folder.mkdir(parents=True)
    for entry in tree.iterdir():
        if not entry.name.startswith(".") and entry.name not in paths.NOT_ADDON:
            (folder / entry.name).symlink_to(entry)
    manifest = ast.literal_eval((tree / "__manifest__.py").read_text())
    return folder.parent, manifest["version"]


def _write(postgres, path):
    """Dump the database as SQL, without owners and without its files."""
    options = [f"--exclude-table-data={table}" for table in LEFT_OUT]
    sql = _call(postgres, "pg_dump", "--no-owner", "--no-acl", *options, DB)
    sql = RESTRICT.sub(b"", sql)
    path.write_bytes(lzma.compress(sql, preset=9 | lzma.PRESET_EXTREME))


def _call(postgres, program, *arguments, feed=None):
    """Run a program of PostgreSQL's clients; return what it wrote."""
    env = {
        **os.environ,
        **debian.library_environment(postgres.bin.parents[4]),
        **postgres.environment(),
    }
    with subprocess.Popen(
        [str(postgres.bin / program), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=env,
    ) as child:
        said, error = child.communicate(feed.read() if feed else None)
    if child.returncode:
        raise console.Failure(f"{program}: {error.decode(errors='replace').strip()}")
    return said
