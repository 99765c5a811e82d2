"""Names that the vendor's program gives, in the form that the server takes them."""

from .errors import ConfigurationError

MAX_CHARACTERS = 255


def checked_id(setting: str, text: str | None) -> str:
    """Return an id without the blanks around it, "" if nothing is left.

    The server drops them too (a line's end read with ``/etc/machine-id``), so that its
    tokens would be for another device. Raises ConfigurationError for what it refuses.
    """
    text = (text or "").strip()
    if len(text) > MAX_CHARACTERS or not all(map(_is_taken, text)):
        raise ConfigurationError(
            f"{setting}: at most {MAX_CHARACTERS} characters, and no control characters"
        )
    return text


def shown_name(text: str | None) -> str | None:
    """Return as much of a name as the server takes: none is worth a refusal."""
    taken = "".join(filter(_is_taken, text or "")).strip()
    return taken[:MAX_CHARACTERS].strip() or None


def _is_taken(character: str) -> bool:
    is_control = character < " " or "\x7f" <= character <= "\x9f"
    return not (is_control or "\ud800" <= character <= "\udfff")
