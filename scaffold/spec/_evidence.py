"""Why a field is what it is: facts, which `words_of` puts into one line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias, Union


@dataclass(frozen=True, slots=True)
class SeenRange:
    """Values that have an order, from the least to the greatest, each as a person would write it."""

    least: str
    most: str | None = None
    """`None` where all values are the same."""
    whole: bool = False
    """Whether all of them are whole numbers, in a column of fractions."""


@dataclass(frozen=True, slots=True)
class SeenLabels:
    """Texts that repeat so much that they are labels."""

    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeenLengths:
    """Free texts, described by their lengths alone."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class SeenChoices:
    """The values that were seen are the only ones allowed."""


@dataclass(frozen=True, slots=True)
class SeenLevels:
    """The levels of a categorical dtype."""

    ordered: bool
    fitted: bool = False
    """Whether the model was fitted on the same levels."""


@dataclass(frozen=True, slots=True)
class SeenNulls:
    """Nothing but `null`."""


@dataclass(frozen=True, slots=True)
class SeenImage:
    """An image."""


Seen: TypeAlias = Union[  # noqa: UP007
    SeenRange, SeenLabels, SeenLengths, SeenChoices, SeenLevels, SeenNulls, SeenImage
]


@dataclass(frozen=True, slots=True)
class KnownTo:
    """The values that an encoder in the model has learned."""

    encoder: str
    labels: tuple[str, ...]
    """The first of them."""
    more: bool
    refuses: bool
    """Whether it raises on any other value; if not, it treats others as unknown."""


@dataclass(frozen=True, slots=True)
class OfClasses:
    """The classes of a classifier, of which an answer is one, or for each of which it holds a number."""

    labels: tuple[str, ...]
    each: bool
    outputs: tuple[tuple[str, ...], ...] = ()
    """The labels of each output of a classifier with several; `labels` is empty then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedFor:
    """What a person asked for."""

    nullable: bool = False
    choices: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the model has no answer to."""

    beyond_float32: bool = False
    greatest: int | None = None
    """The greatest integer with an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the sample, the model, an annotation and a person say of a field."""

    rows: int = 0
    missing: int = 0
    """The number of rows with a missing value."""
    absent: int = 0
    """The number of rows without the field."""
    seen: Seen | None = None
    known_to: KnownTo | None = None
    classes: OfClasses | None = None
    annotated: bool = False
    """Whether an annotation says more than the sample shows."""
    defaulted: bool = False
    """Whether the sample leaves it to its default."""
    fractions: bool = False
    """Whether the sample has whole numbers where the model was fitted on fractions."""
    asked_for: AskedFor = field(default_factory=AskedFor)
    limits: Limits = field(default_factory=Limits)
    recorded: str = ""
    """The line from the record of an older version, which has no other evidence."""


def words_of(evidence: Evidence) -> str:
    """Return the evidence and the advice in one line, empty where there is none."""
    return f"{description_of(evidence)} {advice_of(evidence)}".strip()


def advice_of(evidence: Evidence) -> str:
    """Return what the owner of the service may do, empty where there is nothing."""
    match evidence:
        case Evidence(recorded="", known_to=None, classes=None, seen=SeenLabels(labels=labels)) if (
            not evidence.asked_for.choices
        ):
            literal = ", ".join(_quoted(label) for label in labels)
            return f"Write `Literal[{literal}]` to refuse others."
        case _:
            return ""


def description_of(evidence: Evidence) -> str:
    """Return what callers are told of a field, in one line, empty where there is nothing."""
    if evidence.recorded:
        return evidence.recorded
    sentences = (
        "May be null, as was asked." if evidence.asked_for.nullable else "",
        "Whole in every row, a number with a fraction in the model." if evidence.fractions else "",
        "As annotated." if evidence.annotated else "",
        "Not in the sample, which leaves it to its default." if evidence.defaulted else "",
        _missing(evidence),
        f"Absent from {evidence.absent} of {evidence.rows} sample rows." if evidence.absent else "",
        _values(evidence),
        "The model fails on numbers beyond float32." if evidence.limits.beyond_float32 else "",
        ""
        if evidence.limits.greatest is None
        else f"The model knows none beyond {evidence.limits.greatest}.",
    )
    return " ".join(sentence for sentence in sentences if sentence)


def _missing(evidence: Evidence) -> str:
    if not evidence.missing:
        return ""
    if evidence.rows > 1:
        return f"Missing (null) in {evidence.missing} of {evidence.rows} sample rows."
    return "Missing (null) in the sample."


def _values(evidence: Evidence) -> str:
    """Describe the allowed values, as the user, the model or the sample gives them."""
    if evidence.asked_for.choices:
        return "The values seen, and no others, as was asked."
    if evidence.known_to is not None:
        return _describe_known(evidence.known_to)
    if evidence.classes is not None:
        if evidence.classes.outputs:
            outputs = "; ".join(map(", ".join, evidence.classes.outputs))
            return f"One of the model's classes for each output: {outputs}."
        labels = ", ".join(evidence.classes.labels)
        return f"One {'for each ' if evidence.classes.each else ''}of the model's classes: {labels}."
    return "" if evidence.seen is None else _describe_seen(evidence.seen)


def _describe_known(known_to: KnownTo) -> str:
    if known_to.refuses:
        return f"{known_to.encoder} in the model knows no others."
    labels = ", ".join(known_to.labels) + (", ..." if known_to.more else "")
    return f"Known to {known_to.encoder} in the model: {labels}. Any other value counts as unknown."


def _describe_seen(seen: Seen) -> str:
    match seen:
        case SeenRange(least=least, most=None):
            return f"Seen: {least} only."
        case SeenRange(least=least, most=most, whole=whole):
            return f"Seen: {least} to {most}{', whole numbers only' if whole else ''}."
        case SeenLabels(labels=labels):
            return f"Seen: {', '.join(labels)}."
        case SeenLengths(least=shortest, most=longest):
            span = str(shortest) if shortest == longest else f"{shortest} to {longest}"
            return f"Seen: texts of {span} character{'' if span == '1' else 's'}."
        case SeenChoices():
            return "One of the values that were seen."
        case SeenLevels(ordered=ordered, fitted=fitted):
            whose = "that the model was fitted on" if fitted else "of the sample's dtype"
            return f"The levels {whose}{', in order' if ordered else ''}."
        case SeenNulls():
            return "Only null in the sample: any value is taken."
        case SeenImage():
            return "A whole image file, base64: PNG, JPEG, ..."


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
