"""Leases of floating seats: until when one lasts, and how often to renew it.

A lease is a number of minutes; 0 is node-locked, a seat for good. Moments are naive
UTC. ``software.license._sql_is_lapsed`` is ``end`` in SQL; a test keeps them alike.
"""

from datetime import timedelta

from . import period

#: A known device's check-in is written at most this often (see performance.md, 4).
CHECK_IN_INTERVAL = timedelta(minutes=5)
#: Of a short lease, at most this part is lost by not writing every check-in.
UNWRITTEN_PART = 10


def end(last_seen, lease_minutes):
    """Return the moment at which the seat is free again, None for never."""
    if not lease_minutes:
        return None
    return period.add(last_seen, timedelta(minutes=lease_minutes))


def check_in_interval(lease_minutes):
    """Return how old a device's last check-in may get before it is written anew."""
    if not lease_minutes:
        return CHECK_IN_INTERVAL
    return min(CHECK_IN_INTERVAL, timedelta(minutes=lease_minutes) / UNWRITTEN_PART)


def is_fresh(last_seen, now, lease_minutes):
    """Was this check-in just made, so that another one need not be written?

    Of servers one clock may be a little ahead of another's; one that was far ahead
    wrote what nobody can have seen.
    """
    return abs(now - last_seen) < check_in_interval(lease_minutes)
