"""The root of the error tree."""

from __future__ import annotations


class ScaffoldError(Exception):
    """Anything that a person can act on; `str()` of it is what they read."""
