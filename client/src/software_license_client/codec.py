"""Strict base64url and JSON, as tokens need them: one text for one value."""

import base64
import binascii
import json
from typing import Any


def encode_base64url(data: bytes) -> str:
    """Return base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode_base64url(text: str) -> bytes:
    """Return the bytes of unpadded base64url; ValueError for anything else.

    Only the one canonical spelling is read: a signature whose unused last bits were
    changed is another text, and nobody signed that.
    """
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except (binascii.Error, UnicodeError) as error:
        raise ValueError("not base64url") from error
    if encode_base64url(data) != text:
        raise ValueError("not canonical base64url")
    return data


def parse_object(data: bytes | str) -> dict[str, Any]:
    """Return the JSON object in a text; ValueError for anything else.

    NaN and infinities, which are no JSON, and hostile nesting are refused, too.
    """
    try:
        value = json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError("not JSON") from error
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
