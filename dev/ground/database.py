"""Odoo databases: templates made once, and clones of them in a second."""

import fcntl
import os
import shutil
from contextlib import contextmanager

from . import addon, oca, paths
from .console import step
from .server import filestore

CORE = ("sale_management", "account")
#: Odoo makes it when it creates a database itself.
EXTENSIONS = ("pg_trgm",)
TEMPLATES = {
    # payment_demo: a real provider of online payments that asks nobody.
    "core": {"modules": (*CORE, "payment_demo"), "extensions": EXTENSIONS},
    # base_automation: webhooks are tested with it here, all else without it on core.
    "oca": {"base": "core", "modules": (*oca.MODULES, "base_automation")},
    "demo": {
        "modules": (*CORE, *oca.MODULES),
        "arguments": ("--with-demo",),
        "extensions": EXTENSIONS,
    },
}


class Databases:
    """The databases of a cluster."""

    def __init__(self, postgres, odoo):
        self.postgres = postgres
        self.odoo = odoo

    def fresh(self, name, base="core", install=()):
        """A new database from a template, with further modules installed."""
        self.clone(self.template(base), name)
        if install:
            self.odoo.manage(name, "-i", ",".join(install))
        return name

    def template(self, kind):
        """The name of a template database, made when it is not there yet."""
        name = f"tpl_{kind}_{self._key()}"
        with _making(kind):
            if not self.exists(name):
                self._make_template(kind, name)
        return name

    def _make_template(self, kind, name):
        recipe = TEMPLATES[kind]
        base = recipe.get("base")
        base = base and self.template(base)
        with step(f"template database {kind}: {', '.join(recipe['modules'])}"):
            self._drop_outdated(f"tpl_{kind}")
            building = f"building_{kind}"
            self.clone(base or "template0", building)
            for extension in recipe.get("extensions", ()):
                self.postgres.sql(f"CREATE EXTENSION {extension}", db=building)
            arguments = recipe.get("arguments", ())
            self.odoo.manage(building, "-i", ",".join(recipe["modules"]), *arguments)
            self.rename(building, name)

    def installed(self, base):
        """The name of a database with the addon as it is now: to be cloned, only.

        All tests share it: to install takes ten times as long as to clone.
        """
        kind = f"addon_{base}"
        name = f"{kind}_{paths.digest(self._key(), addon.digest())}"
        with _making(kind):
            if not self.exists(name):
                self._drop_outdated(kind)
                self.rename(self.fresh(f"building_{kind}", base, [paths.MODULE]), name)
        return name

    def rename(self, building, name):
        """Give a database its name, in place of an older one's, files included.

        It comes last: a database that has its name is complete.
        """
        self.drop(name)
        if filestore(building).exists():
            filestore(building).rename(filestore(name))
        self.postgres.sql(f'ALTER DATABASE "{building}" RENAME TO "{name}"')

    def clone(self, source, name):
        """A copy of a database, files included, in place of an older one; its name."""
        self.drop(name)
        self.postgres.sql(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')
        if filestore(source).exists():
            # Odoo never changes a stored file: links do, and take no room.
            shutil.copytree(filestore(source), filestore(name), copy_function=os.link)
        return name

    def drop(self, name):
        """Remove a database and its files."""
        self.postgres.sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        shutil.rmtree(filestore(name), ignore_errors=True)

    def exists(self, name):
        """Whether the cluster has the database."""
        query = f"SELECT 1 FROM pg_database WHERE datname = '{name}'"
        return bool(self.postgres.sql(query))

    def _drop_outdated(self, kind):
        """Remove those of other pins, and of the addon as it was."""
        query = f"SELECT datname FROM pg_database WHERE datname LIKE '{kind}_%'"
        for name in self.postgres.sql(query):
            self.drop(name)

    def _key(self):
        """What a template depends on: Odoo, Python packages, OCA's modules, recipes."""
        pins = (paths.PINS, paths.REQUIREMENTS, paths.REQUIREMENTS_OCA)
        return paths.digest(self.odoo.tree.label, TEMPLATES, *pins)


@contextmanager
def _making(kind):
    """Let one thread or process at a time make something of a kind; others wait."""
    with (paths.DEV / f"making_{kind}").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
