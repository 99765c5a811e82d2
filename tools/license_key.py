"""License keys: made at random, compared after normalization."""

import secrets

#: Crockford's base 32: no I, L, O (look like 1 and 0) and no U.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
BITS_PER_CHARACTER = 5
#: Below this, keys could be guessed over HTTP (api.md, "Keys").
MIN_BITS = 60
#: A key made elsewhere may be shorter than ours, but not so short as to be guessed.
MIN_LENGTH = 8
#: And none is so long that nobody can type it, or an address can't hold it.
MAX_LENGTH = 255

_LOOK_ALIKES = str.maketrans("OIL", "011")
_SEPARATOR = "-"


def grouped_bits(groups, size):
    """Entropy, in bits, of a grouped key of this shape."""
    return groups * size * BITS_PER_CHARACTER


def generate_grouped(prefix="", groups=4, size=4):
    """Return a new key such as ``ACME-7K3M-91QZ-V0XT-8RWB``."""
    parts = [
        "".join(secrets.choice(ALPHABET) for _character in range(size))
        for _group in range(groups)
    ]
    return _SEPARATOR.join([prefix, *parts] if prefix else parts)


def generate_hex64():
    """Return a new key of 64 lower-case hex digits (256 bits)."""
    return secrets.token_hex(32)


def normalize(key):
    """Return the form in which two spellings of one key are equal.

    Surrounding blanks are dropped and letter case is folded; in a grouped key,
    which is one with a dash, look-alike letters are mapped (O to 0, I and L to 1).
    """
    key = key.strip().upper()
    return key.translate(_LOOK_ALIKES) if _SEPARATOR in key else key


def normalize_part(text):
    """Return the forms in which a part of a key may be in a normalized key.

    A part without a dash may be of a key with one, and of a key without.
    """
    folded = text.strip().upper()
    return {folded, folded.translate(_LOOK_ALIKES)}


def mask(key):
    """Return what a log may show of a key: its ends, of a short key less of them."""
    shown = min(4, len(key) // 6)
    return f"{key[:shown]}…{key[len(key) - shown :]}"
