"""The version of this package, as servers see it in the User-Agent header."""

__version__ = "1.0.0"
