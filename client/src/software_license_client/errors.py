"""Everything that can be wrong, each with a code that programs can compare."""


class LicenseClientError(Exception):
    """The root of this package's errors: a code for programs, a sentence for people.

    No message ever holds a license key or a token.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class ConfigurationError(LicenseClientError, ValueError):
    """The client is set up wrongly: the vendor's mistake, raised at once."""

    def __init__(self, message: str) -> None:
        super().__init__("configuration", message)


class TokenError(LicenseClientError):
    """A token, a license file or an endorsement that is not believed."""


class TransportError(LicenseClientError):
    """The server gave no usable answer. Says nothing about the license.

    :param retry_after: seconds that the server asked to be left alone, or None.
    """

    def __init__(
        self, code: str, message: str, retry_after: float | None = None
    ) -> None:
        super().__init__(code, message)
        self.retry_after = retry_after
