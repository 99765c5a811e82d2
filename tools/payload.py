"""The fields of a request body: what each may be, and a clear error if it is not."""

from typing import NamedTuple

from .errors import InvalidRequest

MAX_BODY = 64 * 1024


class Text(NamedTuple):
    """A text field: how long it may be, in characters, and whether it must be there."""

    max_length: int = 255
    required: bool = False


LICENSE_KEY = {"licenseKey": Text(required=True)}
VERIFY = {
    **LICENSE_KEY,
    "deviceId": Text(),
    "application": Text(),
    "nonce": Text(),
}
VALIDATE = {**VERIFY, "deviceId": Text(required=True), "deviceName": Text()}
DEACTIVATE = {**LICENSE_KEY, "deviceId": Text(required=True)}


def read(body, schema):
    """Return the schema's fields of a body, None for those left out.

    Fields that the schema does not know are ignored, so that a newer client can
    talk to an older server. Raises InvalidRequest, which names the field.
    """
    return {name: _text(name, body.get(name), text) for name, text in schema.items()}


def _text(name, value, text):
    if value is None or value == "":
        if text.required:
            raise InvalidRequest(f"{name} is required")
        return None
    if not isinstance(value, str):
        raise InvalidRequest(f"{name} must be a string")
    value = value.strip()
    if not value:
        return _text(name, None, text)
    if len(value) > text.max_length:
        raise InvalidRequest(f"{name} is longer than {text.max_length} characters")
    if not _is_storable(value):
        raise InvalidRequest(f"{name} contains characters that are not allowed")
    return value


def _is_storable(value):
    """Neither control characters (PostgreSQL refuses NUL) nor half surrogates."""
    return not any(
        char < " " or "\x7f" <= char <= "\x9f" or "\ud800" <= char <= "\udfff"
        for char in value
    )
