"""How often each client address failed in this minute, for all worker processes.

The counts are in a table of fixed size in anonymous shared memory: Odoo's master
process makes it before it forks its workers, and they all share it. There is no
lock that a killed worker could keep. Two workers that count at the same moment may
lose one of the two; a whole entry is one machine word, so none is ever torn.
"""

import ipaddress
import mmap
import re
import secrets
import time
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

#: Seconds in which failures are counted together.
WINDOW = 60
#: Entries of the table: 8 bytes each.
SLOTS = 1 << 16
#: So many entries are tried for an address, from the one that its hash names.
PROBES = 8
#: The count of an entry stays there.
MAX_COUNT = 0xFFFF
_TAG_BITS, _WINDOW_BITS, _COUNT_BITS = 32, 16, 16


class Networks(NamedTuple):
    """Some addresses and networks, and the entries that are none."""

    good: tuple
    bad: tuple


class FailureCounter:
    """Failures a key and window; the oldest are forgotten when it is full.

    An entry is, from the high bits: a part of the key's hash, the window's number,
    the count. An entry of another window is free. The hash is keyed with a secret, so
    that nobody can choose addresses that push out another's count.
    """

    def __init__(self, slots=SLOTS, clock=time.time):
        self._slots = slots
        self._clock = clock
        self._secret = secrets.token_bytes(16)
        self._memory = mmap.mmap(-1, slots * 8)
        self._table = memoryview(self._memory).cast("Q")

    def get(self, key):
        """Return how many failures of a key were counted in this window."""
        mark, places = self._locate(key)
        for place in places:
            entry = self._table[place]
            if entry >> _COUNT_BITS == mark:
                return entry & MAX_COUNT
        return 0

    def add(self, key):
        """Count one more failure of a key; return how many there are now."""
        mark, places = self._locate(key)
        place = min(places, key=lambda place: self._weigh(self._table[place], mark))
        entry = self._table[place]
        known = entry & MAX_COUNT if entry >> _COUNT_BITS == mark else 0
        count = min(known + 1, MAX_COUNT)
        self._table[place] = mark << _COUNT_BITS | count
        return count

    def seconds_left(self):
        """Return the whole seconds, one at least, until the window is over."""
        return WINDOW - int(self._clock()) % WINDOW

    def reset(self):
        """Forget everything, as tests need it."""
        self._memory[:] = bytes(len(self._memory))

    def _locate(self, key):
        """Return what the entry of a key begins with, and where it may be."""
        digest = blake2b(key.encode(), key=self._secret, digest_size=8).digest()
        number = int.from_bytes(digest, "big")
        start = number >> _TAG_BITS
        tag = number & ((1 << _TAG_BITS) - 1)
        window = int(self._clock() // WINDOW) & ((1 << _WINDOW_BITS) - 1)
        places = [(start + turn) % self._slots for turn in range(PROBES)]
        return tag << _WINDOW_BITS | window, places

    @staticmethod
    def _weigh(entry, mark):
        """Return how much speaks against writing here for the key of this mark.

        Best is its own entry, then one of another window, then the smallest count.
        """
        if entry >> _COUNT_BITS == mark:
            return -1
        window_mask = (1 << _WINDOW_BITS) - 1
        is_current = (entry >> _COUNT_BITS) & window_mask == mark & window_mask
        return entry & MAX_COUNT if is_current else 0


@lru_cache(maxsize=4096)
def client(address):
    """Return what an address counts as: one IPv4 address, or an IPv6 network.

    Whoever has one IPv6 address has the 2**64 of its network.
    """
    parsed = _parse(address)
    if parsed is None or parsed.version == 4:
        return str(parsed or address)
    return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))


def is_in(address, networks):
    """Is an address in one of these networks?"""
    parsed = _parse(address)
    return parsed is not None and any(parsed in network for network in networks)


@lru_cache(maxsize=64)
def read_networks(text):
    """Return the Networks of a text: commas or blanks between the entries."""
    good, bad = [], []
    for entry in re.split(r"[\s,;]+", (text or "").strip()):
        if not entry:
            continue
        try:
            good.append(ipaddress.ip_network(entry, strict=False))
        except ValueError:
            bad.append(entry)
    return Networks(tuple(good), tuple(bad))


def _parse(address):
    """Return an address without its disguise as IPv6, None if it is none."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


#: Failed look-ups of license keys, of all databases that this server serves.
failed_lookups = FailureCounter()
