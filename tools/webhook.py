"""Webhook messages as Standard Webhooks signs and repeats them.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import secrets
from datetime import timedelta
from urllib.parse import urlsplit

SECRET_PREFIX = "whsec_"
SECRET_BYTES = 32
#: The pauses between one try and the next; after the last one it is given up.
PAUSES = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)


def new_secret():
    """Return a random secret: ``whsec_`` and 32 bytes in base64."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def headers(message_id, moment, body, signing_secrets):
    """Return the three headers that prove a message, signed with each secret.

    ``moment``: of this try, in seconds since 1970; ``body``: the bytes that are sent.
    """
    timestamp = str(int(moment))
    signed = b".".join([message_id.encode(), timestamp.encode(), body])
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_sign(signed, it) for it in signing_secrets),
    }


def pause_after(tries):
    """Return how long to wait after so many tries that failed, None: give up."""
    return PAUSES[tries - 1] if tries <= len(PAUSES) else None


def is_url(text):
    """Is this an address that a message can be posted to?"""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def _sign(signed, secret):
    digest = hmac.digest(_key(secret), signed, hashlib.sha256)
    return "v1," + base64.b64encode(digest).decode()


def _key(secret):
    return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
