"""Moments as the HTTP API writes them."""


def to_timestamp(moment):
    """Return a naive UTC moment as ISO 8601 with Z; None without one."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
