"""Which addresses are the API's."""

import re

#: What follows the root of the licenses API and is no key. All but those of the
#: managed API can be called by everybody.
WORDS = (
    "verify",
    "validate",
    "deactivate",
    "health",
    "jwks.json",
    "openapi.json",
    "docs",
)
#: A license key in an address: anything but these words.
KEY = rf"(?!(?:{'|'.join(map(re.escape, WORDS))})(?:[/?\s]|$))[^/?\s]+"
API_ROOTS = ("/api/licenses/", "/api/v1/licensing/")


def is_api(path):
    """Whether a path is one of the API's roots, or lies below one."""
    return f"{path}/".startswith(API_ROOTS)


def is_public(path):
    """Whether everybody may call what is at a path of the API."""
    root, _slash, word = path.removeprefix("/api/").partition("/")
    return root != "licenses" or word.partition("/")[0] in WORDS


def mask_keys(text):
    """Return a text, such as a line of a log, without the keys in its addresses.

    What customers search for in the portal may be a key, too.
    """
    text = re.sub(rf"(/api/licenses/)(?={KEY})([^/?\s]{{0,4}})[^/?\s]*", r"\1\2…", text)
    return re.sub(r"(/my/licenses\S*[?&]search=)([^&\s]{0,4})[^&\s]*", r"\1\2…", text)
