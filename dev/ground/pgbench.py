"""What PostgreSQL alone can do: the look-up of a license, without Odoo."""

import re

from . import fill, paths
from .console import Failure

SECONDS = 5
MODES = ("simple", "prepared")
LITERAL_KEY = re.compile(r"'BENCH(?:-[0-9A-F]{4}){4}'")
#: pgbench takes ``:30`` in a time for a variable.
TIME_OF_DAY = re.compile(r"(\d{4}-\d\d-\d\d)[ T][\d:.]+")


def measure(postgres, database, statement, clients):
    """Return {mode: transactions a second} of a statement that was read in the log.

    The key in it becomes that of a license at random.
    """
    key = fill.sql_key("(:n)")
    text, found = LITERAL_KEY.subn(lambda _match: key, statement)
    if not found:
        raise Failure(f"this statement looks up no key: {statement}")
    text = TIME_OF_DAY.sub(r"\1", text).strip().rstrip(";")
    script = paths.DEV / "bench" / f"{database.name}.sql"
    script.write_text(f"\\set n random(1, {database.count})\n{text};\n")
    return {mode: _run(postgres, database, script, mode, clients) for mode in MODES}


def _run(postgres, database, script, mode, clients):
    options = f"-n -c {clients} -j 2 -T {SECONDS} -M {mode}".split()
    if not (postgres.bin / "pgbench").exists():
        raise Failure(f"there is no pgbench in {postgres.bin}: install it and retry")
    said = postgres.client("pgbench", *options, "-f", script, database.name)
    return float(re.search(r"^tps = ([\d.]+)", said, re.MULTILINE)[1])
