"""The distributions of a lock that are others than before, and what requires them."""

from __future__ import annotations

from dataclasses import dataclass

from scaffold.base.layout import REQUIREMENTS
from scaffold.base.lockfile import Lock, Pin
from scaffold.spec import JSONValue


@dataclass(frozen=True, slots=True, kw_only=True)
class LockChange:
    """One distribution whose pins changed."""

    name: str
    old: tuple[Pin, ...] = ()
    """Its former pins, one for each platform where they differ; none where it is new."""
    new: tuple[Pin, ...] = ()

    @property
    def is_transitive(self) -> bool:
        """Whether only other distributions require it, before and now."""
        return not any(REQUIREMENTS in pin.via for pin in (*self.old, *self.new))

    @property
    def versions(self) -> tuple[str, str]:
        """The old and the new version; `none` where it was or is not installed."""
        old, new = (", ".join(dict.fromkeys(pin.version for pin in side)) for side in (self.old, self.new))
        return old or "none", new or "none"

    @property
    def required_by(self) -> tuple[str, ...]:
        """The distributions that require it now, or that required it where it goes."""
        return tuple(dict.fromkeys(name for pin in self.new or self.old for name in pin.via))

    def as_json(self) -> dict[str, JSONValue]:
        """The change for a program to read."""
        old, new = self.versions
        return {
            "name": self.name,
            "old": old,
            "new": new,
            "transitive": self.is_transitive,
            "required_by": list(self.required_by),
        }


def compare_locks(old: str, new: str) -> tuple[LockChange, ...]:
    """The distributions with other pins in the text `new` of a lock than in `old`, by name."""
    before, after = Lock.parse(old).by_name(), Lock.parse(new).by_name()
    changes = []
    for name in sorted({*before, *after}):
        old_pins, new_pins = (tuple(side.get(name, ())) for side in (before, after))
        if [pin.line for pin in old_pins] != [pin.line for pin in new_pins]:
            changes.append(LockChange(name=name, old=old_pins, new=new_pins))
    return tuple(changes)
