"""The fields of a request: what each may be, and a clear error if it is not.

A schema is a dict {name: kind}. The OpenAPI document is made of the same schemas.
"""

import re
from datetime import UTC, datetime
from math import isfinite
from typing import NamedTuple

from . import address, license_key
from .errors import InvalidRequest

MAX_BODY = 64 * 1024
#: PostgreSQL's integer.
MAX_INTEGER = 2**31 - 1
#: Beyond, adding a grace or a period would leave the calendar.
YEARS = range(1970, 3000)
#: What an address can hold, and is no word of ours.
NEW_KEY = (
    rf"^(?!(?:{'|'.join(address.WORDS)})$)"
    rf"[A-Za-z0-9][A-Za-z0-9._~:@+=-]{{{license_key.MIN_LENGTH - 1},254}}$"
)
#: What an Idempotency-Key looks like: visible ASCII, blanks within.
IDEMPOTENCY_KEY = r"^[!-~](?:[ -~]{0,253}[!-~])?$"
#: Of an object within an object, and so on.
MAX_DEPTH = 32
#: Of the name of a feature, in characters.
MAX_FEATURE_NAME = 128


class Text(NamedTuple):
    """A text: how long it may be, in characters. Blanks around it do not count."""

    max_length: int = 255
    required: bool = False
    #: May be left out, and is not blank.
    is_filled: bool = False

    def parse(self, name, value):
        if not isinstance(value, str):
            raise InvalidRequest(f"{name} must be a string")
        if len(value) > self.max_length:
            raise InvalidRequest(f"{name} is longer than {self.max_length} characters")
        value = value.strip()
        if not is_storable(value):
            raise InvalidRequest(f"{name} contains characters that are not allowed")
        if self.is_filled and not value:
            raise InvalidRequest(f"{name} is empty")
        return value or None


class NewKey(NamedTuple):
    """A license key made elsewhere: what an address can hold, and nobody guesses."""

    required: bool = False

    def parse(self, name, value):
        if not isinstance(value, str):
            raise InvalidRequest(f"{name} must be a string")
        if not re.fullmatch(NEW_KEY, value):
            raise InvalidRequest(
                f"{name}: use {license_key.MIN_LENGTH} to 255 letters, digits and"
                " -._~:@+=, and begin with a letter or a digit"
            )
        return value


class Identifier(NamedTuple):
    """An id as this API gives it: opaque to the client, a number to us."""

    required: bool = False

    def parse(self, name, value):
        if not isinstance(value, str):
            raise InvalidRequest(f"{name} must be a string")
        if not re.fullmatch(r"[1-9][0-9]{0,9}", value) or int(value) > MAX_INTEGER:
            raise InvalidRequest(f"{name} is not an id of this server")
        return int(value)


class Integer(NamedTuple):
    """A whole number, bounds included."""

    minimum: int = 0
    maximum: int = MAX_INTEGER
    required: bool = False

    def parse(self, name, value):
        # True is an int to Python. 5.0 is one to JSON, which has but numbers.
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise InvalidRequest(f"{name} must be an integer")
        if not self.minimum <= value <= self.maximum:
            raise InvalidRequest(f"{name} must be {self.minimum} to {self.maximum}")
        return value


class Boolean(NamedTuple):
    """True or false."""

    required: bool = False

    def parse(self, name, value):
        if not isinstance(value, bool):
            raise InvalidRequest(f"{name} must be true or false")
        return value


class Features(NamedTuple):
    """Features: a JSON object, see ``get_features_problem``."""

    required: bool = False

    def parse(self, name, value):
        if problem := get_features_problem(value):
            raise InvalidRequest(f"{name} {problem}")
        return value


class Choice(NamedTuple):
    """One of some words."""

    words: tuple
    required: bool = False

    def parse(self, name, value):
        if value not in self.words:
            raise InvalidRequest(f"{name} must be one of {', '.join(self.words)}")
        return value


class Moment(NamedTuple):
    """A moment as ISO 8601, read as naive UTC; without a zone it is taken for UTC.

    A day stands for its beginning.
    """

    required: bool = False

    def parse(self, name, value):
        if not isinstance(value, str):
            raise InvalidRequest(f"{name} must be a string")
        try:
            moment = datetime.fromisoformat(value.strip())
            if moment.tzinfo:
                moment = moment.astimezone(UTC)
        except (ValueError, OverflowError):
            raise InvalidRequest(
                f"{name} is not an ISO 8601 date and time, such as 2027-01-15T00:00:00Z"
            ) from None
        if moment.year not in YEARS:
            raise InvalidRequest(
                f"{name} must lie in the years {YEARS.start} to {YEARS.stop - 1}"
            )
        return moment.replace(tzinfo=None, microsecond=0)


