"""Local code that the service gets under another name, and the names that require this."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from scaffold.base.layout import APP, DEPLOY, TESTS, WHEELS
from scaffold.spec import LocalSource

CLOUDPICKLE = ("cloudpickle.cloudpickle",)
SCRIPT_MODULES = frozenset({"__main__", *CLOUDPICKLE})
"""Modules that a pickle names if it holds, or looks for, definitions of a script or notebook."""
RESERVED_TOP_LEVEL = frozenset({APP, DEPLOY, TESTS, WHEELS})
"""Top-level names that the service has for its own parts."""


@dataclass(slots=True)
class Lifted:
    """What was lifted from one script.

    `text` is empty where nothing could be; `notes` say why.
    """

    module: str
    script: str = ""
    text: str = ""
    moved: dict[Path, Path] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Renamed:
    """The sources under their new names, and the files that were written anew to name them."""

    sources: list[LocalSource]
    moved: dict[Path, Path] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def top_level_name(name: str, separator: str = "/") -> str:
    """Return the top-level package or module of a path, or of a dotted name."""
    return re.sub(r"\.py$", "", name.partition(separator)[0])
