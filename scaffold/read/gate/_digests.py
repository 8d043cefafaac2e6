"""Hashes of the nodes of a skops schema: equal for two copies of one object."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

_NUMBERS = {"__id__": int, "file": str}


class Digests:
    """The hash of each node in a schema, which has to exist as long as this."""

    def __init__(self) -> None:
        self._known: dict[int, bytes] = {}

    def of(self, node: Mapping[str, Any]) -> bytes:
        """Return the hash of a node that was added."""
        return self._known[id(node)]

    def add(self, value: Any) -> bytes:
        """Add a node, with all nodes in it, and return its hash.

        Its number and the name of its file do not count: they differ for two copies. A node under such a name
        is an item or an attribute, and counts.
        """
        match value:
            case dict():
                parts: Any = [
                    (key, self.add(each))
                    for key, each in value.items()
                    if key not in _NUMBERS or not isinstance(each, _NUMBERS[key])
                ]
            case list():
                parts = [self.add(each) for each in value]
            case _:
                parts = value
        text = repr((type(value).__name__, parts))
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        if isinstance(value, dict):
            self._known[id(value)] = digest
        return digest
