"""Describe the records of the input sample, and write each as the body of a request."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from typing_extensions import assert_never

from scaffold.errors import UnsupportedSampleError
from scaffold.introspect import _checks
from scaffold.introspect._describe import describe
from scaffold.introspect._encode import encode, refuse_infinite
from scaffold.introspect._evidence import evidence
from scaffold.introspect._examples import example
from scaffold.introspect._leaves import leaves_of
from scaffold.introspect._names import attributes
from scaffold.introspect._rows import count_rows, options_of, take_record
from scaffold.introspect._scalars import missing_marker
from scaffold.introspect.call._calls import ResolvedCall
from scaffold.introspect.kinds import kind_of
from scaffold.introspect.kinds._kind import PathValues
from scaffold.spec import (
    Arguments,
    Arrays,
    ClassKind,
    Collection,
    CollectionType,
    Column,
    Field,
    Interval,
    JSONValue,
    List,
    Mapping,
    Numpy,
    Parts,
    Python,
    Record,
    Scalar,
    ScalarType,
    Schema,
    Standalone,
    Table,
    Tensor,
    Tuple,
    UserType,
    Value,
    children,
    fields_of,
)


def describe_input(
    resolved: ResolvedCall, feature_names: Sequence[str] = (), argument_names: Sequence[str] = ()
) -> Schema:
    """Return the schema of one record of the sample on the wire."""
    if resolved.rows is not None and (resolved.call.batched or resolved.call.wrapped):
        schema = row_schema(resolved.sample, feature_names, resolved.fixed)
        pairs = [("$", resolved.sample)]
    else:
        pairs = records_of(resolved, argument_names)
        schema = _with_exact_lengths(describe(pairs), [value for _, value in pairs])
    _refuse_one_way(schema, "$")
    return as_body(schema, "data", pairs, resolved.rows or 1)


def _refuse_one_way(schema: Schema, path: str) -> None:
    """Refuse types that can be serialized in an answer but not parsed from a request."""
    match schema:
        case Scalar(native=Interval()):
            raise UnsupportedSampleError(path, "an Interval is sent as its ends: two fields instead of one")
        case Record() | Table():
            for field in fields_of(schema):
                _refuse_one_way(field.schema, f"{path}.{field.name}")
        case UserType() | Mapping():
            return
        case _:
            for inner in children(schema):
                _refuse_one_way(inner, path)


def records_of(resolved: ResolvedCall, argument_names: Sequence[str] = ()) -> PathValues:
    """Return the records as single arguments of the model, positional arguments by name."""
    if resolved.rows is None:
        pairs: PathValues = [("$", resolved.sample)]
    else:
        pairs = [(f"$[{i}]", take_record(resolved.sample, i)) for i in range(resolved.rows)]
    if resolved.call.arguments is not Arguments.POSITIONAL:
        return pairs
    return [(path, named_arguments(record, argument_names)) for path, record in pairs]


def named_arguments(values: Sequence[object], names: Sequence[str]) -> dict[str, object]:
    """Return positional arguments by parameter name, or by `arg_0`, ... if the names are unknown."""
    keys = list(names) if len(names) >= len(values) else [f"arg_{i}" for i in range(len(values))]
    return dict(zip(keys, values, strict=False))


def as_body(schema: Schema, name: str, pairs: PathValues, rows: int) -> Schema:
    """Return `schema` if it is an object, else an object with one field of that schema."""
    if isinstance(schema, UserType) and schema.kind is not ClassKind.ENUM:
        is_object = schema.seen is None or isinstance(schema.seen, (Record, Mapping))
    else:
        is_object = isinstance(schema, (Record, Table, Mapping))
    if is_object:
        return schema
    leaves = leaves_of([value for _, value in pairs])
    absent = sum(missing_marker(value) is not None for _, value in pairs)
    field = Field(
        name=name,
        attribute=name,
        schema=schema,
        example=example(schema, leaves),
        evidence=evidence(schema, leaves, missing=absent, rows=rows),
    )
    return Value(field=field)


def row_schema(sample: Any, feature_names: Sequence[str] = (), fixed: Sequence[str] = ()) -> Schema:
    """Describe one record of a batched container; `fixed` options keep their value."""
    if count_rows(sample) is not None and (
        _checks.is_frame(sample) or _checks.is_series(sample) or _checks.is_array(sample)
    ):
        schema = kind_of(sample).row(sample, describe)
        is_named = isinstance(schema, Tensor) and schema.container == Numpy()
        if isinstance(schema, Tensor) and is_named and schema.shape == (len(feature_names),):
            return _named_columns(sample, schema, feature_names)
        return schema
    if _checks.is_mapping(sample):
        return _arguments(dict(sample), options_of(sample), fixed)
    if isinstance(sample, tuple) and sample and all(_checks.is_array(part) for part in sample):
        return _arguments({f"arg_{i}": part for i, part in enumerate(sample)}, ())
    items = list(sample)
    if items and all(_checks.is_mapping(item) for item in items):
        record = describe([(f"$[{i}]", item) for i, item in enumerate(items)])
        assert isinstance(record, Record)
        return Table(columns=record.fields, container=Python())
    return _with_exact_lengths(describe([(f"$[{i}]", item) for i, item in enumerate(items)]), items)


def _with_exact_lengths(schema: Schema, records: Sequence[Any]) -> Schema:
    """Fix the length of lists of numbers: each position is a feature."""
    if not isinstance(schema, List) or not isinstance(schema.items, (Scalar, List)):
        return schema
    if not isinstance(schema.form, Collection):
        return schema  # the length of a Series is not fixed
    lengths = {len(record) for record in records}
    numbers = isinstance(schema.items, List) or schema.items.type in (
        ScalarType.INTEGER,
        ScalarType.NUMBER,
        ScalarType.BOOLEAN,
    )
    if len(lengths) != 1 or not numbers:
        return schema
    items = _with_exact_lengths(schema.items, [item for record in records for item in record])
    return List(items=items, length=lengths.pop(), form=schema.form)


def _named_columns(sample: Any, tensor: Tensor, names: Sequence[str]) -> Schema:
    """Return a field for each feature of an array, by the feature names of the model."""
    columns = []
    for position, (name, attribute) in enumerate(zip(names, attributes(names), strict=True)):
        values = [v for v in sample[:, position].tolist() if missing_marker(v) is None]
        columns.append(
            Field(
                name=name,
                attribute=attribute,
                schema=tensor.items,
                dtype=tensor.dtype,
                example=example(tensor.items, values),
                evidence=evidence(tensor.items, values, missing=len(sample) - len(values), rows=len(sample)),
            )
        )
    return Table(columns=tuple(columns), container=Numpy(), dtype=tensor.dtype)


def _arguments(parts: dict[object, object], options: Sequence[object], fixed: Sequence[str] = ()) -> Record:
    """Return a field for each array argument and for each option."""
    names = [str(name) for name in parts]
    fields = []
    for key, name, attribute in zip(parts, names, attributes(names), strict=True):
        part, is_option = parts[key], key in options
        schema = _option(name, part, fixed) if is_option else row_schema(part)
        leaves = leaves_of([part])
        fields.append(
            Field(
                name=name,
                attribute=attribute,
                schema=schema,
                example=example(schema, leaves),
                evidence=evidence(schema, leaves, rows=1 if is_option else count_rows(part) or 0),
            )
        )
    return Record(fields=tuple(fields), form=Arrays(tuple(map(str, options))))


def _option(name: str, value: Any, fixed: Sequence[str]) -> Schema:
    schema = describe([(f"$.{name}", value)])
    if name in fixed and isinstance(schema, Scalar):
        return dataclasses.replace(schema, choices=(value,))
    if isinstance(schema, Tuple) and len(set(map(repr, schema.items))) == 1:
        # The number of items may differ between requests.
        return List(items=schema.items[0], form=Collection(CollectionType.TUPLE))
    return schema


def requests_of(
    resolved: ResolvedCall, schema: Schema, argument_names: Sequence[str] = ()
) -> tuple[JSONValue, ...]:
    """Return the body of the request for each record of the sample."""
    if resolved.rows is None or not (resolved.call.batched or resolved.call.wrapped):
        records = records_of(resolved, argument_names)
    else:
        container = kind_of(resolved.sample).with_integer_moments(resolved.sample)
        records = [(f"$[{i}]", row) for i, row in enumerate(rows_of(container, schema))]
    return tuple(refuse_infinite(encode(row, schema, path), path) for path, row in records)


def rows_of(container: object, schema: Schema) -> list[object]:
    """Return the rows of a container, as values for `encode`."""
    match schema:
        case Record(form=Arrays()):
            return [take_record(container, i) for i in range(count_rows(container) or 0)]
        case Value(field=Field(schema=inner)):
            return rows_of(container, inner)
        case Standalone() | Record() | Table() | Column() | Tensor() | Parts():
            return kind_of(container).rows(container, schema)
        case _:
            assert_never(schema)
