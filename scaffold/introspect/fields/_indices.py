"""The greatest integer that a model can look up in a table: a user, an item, a word."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

from scaffold.base.model import invoke
from scaffold.introspect import _checks
from scaffold.introspect._guard import hint
from scaffold.introspect._rows import take_rows
from scaffold.introspect.call._calls import ResolvedCall
from scaffold.spec import Field, Scalar, ScalarType, Schema, Tensor, with_fields

_FAR = 2**20
"""A longer table is not searched: a model may also loop up to the number."""


def with_index_bounds(schema: Schema, model: object, resolved: ResolvedCall) -> Schema:
    """Bound the integers of `schema` if the model raises IndexError or KeyError for larger ones.

    The model is called with the first row of the sample, its integers replaced by large ones: one call for
    most models.
    """
    if not resolved.call.batched:
        return schema
    names = _integers_of(resolved.sample)
    if not names or not _is_beyond(model, resolved, dict.fromkeys(names, _FAR)):
        return schema
    bounds = {name: most for name in names if (most := _greatest(model, resolved, name)) is not None}
    return with_fields(schema, lambda field: _bound_field(field, bounds))


def _integers_of(sample: Any) -> list[str]:
    """Return the names of the columns or arguments of non-negative integers."""
    if _checks.is_a(sample, "pandas.DataFrame"):
        columns = {str(label): sample.iloc[:, i] for i, label in enumerate(sample.columns)}
    else:
        columns = dict(sample) if _checks.is_mapping(sample) else {}
    return [
        name
        for name, column in columns.items()
        if getattr(getattr(column, "dtype", None), "name", "") in ("int32", "int64", "uint32", "uint64")
        and len(column.shape) == 1
        and column.min() >= 0
    ]


def _greatest(model: object, resolved: ResolvedCall, name: str) -> int | None:
    """Return the greatest index that the model accepts; `None` if the column has no limit."""
    column = resolved.sample.get(name)
    if column is None or not _is_beyond(model, resolved, {name: _FAR}):
        return None
    least, beyond = int(column.max()), _FAR
    while beyond - least > 1:
        middle = (least + beyond) // 2
        if _is_beyond(model, resolved, {name: middle}):
            beyond = middle
        else:
            least = middle
    return least


@hint(otherwise=False)
def _is_beyond(model: object, resolved: ResolvedCall, numbers: dict[str, int]) -> bool:
    """Whether the model raises IndexError or KeyError for these numbers in the first row of the sample."""
    row = take_rows(resolved.sample, 0, 1)
    if _checks.is_a(row, "pandas.DataFrame"):
        row = row.assign(**{label: numbers[label] for label in row.columns if label in numbers})
    else:
        row = {name: part * 0 + numbers[name] if name in numbers else part for name, part in row.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            invoke(model, resolved.call, row)
        except (IndexError, KeyError):
            return True
    return False


def _bound_field(field: Field, bounds: dict[str, int]) -> Field:
    if field.name not in bounds:
        return field
    schema, most = field.schema, bounds[field.name]
    items = schema.items if isinstance(schema, Tensor) else schema
    if not isinstance(items, Scalar) or items.type is not ScalarType.INTEGER or items.choices:
        return field
    items = dataclasses.replace(items, constraints=(("ge", 0), ("le", most)))
    schema = dataclasses.replace(schema, items=items) if isinstance(schema, Tensor) else items
    limits = dataclasses.replace(field.evidence.limits, greatest=most)
    return dataclasses.replace(
        field, schema=schema, evidence=dataclasses.replace(field.evidence, limits=limits)
    )
