"""The owner's additions to `requirements.in`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from scaffold.base.lockfile import Lock
from scaffold.upgrade._report import Change

_MARK = "# Yours in it: "
_GONE = "without "


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRequirements:
    """A `requirements.in` that says something else than the generated one, and what its lock has to hold."""

    lines: tuple[str, ...]
    """All of its requirement lines."""
    own: tuple[str, ...]
    """The owner's lines; with `without` before the lines that the owner removed."""
    versions: Mapping[str, str]
    """The version that each distribution is to keep, by name."""

    def is_met_by(self, lock: str) -> bool:
        """Whether the lock was made for these lines, or holds what they ask for."""
        if f"{_MARK}{', '.join(self.own)}" in lock.splitlines():
            return True
        held = Lock.parse(lock).releases
        return all(_is_met(line, held) for line in self.own)

    def marked(self, lock: str) -> str:
        """The lock with a line that says what in it is the owner's."""
        head, _, rest = lock.partition("\n")
        return f"{head}\n{_MARK}{', '.join(self.own)}\n{rest}" if self.own else lock

    def changes(self, before: str, after: str) -> tuple[Change, ...]:
        """What the owner's lines bring into the lock, for the report."""
        was, now = Lock.parse(before).releases, Lock.parse(after).releases
        return tuple(
            Change(
                what=f"requirement {name}",
                old=was.get(name, "none"),
                new=now.get(name, "none"),
                breaking=False,
                reason="yours: requirements.in asks for it",
            )
            for name in sorted(map(_name, self.own))
            if was.get(name) != now.get(name)
        )


def own_requirements(generated: str, merged: str, locks: tuple[str, str, str]) -> OwnRequirements:
    """What a merged `requirements.in` asks for, and what of it is the owner's.

    Args:
        generated: The pristine `requirements.in` of the new state.
        merged: That of the project.
        locks: The lock of the last pristine state, the owner's, and that of the new state.
    """
    wanted, found = asked_for(generated), asked_for(merged)
    own = [line for name, line in found.items() if wanted.get(name) != line]
    gone = [f"{_GONE}{name}" for name in wanted if name not in found]
    base, ours, theirs = (Lock.parse(text).releases for text in locks)
    chosen = {name: version for name, version in ours.items() if base.get(name) != version}
    return OwnRequirements(
        lines=tuple(found.values()), own=tuple(sorted([*own, *gone])), versions={**theirs, **chosen}
    )


def asked_for(text: str) -> dict[str, str]:
    """The lines of a `requirements.in` without their comments, by the distribution that they name."""
    lines = (re.sub(r"(^|\s+)#.*", "", line).strip() for line in text.splitlines())
    return {_name(line): line for line in lines if line}


def _is_met(line: str, held: Mapping[str, str]) -> bool:
    if line.startswith(_GONE):
        return line.removeprefix(_GONE) not in held
    try:
        wanted = Requirement(line)
    except InvalidRequirement:
        return False
    name = canonicalize_name(wanted.name)
    return name in held and wanted.url is None and wanted.specifier.contains(held[name], prereleases=True)


def _name(line: str) -> str:
    try:
        return canonicalize_name(Requirement(line.removeprefix(_GONE)).name)
    except InvalidRequirement:
        return line
