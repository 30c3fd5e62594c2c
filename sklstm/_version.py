"""The version, which the fitted state carries."""

__version__ = "0.1.0"
