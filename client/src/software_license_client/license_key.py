"""License keys: how two spellings compare, and how one is shown."""

_LOOK_ALIKES = str.maketrans("OIL", "011")
_SHOWN = 4


def normalize(key: str) -> str:
    """Return the form in which two spellings of one key are equal.

    As the server does it: surrounding blanks dropped, letter case folded, and in a
    grouped key (one with a dash) look-alikes mapped: O to 0, I and L to 1.
    """
    key = key.strip().upper()
    return key.translate(_LOOK_ALIKES) if "-" in key else key


def mask(key: str | None) -> str:
    """Return a key as logs may show it: the first four characters."""
    if not key:
        return "none"
    return key.strip()[:_SHOWN] + "…" if len(key.strip()) > _SHOWN else "…"
