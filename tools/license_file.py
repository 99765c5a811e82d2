"""License files, and the requests of devices without internet: texts in armor.

A license file is a token (``tools/token.py``) between two lines; a request is JSON in
base64. Both survive e-mail, and being pasted with blanks around.

Where the key that signed has endorsements, the file brings the key with them: a device
without internet that knows an older one can't ask for it.
"""

import base64
import binascii
import json
import re

from . import payload, strict_json
from .errors import InvalidRequest

LICENSE, KEY, REQUEST = "LICENSE", "LICENSE KEY", "LICENSE REQUEST"
#: What a browser is told that it gets.
CONTENT_TYPE = "text/plain; charset=utf-8"
#: Characters a line, as in other texts of this kind (RFC 7468).
WIDTH = 64
#: What a device tells of itself.
REQUEST_FIELDS = {
    "application": payload.Text(),
    "deviceId": payload.Text(required=True),
    "deviceName": payload.Text(),
    "licenseKey": payload.Text(),
    "nonce": payload.Text(),
}
#: A request is a few hundred characters; what is far longer is none.
MAX_REQUEST = 16 * 1024


def make(token, jwk):
    """Return the text of a license file: a token, and the JSON Web Key it needs."""
    text = armor(token)
    if jwk["endorsements"]:
        encoded = base64.b64encode(json.dumps(jwk).encode()).decode()
        text += armor(encoded, KEY)
    return text


def armor(text, label=LICENSE):
    """Return a text without blanks between two lines that say what it is."""
    lines = "\n".join(text[at : at + WIDTH] for at in range(0, len(text), WIDTH))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"


def read_request(text):
    """Return the fields of a device's request; raise InvalidRequest if it is none."""
    found = re.search(
        rf"-----BEGIN {REQUEST}-----(.+?)-----END {REQUEST}-----",
        text[:MAX_REQUEST],
        re.DOTALL,
    )
    if not found:
        raise InvalidRequest("The request does not begin with BEGIN LICENSE REQUEST.")
    try:
        encoded = re.sub(r"[\s>]", "", found[1])  # an e-mail quotes
        body = strict_json.loads(base64.b64decode(encoded, validate=True).decode())
    except (ValueError, binascii.Error) as error:
        raise InvalidRequest("The request is damaged. Copy all of it.") from error
    if not isinstance(body, dict):
        raise InvalidRequest("The request is damaged. Copy all of it.")
    return payload.read(body, REQUEST_FIELDS)
