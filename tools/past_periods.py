"""Which days the invoices of a subscription billed that nobody noted then."""

from dataclasses import dataclass
from datetime import date, timedelta

from .period import DAY


@dataclass(frozen=True)
class Bill:
    """What the date of an invoice says of the days that it bills.

    :ivar start: the first of them, as far as the date tells
    :ivar end: the last of them, if a bill lasted then as long as it does today
    """

    start: date
    end: date


def tell_periods(bills, first_day, last_day, length, slack=None, is_cut=False):
    """Return the inclusive (first, last) day of each bill, none twice.

    An invoice may be dated late, and those of a backlog all on one day. So the newest
    bill ends on the last day billed, and each one before it the day before the next.

    :param bills: oldest first
    :param first_day: that they bill, empty if that is not known
    :param last_day: that they bill, empty if that is not known
    :param length: of a bill, as a ``relativedelta``
    :param slack: by so much a date must be too early to be believed: then days after
        it were never billed, or their invoice is gone
    :param is_cut: the newest one is shorter than the others
    """
    slack = slack or timedelta()
    end = last_day or bills[-1].end
    is_crowded = first_day and end + DAY - length * (len(bills) - 1) <= first_day
    periods = []
    for bill in reversed(bills):
        if bill.end + slack <= end:
            end = bill.end
        start = end + DAY - length
        if first_day and first_day <= end:
            start = max(start, first_day)
        if is_crowded or (is_cut and not periods):
            # More than there is room for were shorter then: their dates tell.
            start = max(start, min(bill.start, end))
        periods.insert(0, (start, end))
        end = start - DAY
    return periods
