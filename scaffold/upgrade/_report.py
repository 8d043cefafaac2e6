"""The changes for callers of a service, and whether they break callers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from packaging.version import InvalidVersion, Version

from scaffold.spec import JSONValue, Requirement, Schema, Value
from scaffold.upgrade._answers import AnswerChanges
from scaffold.upgrade._contract import Contract, JSONSchema
from scaffold.upgrade._schema_text import bound_text, kinds_of, length_text, schema_text, values_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change between the last and the new state."""

    what: str
    """`input age`, `output prediction`, `requirement scikit-learn`."""
    old: str
    new: str
    breaking: bool
    reason: str

    def __str__(self) -> str:
        return f"{self.what}: {self.reason} ({self.old} -> {self.new})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The changes from one state of a project to the next."""

    contract: tuple[Change, ...] = ()
    requirements: tuple[Change, ...] = ()
    model: str = ""
    """The changed parts of the model: the hash of its new file, and the files of code and data it needs."""
    old_version: str = ""
    new_version: str = ""
    answers: AnswerChanges | None = None
    """How both models answer the recorded requests; None where the model is the same."""

    @property
    def model_changed(self) -> bool:
        """Whether the model's file changed, or a file of code or data that it needs."""
        return bool(self.model)

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every change, the contract's first."""
        return (*self.contract, *self.requirements)

    @property
    def breaking(self) -> tuple[Change, ...]:
        """The changes that callers, or the owner's own code, would have to follow."""
        return tuple(change for change in self.changes if change.breaking)

    def as_json(self) -> dict[str, JSONValue]:
        """Return the report as JSON."""
        return {
            "old_version": self.old_version,
            "new_version": self.new_version,
            "model_changed": self.model_changed,
            "model": self.model,
            "breaking": bool(self.breaking),
            "replay": str(self.answers or ""),
            "answers": self.answers.as_json() if self.answers else None,
            "contract": [dataclasses.asdict(change) for change in self.contract],
            "requirements": [dataclasses.asdict(change) for change in self.requirements],
        }


def compare_contracts(old: Contract, new: Contract) -> tuple[Change, ...]:
    """Return the changes of a service's input and output, field by field.

    For the input a wider type is compatible, for the output a narrower one.
    """
    return (*_compare("input", "", old.input, new.input), *_compare("output", "", old.output, new.output))


def compare_labels(old: Schema, new: Schema) -> tuple[Change, ...]:
    """Return the change of a classifier's labels, if the type of its answer does not list them.

    With an answer for each label, their order counts too.
    """
    if not isinstance(old, Value) or not isinstance(new, Value):
        return ()
    before, after = old.field.evidence.classes, new.field.evidence.classes
    if before is None or after is None:
        return ()
    name = f"output {new.field.name}"
    if not before.outputs or not after.outputs:
        return tuple(_compare_classes(name, before.labels, after.labels, in_order=after.each))
    return tuple(
        change
        for number, (was, now) in enumerate(zip(before.outputs, after.outputs, strict=False))
        for change in _compare_classes(f"{name}[{number}]", was, now, in_order=False)
    )


def _compare_classes(
    what: str, before: Sequence[str], after: Sequence[str], *, in_order: bool
) -> Iterator[Change]:
    """Yield the change of the labels of one output, if they are others, or in another order."""
    if before == after or not (before and after) or (not in_order and set(before) == set(after)):
        return
    yield Change(
        what=what,
        old=f"labels {', '.join(before)}",
        new=f"labels {', '.join(after)}",
        breaking=_break_callers({*before}, {*after}, is_input=False),
        reason="another set of labels",
    )


def _break_callers(before: set[str] | None, after: set[str] | None, *, is_input: bool) -> bool:
    """Whether another set of values breaks callers; None stands for any value.

    Of the input, more values are fine. Of the output, no other set is: a caller has no branch for a new
    label, and waits in vain for one that is gone, as after a training without one of the classes.
    """
    return not (is_input and (after is None or (before is not None and before <= after)))


def compare_requirements(old: Sequence[Requirement], new: Sequence[Requirement]) -> tuple[Change, ...]:
    """Return the changes of the installed distributions."""
    before, after = ({item.distribution: item.specifier for item in side} for side in (old, new))
    changes = []
    for name in sorted({*before, *after}):
        was, now = before.get(name), after.get(name)
        if was != now:
            breaking, reason = _judge_versions(was, now)
            changes.append(
                Change(
                    what=f"requirement {name}",
                    old="none" if was is None else was or "any",
                    new="none" if now is None else now or "any",
                    breaking=breaking,
                    reason=reason,
                )
            )
    return tuple(changes)


def next_version(version: str, report: Report) -> str:
    """The semantic version of the model after the changes of `report`."""
    try:
        major, minor, patch = Version(version).release[:3]
    except (InvalidVersion, ValueError):
        major, minor, patch = 1, 0, 0
    if any(change.breaking for change in report.contract):
        return f"{major + 1}.0.0"
    if report.contract:
        return f"{major}.{minor + 1}.0"
    return f"{major}.{minor}.{patch + 1}" if report.model_changed or report.requirements else version


