from unittest.mock import patch
from urllib.parse import unquote, urlsplit

import psycopg2
from psycopg2.pool import PoolError
from werkzeug import exceptions as http_errors

from odoo import http
from odoo.exceptions import (
    AccessDenied,
    AccessError,
    ConcurrencyError,
    LockError,
    MissingError,
    RedirectWarning,
    UserError,
    ValidationError,
)
from odoo.tests import BaseCase, tagged
from odoo.tools import mute_logger

from ..controllers import dispatcher
from ..controllers.dispatcher import _get_message, _get_status
from ..models.ir_http import IrHttp
from ..tools.address import is_public
from .common import LicenseHttpCommon, LicenseManagedCommon

#: Below each of the API's roots: (path, method, status).
REQUESTS = (
    ("licenses/verify", "GET", 405),
    ("licenses/verify", "HEAD", 405),
    ("licenses/verify", "PATCH", 405),
    ("licenses/verify", "TRACE", 405),
    ("licenses/verify", "BREW", 405),
    ("licenses/verify?x=%zz%ff%", "GET", 405),
    ("licenses/verify", "POST", 400),
    ("licenses/verify/", "POST", 400),
    ("licenses/verify%20", "POST", 405),
    ("licenses/verify/x/y/z/nothing", "POST", 404),
    ("licenses/nothing/nothing/nothing", "OPTIONS", 404),
    ("licenses/nothing/nothing/nothing", "TRACE", 404),
    ("licenses/x/y/%", "GET", 404),
    ("licenses/x/y/%zz", "GET", 404),
    ("licenses/x/y/%00", "GET", 404),
    ("licenses/x/y/%ff%fe", "POST", 404),
    ("licenses/x/y/%ed%a0%80", "POST", 404),
    ("licenses/x/%2e%2e/%2e%2e/web", "GET", 404),
    ("licenses//verify", "POST", 404),
    ("licenses/static/x/y.js", "GET", 404),
    ("v1/licensing", "GET", 404),
    ("v1/licensing/", "GET", 404),
    ("v1/licensing/nothing", "POST", 404),
    ("v1/licensing/%00", "GET", 404),
)
#: Whatever goes wrong before a route is known, and its status.
EARLY = (
    (PoolError("The Connection Pool Is Full"), 503),
    (psycopg2.OperationalError("connection refused"), 503),
    (psycopg2.InterfaceError("connection already closed"), 503),
    (psycopg2.ProgrammingError('relation "orm_signaling" does not exist'), 503),
    (KeyError("odd"), 500),
)
CONTENT_TYPES = (
    "text/html",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "application/json; charset=nothing",
    "application/xml",
    "\xe9",
)


def _raise_from(exc, cause):
    """Return an exception as it is when it was raised from another one."""
    exc.__cause__ = cause
    return exc


@tagged("post_install", "-at_install")
class TestStatus(BaseCase):
    """What an exception means to a client."""

    def test_every_exception_has_its_status(self):
        unique = psycopg2.errors.UniqueViolation("Key (license_key)=(X) exists")
        missing = psycopg2.errors.NotNullViolation("null value in column")
        lost = psycopg2.DatabaseError("error with status PGRES_TUPLES_OK")
        for exc, status in (
            (UserError("x"), 400),
            (ValidationError("x"), 400),
            (RedirectWarning("x", 1, "Go"), 400),
            (AccessError("x"), 403),
            (AccessDenied("x"), 403),
            (MissingError("x"), 404),
            (http.SessionExpiredException("x"), 401),
            (_raise_from(ValidationError("x"), unique), 409),
            (unique, 409),
            (_raise_from(ValidationError("x"), missing), 400),
            (LockError("x"), 503),
            (ConcurrencyError("x"), 503),
            (PoolError("x"), 503),
            (psycopg2.errors.AdminShutdown("x"), 503),
            (psycopg2.errors.SerializationFailure("x"), 503),
            (psycopg2.errors.ReadOnlySqlTransaction("x"), 503),
            (lost, 503),
            (_raise_from(KeyError("cursor"), psycopg2.InterfaceError("closed")), 503),
            (_raise_from(http.RegistryError("x"), AttributeError("y")), 503),
            (psycopg2.errors.UndefinedColumn("x"), 500),
            (KeyError("x"), 500),
            (http_errors.UnsupportedMediaType(), 400),
            (http_errors.RequestEntityTooLarge(), 413),
            (http_errors.NotImplemented(), 500),
            (http_errors.BadGateway(), 500),
            (http_errors.ServiceUnavailable(), 503),
        ):
            with self.subTest(exc=repr(exc)):
                self.assertEqual(_get_status(exc), status)

    def test_only_what_is_written_for_people_is_shown(self):
        unique = psycopg2.errors.UniqueViolation("Key (license_key)=(X) exists")
        for exc, is_shown in (
            (UserError("License belongs to company Secret"), False),
            (ValidationError("The end lies before the begin."), True),
            (RedirectWarning("Choose a journal first.", 1, "Go"), False),
            (AccessError("License (software.license) of Blue Heron"), False),
            (MissingError("Record: software.license(7,)"), False),
            (AccessDenied("Session user does not match"), False),
            (_raise_from(ValidationError("Model: software.license"), unique), False),
            (psycopg2.OperationalError("FATAL: role odoo"), False),
            (KeyError("software.license"), False),
        ):
            with self.subTest(exc=repr(exc)):
                message = _get_message(exc, _get_status(exc))
                self.assertEqual(message == exc.args[0], is_shown)
                self.assertTrue(message.endswith(".") or is_shown, message)


