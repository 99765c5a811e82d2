"""The answer of the client to the program it is built into."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal

from .claims import Claims, date_of

Source = Literal["token", "file", "server", "none"]

VALID = "valid"

#: Refusals of the server that take effect at once (api.md), and what they mean.
REFUSALS = {
    "license_revoked": "The license was revoked.",
    "license_suspended": "The license is suspended.",
    "license_expired": "The license has ended.",
    "license_not_found": "There is no license with this key.",
    "application_mismatch": "The license is for another application.",
    "device_blocked": "This device may not use the license.",
    "device_not_activated": "The license is not activated on this device.",
    "activation_limit_reached": "All devices of the license are taken.",
}
#: Our own: the device was given up here, and must be activated again.
DEACTIVATED = "deactivated"
MESSAGES = {
    **REFUSALS,
    VALID: "The license is valid.",
    DEACTIVATED: "The license was deactivated on this device.",
    "no_license_key": "No license key was entered.",
    "clock_turned_back": "The clock of this device was turned back.",
    "offline": "There is no license on this device, and it may not ask the server.",
}


@dataclass(frozen=True)
class Verdict:
    """Whether the software may run.

    :param code: "valid", or why not, for programs
    :param message: the same for people, in English
    :param source: what decided: a stored token, a license file, the server, or nothing
    :param expires_at: when the license ends; None: never
    :param valid_until: when the token ends: until then no network is needed
    :param conclusive: False if nobody could tell (the server was not reached and there
        is no token): asking again later may give another answer
    :param warnings: what went wrong on the way, each "code: sentence"
    """

    valid: bool
    code: str
    message: str
    source: Source = "none"
    features: Mapping[str, Any] = field(default_factory=dict)
    plan: str | None = None
    org_name: str | None = None
    expires_at: datetime | None = None
    trial_ends_at: datetime | None = None
    valid_until: datetime | None = None
    conclusive: bool = True
    warnings: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.valid

    def has(self, feature: str) -> bool:
        """Whether the software may run, and with this feature."""
        return self.valid and bool(self.features.get(feature))


def granted(claims: Claims, source: Source, warnings: tuple[str, ...] = ()) -> Verdict:
    """Return the verdict of a good token."""
    return Verdict(
        valid=True,
        code=VALID,
        message=MESSAGES[VALID],
        source=source,
        features=MappingProxyType(dict(claims.features)),
        plan=claims.plan,
        org_name=claims.organization,
        expires_at=claims.expires_at,
        trial_ends_at=claims.trial_ends_at,
        valid_until=date_of(claims.ends_at),
        warnings=warnings,
    )


def refused(
    code: str,
    source: Source,
    message: str | None = None,
    conclusive: bool = True,
    warnings: tuple[str, ...] = (),
) -> Verdict:
    """Return the verdict that the software may not run."""
    return Verdict(
        valid=False,
        code=code,
        message=message or MESSAGES[code],
        source=source,
        conclusive=conclusive,
        warnings=warnings,
    )
