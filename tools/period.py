"""Durations and the periods they make. Dates are inclusive, moments naive UTC."""

from datetime import datetime, time, timedelta

from dateutil.relativedelta import relativedelta

PERPETUAL = "perpetual"
#: Units of a policy's validity: relativedelta's own argument for each.
UNITS = {"day": "days", "week": "weeks", "month": "months", "year": "years"}


def duration(interval, unit):
    """Return the relativedelta of a validity, None when it never ends."""
    return None if unit == PERPETUAL else relativedelta(**{UNITS[unit]: interval})


def last_day(start, length):
    """Return the last day that ``length`` from ``start`` covers, None for ever."""
    return None if length is None else start + length - timedelta(days=1)


def end_moment(day):
    """Return the moment at which an inclusive day is over (None: never)."""
    return None if day is None else datetime.combine(day + timedelta(days=1), time.min)


def day_of_end(moment):
    """Return the last day, inclusive, that ends at or holds this moment."""
    return None if moment is None else (moment - timedelta(microseconds=1)).date()
