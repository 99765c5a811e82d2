"""When to ask the server again: at random times, so that no two clients march in step.

A plan is a start and a duration: a clock that jumps back must not postpone the next
question by a year.
"""

from collections.abc import Callable
from email.utils import parsedate_to_datetime

MINUTE = 60.0
HOUR = 3600.0
DAY = 86400.0

#: Like random.uniform: a number between two.
Between = Callable[[float, float], float]


def interval(seconds: float, lifetime: float, between: Between) -> float:
    """Return after how long to ask again when all is well.

    Never later than half of the token's lifetime: a floating seat's lease is short.
    """
    longest = min(seconds, lifetime / 2)
    return between(0.75 * longest, longest)


def backoff(failures: int, retry_after: float | None, between: Between) -> float:
    """Return after how long to ask again when the last `failures` calls failed."""
    longest = min(HOUR, MINUTE * 2 ** min(failures, 10))
    return max(between(MINUTE, longest), retry_after or 0.0)


def is_over(start: float | None, duration: float, now: float) -> bool:
    """Whether a duration is over; one that begins in the future is, too."""
    return start is None or not 0 <= now - start < duration


def parse_retry_after(value: str | None, now: float) -> float | None:
    """Return the seconds of a Retry-After header, at most a day, or None."""
    if not value:
        return None
    try:
        seconds = float(int(value))
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - now
        except (ValueError, TypeError, OverflowError):
            return None
    except OverflowError:
        return None
    return min(max(seconds, 0.0), DAY)
