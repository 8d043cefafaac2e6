"""The fields of objects and tables, from the values in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scaffold.errors import UnsupportedSampleError
from scaffold.introspect import _scalars
from scaffold.introspect._evidence import evidence
from scaffold.introspect._examples import example
from scaffold.introspect._leaves import leaves_of
from scaffold.introspect._names import attributes
from scaffold.introspect._types import is_a
from scaffold.introspect.kinds._kind import Describe, PathValues
from scaffold.spec import Either, Field, Optional, Record, Schema


def describe_mappings(pairs: PathValues, describe: Describe) -> Record:
    """Return a record with the union of the keys; a key that some mappings lack is optional."""
    by_label: dict[Any, PathValues] = {}
    for path, value in pairs:
        for label, item in value.items():
            by_label.setdefault(label, []).append((f"{path}.{label}", item))
    names = [str(label) for label in by_label]
    _refuse_twins(names, pairs[0][0])
    fields = (
        _field(
            name,
            attribute,
            items,
            describe(items),
            rows=len(pairs),
            label="" if isinstance(label, str) else literal(label, pairs[0][0]),
        )
        for name, attribute, (label, items) in zip(names, attributes(names), by_label.items(), strict=True)
    )
    return Record(fields=tuple(fields))


def _field(name: str, attribute: str, items: PathValues, schema: Schema, *, rows: int, label: str) -> Field:
    """Return the field for `items`, one for each of the `rows` records that have the field."""
    values = [value for _, value in items if _scalars.missing_marker(value) is None]
    leaves = leaves_of(values)
    return Field(
        name=name,
        attribute=attribute,
        schema=schema,
        label=label,
        required=len(items) == rows,
        example=example(schema, leaves),
        evidence=evidence(
            schema, leaves, missing=len(items) - len(values), rows=rows, absent=rows - len(items)
        ),
    )


def column_field(
    name: str, attribute: str, schema: Schema, dtype: str, values: list[object], rows: int, label: str = ""
) -> Field:
    """Return the field for a column of a table.

    Args:
        name: The column.
        attribute: The name of the field in Python.
        schema: The schema of one value.
        dtype: The column's dtype, in its library.
        values: The values that are not missing.
        rows: The number of rows of the table.
        label: The name as a Python literal, if it is not a string.
    """
    leaves = leaves_of(values)
    return Field(
        name=name,
        attribute=attribute,
        schema=schema,
        dtype=dtype,
        label=label,
        example=example(schema, leaves),
        evidence=evidence(schema, leaves, missing=rows - len(values), rows=rows),
    )


def literal(label: Any, path: str) -> str:
    """Return a column label as Python source.

    Raises:
        UnsupportedSampleError: The label is of another type than number, string, `None`, Timestamp or tuple.
    """
    if is_a(label, "numpy.generic"):
        return literal(label.item(), path)
    if label is None or isinstance(label, (bool, int, float, str)):
        return repr(label)
    if is_a(label, "pandas.Timestamp"):
        return f'pd.Timestamp("{label.isoformat()}")'
    if isinstance(label, tuple):
        return f"({', '.join(literal(part, path) for part in label)}{',' if len(label) == 1 else ''})"
    raise UnsupportedSampleError(path, f"a name that is a {type(label).__qualname__} cannot be written down")


def _refuse_twins(names: Sequence[str], path: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise UnsupportedSampleError(
                path, f"two names are the same as text: {name!r}", "Rename one of them."
            )


def refuse_duplicates(names: Sequence[str]) -> None:
    """Check that a table has columns and that their names are unique.

    Raises:
        UnsupportedSampleError: It has no columns, or two of one name.
    """
    if not names:
        raise UnsupportedSampleError("$", "a frame without columns")
    twins = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twins:
        raise UnsupportedSampleError(
            "$",
            f"columns of the same name: {', '.join(map(repr, twins))}",
            "A request has one field per column: rename them, in the sample and in the training.",
        )


def one_kind(schema: Schema, values: Sequence[object], path: str, holder: str, advice: str) -> Schema:
    """Return `schema` if the objects are of one type, as in training.

    Args:
        schema: The schema of the objects.
        values: The objects.
        path: Their path in the sample.
        holder: Their container, for the message: `a column`.
        advice: What the user can do.

    Raises:
        UnsupportedSampleError: They are of several types.
    """
    inner = schema.of if isinstance(schema, Optional) else schema
    if isinstance(inner, Either):
        kinds = sorted({type(value).__name__ for value in values})
        raise UnsupportedSampleError(path, f"{holder} of mixed things: {', '.join(kinds)}", advice)
    return schema


def either(kinds: Sequence[Schema]) -> Schema:
    """Return the only schema, or a union of several."""
    flat = [part for kind in kinds for part in (kind.of if isinstance(kind, Either) else (kind,))]
    return flat[0] if len(flat) == 1 else Either(of=tuple(flat))
