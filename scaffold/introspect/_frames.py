"""Describe tables: pandas, polars and Arrow frames, structured arrays, lists of dicts, and their columns."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Sequence
from functools import cache
from typing import Any

from scaffold.errors import UnsupportedSampleError
from scaffold.introspect import _kinds, _plain, _scalars
from scaffold.introspect._encode import encode_scalar
from scaffold.introspect._evidence import evidence
from scaffold.introspect._examples import example
from scaffold.introspect._names import attributes
from scaffold.spec import (
    Arrow,
    Category,
    Column,
    Container,
    Either,
    Element,
    Field,
    Interval,
    List,
    Missing,
    Optional,
    Pandas,
    Period,
    Polars,
    Python,
    PythonScalar,
    PythonType,
    Record,
    Scalar,
    ScalarType,
    Schema,
    Series,
    SeriesRow,
    Structured,
    Table,
    Tensor,
    TextOf,
)


def describe_table(sample: Any, path: str = "$") -> Table:
    """Describe the records of a frame or structured array: one field per column.

    Raises:
        UnsupportedSampleError: No columns, two of one name, or a column that JSON cannot say.
    """
    if _kinds.is_structured(sample):
        return _describe_structured(sample)
    labels = list(sample.column_names if _kinds.kin(sample, "pyarrow.Table") else sample.columns)
    names = [str(label) for label in labels]
    _refuse_duplicates(names)
    columns = [
        _column(sample, position, name, attribute, label, f"{path}.{name}")
        for position, (name, attribute, label) in enumerate(
            zip(names, attributes(names), labels, strict=True)
        )
    ]
    return Table(columns=tuple(columns), container=_kinds.container_of(sample))


def _refuse_duplicates(names: Sequence[str]) -> None:
    if not names:
        raise UnsupportedSampleError("$", "a frame without columns")
    twins = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twins:
        raise UnsupportedSampleError(
            "$",
            f"columns of the same name: {', '.join(map(repr, twins))}",
            "A request has one field per column: rename them, in the sample and in the training.",
        )


def _column(sample: Any, position: int, name: str, attribute: str, label: Any, path: str) -> Field:
    if _kinds.kin(sample, "pandas.DataFrame"):
        column = sample.iloc[:, position]
        schema, dtype = of_pandas(column, path)
        values = column[column.notna()].tolist()
    elif _kinds.kin(sample, "polars.DataFrame"):
        column = sample.to_series(position)
        schema, dtype = of_polars(column, path)
        values = column.drop_nulls().to_list()
    else:
        column = sample.column(position)
        schema, dtype = of_arrow(column, path)
        values = column.drop_null().to_pylist()
    if isinstance(schema, Optional) and schema.missing is Missing.NAN:
        values = [value for value in values if not _scalars.is_nan(value)]
    return _field(
        name,
        attribute,
        schema,
        dtype,
        values,
        len(column),
        "" if isinstance(label, str) else _plain.literal(label, "$"),
    )


def _field(
    name: str, attribute: str, schema: Schema, dtype: str, values: list[Any], rows: int, label: str = ""
) -> Field:
    leaves = _plain.leaves_of(values)
    return Field(
        name=name,
        attribute=attribute,
        schema=schema,
        dtype=dtype,
        label=label,
        example=example(schema, leaves),
        evidence=evidence(schema, leaves, missing=rows - len(values), rows=rows),
    )


def of_pandas(column: Any, path: str) -> tuple[Schema, str]:
    """Return what one value of a pandas Series is on the wire, and the dtype of the Series.

    Raises:
        UnsupportedSampleError: The column holds what JSON cannot say, or mixed things.
    """
    dtype = column.dtype
    name = _dtype_name(dtype)
    if _kinds.kin(dtype, "pandas.CategoricalDtype"):
        schema: Schema = _category(dtype, path)
    elif _kinds.kin(dtype, "pandas.ArrowDtype"):
        schema, _ = of_arrow_type(dtype.pyarrow_dtype, path)
    elif name == "object":
        return _objects([(f"{path}[{i}]", value) for i, value in enumerate(column.tolist())], path), name
    elif _kinds.kin(dtype, "pandas.DatetimeTZDtype"):
        schema = _temporal(ScalarType.AWARE_DATETIME, name, Pandas())
    elif getattr(dtype, "kind", "") in ("M", "m"):
        type_ = ScalarType.DATETIME if dtype.kind == "M" else ScalarType.DURATION
        schema = _temporal(type_, name, Pandas())
    elif _kinds.kin(dtype, "pandas.IntervalDtype"):
        schema = Scalar(type=ScalarType.STRING, native=Interval())
    elif _kinds.kin(dtype, "pandas.PeriodDtype"):
        schema = Scalar(type=ScalarType.PERIOD, native=Period(name.removeprefix("period[").removesuffix("]")))
    else:
        subtype = str(dtype.subtype) if _kinds.kin(dtype, "pandas.SparseDtype") else name
        found = _scalars.of_dtype(subtype, Pandas())
        if found is None:
            raise UnsupportedSampleError(path, f"a column of dtype {name} is not JSON")
        schema = found
    if not column.isna().any():
        return schema, name
    return Optional(of=schema, missing=_missing_of(dtype)), name


def _dtype_name(dtype: Any) -> str:
    """Return the name that makes a dtype again: texts are kept by Arrow unless it says otherwise."""
    name = str(dtype)
    kept = getattr(dtype, "storage", "") if name in ("str", "string") else ""
    return f"{name}[python]" if kept == "python" and _has_arrow() else name


@cache
def _has_arrow() -> bool:
    return importlib.util.find_spec("pyarrow") is not None


def _missing_of(dtype: Any) -> Missing:
    if getattr(dtype, "kind", "") in ("M", "m") and not _kinds.kin(dtype, "pandas.ArrowDtype"):
        return Missing.NAT
    na_value = getattr(dtype, "na_value", None)
    return Missing.NA if _kinds.kin(na_value, "pandas.NAType") else Missing.NAN


def _objects(seen: _plain.Seen, path: str) -> Schema:
    """Describe an object column: one kind of thing, or nothing, in every row."""
    schema = _plain.describe(seen)
    inner = schema.of if isinstance(schema, Optional) else schema
    if isinstance(inner, Either):
        kinds = sorted({type(value).__name__ for _, value in seen if _scalars.missing_marker(value) is None})
        name = path.removeprefix("$.")
        raise UnsupportedSampleError(
            path,
            f"a column of mixed things: {', '.join(kinds)}",
            "Give it one type, in the sample and in the training, or say which is meant:\n"
            f"  scaffold new ... --type '{name}=str'",
        )
    return schema


def _category(dtype: Any, path: str) -> Category:
    levels = dtype.categories
    if _kinds.kin(levels.dtype, "pandas.IntervalDtype"):
        of = Scalar(type=ScalarType.STRING, native=TextOf(Interval()))
        return Category(of=of, levels=tuple(str(level) for level in levels), ordered=bool(dtype.ordered))
    of_level, _ = of_pandas(levels.to_series(), path)
    name = str(levels.dtype)
    if not isinstance(of_level, Scalar):
        raise UnsupportedSampleError(path, "categories that are no plain values are not JSON")
    if of_level.type in (
        ScalarType.DATETIME,
        ScalarType.AWARE_DATETIME,
        ScalarType.DATE,
        ScalarType.DURATION,
    ):
        texts = tuple(str(encode_scalar(level, of_level)) for level in levels.tolist())
        held = PythonScalar(PythonType.DATE) if name == "object" else Element(name, Pandas())
        of = Scalar(type=ScalarType.STRING, native=TextOf(held))
        return Category(of=of, levels=texts, ordered=bool(dtype.ordered))
    usual = str(type(levels)(levels.tolist()).dtype)
    of_level = Scalar(type=of_level.type, native=None if usual == name else Element(name, Pandas()))
    return Category(
        of=of_level,
        levels=tuple(encode_scalar(level, of_level) for level in levels.tolist()),
        ordered=bool(dtype.ordered),
    )


def of_arrow(column: Any, path: str) -> tuple[Schema, str]:
    """Return what one value of an Arrow column is on the wire, and its type."""
    schema, name = of_arrow_type(column.type, path)
    return (Optional(of=schema) if column.null_count else schema), name


def of_arrow_type(type_: Any, path: str) -> tuple[Schema, str]:
    """Return the schema for an Arrow type without nulls, and its name."""
    name = str(type_)
    plain = {"bool": "bool", "float": "float32", "halffloat": "float16", "double": "float64", "string": "str"}
    plain |= {"large_string": "str", "string_view": "str"}
    found = _scalars.of_dtype(plain.get(name, name), Arrow())
    if found is not None:
        return _renamed(found, name, Arrow()), name
    if name.startswith("dictionary<values=string"):
        return Scalar(type=ScalarType.STRING, native=Element(name, Arrow())), name
    for start, scalar_type in (
        ("timestamp", ScalarType.AWARE_DATETIME if "tz=" in name else ScalarType.DATETIME),
        ("date", ScalarType.DATE),
        ("time", ScalarType.TIME),
        ("duration", ScalarType.DURATION),
        ("decimal", ScalarType.DECIMAL),
        ("large_binary", ScalarType.BYTES),
        ("binary", ScalarType.BYTES),
    ):
        if name.startswith(start):
            return _temporal(scalar_type, name, Arrow()), name
    raise UnsupportedSampleError(path, f"a column of Arrow type {name} is not JSON")


def _temporal(type_: ScalarType, dtype: str, container: Container) -> Scalar:
    fine = _scalars.has_nanoseconds(dtype)
    return Scalar(type=type_, native=Element(dtype, container), nanoseconds=fine)


def _renamed(scalar: Scalar, dtype: str, container: Container) -> Scalar:
    return dataclasses.replace(scalar, native=Element(dtype, container))


def of_polars(column: Any, path: str) -> tuple[Schema, str]:
    """Return what one value of a polars Series is on the wire, and its dtype as polars writes it."""
    dtype, name = column.dtype, repr(column.dtype)
    base = name.partition("(")[0]
    found = _scalars.of_dtype(base.lower(), Polars())
    temporal = {
        "Datetime": ScalarType.AWARE_DATETIME if getattr(dtype, "time_zone", None) else ScalarType.DATETIME,
        "Date": ScalarType.DATE,
        "Time": ScalarType.TIME,
        "Duration": ScalarType.DURATION,
        "Decimal": ScalarType.DECIMAL,
        "Binary": ScalarType.BYTES,
        "Categorical": ScalarType.STRING,
    }
    if found is not None:
        schema: Schema = _renamed(found, name, Polars())
    elif base == "Enum":
        levels = tuple(dtype.categories.to_list())
        of = Scalar(type=ScalarType.STRING, native=Element("String", Polars()))
        schema = Category(of=of, levels=levels, ordered=True)
    elif base in temporal:
        schema = _temporal(temporal[base], name, Polars())
    elif base in ("List", "Array", "Struct"):
        schema = _plain.describe(
            [(f"{path}[{i}]", value) for i, value in enumerate(column.drop_nulls().to_list())]
        )
    else:
        raise UnsupportedSampleError(path, f"a polars column of {name} is not JSON")
    missing = column.null_count() or (base.startswith("Float") and column.is_nan().any())
    return (Optional(of=schema) if missing else schema), name


def _describe_structured(sample: Any) -> Table:
    """Describe a numpy array of named fields."""
    from scaffold.introspect._arrays import describe_rows

    names = list(sample.dtype.names)
    columns = []
    for name, attribute in zip(names, attributes(names), strict=True):
        part = sample[name]
        inner = describe_rows(part, f"$.{name}")
        assert isinstance(inner, Tensor)
        schema = inner if inner.shape else inner.items
        base = sample.dtype[name].base
        dtype = base.str if base.kind in "US" else str(base)
        if base.kind == "U" and not inner.shape:
            # A longer text would be cut without a word.
            text = Element(dtype, Structured())
            schema = Scalar(type=ScalarType.STRING, native=text, max_length=base.itemsize // 4)
        values = [v for v in part.reshape(-1).tolist() if _scalars.missing_marker(v) is None]
        columns.append(_field(name, attribute, schema, dtype, values, part.size))
    return Table(columns=tuple(columns), container=Structured())


def describe_column(sample: Any) -> Column:
    """Describe the records of a Series that is one column."""
    if _kinds.kin(sample, "polars.Series"):
        schema, dtype = of_polars(sample, "$")
        return Column(items=schema, dtype=dtype, container=Polars(), label=repr(sample.name))
    if not _kinds.kin(sample, "pandas.Series"):
        import pandas as pd

        sample = pd.Series(sample)  # an Index, or the values of a column
    schema, dtype = of_pandas(sample, "$")
    return Column(items=schema, dtype=dtype, container=Pandas(), label=_plain.literal(sample.name, "$"))


def describe_row(seen: _plain.Seen) -> Record:
    """Describe Series that are each one row of a frame."""
    record = _plain._mapping([(path, dict(value.items())) for path, value in seen])
    assert isinstance(record, Record)
    return Record(fields=record.fields, form=SeriesRow(str(seen[0][1].dtype)))


def describe_values(seen: _plain.Seen) -> List:
    """Describe Series that are each a list of values, within other values or one record by themselves."""
    _, first = seen[0]
    items = _plain.describe(
        [(f"{path}[{i}]", item) for path, value in seen for i, item in enumerate(value.to_list())]
    )
    return List(items=items, form=Series(_kinds.container_of(first), str(first.dtype)))


def describe_dicts(sample: Sequence[Any]) -> Table:
    """Describe a list of dicts that go in together."""
    record = _plain.describe([(f"$[{i}]", item) for i, item in enumerate(sample)])
    assert isinstance(record, Record)
    return Table(columns=record.fields, container=Python())
