"""How many statements an answer takes, as PostgreSQL's own log has them."""

import json
import re
import urllib.request
from contextlib import contextmanager

STATEMENT = re.compile(r"LOG:  (?:statement|execute [^:]+): (.*(?:\n\t.*)*)")
#: One that was prepared: its name, its values; what it stands for follows in the log.
EXECUTE = re.compile(r"EXECUTE (\w+) \((.*)\)")
PREPARED = r"DETAIL:  prepare: PREPARE {} AS (.*(?:\n\t.*)*)"
#: What Odoo does for any request: its transactions, the pool of connections, and the
#: look whether another process changed the registry.
FRAMEWORK = re.compile(
    r"\s*(?:DISCARD ALL|BEGIN|COMMIT|ROLLBACK)\b|.*\borm_signaling_", re.DOTALL
)
#: Requests that fill caches, each policy's own among them, and those that are counted.
WARM_UP, COUNTED = 40, 4


@contextmanager
def logged(postgres, db):
    """PostgreSQL writes down each statement of who connects to a database now."""
    postgres.sql(f"ALTER DATABASE {db} SET log_statement = 'all'")
    try:
        yield
    finally:
        postgres.sql(f"ALTER DATABASE {db} RESET log_statement")


def count(postgres, running, requests, headers):
    """Return ({"all": n, "own": n} of one request, the last one's own statements).

    ``requests``: an iterator of [path, body]. The server's connections are ``logged``.
    """
    for _each in range(WARM_UP):
        _send(running, *next(requests), headers)
    log = postgres.home / "server.log"
    begin = log.stat().st_size
    for _each in range(COUNTED):
        begin_of_last = log.stat().st_size
        _send(running, *next(requests), headers)
    with log.open("rb") as stream:
        stream.seek(begin)
        written = stream.read()
    found = STATEMENT.findall(written.decode(errors="replace"))
    counts = {"all": len(found), "own": len(_get_own(found))}
    text = written[begin_of_last - begin :].decode(errors="replace")
    last = [_spell_out(it, text) for it in _get_own(STATEMENT.findall(text))]
    return {name: n / COUNTED for name, n in counts.items()}, last


def _spell_out(statement, log):
    """Return a statement with its values, as if it had not been prepared."""
    execute = EXECUTE.match(statement)
    if not execute:
        return statement
    name, values = execute[1], execute[2].split(", ")
    (text, *_others) = re.findall(PREPARED.format(name), log)
    return re.sub(r"\$(\d+)", lambda place: values[int(place[1]) - 1], text)


def _get_own(found):
    return [statement for statement in found if not FRAMEWORK.match(statement)]


def _send(running, path, body, headers):
    headers = {"Content-Type": "application/json", **headers}
    content = body and json.dumps(body).encode()
    request = urllib.request.Request(running.url + path, content, headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        response.read()
