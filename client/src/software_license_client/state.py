"""What the client remembers between runs.

Whoever runs the software can edit it. So it holds nothing that is believed without a
signature but what only the user himself would lose by: refusals, times, schedules.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

VERSION = 1
MAX_NONCES = 10


@dataclass
class Refusal:
    """A refusal of the server, remembered until it says otherwise.

    :param scope: a hash of the license key, device and application that were refused
    :param moment: when; a license file that was signed later lifts it
    """

    code: str
    scope: str
    moment: float


@dataclass
class State:
    """All moments are seconds since 1970 by the local clock, but for `latest`.

    :param token: the latest token of the server
    :param file_token: the token of the installed license file
    :param latest: the latest moment that is known to have been (moments.py)
    :param offset: how far the local clock was behind the server's
    :param asked_at: when the server was asked last
    :param ask_after: after how many seconds from then to ask again
    :param hold: for how many seconds from then the server wants no question at all
    :param trouble: why the last question had no answer, "code: sentence", or None
    :param keys: the server's JWKs with their endorsements
    :param nonces: of the requests for license files; True once a file answered it
    """

    license_key: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    file_token: str | None = field(default=None, repr=False)
    latest: float = 0.0
    offset: float = 0.0
    asked_at: float | None = None
    ask_after: float = 0.0
    hold: float = 0.0
    failures: int = 0
    trouble: str | None = None
    refusal: Refusal | None = None
    keys: list[dict[str, Any]] = field(default_factory=list)
    nonces: dict[str, bool] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return {"version": VERSION, **asdict(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "State":
        """Return the state in a JSON object; ValueError if it is none of ours."""
        if data.get("version") != VERSION:
            raise ValueError("of another version")
        values = {}
        for name, read in _READERS.items():
            if name in data:
                values[name] = read(data[name])
        return cls(**values)

    def forget_tokens(self) -> None:
        """Drop what lets the software run without the server."""
        self.token = self.file_token = None
        self.nonces = {}

    def remember_nonce(self, nonce: str) -> None:
        """Expect a license file with this nonce; the oldest ones are forgotten."""
        self.nonces[nonce] = False
        for old in list(self.nonces)[:-MAX_NONCES]:
            del self.nonces[old]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError("not a number")
    return float(value)


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("not a count")
    return value


def _or_none(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


def _refusal(value: Any) -> Refusal:
    if not isinstance(value, dict):
        raise ValueError("not a refusal")
    scope, moment = _text(value.get("scope")), _number(value.get("moment"))
    return Refusal(_text(value.get("code")), scope, moment)


def _keys(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(key, dict) for key in value):
        raise ValueError("not a list of keys")
    return value


def _nonces(value: Any) -> dict[str, bool]:
    if not isinstance(value, dict) or not all(type(v) is bool for v in value.values()):
        raise ValueError("not a list of nonces")
    return value


_READERS: dict[str, Callable[[Any], Any]] = {
    "license_key": _or_none(_text),
    "token": _or_none(_text),
    "file_token": _or_none(_text),
    "latest": _number,
    "offset": _number,
    "asked_at": _or_none(_number),
    "ask_after": _number,
    "hold": _number,
    "failures": _count,
    "trouble": _or_none(_text),
    "refusal": _or_none(_refusal),
    "keys": _keys,
    "nonces": _nonces,
}
