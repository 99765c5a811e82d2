"""The server's routes, as the client calls them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .answers import Meaning, meaning_of, read_object
from .errors import TransportError
from .transport import Transport
from .verdict import REFUSALS

VALIDATE = "/api/licenses/validate"
DEACTIVATE = "/api/licenses/deactivate"
JWKS = "/api/licenses/jwks.json"

_SAID = {
    "device_not_found": "The device had no seat.",
    "deactivation_not_allowed": "The license does not allow that devices give it up.",
    "license_not_found": REFUSALS["license_not_found"],
}


@dataclass(frozen=True)
class Deactivation:
    """Whether the device gave up its seat.

    :param code: "deactivated", or why not
    :param conclusive: False if the server could not be asked
    """

    done: bool
    code: str
    message: str
    conclusive: bool = True

    def __bool__(self) -> bool:
        return self.done


@dataclass(frozen=True)
class Server:
    """One application on one device, talking to the server."""

    transport: Transport
    application: str
    device_id: str
    device_name: str | None
    clock: Callable[[], float]

    def validate(self, license_key: str, nonce: str) -> Meaning:
        """Ask whether this device may run; raises TransportError."""
        body = {**self.request(license_key), "nonce": nonce}
        return meaning_of(self.transport.call("POST", VALIDATE, body), self.clock())

    def request(self, license_key: str | None) -> dict[str, Any]:
        """Return who asks; what is not known is left out."""
        who = {
            "application": self.application,
            "deviceId": self.device_id,
            "deviceName": self.device_name,
            "licenseKey": license_key,
        }
        return {name: value for name, value in who.items() if value is not None}

    def deactivate(self, license_key: str) -> Deactivation:
        """Give up the seat; raises TransportError."""
        body = {"licenseKey": license_key, "deviceId": self.device_id}
        answer = self.transport.call("POST", DEACTIVATE, body)
        fields = read_object(answer, self.clock())
        code = fields.get("error")
        if answer.status == 200 and fields.get("success") is True:
            return Deactivation(True, "deactivated", "The device gave up its seat.")
        if answer.status in (403, 404) and isinstance(code, str) and code in _SAID:
            done = code == "device_not_found"
            return Deactivation(done, code, _SAID[code])
        raise TransportError("bad_answer", "The server's answer is not usable.")

    def keys(self) -> list[dict[str, Any]]:
        """Return the server's JWKs, past any cache; they prove nothing by themselves.

        Raises TransportError.
        """
        headers = {"Cache-Control": "no-cache"}
        answer = self.transport.call("GET", JWKS, headers=headers)
        keys = read_object(answer, self.clock()).get("keys")
        if answer.status != 200 or not isinstance(keys, list):
            raise TransportError("bad_answer", "The server's keys are not usable.")
        return [jwk for jwk in keys if isinstance(jwk, dict)]
