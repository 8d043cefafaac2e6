"""Refine the schema of a sample by metadata of the model and by the options."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from scaffold.errors import UnknownFieldError, UnsupportedSampleError
from scaffold.introspect import _checks
from scaffold.introspect.hints._encoders import Categories
from scaffold.introspect.hints._hints import Hints
from scaffold.spec import (
    Category,
    Element,
    Evidence,
    Field,
    JSONValue,
    KnownTo,
    Limits,
    Missing,
    Numpy,
    OfClasses,
    Optional,
    Overrides,
    Pandas,
    Scalar,
    ScalarType,
    Schema,
    SeenLevels,
    Table,
    UserType,
    Value,
    fields_of,
    with_fields,
)

_MOST_LISTED = 12


def with_categories(schema: Schema, hints: Hints) -> Schema:
    """Add the categories that the encoders of the model have learned to the columns of `schema`.

    If the encoder raises on other values, they are refused; if not, the learned values are in a comment.
    """
    if not isinstance(schema, Table) or not hints.categories:
        return schema
    columns = []
    for position, column in enumerate(schema.columns):
        categories = hints.categories.get(column.name, hints.categories.get(position))
        columns.append(column if categories is None else _with_learned_values(column, categories))
    return dataclasses.replace(schema, columns=tuple(columns))


def _with_learned_values(field: Field, categories: Categories) -> Field:
    inner = field.schema.of if isinstance(field.schema, Optional) else field.schema
    values = tuple(value for value in categories.values if value is not None and value == value)
    if not isinstance(inner, Scalar) or not _are_of_type(inner, values):
        return field
    labels = tuple(str(value) for value in values[:_MOST_LISTED])
    more = len(values) > _MOST_LISTED
    known_to = KnownTo(encoder=categories.encoder, labels=labels, more=more, refuses=categories.refuses)
    evidence = dataclasses.replace(field.evidence, absent=0, known_to=known_to)
    field = dataclasses.replace(field, example=values[len(values) // 2], evidence=evidence)
    return _limit_to(field, inner, values) if categories.refuses else field


def _limit_to(field: Field, inner: Scalar, choices: tuple[Any, ...]) -> Field:
    """Return a field that accepts `choices` only."""
    limited = dataclasses.replace(inner, choices=choices)
    schema = dataclasses.replace(field.schema, of=limited) if isinstance(field.schema, Optional) else limited
    return dataclasses.replace(field, schema=schema)


def _are_of_type(scalar: Scalar, values: tuple[object, ...]) -> bool:
    """Whether the values are of the type of the column."""
    types = {ScalarType.STRING: str, ScalarType.INTEGER: int, ScalarType.BOOLEAN: bool}
    python_type = types.get(scalar.type)
    return bool(values) and python_type is not None and all(type(value) is python_type for value in values)


def with_levels(schema: Schema, levels: Mapping[str, tuple[object, ...]]) -> Schema:
    """Mark the categories whose levels are those that the model was fitted on."""
    if not isinstance(schema, Table):
        return schema
    return with_fields(schema, lambda column: _with_fitted_levels(column, levels.get(column.name)))


def _with_fitted_levels(column: Field, levels: tuple[object, ...] | None) -> Field:
    inner = column.schema.of if isinstance(column.schema, Optional) else column.schema
    seen = column.evidence.seen
    if not isinstance(inner, Category) or inner.levels != levels or not isinstance(seen, SeenLevels):
        return column
    evidence = dataclasses.replace(column.evidence, seen=dataclasses.replace(seen, fitted=True))
    return dataclasses.replace(column, evidence=evidence)


def with_feature_types(schema: Schema, hints: Hints) -> Schema:
    """Allow fractions in integer columns if the model was fitted on fractions."""
    if not isinstance(schema, Table) or schema.container != Pandas() or not hints.feature_types:
        return schema
    types = dict(zip(hints.feature_names, hints.feature_types, strict=False))
    columns = (_with_fractions(c) if types.get(c.name) == "float" else c for c in schema.columns)
    return dataclasses.replace(schema, columns=tuple(columns))


def _with_fractions(field: Field) -> Field:
    if not field.dtype.startswith(("int", "uint")) or not isinstance(field.schema, Scalar):
        return field
    schema = Scalar(type=ScalarType.NUMBER, native=Element("float64", Pandas()))
    evidence = dataclasses.replace(field.evidence, fractions=True)
    return dataclasses.replace(field, schema=schema, dtype="float64", evidence=evidence)


def with_classes(schema: Schema, method: str, classes: tuple[object, ...]) -> Schema:
    """Add the model's classes to the evidence of the answer."""
    if not isinstance(schema, Value) or not classes or len(classes) > _MOST_LISTED:
        return schema
    each = method.startswith("predict_") and "proba" in method
    if method != "predict" and not each:
        return schema
    if isinstance(classes[0], tuple):
        outputs = tuple(tuple(map(str, labels)) for labels in classes if isinstance(labels, tuple))
        if each or any(len(labels) > _MOST_LISTED for labels in outputs):
            return schema
        class_labels = OfClasses(labels=(), each=False, outputs=outputs)
    else:
        class_labels = OfClasses(labels=tuple(str(label) for label in classes), each=each)
    return Value(field=dataclasses.replace(schema.field, evidence=Evidence(classes=class_labels)))


