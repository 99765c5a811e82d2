"""What an answer of the server means: yes, no, or nothing at all.

Only what the contract says for sure is a yes or a no. Everything else (a proxy's page,
a server in trouble, a code of a later version) says nothing about the license.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from .codec import parse_object
from .errors import TransportError
from .schedule import parse_retry_after
from .transport import Answer
from .verdict import REFUSALS

_NOT_FOUND = "license_not_found"


@dataclass(frozen=True)
class Yes:
    """The license is valid; the token, if any, has not been verified yet."""

    fields: Mapping[str, Any] = field(repr=False)
    token: str | None = field(repr=False)


@dataclass(frozen=True)
class No:
    """The server refused for sure."""

    code: str


Meaning: TypeAlias = Yes | No


def meaning_of(answer: Answer, now: float) -> Meaning:
    """Return the meaning of an answer to a validation; raises TransportError."""
    fields = read_object(answer, now)
    valid, code = fields.get("valid"), fields.get("error")
    if answer.status == 200 and valid is True:
        token = fields.get("token")
        if token is not None and not isinstance(token, str):
            raise _bad("its token is not a text")
        return Yes(fields, token)
    if valid is False and isinstance(code, str) and code in REFUSALS:
        if answer.status == (404 if code == _NOT_FOUND else 200):
            return No(code)
    raise _bad(f"status {answer.status}{_shown(code)}")


def read_object(answer: Answer, now: float) -> dict[str, Any]:
    """Return the JSON object of an answer; TransportError for servers in trouble."""
    wait = parse_retry_after(answer.headers.get("retry-after"), now)
    if answer.status == 429:
        message = "The server asks to be left alone for a while."
        raise TransportError("rate_limited", message, wait)
    if answer.status >= 500:
        message = f"The server is in trouble (status {answer.status})."
        raise TransportError("server_error", message, wait)
    if 300 <= answer.status < 400:
        raise _bad("a redirect, which is not followed")
    try:
        return parse_object(answer.body)
    except ValueError as error:
        raise _bad(f"status {answer.status}, no JSON object") from error


def _bad(why: str) -> TransportError:
    return TransportError("bad_answer", f"The server's answer is not usable: {why}.")


def _shown(code: object) -> str:
    """Return a server's error code for a message, if it looks like one."""
    is_code = isinstance(code, str) and re.fullmatch("[a-z_]{1,40}", code)
    return f", {code}" if is_code else ""
