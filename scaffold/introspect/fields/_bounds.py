"""Bounds of numbers: some models raise on, or overflow at, numbers beyond float32."""

from __future__ import annotations

import dataclasses
import sys
import warnings
from typing import Any

from typing_extensions import assert_never

from scaffold.base.model import invoke
from scaffold.introspect import _checks
from scaffold.introspect._guard import hint
from scaffold.introspect.call._calls import ResolvedCall
from scaffold.spec import (
    Column,
    Field,
    List,
    Optional,
    Parts,
    Record,
    Scalar,
    ScalarType,
    Schema,
    Standalone,
    Table,
    Tensor,
    Value,
    map_children,
    with_fields,
)

FLOAT32 = 3.4028234663852886e38


def with_bounds(schema: Schema, model: object, resolved: ResolvedCall) -> Schema:
    """Bound the floats of `schema` to the range of float32 if the model has no answer outside that range.

    Trees compute in float32; a scaler turns the largest numbers into infinity, which the next step refuses.
    The model is called with a row of the sample in which the largest numbers replace the floats.

    Args:
        schema: What one record is.
        model: The model.
        resolved: How it is called, with the sample.
    """
    if not resolved.call.batched or _answers(model, resolved, sys.float_info.max):
        return schema
    if not _answers(model, resolved, FLOAT32):  # then the size is not the cause
        return schema
    return with_fields(schema, _bound_field)


def _answers(model: object, resolved: ResolvedCall, most: float) -> bool:
    """Whether the model answers `most` and `-most` with finite values; true if it takes no float64."""
    rows = _rows_of(resolved.sample, most)
    if rows is None:
        return True
    import numpy as np

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            answer = np.asarray(invoke(model, resolved.call, rows))
        except Exception:  # any exception would be an HTTP 500 for the caller
            return False
        return answer.dtype.kind != "f" or bool(np.isfinite(answer).all())


@hint(otherwise=None)
def _rows_of(sample: Any, most: float) -> object:
    """Return the first row twice, with `most` and `-most` for each float64; `None` if there is no float64."""
    if _checks.is_a(sample, "numpy.ndarray") and sample.dtype.name == "float64" and sample.ndim > 1:
        rows = sample[[0, 0]]
        rows[0], rows[1] = most, -most
        return rows
    if _checks.is_a(sample, "pandas.DataFrame"):
        numbers = [i for i, dtype in enumerate(sample.dtypes) if dtype == "float64"]
        rows = sample.iloc[[0, 0]].copy()
        for i in numbers:
            rows.isetitem(i, [most, -most])
        return rows if numbers else None
    return None


def _bound_field(field: Field) -> Field:
    schema = _bound_schema(field.schema)
    if schema == field.schema:
        return field
    limits = dataclasses.replace(field.evidence.limits, beyond_float32=True)
    return dataclasses.replace(
        field, schema=schema, evidence=dataclasses.replace(field.evidence, limits=limits)
    )


def _bound_schema(schema: Schema) -> Schema:
    match schema:
        case Scalar(type=ScalarType.NUMBER, maximum=None, choices=()):
            return dataclasses.replace(schema, minimum=-FLOAT32, maximum=FLOAT32)
        case Optional() | List() | Tensor():
            return map_children(schema, _bound_schema)
        case Standalone() | Record() | Table() | Value() | Parts() | Column():
            return schema
        case _:
            assert_never(schema)
