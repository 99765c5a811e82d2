"""The refusals of the public API: one named class each, with its HTTP status.

``controllers/dispatcher.py`` turns them into ``{"error": code, "message": …}``.
Codes are append-only: clients compare them.
"""

import logging


class LicenseApiError(Exception):
    """Root of every refusal that a client is told about."""

    code = "invalid_request"
    http_status = 400
    message = "The request is not valid."
    #: Fields that the answer carries beside ``error`` and ``message``.
    extra: dict = {}
    headers: dict = {}
    #: Somebody tried a key that no license has (see models/ir_http_throttle.py).
    is_failed_lookup = False
    #: Read by Odoo's HTTP root: an expected refusal is no error of the server.
    loglevel = logging.DEBUG

    def __init__(self, message=None, **extra):
        super().__init__(message or self.message)
        self.extra = {**self.extra, **extra}

    def to_dict(self):
        return {**self.extra, "error": self.code, "message": str(self)}


class InvalidRequest(LicenseApiError):
    """The body or one of its fields is not what the contract asks for."""


class LicenseNotFound(LicenseApiError):
    """No license has this key."""

    code = "license_not_found"
    http_status = 404
    message = "No license has this key."
    extra = {"valid": False}
    is_failed_lookup = True


class DeviceNotFound(LicenseApiError):
    """The device holds no seat of this license."""

    code = "device_not_found"
    http_status = 404
    message = "This device is not activated on this license."
    extra = {"success": False}


class DeactivationNotAllowed(LicenseApiError):
    """The policy does not let a device free its own seat (any more)."""

    code = "deactivation_not_allowed"
    http_status = 403
    message = "This license does not allow devices to deactivate themselves."
    extra = {"success": False}


class AddressNotFound(LicenseApiError):
    """The API has no such address."""

    code = "not_found"
    http_status = 404
    message = "There is nothing at this address."


class LicenseKeyExists(LicenseApiError):
    """A license has this key already, or had it before it was replaced."""

    code = "license_key_exists"
    http_status = 409
    message = "licenseKey: a license with this key exists already."


class LicenseIsRevoked(LicenseApiError):
    """What was revoked stays revoked."""

    code = "license_revoked"
    http_status = 409
    message = "This license was revoked. Its status can't change any more."


class TrialUsed(LicenseApiError):
    """The customer had a trial of this application."""

    code = "trial_used"
    http_status = 409
    message = "This customer had a trial of this application already."


class TrialNotOffered(LicenseApiError):
    """The policy gives no trial."""

    code = "trial_not_offered"
    http_status = 409
    message = "trial: the policy of this product gives no trial."


class LicenseRefused(LicenseApiError):
    """A license that is not valid, or has no seat left, gets no file."""

    http_status = 409

    def __init__(self, answer):
        """``answer``: the verdict, which says why."""
        super().__init__(answer.message)
        self.code = answer.error


class FileNotAvailable(LicenseApiError):
    """There can be no license file of this license."""

    code = "file_not_available"
    http_status = 409


class IdempotencyKeyReused(LicenseApiError):
    """The same Idempotency-Key came with another request."""

    code = "idempotency_key_reused"
    http_status = 422
    message = "This Idempotency-Key was used for another request."


class DatabaseUnknown(InvalidRequest):
    """The server has several databases, and the request leads to none of them."""

    message = (
        "No database is chosen, or there is none of this name: "
        "name one in the header X-Odoo-Database."
    )


class LicensingRefusal(LicenseApiError):
    """A refusal of the licensing endpoint: ``error`` is the document's sentence."""

    http_status = 403
    extra = {"valid": False}

    def to_dict(self):
        return {**self.extra, "error": str(self)}


class LicenseKeyRequired(LicensingRefusal):
    """The call of an instance names no key."""

    http_status = 400
    message = "licenseKey is required"
    extra = {}


class RevokedLicensingKey(LicensingRefusal):
    """The key was revoked; the answer tells no difference to an unknown one."""

    http_status = 401
    message = "Invalid or revoked license key"


class UnknownLicensingKey(RevokedLicensingKey):
    """No license has the key that an instance sent."""

    is_failed_lookup = True


class OrganizationInactive(LicensingRefusal):
    """The customer is archived, nothing is paid, or the seller suspended the key."""

    message = "Organization is inactive"


class LicensingExpired(LicensingRefusal):
    """The license is past its end and its grace."""

    message = "License expired"


class InstanceBlocked(LicensingRefusal):
    """The seller blocked this instance."""

    message = "Instance is blocked"


class InstanceLimitReached(LicensingRefusal):
    """Instances take seats here, and all are taken."""

    message = "Instance limit reached"


class NotHealthy(LicenseApiError):
    """The server would answer, and not as it should; its log tells why."""

    code = "service_unavailable"
    http_status = 503
    message = "The server can't answer all calls. Its administrator has to see to it."
    extra = {"status": "fail"}
    headers = {"Retry-After": "60"}


class RateLimited(LicenseApiError):
    """Too many keys that do not exist came from this address."""

    code = "rate_limited"
    http_status = 429
    message = "Too many unknown license keys came from your address. Try again later."

    def __init__(self, seconds):
        super().__init__()
        self.headers = {"Retry-After": str(seconds)}
