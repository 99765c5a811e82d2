"""Moments as the HTTP API writes them."""

from datetime import UTC


def to_timestamp(moment):
    """Return a naive UTC moment as ISO 8601 with Z; None without one."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def to_offset_timestamp(moment):
    """Return the same as the licensing document writes it, with +00:00."""
    return moment.replace(tzinfo=UTC).isoformat(timespec="seconds") if moment else None
