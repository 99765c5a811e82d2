"""Durations and the periods they make. Dates are inclusive, moments naive UTC."""

from datetime import date, datetime, time, timedelta

from dateutil.relativedelta import relativedelta

DAY = timedelta(days=1)
PERPETUAL = "perpetual"
#: Units of a policy's validity: relativedelta's own argument for each.
UNITS = {"day": "days", "week": "weeks", "month": "months", "year": "years"}

#: So long a trial lasts at most, made longer by hand included.
MAX_TRIAL_DAYS = 3650


def duration(interval, unit):
    """Return the relativedelta of a validity, None when it never ends."""
    return None if unit == PERPETUAL else relativedelta(**{UNITS[unit]: interval})


def last_day(start, length):
    """Return the last day that ``length`` from ``start`` covers, None for ever."""
    if length is None:
        return None
    try:
        return start + length - DAY
    except (ValueError, OverflowError):
        return date.max


def end_moment(day):
    """Return the moment at which an inclusive day is over (None: never)."""
    if day is None:
        return None
    return add_days(datetime.combine(day, time.min), 1)


def add_days(moment, days):
    """Return the moment some days later; see ``add``."""
    return add(moment, timedelta(days=days))


def add(moment, length):
    """Return the moment a timedelta later; the end of all time at the latest.

    People write the year 9999 for "forever".
    """
    try:
        return moment + length
    except OverflowError:
        return datetime.max.replace(microsecond=0)


def day_of_end(moment):
    """Return the last day, inclusive, that ends at or holds this moment."""
    return None if moment is None else (moment - timedelta(microseconds=1)).date()


def day_after(moment):
    """Return the first day that begins at or after a moment."""
    return min(day_of_end(moment), date.max - DAY) + DAY


def overlaps(period, others):
    """Does an inclusive period share a day with one of the others? None: no end."""
    start, end = period
    return any(
        (not other_end or start <= other_end) and (not end or other_start <= end)
        for other_start, other_end in others
    )
