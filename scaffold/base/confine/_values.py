"""The rights of a confined process, and the walls in force."""

from __future__ import annotations

import enum
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

_GIB = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """No socket can be made that reaches another process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Serve:
    """One TCP port can be listened on; nothing can be connected to."""

    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """TCP and UDP to anywhere. Unix sockets stay closed: Docker and D-Bus listen on these."""


Network = Closed | Serve | Open


@dataclass(frozen=True, slots=True, kw_only=True)
class Confinement:
    """The rights of a confined process. Python and its libraries are always readable.

    Args:
        readable: Files, and folders without their hidden entries (`.env`, `.git`) at any depth.
        readable_whole: Files, and folders with all that is below them.
        writable: Folders below which files may be created, changed and deleted, but not run.
        network: What sockets may be used for.
        memory_bytes: Most private memory; by default three quarters of what is available, at least 4 GiB.
        cpu_s: Most processor seconds of all threads together.
        file_bytes: Most bytes of one written file.
        open_files: Most files open at one time.
        parent_pid: The process that this one must not outlive. The kernel watches the parent's *thread* that
            started this process: that thread has to live as long as this process is needed.
    """

    readable: tuple[Path, ...] = ()
    readable_whole: tuple[Path, ...] = ()
    writable: tuple[Path, ...] = ()
    network: Network = Closed()
    memory_bytes: int | None = None
    cpu_s: int = 3600
    file_bytes: int = 16 * _GIB
    open_files: int = 4096
    parent_pid: int | None = None

    def as_json(self) -> str:
        """Return the confinement as one line of JSON."""
        match self.network:
            case Serve(port=port):
                network: str | int = port
            case Open():
                network = "open"
            case _:
                network = "closed"
        return json.dumps({**asdict(self), "network": network}, default=str)

    @classmethod
    def from_json(cls, text: str) -> Confinement:
        """Return the confinement that `as_json` wrote.

        Raises:
            ValueError, TypeError, KeyError: The text is something else.
        """
        values: dict[str, Any] = json.loads(text)
        for name in ("readable", "readable_whole", "writable"):
            values[name] = tuple(Path(path) for path in values[name])
        network = values["network"]
        if isinstance(network, int):
            values["network"] = Serve(port=network)
        else:
            values["network"] = {"open": Open(), "closed": Closed()}[network]
        return cls(**values)


class Wall(enum.Enum):
    """The parts of the confinement, each of which can be missing."""

    FILES = "files"
    """Landlock: which paths are read and written, which ports are used."""
    SYSTEM_CALLS = "system calls"
    """seccomp: no programs, no processes, no connections."""
    LIMITS = "limits"
    """Memory, processor time, file size, open files."""
    PARENT = "parent"
    """The process ends with its parent."""
    CAPABILITIES = "capabilities"
    """The rights of root are given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A wall that is not in force, and the reason."""

    wall: Wall
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Enforced:
    """Which walls are in force in this process.

    Args:
        landlock_abi: The version of Landlock that is in force; 0 where there is none.
        seccomp: Whether system calls are filtered.
        memory_bytes: The limit of private memory in force; 0 where there is none.
        missing: The walls that are not in force.
        unread: Folders of `readable` that cannot be read in full: system folders, the home folder itself,
            and those with too many entries to look through for hidden ones.
    """

    landlock_abi: int = 0
    seccomp: bool = False
    memory_bytes: int = 0
    missing: tuple[Missing, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether both main walls stand: files, and programs, processes and network."""
        return self.landlock_abi > 0 and self.seccomp

    def as_json(self) -> str:
        """Return the value as one line of JSON."""
        missing = [[gap.wall.value, gap.reason] for gap in self.missing]
        return json.dumps({**asdict(self), "missing": missing})

    @classmethod
    def from_json(cls, text: str) -> Enforced:
        """Return the value that `as_json` wrote.

        Raises:
            ValueError, TypeError, KeyError: The text is something else.
        """
        values: dict[str, Any] = json.loads(text)
        gaps = cast("list[list[str]]", values["missing"])
        values["missing"] = tuple(Missing(wall=Wall(wall), reason=reason) for wall, reason in gaps)
        values["unread"] = tuple(values["unread"])
        return cls(**values)