LICENSE_KEY = {"licenseKey": Text(required=True)}
VERIFY = {
    **LICENSE_KEY,
    "deviceId": Text(),
    "application": Text(),
    "nonce": Text(),
}
VALIDATE = {**VERIFY, "deviceId": Text(required=True), "deviceName": Text()}
DEACTIVATE = {**LICENSE_KEY, "deviceId": Text(required=True)}
INSTANCE = {**LICENSE_KEY, "instanceName": Text(), "instanceUrl": Text()}
CREATE = {
    "customerId": Identifier(required=True),
    "productId": Identifier(required=True),
    "maxActivations": Integer(1),
    "features": Features(),
    "expiresAt": Moment(),
    "licenseKey": NewKey(),
    "policyId": Identifier(),
    "trial": Boolean(),
}
UPDATE = {
    "status": Choice(("active", "suspended", "revoked"), required=True),
    "maxActivations": Integer(1),
    "features": Features(),
    "expiresAt": Moment(),
}
#: An empty deviceId is a mistake: without one, the file is good on any device.
FILE = {"deviceId": Text(is_filled=True), "deviceName": Text(), "nonce": Text()}
STATUSES = ("active", "expired", "suspended", "revoked")
LIST = {
    "limit": Integer(1, 1000),
    "offset": Integer(),
    "status": Choice(STATUSES),
    "customerId": Identifier(),
    "productId": Identifier(),
    "q": Text(),
    "expiresBefore": Moment(),
    "createdAfter": Moment(),
    "sort": Choice(("createdAt", "-createdAt", "expiresAt", "-expiresAt")),
}


def read(body, schema, is_partial=False):
    """Return the schema's fields of a body, None for those left out.

    ``is_partial``: only what was sent, so that null can mean something else.
    Fields that the schema does not know are ignored, so that a newer client can
    talk to an older server. Raises InvalidRequest, which names the field.
    """
    return {
        name: _read(name, body.get(name), kind)
        for name, kind in schema.items()
        if name in body or not is_partial
    }


def read_query(query, schema):
    """Return the schema's arguments of an address, all of them texts; see ``read``."""
    numbers = {
        name: int(text)
        for name, text in query.items()
        if isinstance(schema.get(name), Integer) and re.fullmatch("-?[0-9]{1,12}", text)
    }
    return read({**query, **numbers}, schema)


def refuse_unknown(query, schema):
    """Raise InvalidRequest for an argument that the schema does not know.

    For addresses where a misspelt one would do something else.
    """
    for name in query:
        if name not in schema:
            raise InvalidRequest(f"{name[:64]}: there is no such argument")


def _read(name, value, kind):
    if value is not None:
        value = kind.parse(name, value)
    if value is None and kind.required:
        raise InvalidRequest(f"{name} is required")
    return value


def is_storable(value):
    """Neither control characters (PostgreSQL refuses NUL) nor half surrogates."""
    return not any(
        char < " " or "\x7f" <= char <= "\x9f" or "\ud800" <= char <= "\udfff"
        for char in value
    )


def get_features_problem(value):
    """Return why a value can't be the features of a license, None if it can.

    The one rule for the API, the forms and whoever else writes features: an object
    whose names are filled, short and printable, of values that PostgreSQL takes.
    """
    if not isinstance(value, dict):
        return "must be an object"
    for name in value:
        if not name.strip():
            return "contains an empty name"
        if len(name) > MAX_FEATURE_NAME:
            return f"contains a name of more than {MAX_FEATURE_NAME} characters"
        if not is_storable(name):
            return "contains characters that are not allowed"
    return _get_json_problem(value)


def _get_json_problem(value, depth=1):
    """Return what PostgreSQL would not take of a JSON value, None if it would."""
    if depth > MAX_DEPTH:
        return f"is nested more than {MAX_DEPTH} levels deep"
    if isinstance(value, float) and not isfinite(value):
        return "contains a number that is too large"
    if isinstance(value, str) and re.search("[\\x00\\ud800-\\udfff]", value):
        return "contains characters that are not allowed"
    parts = value if isinstance(value, list) else []
    if isinstance(value, dict):
        parts = [*value.keys(), *value.values()]
    return next(filter(None, (_get_json_problem(it, depth + 1) for it in parts)), None)
