"""What the time is, on a machine whose clock its user can set."""

#: How far the clock may go back before it matters: zones, corrections, daylight saving.
TOLERANCE = 3600
#: What a clock may differ from the server's without being called wrong: slow answers.
NOTICED = 60


def trusted_now(local: float, offset: float, latest: float) -> float | None:
    """Return the moment that it is, or None if the clock was turned back.

    :param local: what the machine's clock says
    :param offset: how far it was behind when the server last proved its own time
    :param latest: the latest moment that is known to have been

    The clock may have been set right since the offset was learnt. So both readings
    count, if they are not before what has been; the earlier one of these is taken,
    since a clock that runs ahead must not end a good token. Within the tolerance
    time stands still.
    """
    readings = [reading for reading in (local + offset, local)]
    plausible = [reading for reading in readings if reading >= latest - TOLERANCE]
    return max(min(plausible), latest) if plausible else None


def learnt_offset(local: float, proven: float) -> float:
    """Return how far the clock is behind a moment proven by the server.

    Small differences are the way of the answer through the network: none.
    """
    difference = proven - local
    return difference if abs(difference) > NOTICED else 0.0
