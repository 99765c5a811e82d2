"""License files and requests as text that survives e-mail and copy and paste."""

import base64
import binascii
import json
import re
import textwrap
from typing import Any

from .codec import parse_object
from .errors import TokenError

LICENSE = "LICENSE"
KEY = "LICENSE KEY"
REQUEST = "LICENSE REQUEST"
WIDTH = 64
MAX_CHARACTERS = 256 * 1024


def wrap(kind: str, text: str) -> str:
    """Return the text between BEGIN and END lines, in lines of 64 characters."""
    body = "\n".join(textwrap.wrap(text, WIDTH, break_on_hyphens=False))
    return f"-----BEGIN {kind}-----\n{body}\n-----END {kind}-----\n"


def unwrap(kind: str, text: str) -> str:
    """Return what stands between the BEGIN and END lines, blanks removed.

    Text around it (an e-mail's) and quote marks at the begin of lines do not matter.
    Raises TokenError ``malformed`` unless there is exactly one such block.
    """
    if len(text) > MAX_CHARACTERS:
        raise TokenError("malformed", "the file is too long for a license file")
    begin, end = f"-----BEGIN {kind}-----", f"-----END {kind}-----"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise TokenError("malformed", f"expected one block from {begin} to {end}")
    start, stop = text.index(begin) + len(begin), text.index(end)
    if stop < start:
        raise TokenError("malformed", f"{end} comes before {begin}")
    body = re.sub(r"[\s>]", "", text[start:stop])
    if not body:
        raise TokenError("malformed", "there is nothing in the block")
    return body


def unwrap_key(text: str) -> dict[str, Any] | None:
    """Return the JWK that a license file brings; None if it brings none.

    It is believed no more than one from the network: see ``keyring``.
    """
    if f"-----BEGIN {KEY}-----" not in text:
        return None
    return _unwrap_object(KEY, text)


def wrap_request(request: dict[str, Any]) -> str:
    """Return a device's request as the portal reads it."""
    data = json.dumps(request, ensure_ascii=False).encode("utf-8", "replace")
    return wrap(REQUEST, base64.b64encode(data).decode())


def unwrap_request(text: str) -> dict[str, Any]:
    """Return the request in an armored text; TokenError ``malformed`` if there is none.

    Clients do not need it; tests and vendors' own tools do.
    """
    return _unwrap_object(REQUEST, text)


def _unwrap_object(kind: str, text: str) -> dict[str, Any]:
    try:
        data = base64.b64decode(unwrap(kind, text), validate=True)
        return parse_object(data)
    except (binascii.Error, ValueError) as error:
        raise TokenError("malformed", f"the {kind.lower()} is damaged") from error
