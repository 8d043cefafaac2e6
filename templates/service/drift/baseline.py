"""The baseline: the bins and ranges of `model/baseline.json`, and how values fall into them."""

import json
from bisect import bisect_left
from collections.abc import Collection, Sequence
from contextlib import suppress
from operator import itemgetter
from pathlib import Path
from typing import Any

from pydantic import BaseModel, RootModel
from pydantic_core import to_json

from app.schemas import ModelInput, ModelOutput

MISSING, OTHER = "(missing)", "(other)"


class Field:
    """A field of the requests or of the predictions."""

    def __init__(self, baseline: dict[str, Any]) -> None:
        self.name: str = baseline["name"]
        self._edges: list[float] | None = baseline.get("edges")
        self._least, self._most = baseline.get("min", 0.0), baseline.get("max", 0.0)
        shares: Any = baseline["shares"]
        if self._edges is not None:
            edges = [f"{edge:.15g}" for edge in self._edges]
            self._bins = [*(f"<= {edge}" for edge in edges), f"> {edges[-1]}" if edges else "any"]
            shares = dict(zip(self._bins, shares, strict=True))
        missing, other = baseline["missing"], baseline.get("other", 0.0)
        self._knows_all = not other
        self.shares = {bin_: share * (1 - missing) for bin_, share in shares.items()}
        self.shares |= {OTHER: other * (1 - missing), MISSING: missing}

    @property
    def expected(self) -> str:
        """What a value should be, for a message."""
        if self._edges is not None:
            return f"from {self._least:.15g} to {self._most:.15g}"
        labels = [bin_ for bin_ in self.shares if bin_ not in {MISSING, OTHER}]
        return "one of " + ", ".join(labels[:10]) + (", ..." if len(labels) > 10 else "")

    def place(self, value: Any) -> tuple[str, bool]:
        """Return the bin of a value, and whether it lies outside of what the baseline has seen.

        That is a number out of the range; or a label that has no bin, if the baseline names all.
        """
        if value is None or value != value:
            return MISSING, False
        if self._edges is None:
            label = value if type(value) is str else label_of(value)
            return (label, False) if label in self.shares else (OTHER, self._knows_all)
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            return OTHER, True
        is_outside = not self._least <= number <= self._most
        return self._bins[bisect_left(self._edges, number)], is_outside


def label_of(value: Any) -> str:
    """Return a label as the baseline has it: text as it is, anything else as JSON."""
    text = to_json(value, fallback=str).decode()
    return str(json.loads(text)) if text.startswith('"') else text


class Reader:
    """Reads columns from records or answers."""

    def __init__(self, model: type[BaseModel], names: Collection[str]) -> None:
        fields = getattr(model, "model_fields", {}).items()
        attributes = {field.serialization_alias or name: name for name, field in fields}
        self._attributes = {name: attributes[name] for name in names if name in attributes}
        self.nested = [name for name in names if name not in attributes]
        self._names = [*names]
        keys = [self._attributes[name] for name in self._names if name in attributes]
        # Where all are attributes of the record itself. Of one key `itemgetter` gives no tuple.
        self._key = keys[0] if len(keys) == len(self._names) == 1 else None
        self._get = itemgetter(*keys) if len(keys) == len(self._names) > 1 else None

    def rows(self, rows: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Return the values of each row, in the order of the fields."""
        with suppress(AttributeError, KeyError):  # rows of your own code, such as dicts
            if self._get:
                return [self._get(row.__dict__) for row in rows]
            if self._key:
                return [(row.__dict__[self._key],) for row in rows]
        columns = self.read(rows)
        return [*zip(*[columns[name] for name in self._names], strict=True)]

    def read(self, rows: Sequence[Any]) -> dict[str, list[Any]]:
        """Return the values of each field; None where a row has none."""
        try:
            values = [row.__dict__ for row in rows]
            columns = {
                name: [each[key] for each in values] for name, key in self._attributes.items()
            }
            names = self.nested
        except (AttributeError, KeyError):  # as above
            columns, names = {}, [*self._attributes, *self.nested]
        if names:
            columns |= dict.fromkeys(names, [None] * len(rows))
            columns |= inner_columns(rows, names)
        return columns


def inner_columns(rows: Sequence[Any], names: Collection[str]) -> dict[str, list[Any]]:
    """Return the values within objects and lists by dotted name, as far as the rows have them."""
    parts = [parts_of(row) for row in rows]
    columns = {}
    for key in dict.fromkeys(key for each in parts for key in each):
        column = [each.get(key) for each in parts]
        if key in names:
            columns[key] = column
        below = [name[len(key) + 1 :] for name in names if name.startswith(f"{key}.")]
        if below:
            inner = inner_columns(column, below)
            columns |= {f"{key}.{name}": each for name, each in inner.items()}
    return columns


def parts_of(value: Any) -> dict[str, Any]:
    """Return what an object or a list consists of, by the name in JSON."""
    match value:
        case RootModel():
            return parts_of(value.root)
        case BaseModel():
            fields = type(value).model_fields.items()
            return {each.serialization_alias or key: getattr(value, key) for key, each in fields}
        case dict():
            return {str(key): each for key, each in value.items()}
        case list() | tuple():
            return {str(index): each for index, each in enumerate(value)}
    return dict(getattr(value, "__dict__", {}))


class Part:
    """The requests, or the predictions."""

    def __init__(self, fields: list[dict[str, Any]], model: type[Any]) -> None:
        self.fields = [Field(each) for each in fields]
        self._reader = Reader(model, [field.name for field in self.fields])
        self.read = self._reader.read
        self.rows = self._reader.rows

    def path(self, field: Field) -> tuple[str, ...]:
        """Return the keys that lead to a field in a record."""
        return tuple(field.name.split(".")) if field.name in self._reader.nested else (field.name,)

    def outside(self, rows: Sequence[Any]) -> list[tuple[int, Field]]:
        """Return the values that the baseline never saw: the index of the row, and the field."""
        columns = self.read(rows)
        found = [
            (index, field)
            for field in self.fields
            for index, value in enumerate(columns[field.name])
            if field.place(value)[1]
        ]
        return sorted(found, key=lambda place: place[0])


_baseline = json.loads(
    (Path(__file__).parents[1] / "model" / "baseline.json").read_text(encoding="utf-8")
)
INPUT = Part(_baseline["fields"], ModelInput)
PREDICTION = Part(_baseline["predictions"], ModelOutput)
