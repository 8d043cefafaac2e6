"""The owner's additions to `requirements.in`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from scaffold.base.layout import FAST_LOCK, LOCK
from scaffold.base.lockfile import Lock, to_model_lock
from scaffold.upgrade._report import Change

_MARK = "# Yours in it: "
_REMOVED_PREFIX = "without "


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRequirements:
    """A `requirements.in` that says something else than the generated one, and what its lock has to hold."""

    lines: tuple[str, ...]
    """All of its requirement lines."""
    own: tuple[str, ...]
    """The owner's lines; with `without` before the lines that the owner removed."""
    versions: Mapping[str, str]
    """The version that each distribution is to keep, by name."""
    of_model: tuple[str, ...] = ()
    """The lines of the libraries of the model, if the service does without them."""

    def is_met_by(self, lock: str) -> bool:
        """Whether the lock was made for these lines, or satisfies them."""
        if f"{_MARK}{', '.join(self.own)}" in lock.splitlines():
            return True
        releases = Lock.parse(lock).releases
        return all(_is_met(line, releases) for line in self.own)

    def marked(self, lock: str) -> str:
        """Return the lock with a header line that lists the owner's requirements."""
        head, _, rest = lock.partition("\n")
        return f"{head}\n{_MARK}{', '.join(self.own)}\n{rest}" if self.own else lock

    def locks(self, lock: str, model_lock: str = "") -> dict[str, bytes]:
        """Return the locks by path.

        Args:
            lock: The lock of `requirements.in`.
            model_lock: The lock with the libraries of the model, if the service does without them.
        """
        locks = {LOCK: self.marked(lock).encode()}
        if model_lock:
            locks[FAST_LOCK] = to_model_lock(self.marked(model_lock)).encode()
        return locks

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


def own_requirements(
    generated: str, merged: str, locks: tuple[str, str, str], of_model: str = ""
) -> OwnRequirements:
    """Return the requirements of a merged `requirements.in`, and those of the owner among them.

    Args:
        generated: The pristine `requirements.in` of the new state.
        merged: That of the project.
        locks: The lock of the last pristine state, the owner's, and that of the new state.
        of_model: The requirements of `tests/fast`, if the service lacks the libraries of the model.
    """
    generated_lines, merged_lines = requirement_lines(generated), requirement_lines(merged)
    own = [line for name, line in merged_lines.items() if generated_lines.get(name) != line]
    removed = [f"{_REMOVED_PREFIX}{name}" for name in generated_lines if name not in merged_lines]
    base, ours, theirs = (Lock.parse(text).releases for text in locks)
    owner_versions = {name: version for name, version in ours.items() if base.get(name) != version}
    return OwnRequirements(
        lines=tuple(merged_lines.values()),
        own=tuple(sorted([*own, *removed])),
        versions={**theirs, **owner_versions},
        of_model=tuple(line for line in requirement_lines(of_model).values() if not line.startswith("-")),
    )


def requirement_lines(text: str) -> dict[str, str]:
    """Return the lines of a `requirements.in` without comments, by distribution."""
    lines = (re.sub(r"(^|\s+)#.*", "", line).strip() for line in text.splitlines())
    return {_name(line): line for line in lines if line}


def _is_met(line: str, releases: Mapping[str, str]) -> bool:
    if line.startswith(_REMOVED_PREFIX):
        return line.removeprefix(_REMOVED_PREFIX) not in releases
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        return False
    name = canonicalize_name(requirement.name)
    return (
        name in releases
        and requirement.url is None
        and requirement.specifier.contains(releases[name], prereleases=True)
    )


def _name(line: str) -> str:
    try:
        return canonicalize_name(Requirement(line.removeprefix(_REMOVED_PREFIX)).name)
    except InvalidRequirement:
        return line
