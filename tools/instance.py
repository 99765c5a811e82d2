"""A self-hosted instance: by what one is told from the others of its license."""

from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}


def normalize_url(text):
    """Return the form in which two spellings of a web address are equal.

    Credentials, query and fragment are dropped: they are no part of who it is, and
    may be secret. None for what is no http(s) address, which nobody may click on.

    HTTPS://me:secret@Example.com:443/app/?a=1 → https://example.com/app
    """
    try:
        parts = urlsplit(text or "")
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in DEFAULT_PORTS or not host:
        return None
    if ":" in host:
        host = f"[{host}]"
    if port not in (None, DEFAULT_PORTS[parts.scheme]):
        host = f"{host}:{port}"
    return f"{parts.scheme}://{host}{parts.path.rstrip('/')}"


def identify(url=None, name=None):
    """Return what an instance is known by: its address, else its name, else None."""
    return normalize_url(url) or url or name
