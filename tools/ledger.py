"""The ledger of a license: what its terms add up to.

Nothing here is ever undone by a hook: a term whose payment is gone is simply no
longer effective, and the balance is computed anew.
"""

from datetime import date, datetime
from typing import NamedTuple

from . import period


class Entry(NamedTuple):
    """One term, in the order in which terms were granted."""

    date_start: date
    #: Inclusive; None: for ever.
    date_end: date | None
    #: The moment at which it is over; None: never.
    expires_at: datetime | None
    quantity: float
    is_effective: bool
    #: Granted by an invoice: somebody paid for it.
    is_billed: bool = False
    #: Set by hand: it sets the end, where a billed term can only move it on.
    is_manual: bool = False
    #: Set by hand on a license that was paid for, or given ahead of its payment:
    #: worth nothing without that.
    is_adjustment: bool = False
    is_trial: bool = False
    #: Given ahead of a payment: on an order, or as a trial.
    is_advance: bool = False
    #: While it lasts, it takes the place of what was granted before.
    is_upgrade: bool = False
    #: Paid for, and all of it credited.
    is_refunded: bool = False
    #: What was bought: an upgrade leaves what is added of the same.
    product: object = None
    #: Whatever the caller knows the entry by.
    key: object = None


class Balance(NamedTuple):
    """What the terms of a license add up to."""

    #: None: never.
    expires_at: datetime | None
    #: Nothing that it was granted for counts any more, or not for this day.
    is_payment_reversed: bool
    #: Only during a trial.
    trial_ends_at: datetime | None
    #: Units in force on the day asked about.
    quantity: float
    #: Since this moment ``quantity`` is what it is (None: ever since).
    quantity_from: datetime | None
    #: From this moment on, ``quantity`` must be computed again (None: never).
    quantity_until: datetime | None


def balance(entries, today):
    """Add up the entries of one license as of a day."""
    counted = _counted(entries)
    used = counted or entries
    expires_at = _end(used)
    refunded = [e for e in entries if e.is_refunded]
    changes = _changes([*used, *refunded])
    return Balance(
        expires_at=expires_at,
        is_payment_reversed=not counted or _is_gone(refunded, counted, today),
        trial_ends_at=expires_at
        if counted and all(e.is_trial for e in counted)
        else None,
        quantity=_quantity(used, today),
        quantity_from=max((m for m in changes if m.date() <= today), default=None),
        quantity_until=min((m for m in changes if m.date() > today), default=None),
    )


def _is_gone(refunded, counted, today):
    """Was the day paid for and credited, even if a later period is paid?"""
    return any(_covers(e, today) for e in refunded) and not any(
        _covers(e, today) for e in counted
    )


def in_force(entries, today):
    """Return the paid entry that decides about plan and features; None without one.

    The one that began last; of several that began together, the one granted first.
    """
    paid = [e for e in entries if e.is_effective and e.is_billed]
    covering = _covering(paid, today)
    return max(covering, key=lambda entry: entry.date_start, default=None)


def _counted(entries):
    """Drop what is not paid, and what was given for the other case.

    A date set by hand on what was paid, or given ahead of a payment, changes that,
    and is worth nothing without it. What was given ahead of the payment is over once
    that was made and taken back.
    """
    paid = [e for e in entries if e.is_effective and e.is_billed]
    given = [e for e in entries if e.is_effective and e.is_advance]
    is_billed = any(e.is_billed for e in entries)
    has_ground = bool(paid or (given and not is_billed))
    return [
        entry
        for position, entry in enumerate(entries)
        if entry.is_effective
        and not (entry.is_adjustment and not has_ground)
        and not (entry.is_advance and is_billed and not paid)
        and not (
            _is_goodwill(entries, position) and (paid or _is_over(entries, position))
        )
    ]


def _is_goodwill(entries, position):
    """Was this date set by hand while nothing of what was granted counted?"""
    entry = entries[position]
    return (
        entry.is_manual
        and not entry.is_adjustment
        and any(e.is_billed or e.is_advance for e in entries[:position])
    )


def _is_over(entries, position):
    """Was something paid since? So goodwill does not count a second time."""
    return any(e.is_billed or e.is_adjustment for e in entries[position + 1 :])


def renewal_start(entries, day):
    """Return the day on which a renewal begins that was bought on a day.

    The day after the end of what counts; the day itself after that end, and where
    nothing ends. What was given ahead of a payment is not waited for.
    """
    counted = [e for e in _counted(entries) if not e.is_advance]
    end = _end(counted) if counted else None
    return max(day, period.day_after(end)) if end else day


def _end(entries):
    """A manual entry sets the end, any other one only moves it on."""
    end = datetime.min
    for entry in entries:
        if entry.is_manual:
            end = entry.expires_at
        elif end is not None:
            end = None if entry.expires_at is None else max(end, entry.expires_at)
    return None if end == datetime.min else end


def _quantity(entries, today):
    """Sum what was bought for the day; what was given counts only without that.

    A date set by hand gives nothing more: of several the last one counts.
    """
    units = [e for e in entries if e.is_billed]
    units = units or [e for e in entries if e.is_advance]
    units = units or [e for e in entries if e.is_manual][-1:] or entries
    return sum(e.quantity for e in _covering(units, today)) or 1


def _covering(entries, today):
    """Return the entries in force, in a gap those nearest to it.

    An upgrade takes the place of all else, but for what was added of the same product
    later, and another upgrade of the same day.
    """
    day = _reference_day(entries, today)
    covering = [e for e in entries if _covers(e, day)]
    upgrades = [e for e in covering if e.is_upgrade]
    if not upgrades:
        return covering
    latest = max(e.date_start for e in upgrades)
    first = next(e for e in upgrades if e.date_start == latest)
    return [
        e
        for e in covering[covering.index(first) :]
        if (e.date_start == latest if e.is_upgrade else e.product == first.product)
    ]


def _covers(entry, day):
    return entry.date_start <= day and (entry.date_end is None or day <= entry.date_end)


def _reference_day(entries, today):
    """Today; in a gap the last day covered before it, else the first one after."""
    if any(_covers(e, today) for e in entries):
        return today
    ends = [e.date_end for e in entries if e.date_end and e.date_end < today]
    starts = [e.date_start for e in entries if e.date_start > today]
    return max(ends, default=None) or min(starts, default=today)


def _changes(entries):
    """Return the moments at which an entry starts or is over."""
    moments = [period.end_moment(e.date_end) for e in entries if e.date_end]
    return moments + [
        datetime.combine(e.date_start, datetime.min.time()) for e in entries
    ]
