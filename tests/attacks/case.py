"""An attack: a small model file, the files next to it, and the markers that show what it did.

Every payload is a harmless marker: it creates a file in a folder that the test names, connects to a port of
the test on the loopback, copies a file that stands for a secret, imports a module that the test planted, or
does not end. A file is built for one `Place`, and builds to the same bytes for the same place.

A test writes `case.content(place)` to `case.file` in a folder of its own, and `case.companions(place)` beside
it; lets something load it; and asks `effects(place)` what happened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

SECRET = b"a word that nobody may read"
PLANTED = "planted_by_the_attack"


@dataclass(frozen=True)
class Place:
    """The folder with the markers of one run."""

    markers: Path
    secret: Path
    port: int = 9
    """Where the test listens on 127.0.0.1."""

    def marker(self, kind: str) -> str:
        return str(self.markers / kind)


@dataclass(frozen=True)
class Case:
    """One file of the corpus."""

    name: str
    kind: str
    """`program`, `write`, `connect`, `import`, `secret`, `loop`, `memory` or `memory access`."""
    content: Callable[[Place], bytes]
    file: str = "model.pkl"
    beside: Mapping[str, str] = field(default_factory=dict)
    """Modules beside it, each of which leaves a marker when it is imported."""
    by_value: bool = False
    """Whether it carries code: the gate lets such a file pass where the loading process is confined."""
    harmless: bool = False
    """Whether the file itself is honest: it loads, and what stands beside it is not imported."""

    def companions(self, place: Place) -> dict[str, str]:
        marker = place.marker("import")
        return {
            file: f"open({marker!r}, 'w').close()\n" + more.format(marker=marker)
            for file, more in self.beside.items()
        }


def effects(place: Place) -> list[str]:
    """Return the kinds of the existing markers, sorted."""
    return sorted(path.name for path in place.markers.iterdir())
