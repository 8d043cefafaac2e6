"""The result of an update, as `update` and `diff` return it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.base.layout import DOCKERFILE, FAST_CODE, LOCK, RUNTIME
from scaffold.base.lock_changes import LockChange, compare_locks
from scaffold.spec import JSONValue, Verification
from scaffold.verbs._slim import lines_without_shell

if TYPE_CHECKING:
    from scaffold.resolve import Vulnerability
    from scaffold.upgrade import Report, UpdatePlan


@dataclass(frozen=True, slots=True, kw_only=True)
class VulnerabilityChanges:
    """The known vulnerabilities that the changed distributions add and remove."""

    added: tuple[Vulnerability, ...]
    removed: tuple[Vulnerability, ...]

    def as_json(self) -> dict[str, JSONValue]:
        """Return the changes as JSON."""
        return {
            word: [
                {"name": each.name, "version": each.version, "id": each.id, "fixed_in": list(each.fixed_in)}
                for each in side
            ]
            for word, side in (("coming", self.added), ("going", self.removed))
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """An update: what it changes, and whether it was carried out."""

    root: Path
    report: Report
    files: Mapping[str, str]
    """The outcome for each file that changes, in a word."""
    moved: Mapping[str, str]
    """The new paths of files of the old layout, by old path."""
    untouched: Mapping[str, str]
    """Files that the owner deleted, moved or linked, and that get nothing of the new state: the reasons."""
    conflicts: Mapping[str, str]
    """What the owner and the new state both changed, by path."""
    applied: bool
    lock_changes: tuple[LockChange, ...] = ()
    """The distributions that are installed in other versions, those that only others require among them."""
    vulnerabilities: VulnerabilityChanges | None = None
    """The known vulnerabilities of the changed distributions; None if they were not looked up."""
    is_empty: bool = False
    """Whether the project is up to date already."""
    notes: tuple[str, ...] = ()
    verification: Verification | None = None

    @property
    def transitive(self) -> tuple[LockChange, ...]:
        """The changed distributions that only other distributions require."""
        return tuple(change for change in self.lock_changes if change.is_transitive)

    def as_json(self) -> dict[str, JSONValue]:
        """Return the update as JSON."""
        return {
            "root": str(self.root),
            **self.report.as_json(),
            "files": dict(self.files),
            "conflicts": dict(self.conflicts),
            "untouched": dict(self.untouched),
            "lock": [change.as_json() for change in self.lock_changes],
            "vulnerabilities": self.vulnerabilities.as_json() if self.vulnerabilities else None,
            "notes": list(self.notes),
            "applied": self.applied,
        }


def describe_update(plan: UpdatePlan) -> Update:
    """Return the changes of a plan."""
    merged = plan.merged
    return Update(
        root=plan.root,
        report=plan.report,
        is_empty=plan.is_empty,
        files={} if plan.is_empty else merged.changed_files,
        moved=merged.moved,
        untouched={} if plan.is_empty else merged.untouched,
        conflicts=merged.conflicts,
        lock_changes=_lock_changes(plan),
        notes=(*merged.notes, *_notes(plan)),
        applied=False,
    )


def _notes(plan: UpdatePlan) -> tuple[str, ...]:
    """The notes on a plan besides those of the merge."""
    notes = [*_unused_answers(plan), *_array_steps(plan), *_shell_steps(plan), plan.unwritten]
    return tuple(filter(None, notes))


def _lock_changes(plan: UpdatePlan) -> tuple[LockChange, ...]:
    """The distributions with other versions, in the owner's lock or else in the generated one."""
    file = plan.merged.files.get(LOCK)
    merged = file.content if file and LOCK not in plan.merged.conflicts else None
    sides = plan.owner.get(LOCK), merged
    if merged is None:
        sides = plan.ancestor.get(LOCK), plan.pristine.get(LOCK)
    old, new = (text.decode() if isinstance(text, bytes) else "" for text in sides)
    return compare_locks(old, new)


def _unused_answers(plan: UpdatePlan) -> list[str]:
    """A note where answers changed, and no file of the project changes because of them."""
    changed = {
        name: value for name, value in plan.record.spec.answers.items() if plan.answers.get(name) != value
    }
    if not changed or plan.pristine != plan.ancestor:
        return []
    words = ", ".join(f"{name}={json.dumps(value)}" for name, value in sorted(changed.items()))
    return [f"no file of this project depends on {words}: nothing changes"]


def _array_steps(plan: UpdatePlan) -> list[str]:
    """A note where the owner's steps get other inputs, since the model is compiled from now on."""
    if plan.record.spec.fast is None or FAST_CODE in plan.ancestor or not plan.edited_scoring:
        return []
    edited = ", ".join(plan.edited_scoring)
    return [f"your steps in {edited} get arrays in place of a frame now: docs/accelerate.md"]


def _shell_steps(plan: UpdatePlan) -> list[str]:
    """A note for each step of the owner's in the Dockerfile that needs a shell, where there is none now."""
    return [
        f"the last stage of {DOCKERFILE} has no shell now, which `{line}` needs:"
        f" move it before the line that runs {RUNTIME}"
        for line in lines_without_shell(plan)
    ]
