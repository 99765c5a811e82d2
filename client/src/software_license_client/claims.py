"""What a token says, with the types that it must have."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from .errors import TokenError

#: The last second of the year 9999: no later moment has a date.
_END_OF_TIME = 253402300799


@dataclass(frozen=True)
class Claims:
    """The claims of a token; moments are seconds since 1970, as in the token."""

    issuer: str
    audience: str
    issued_at: int
    not_before: int
    ends_at: int
    license_key: str = field(repr=False)
    features: Mapping[str, Any]
    plan: str | None
    organization: str | None
    expires_at: datetime | None
    trial_ends_at: datetime | None
    device_id: str | None
    nonce: str | None

    @classmethod
    def read(cls, payload: Mapping[str, Any]) -> "Claims":
        """Raises TokenError ``missing_claim`` or ``bad_claim``, naming the claim."""
        _text(payload, "sub")
        _text(payload, "jti")
        if _text(payload, "status") != "active":
            raise _bad("status")
        return cls(
            issuer=_text(payload, "iss"),
            audience=_text(payload, "aud"),
            issued_at=_seconds(payload, "iat"),
            not_before=_seconds(payload, "nbf"),
            ends_at=_seconds(payload, "exp"),
            license_key=_text(payload, "licenseKey"),
            features=_features(payload),
            plan=_text_or_none(payload, "plan"),
            organization=_text_or_none(payload, "orgName"),
            expires_at=_date_or_none(payload, "expiresAt"),
            trial_ends_at=_date_or_none(payload, "trialEndsAt"),
            device_id=_text_or_none(payload, "deviceId"),
            nonce=_text_or_none(payload, "nonce"),
        )


def parse_date(text: str) -> datetime:
    """Return the moment of an ISO 8601 text with a zone; ValueError for others."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError("no zone")
    return moment


def date_of(seconds: float) -> datetime:
    """Return seconds since 1970 as a moment in UTC."""
    return datetime.fromtimestamp(seconds, timezone.utc)


def _get(payload: Mapping[str, Any], name: str) -> Any:
    if name not in payload:
        raise TokenError("missing_claim", f"the token has no {name}")
    return payload[name]


def _bad(name: str) -> TokenError:
    return TokenError("bad_claim", f"the token's {name} is of a wrong type or value")


def _text(payload: Mapping[str, Any], name: str) -> str:
    value = _get(payload, name)
    if not isinstance(value, str) or not value:
        raise _bad(name)
    return value


def _text_or_none(payload: Mapping[str, Any], name: str) -> str | None:
    value = payload.get(name)
    if value is not None and not isinstance(value, str):
        raise _bad(name)
    return value


def _date_or_none(payload: Mapping[str, Any], name: str) -> datetime | None:
    text = _text_or_none(payload, name)
    try:
        return None if text is None else parse_date(text)
    except ValueError as error:
        raise _bad(name) from error


def _seconds(payload: Mapping[str, Any], name: str) -> int:
    value = _get(payload, name)
    if type(value) is not int or not 0 <= value <= _END_OF_TIME:
        raise _bad(name)
    return value


def _features(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    value = _get(payload, "features")
    if not isinstance(value, dict):
        raise _bad("features")
    return value
