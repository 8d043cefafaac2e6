"""Code that was typed in a session and is in no file: the cells of a notebook, the lines of a console.

The caller's process reads it and sends it to the worker, which lifts definitions out of it. Standard library
only.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSource:
    """The code of a session."""

    cells: tuple[str, ...] = ()
    """The cells of a notebook, in the order in which they ran."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """Source text by the file name of its code objects: `<stdin>`, `<ipython-input-3>`."""

    def of(self, names: Iterable[str]) -> list[str]:
        """Return the cells of a notebook, else the texts of these file names."""
        return list(self.cells) or [self.texts[name] for name in dict.fromkeys(names) if name in self.texts]

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"cells": list(self.cells), "texts": dict(self.texts)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> LiveSource:
        """Return what `as_json` wrote."""
        return cls(cells=tuple(document["cells"]), texts=dict(document["texts"]))


_live_source: LiveSource | None = None


def live_source() -> LiveSource:
    """Return the code of this session or, in a worker, of the caller's session."""
    if _live_source is not None:
        return _live_source
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    cells = [str(cell) for cell in shell.user_ns.get("In", [])] if shell is not None else []
    names = [name for name in list(linecache.cache) if not Path(name).is_file()]
    texts = {name: text for name in names if (text := "".join(linecache.getlines(name)))}
    return LiveSource(cells=tuple(cells), texts=texts)


def use_live_source(source: LiveSource) -> None:
    """Set what `live_source` returns."""
    global _live_source
    _live_source = source