def _judge_versions(was: str | None, now: str | None) -> tuple[bool, str]:
    if was is None:
        return False, "newly needed"
    if now is None:
        return False, "no longer needed"
    try:
        old, new = (Version(text.removeprefix("==")).release for text in (was, now))
    except InvalidVersion:
        return False, "another source"
    if old[:1] != new[:1]:
        return True, "another major version: code of yours that uses it may need a change"
    if old[:2] != new[:2]:
        return old[0] == 0, "another minor version" + (" below 1.0" if old[0] == 0 else "")
    return False, "another patch version"


def _compare(side: str, path: str, old: JSONSchema, new: JSONSchema) -> Iterator[Change]:
    is_input = side == "input"
    what = f"{side} {path}".rstrip()

    def change(breaking: bool, reason: str, was: str = "", now: str = "") -> Change:
        return Change(
            what=what,
            old=was or schema_text(old),
            new=now or schema_text(new),
            breaking=breaking,
            reason=reason,
        )

    before, after = kinds_of(old), kinds_of(new)
    if "null" in after and "null" not in before:
        yield change(
            not is_input, "may be null now" if is_input else "may be null now, which callers may not handle"
        )
    if "null" in before and "null" not in after:
        yield change(is_input, "may no longer be null" if is_input else "is never null now")
    kinds, new_kinds = before.keys() - {"null"}, after.keys() - {"null"}
    if kinds != new_kinds:
        wider, narrower = _covers(new_kinds, kinds), _covers(kinds, new_kinds)
        fits = wider if is_input else narrower
        yield change(not fits, "a wider type" if wider else "a narrower type" if narrower else "another type")
        return
    for kind in sorted(kinds):
        yield from _compare_kind(side, path, before[kind], after[kind])


def _compare_kind(side: str, path: str, old: JSONSchema, new: JSONSchema) -> Iterator[Change]:
    """Compare two schemas of the same type."""
    yield from _compare_values(side, path, old, new)
    if "properties" in old or "properties" in new:
        yield from _compare_fields(side, path, old, new)
    if "items" in old and "items" in new:
        yield from _compare(side, f"{path}[]", old["items"], new["items"])
    places = old.get("prefixItems", []), new.get("prefixItems", [])
    for index, (was, now) in enumerate(zip(*places, strict=False)):
        yield from _compare(side, f"{path}[{index}]", was, now)
    lengths = [length_text(schema) for schema in (old, new)]
    if lengths[0] != lengths[1]:
        yield Change(
            what=f"{side} {path}".rstrip(),
            old=lengths[0],
            new=lengths[1],
            breaking=True,
            reason="another length",
        )
    inner = old.get("additionalProperties"), new.get("additionalProperties")
    if isinstance(inner[0], Mapping) and isinstance(inner[1], Mapping):
        yield from _compare(side, f"{path}{{}}", inner[0], inner[1])


def _compare_fields(side: str, path: str, old: JSONSchema, new: JSONSchema) -> Iterator[Change]:
    before, after = old.get("properties", {}), new.get("properties", {})
    needed, needs = set(old.get("required", ())), set(new.get("required", ()))
    is_input = side == "input"
    for name in [*before, *(name for name in after if name not in before)]:
        place = f"{path}.{name}".lstrip(".")

        def change(was: str, now: str, breaking: bool, reason: str, place: str = place) -> Change:
            return Change(what=f"{side} {place}", old=was, new=now, breaking=breaking, reason=reason)

        if name not in after:
            reason = "no longer taken: a request that holds it is refused" if is_input else "no longer given"
            yield change(schema_text(before[name]), "none", True, reason)
        elif name not in before:
            required = is_input and name in needs
            reason = "newly required" if required else "new and optional" if is_input else "newly given"
            yield change("none", schema_text(after[name]), required, reason)
        else:
            if (name in needed) != (name in needs):
                now_needed = name in needs
                yield change(
                    "required" if name in needed else "optional",
                    "required" if now_needed else "optional",
                    now_needed == is_input,
                    "newly required" if now_needed else "may be left out now",
                )
            yield from _compare(side, place, before[name], after[name])


def _compare_values(side: str, path: str, old: JSONSchema, new: JSONSchema) -> Iterator[Change]:
    """Compare the enums, bounds and lengths of two schemas of the same type."""
    is_input = side == "input"
    was, now = old.get("enum"), new.get("enum")
    if was is not None or now is not None:
        before, after = (None if values is None else set(map(repr, values)) for values in (was, now))
        if before != after:
            breaking = _break_callers(before, after, is_input=is_input)
            yield Change(
                what=f"{side} {path}".rstrip(),
                old=values_text(was),
                new=values_text(now),
                breaking=breaking,
                reason="another set of values" if breaking else "more values are taken",
            )
    for name, sign in (("minimum", 1), ("maximum", -1), ("maxLength", -1), ("minLength", 1)):
        low, high = old.get(name), new.get(name)
        if low != high:
            tighter = low is None or (high is not None and (high - low) * sign > 0)
            yield Change(
                what=f"{side} {path}".rstrip(),
                old=f"{name} {bound_text(low)}",
                new=f"{name} {bound_text(high)}",
                breaking=tighter if is_input else not tighter,
                reason="a narrower range" if tighter else "a wider range",
            )


def _covers(wide: Any, narrow: Any) -> bool:
    """Whether each of the types `narrow` is one of `wide`; an integer is a number too."""
    return "anything" in wide or all(
        kind in wide or (kind == "integer" and "number" in wide) for kind in narrow
    )
