"""Untrusted TOML."""

from __future__ import annotations

import sys
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def toml_document(text: str) -> dict[str, Any]:
    """Return the parsed TOML; empty if it is invalid or nested too deeply."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return {}


def toml_table(document: Any, *keys: str) -> dict[str, Any]:
    """Return the table below `keys`; empty if missing."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}
