"""Ask a Software License server whether your software may run, online or not."""

from .client import LicenseClient
from .errors import ConfigurationError, LicenseClientError, TokenError, TransportError
from .fingerprint import fingerprint
from .online import Deactivation
from .transport import Limits
from .verdict import Verdict
from .version import __version__

__all__ = [
    "ConfigurationError",
    "Deactivation",
    "LicenseClient",
    "LicenseClientError",
    "Limits",
    "TokenError",
    "TransportError",
    "Verdict",
    "__version__",
    "fingerprint",
]