def with_overrides(
    schema: Schema, overrides: Overrides, first: JSONValue, values_of: Callable[[str], Iterable[object]]
) -> Schema:
    """Apply the user's options to the fields of `schema`.

    Args:
        schema: The schema from the sample and the model.
        overrides: The user's options.
        first: The request for the first record, where examples may come from it.
        values_of: Returns the values of a field, by its name.

    Raises:
        UnknownFieldError: There is no field of that name.
    """
    fields = fields_of(schema)
    names = tuple(field.name for field in fields)
    for option, named in (("nullable", overrides.nullable), ("choices", overrides.choices)):
        for name in named:
            if name not in names:
                raise UnknownFieldError(option, name, names)

    def change(field: Field) -> Field:
        if field.name in overrides.nullable:
            field = _with_null(field, schema)
        if field.name in overrides.choices:
            field = _with_choices(field, values_of(field.name))
        if overrides.examples_from_sample and isinstance(first, dict) and field.name in first:
            field = dataclasses.replace(field, example=first[field.name])
        return field

    return with_fields(schema, change)


def _with_null(field: Field, record: Schema) -> Field:
    """Return the field of `record` with `null` allowed.

    Columns of pandas keep the dtype of the sample for calls without a null. A dtype without a missing value
    becomes another one only in calls with a null, as in pandas.
    """
    if isinstance(field.schema, Optional):
        return field
    missing, schema = Missing.NONE, field.schema
    if isinstance(record, Table) and record.container in (Pandas(), Numpy()):
        if field.dtype.startswith(("int", "uint", "float")) or field.dtype == "str":
            missing = Missing.NAN
        if field.dtype == "object" and isinstance(schema, Scalar):
            schema = dataclasses.replace(schema, native=None)
    nullable = Optional(of=schema, missing=missing)
    return dataclasses.replace(field, schema=nullable, evidence=_with_request(field, nullable=True))


def _with_request(field: Field, **options: bool) -> Evidence:
    """Return the evidence of a field with the user's options."""
    asked_for = dataclasses.replace(field.evidence.asked_for, **options)
    return dataclasses.replace(field.evidence, asked_for=asked_for)


def _with_choices(field: Field, values: Iterable[Any]) -> Field:
    inner = field.schema.of if isinstance(field.schema, Optional) else field.schema
    if not isinstance(inner, Scalar) or inner.type not in (ScalarType.STRING, ScalarType.INTEGER):
        note = "It takes only the levels of its category. " if isinstance(inner, Category) else ""
        raise UnsupportedSampleError(
            f"$.{field.name}",
            "only texts and integers can be limited to the values seen",
            f"{note}Leave --choices out.",
        )
    choices = tuple(sorted(set(values)))
    evidence = dataclasses.replace(
        _with_request(field, choices=True), absent=0, fractions=False, annotated=False, limits=Limits()
    )
    field = dataclasses.replace(field, example=choices[len(choices) // 2], evidence=evidence)
    return _limit_to(field, inner, choices)


_CASTS: dict[str, Callable[[Any], Any]] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "Decimal": lambda value: decimal.Decimal(str(value)),
    "date": lambda value: datetime.date.fromisoformat(str(value)[:10]),
    "datetime": lambda value: datetime.datetime.fromisoformat(str(value)),
}
_DTYPES = {"str": "str", "int": "int64", "float": "float64", "bool": "bool", "datetime": "datetime64[us]"}


def cast(sample: Any, types: Any) -> object:
    """Return the sample with some of its columns or keys as values of another type.

    Raises:
        UnknownFieldError: There is no field of that name.
        UnsupportedSampleError: The values are not of that type, or the type is unknown.
    """
    if not types:
        return sample
    if _checks.is_a(sample, "pandas.DataFrame"):
        names = {str(label): label for label in sample.columns}
        sample = sample.copy()
        for name, type_ in types.items():
            _require_field(name, tuple(names))
            sample[names[name]] = _cast_column(sample[names[name]], name, type_)
        return sample
    if isinstance(sample, list):
        return [cast(item, types) for item in sample]
    if isinstance(sample, dict):
        for name in types:
            _require_field(name, tuple(map(str, sample)))
        return {key: _cast_value(value, str(key), types.get(str(key))) for key, value in sample.items()}
    raise UnsupportedSampleError(
        "$", f"--type has no columns to name in a {type(sample).__name__}", "Leave it out."
    )


def _require_field(name: str, names: tuple[str, ...]) -> None:
    if name not in names:
        raise UnknownFieldError("types", name, names)


def _cast_column(column: Any, name: str, type_: str) -> object:
    _refuse_unknown(name, type_)
    try:
        if type_ == "int" and column.isna().any():
            return column.astype("Int64")
        if type_ in _DTYPES:
            return column.astype(_DTYPES[type_])
        return column.map(_CASTS[type_], na_action="ignore").astype(object)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise UnsupportedSampleError(
            f"$.{name}", f"the values are no {type_}: {error}", "Leave --type out."
        ) from error


def _cast_value(value: object, name: str, type_: str | None) -> object:
    if type_ is None or value is None:
        return value
    _refuse_unknown(name, type_)
    try:
        return _CASTS[type_](value)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise UnsupportedSampleError(f"$.{name}", f"{value!r} is no {type_}", "Leave --type out.") from error


def _refuse_unknown(name: str, type_: str) -> None:
    if type_ not in _CASTS:
        raise UnsupportedSampleError(
            f"$.{name}", f"no type is called '{type_}'", f"Known: {', '.join(_CASTS)}"
        )


def notes_of(sample_rows: int | None, schema: Schema) -> tuple[str, ...]:
    """Return a note if the sample has one record only."""
    if (sample_rows or 1) > 1 or isinstance(schema, UserType):
        return ()
    note = "One record is little evidence: a longer sample shows which fields may be null or left out, "
    return (f"{note}and which numbers may have a fraction.",)
