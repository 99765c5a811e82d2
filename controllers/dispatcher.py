import json
from typing import NamedTuple

import psycopg2
from psycopg2.pool import PoolError
from werkzeug.exceptions import HTTPException

from odoo.exceptions import (
    ConcurrencyError,
    LockError,
    RedirectWarning,
    UserError,
    ValidationError,
)
from odoo.http import (
    Dispatcher,
    RegistryError,
    Response,
    SessionExpiredException,
    db_filter,
    request,
)
from odoo.service.db import list_dbs

from ..tools import address, strict_json
from ..tools.errors import DatabaseUnknown, InvalidRequest, LicenseApiError
from ..tools.payload import MAX_BODY

#: The code and the sentence that a client gets for an HTTP status.
HTTP_ERRORS = {
    400: ("invalid_request", "The request is not valid."),
    401: ("unauthorized", "Authentication is required."),
    403: ("forbidden", "You are not allowed to do this."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take this method."),
    409: ("conflict", "This conflicts with what is there already."),
    413: ("payload_too_large", f"The body is larger than {MAX_BODY // 1024} KiB."),
    500: ("internal_error", "The server failed. The incident is in its log."),
    503: ("service_unavailable", "The server is busy. Try again."),
}
#: What PostgreSQL, or the pool of connections to it, can't do now.
UNAVAILABLE = (
    ConcurrencyError,
    LockError,
    PoolError,
    psycopg2.InterfaceError,
    psycopg2.OperationalError,
    psycopg2.errors.ReadOnlySqlTransaction,  # of a server that is taking over
)
#: Seconds after which a client may try again.
RETRY_AFTER = "5"


class Reply(NamedTuple):
    """An answer that is more than 200 and a JSON value."""

    values: dict | list
    status: int = 200
    headers: dict = {}


class LicenseApiDispatcher(Dispatcher):
    """The one boundary of the HTTP API: JSON in, JSON out, errors included.

    An endpoint gets what its address holds and, by its method, ``body``, the JSON
    object that was sent (POST, PUT), or ``query``, the arguments of the address
    (GET). It returns the JSON value that is the answer, or a ``Reply``. It raises
    what goes wrong: nothing is caught before it gets here, so that Odoo rolls back,
    and tries again after a serialization failure.
    """

    routing_type = "license_api"
    mimetypes = ("application/json",)

    @classmethod
    def is_compatible_with(cls, request):
        return True

    def dispatch(self, endpoint, args):
        self.request.params = {**args, **self._read_input(endpoint.routing)}
        if self.request.httprequest.method == "OPTIONS":
            return self._make_options()
        answer = self.request.registry["ir.http"]._dispatch(endpoint)
        if isinstance(answer, Response):
            return answer
        reply = answer if isinstance(answer, Reply) else Reply(answer)
        return self._make_response(*reply)

    def _read_input(self, routing):
        """Return what the endpoint gets beside what its address holds."""
        method = self.request.httprequest.method
        if method in ("POST", "PUT"):
            return {"body": self._read_body(routing.get("is_body_optional"))}
        if method in ("GET", "HEAD"):
            return {"query": self.request.httprequest.args.to_dict()}
        return {}

    def _read_body(self, is_optional=False):
        """Return the JSON object that was sent; raise InvalidRequest if it is none."""
        # Kept: a call that Odoo tries again reads it again.
        raw = self.request.httprequest.get_data()
        if not raw and is_optional:
            return {}
        if not raw:
            raise InvalidRequest("The request has no body. Send a JSON object.")
        try:
            body = strict_json.loads(raw.decode())
        except ValueError as error:
            raise InvalidRequest("The body is not JSON.") from error
        if not isinstance(body, dict):
            raise InvalidRequest("The body is not a JSON object.")
        return body

    def handle_error(self, exc):
        """Return the JSON answer to an exception: never a traceback, never HTML.

        It may be called before anything of the request is known.
        """
        if not self._has_database():
            exc = _explain_no_database()
        if isinstance(exc, LicenseApiError):
            return self._make_error(exc.to_dict(), exc.http_status, exc.headers)
        status = _get_status(exc)
        values = {"error": HTTP_ERRORS[status][0], "message": _get_message(exc, status)}
        headers = {"Retry-After": RETRY_AFTER} if status == 503 else {}
        if allowed := getattr(exc, "valid_methods", None):
            headers["Allow"] = ", ".join(sorted(allowed))
        if status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return self._make_error(values, status, headers)

    def _has_database(self):
        """Whether Odoo found a database of its own for the request, or did not look."""
        if self.request.registry is not None:
            return "ir.http" in self.request.registry
        return getattr(self.request, "db", "not looked for yet") is not None

    def _make_options(self):
        """Return the answer to an OPTIONS that is no question of a browser's."""
        environ = self.request.httprequest.environ
        router = self.request.env["ir.http"].routing_map().bind_to_environ(environ)
        allowed = ", ".join(sorted(router.allowed_methods()))
        return self._make_response({}, headers={"Allow": allowed})

    def _make_response(self, values, status=200, headers=None):
        headers = {
            "Cache-Control": "no-store",
            "Content-Type": "application/json; charset=utf-8",
            **(headers or {}),
        }
        body = json.dumps(values, ensure_ascii=False)
        return self.request.make_response(body, list(headers.items()), status=status)

    def _make_error(self, values, status, headers=None):
        # An error leaves without the headers that pre_dispatch prepared.
        is_public = address.is_public(self.request.httprequest.path)
        cors = {"Access-Control-Allow-Origin": "*"} if is_public else {}
        headers = {**cors, **(headers or {})}
        return self._make_response(values, status, headers)


def _explain_no_database():
    """Return the exception that tells why a request has no database.

    Odoo takes a server that can't list its databases for one that has none.
    """
    asked = request.httprequest.headers.get("X-Odoo-Database")
    try:
        names = list_dbs(force=True)
    except UNAVAILABLE as error:
        return error
    found = [name for name in db_filter(names) if asked in (None, "", name)]
    if not names or len(found) == 1:
        return RegistryError("It is there, and can't be used now.")
    return DatabaseUnknown()


def _get_status(exc):
    """Return the HTTP status that an exception stands for."""
    if isinstance(exc, HTTPException):
        is_fault = (exc.code or 500) >= 500
        return exc.code if exc.code in HTTP_ERRORS else 500 if is_fault else 400
    if isinstance(exc, UNAVAILABLE):
        return 503
    if isinstance(exc, SessionExpiredException):
        return 401
    if isinstance(exc.__cause__ or exc, psycopg2.errors.UniqueViolation):
        return 409
    if isinstance(exc, UserError | RedirectWarning):
        status = getattr(exc, "http_status", 400)
        return status if status in HTTP_ERRORS else 400
    # Code that tidies up after a connection was lost fails in its own ways.
    return 503 if any(map(_is_database_away, _get_chain(exc))) else 500


def _get_message(exc, status):
    """Return the sentence for a client: of its own only what a constraint says.

    Neither what PostgreSQL tells, nor the names of models and records that Odoo puts
    into the refusals of its access rights.
    """
    is_written = isinstance(exc, ValidationError) and status == 400
    if is_written and exc.args[0] and not isinstance(exc.__cause__, psycopg2.Error):
        return str(exc.args[0])
    return HTTP_ERRORS[status][1]


def _is_database_away(exc):
    # libpq tells of some lost connections by this class itself, without a code.
    is_nameless = type(exc) is psycopg2.DatabaseError
    return is_nameless or isinstance(exc, (*UNAVAILABLE, RegistryError))


def _get_chain(exc):
    """Yield an exception, and what it was raised from or while handling."""
    while exc is not None:
        yield exc
        exc = exc.__cause__ or exc.__context__
