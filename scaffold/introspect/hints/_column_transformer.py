"""Pipelines whose first step only selects columns and concatenates the results.

`fast_column_transformer.py` replaces such a step by the rules of `ColumnTransformer.transform`, whose
output is `numpy.hstack` unless it is sparse, weighted, or a frame by `set_output`.
"""

from __future__ import annotations

from typing import Any

from scaffold.introspect._guard import hint
from scaffold.spec import Pandas, Schema, Table


@hint(otherwise=False)
def begins_with_simple_column_transformer(model: Any, schema: Schema) -> bool:
    """Whether the model is a Pipeline that begins with a ColumnTransformer of that kind, for pandas."""
    if not (isinstance(schema, Table) and schema.container == Pandas() and _is(model, "Pipeline")):
        return False
    first = model.steps[0][1]
    if not _is(first, "ColumnTransformer") or first.transformer_weights:
        return False
    if getattr(first, "sparse_output_", True) or getattr(first, "_sklearn_output_config", {}):
        return False
    names = list(getattr(first, "feature_names_in_", ()))
    parts = [(step, columns) for _, step, columns in first.transformers_ if not _is_left_out(step, columns)]
    return (
        bool(parts)
        and len(set(names)) == len(names)
        and all(hasattr(step, "transform") and _are_names(columns, names) for step, columns in parts)
    )


def _is(value: object, name: str) -> bool:
    return type(value).__module__.partition(".")[0] == "sklearn" and type(value).__qualname__ == name


def _is_left_out(step: object, columns: object) -> bool:
    return (isinstance(step, str) and step == "drop") or (hasattr(columns, "__len__") and not len(columns))


def _are_names(columns: Any, names: list[Any]) -> bool:
    """Whether the columns are a list of names: no positions, no mask, no slice, no single name."""
    is_list = hasattr(columns, "__len__") and not isinstance(columns, str)
    return is_list and all(isinstance(column, str) and column in names for column in columns)