@tagged("post_install", "-at_install")
class TestBoundary(LicenseHttpCommon):
    """Whatever goes wrong below the API's roots is told in JSON."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.license = cls._create_license()
        cls.body = {"licenseKey": cls.license.license_key}

    def assertRefused(self, response, status):
        """It is one of our answers, and tells nothing of what is inside."""
        self.assertEqual(response.status_code, status, response.text)
        headers = response.headers
        self.assertEqual(headers["Content-Type"], "application/json; charset=utf-8")
        self.assertEqual(headers["Cache-Control"], "no-store")
        origins = "*" if is_public(unquote(urlsplit(response.url).path)) else None
        self.assertEqual(headers.get("Access-Control-Allow-Origin"), origins)
        self.assertNotIn("Set-Cookie", headers)
        self.assertEqual("Allow" in headers, status == 405)
        self.assertEqual("Retry-After" in headers, status == 503)
        if response.request.method == "HEAD":
            return
        answer = response.json()
        self.assertEqual({*answer}, {"error", "message"})
        for word in ("odoo.", "psycopg", "Traceback", "<", "wt_", "software.license"):
            self.assertNotIn(word, response.text)

    def _fail_early(self, exc):
        """Let Odoo fail when it takes the database up."""
        return patch.object(self.env.registry, "check_signaling", side_effect=exc)

    def test_every_odd_request_is_refused_in_json(self):
        for path, method, status in REQUESTS:
            with self.subTest(path=path, method=method):
                data = b"[]" if method == "POST" else None
                self.assertRefused(
                    self.url_open(f"/api/{path}", data, method=method), status
                )

    def test_no_content_type_changes_the_answer(self):
        for content_type in CONTENT_TYPES:
            headers = {"Content-Type": content_type.encode("latin-1")}
            with self.subTest(content_type):
                answer = self._post("verify", self.body, headers=headers).json()
                self.assertTrue(answer["valid"])
                self.assertRefused(
                    self._post("verify", data=b"x=1", headers=headers), 400
                )

    def test_a_method_override_overrides_nothing(self):
        headers = {"X-HTTP-Method-Override": "DELETE"}
        answer = self._post("verify?_method=DELETE", self.body, headers=headers)
        self.assertTrue(answer.json()["valid"])

    def test_a_browser_may_ask_first_whether_it_may_call(self):
        headers = {"Origin": "https://x.test", "Access-Control-Request-Method": "POST"}
        response = self.url_open(
            "/api/licenses/verify", method="OPTIONS", headers=headers
        )
        self.assertEqual((response.status_code, response.content), (204, b""))
        self.assertEqual(response.headers["Access-Control-Allow-Origin"], "*")
        self.assertIn("POST", response.headers["Access-Control-Allow-Methods"])

    def test_a_database_that_is_not_there_is_named_no_cause_of_the_server(self):
        response = self._post(
            "verify", self.body, headers={"X-Odoo-Database": "no_such_database"}
        )
        self.assertRefused(response, 400)
        self.assertIn("X-Odoo-Database", response.json()["message"])

    def test_a_server_that_can_not_list_its_databases_is_away(self):
        headers = {"X-Odoo-Database": "no_such_database"}
        list_dbs = f"{dispatcher.__name__}.list_dbs"
        for result in (psycopg2.OperationalError("away"), PoolError("full"), [[]]):
            with self.subTest(result=result), patch(list_dbs, side_effect=result):
                self.assertRefused(
                    self._post("verify", self.body, headers=headers), 503
                )

    def test_a_session_of_another_database_is_refused_in_json(self):
        self.authenticate(None, None)
        headers = {"X-Odoo-Database": "no_such_database"}
        self.assertRefused(self._post("verify", self.body, headers=headers), 403)

    def test_what_fails_before_a_route_is_known_is_told_in_json(self):
        for exc, status in EARLY:
            for call in (
                lambda: self._post("verify", self.body),
                lambda: self.url_open("/api/licenses/x/y"),
            ):
                # A new one: Odoo keeps the answer on the exception.
                failing = self._fail_early(type(exc)(*exc.args))
                with self.subTest(exc=repr(exc)), failing, mute_logger("odoo.http"):
                    self.assertRefused(call(), status)

    def test_what_fails_elsewhere_is_shown_as_ever(self):
        for exc in (PoolError("full"), psycopg2.OperationalError("away")):
            failing = self._fail_early(exc)
            with failing, mute_logger("odoo.http"):
                response = self.url_open("/web/login", allow_redirects=False)
            self.assertNotEqual(response.status_code, 503)
            self.assertIn("text/html", response.headers["Content-Type"])
        for path in ("/api", "/api/v1", "/api/licensesx", "/web/nothing", "//api"):
            response = self.url_open(path)
            self.assertEqual(response.status_code, 404)
            self.assertIn("text/html", response.headers["Content-Type"])

    def test_below_a_language_there_is_no_api(self):
        """A proxy that limits its addresses, or masks keys in them, knows one root."""
        self.env["res.lang"]._activate_lang("fr_FR")
        for language in ("en", "fr"):
            for call in ("licenses/verify", "v1/licensing/validate", "licenses/x/y"):
                path = f"/{language}/api/{call}"
                with self.subTest(path), mute_logger("odoo.http"):
                    refused = self.url_open(path, json=self.body)
                    self.assertEqual(refused.status_code, 404)
                    self.assertEqual(refused.json()["error"], "not_found")
        with mute_logger("odoo.http"):
            read = self.url_open("/fr/api/licenses/openapi.json")
        self.assertEqual(read.status_code, 404)
        self.assertTrue(self._post("verify", self.body).json()["valid"])

    def test_a_database_that_can_not_tell_who_calls_is_no_refusal(self):
        for exc, status in (
            (psycopg2.OperationalError("away"), 503),
            (psycopg2.InterfaceError("closed"), 503),
            (KeyError("x"), 403),
        ):
            failing = patch.object(IrHttp, "_auth_method_none", create=True)
            with self.subTest(exc=repr(exc)), failing as authenticate:
                authenticate.side_effect = exc
                with mute_logger("odoo.http"):
                    self.assertRefused(self._post("verify", self.body), status)

    def test_a_serialization_failure_is_tried_again_with_the_same_body(self):
        model = self.env.registry["software.license"]
        works, failures = model._api_verify, []

        def fail_once(self, *args, **kwargs):
            if not failures:
                failures.append(psycopg2.errors.SerializationFailure("once"))
                raise failures[0]
            return works(self, *args, **kwargs)

        with (
            patch.object(model, "_api_verify", fail_once),
            # A failure made by Python has no code of PostgreSQL's.
            patch("odoo.service.model.errorcodes.lookup"),
            patch("odoo.service.model.random.uniform", return_value=0),
        ):
            response = self._post("verify", self.body)
        self.assertEqual((response.status_code, len(failures)), (200, 1))
        self.assertTrue(response.json()["valid"])


@tagged("post_install", "-at_install")
class TestManagedBoundary(LicenseManagedCommon):
    def test_what_the_orm_refuses_has_its_status(self):
        model = self.env.registry["software.license"]
        path = f"/{self._issue().json()['licenseKey']}"
        for exc, status, message in (
            (ValidationError("The end is too early"), 400, "The end is too"),
            (UserError("Company “Secret”"), 400, "not valid"),
            (AccessError("License (software.license)"), 403, "not allowed"),
            (MissingError("software.license(7,)"), 404, "nothing at this address"),
            (psycopg2.errors.LockNotAvailable("x"), 503, "busy"),
            (TypeError("NoneType"), 500, "incident"),
        ):
            failing = patch.object(model, "_api_update", side_effect=exc)
            with self.subTest(exc=repr(exc)), failing, mute_logger("odoo.http"):
                response = self._manage("PUT", path, {"maxActivations": 1})
                self.assertEqual(response.status_code, status)
                self.assertIn(message, response.json()["message"])

    def test_options_tell_the_methods(self):
        path = f"/{self._issue().json()['licenseKey']}"
        allowed = self._manage("OPTIONS", path).headers["Allow"].split(", ")
        self.assertEqual({*allowed}, {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
        self.assertEqual(self._manage("OPTIONS", "/x/y/z").status_code, 404)

    def test_a_database_that_can_not_tell_whose_key_it_is_is_no_refusal(self):
        keys = self.env.registry["res.users.apikeys"]
        away = psycopg2.OperationalError("server closed the connection")
        failing = patch.object(keys, "_check_credentials", side_effect=away)
        with failing, mute_logger("odoo.http"):
            self.assertEqual(self._manage("GET", "").status_code, 503)
