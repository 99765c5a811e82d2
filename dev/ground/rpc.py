"""Odoo's models over JSON-RPC, as any program outside of Odoo would use them.

Not over XML-RPC: Odoo's cannot send None, which many of its methods return.
"""

import json
import urllib.request

from .console import Failure


class Rpc:
    """A user's session on a server's database."""

    def __init__(self, url, db, login, password):
        self.url, self.db, self.password = url, db, password
        self.user = self._request("common", "login", db, login, password)
        if not self.user:
            raise Failure(
                f"{login} cannot log in to {db}: dev/run --fresh makes it anew"
            )

    def __call__(self, model, method, *arguments, **keywords):
        """Call a model's method; Odoo's refusal becomes one line."""
        who = (self.db, self.user, self.password)
        what = (model, method, arguments, keywords)
        return self._request("object", "execute_kw", *who, *what)

    def _request(self, service, method, *arguments):
        params = {"service": service, "method": method, "args": arguments}
        body = json.dumps({"jsonrpc": "2.0", "method": "call", "params": params})
        request = urllib.request.Request(
            f"{self.url}/jsonrpc", body.encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=120) as response:
            answer = json.load(response)
        if "error" in answer:
            what = ".".join(arguments[3:5]) or method
            said = answer["error"].get("data", answer["error"])["message"]
            raise Failure(f"{what} failed: {said}")
        return answer.get("result")

    def create(self, model, **values):
        """Create one record and return its id."""
        return self(model, "create", [values])[0]

    def read(self, model, record, *fields):
        """Some fields of one record; a related one as its id."""
        return self(model, "read", [record], list(fields), load="")[0]

    def search(self, model, *domain, **options):
        """The ids of the records that match."""
        return self(model, "search", list(domain), **options)

    def xmlid(self, name):
        """The id of the record with an external name."""
        module, _dot, name = name.partition(".")
        (found,) = self(
            "ir.model.data",
            "search_read",
            [["module", "=", module], ["name", "=", name]],
            ["res_id"],
        )
        return found["res_id"]
