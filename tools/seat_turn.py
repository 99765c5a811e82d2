"""Who was judged under the lock of a license need not be judged again."""


class SeatTurn:
    """Leave to seat one device of a license without locking and counting again.

    Who gives it holds the lock, and has judged the facts under it. It is good once,
    and an object, in the context ``seat_turn``: no caller over RPC can make one.
    """

    def __init__(self, license_):
        self.license = license_

    def use(self, licenses):
        """Return whether it is for exactly this license; if so, it is used up."""
        is_for = self.license is not None and licenses.ids == self.license.ids
        if is_for:
            self.license = None
        return is_for
