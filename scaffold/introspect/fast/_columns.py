"""Which columns of the input go through which steps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Protocol

from scaffold.introspect._guard import attribute
from scaffold.introspect.fast._values import NotCompiledError, refuse, require
from scaffold.spec import (
    Category,
    FastBranch,
    FastStep,
    Field,
    Missing,
    Numpy,
    Optional,
    Pandas,
    Scalar,
    ScalarType,
    Schema,
    Table,
    Tensor,
    Value,
)

_NUMBERS = r"bool|u?int(8|16|32|64)|float(32|64)"
_TAKE_COLUMNS = ("ElementFunction", "OneHotEncoder", "OrdinalEncoder")
"""Steps that compute each column of a frame in its own dtype."""
_TEXTS = ("str", "object", "string", "string[python]", "str[python]", "category")
_EXACT_IN_FLOAT64 = {"float64", "int64", "int32", "int16", "int8", "uint8", "uint16", "uint32"}
"""Dtypes that pandas brings to float64 beside one of float64."""
_DTYPES = {"catboost": "float32", "lightgbm": "float64", "xgboost": "float32"}
"""What a library rounds each column of a frame of several dtypes to; for others, pandas makes one dtype."""


class ReadSteps(Protocol):
    """Reads the steps of one branch."""

    def __call__(self, models: list[Any], *, numeric: bool) -> tuple[tuple[FastStep, ...], bool]:
        """Return the steps, and whether they give an array of numbers."""


def array_dtype(schema: Schema) -> str:
    """Return the dtype of the array that the model takes, or that the frame of it is.

    Raises:
        NotCompiledError: The input is of another kind.
    """
    match schema:
        case Table(container=Pandas(), columns=columns):
            dtype = _common_dtype(columns)
            if not dtype:
                raise NotCompiledError(_no_common_dtype(columns))
        case Table(container=Numpy(), dtype=dtype):
            pass
        case Value(field=Field(schema=Tensor(container=Numpy(), dtype=dtype, shape=(_,), stacked=True))):
            pass
        case _:
            dtype = ""
    if re.fullmatch(_NUMBERS, dtype) is None:
        raise NotCompiledError("input other than a frame of pandas or rows of numbers has no compiled form")
    return dtype


def _common_dtype(columns: Sequence[Field]) -> str:
    """Return the dtype of the array that columns of a frame are together; empty if it is not known."""
    if not all(map(_is_number, columns)):
        return ""
    dtypes = {column.dtype for column in columns}
    has_null = any(isinstance(column.schema, Optional) for column in columns)
    if len(dtypes) == 1:
        [dtype] = dtypes
        return "float64" if has_null and not dtype.startswith("float") else dtype
    return "float64" if dtypes <= _EXACT_IN_FLOAT64 and ("float64" in dtypes or has_null) else ""


def _no_common_dtype(columns: Sequence[Field]) -> str:
    """Return why columns of a frame are no array of numbers."""
    others = [column for column in columns if not _is_number(column)]
    if others:
        return f"{_named(others[0])} has no compiled form"
    dtypes = ", ".join(sorted({column.dtype for column in columns}))
    return f"columns of {dtypes} in one array have no compiled form"


def branch_of_mixed_numbers(schema: Schema, library: str) -> tuple[FastBranch, ...]:
    """Return the columns of a frame of numbers of several dtypes; empty for any other input.

    The array that they are together is one of floats, and not what pandas makes of them.

    Args:
        schema: The input.
        library: The library of the model, which may round each column itself.
    """
    if not isinstance(schema, Table) or schema.container != Pandas():
        return ()
    fields = [field for field in schema.columns if not field.label]
    if not all(map(_is_number, fields)):
        return ()
    names = tuple(field.name for field in fields)
    dtype = _DTYPES.get(library, "")
    if dtype and len({field.dtype for field in fields}) > 1:
        return (FastBranch(columns=names, numeric=True, dtype=dtype),)
    return () if _common_dtype(fields) else (FastBranch(columns=names, numeric=True),)


def gives_sparse(steps: Sequence[Any]) -> bool:
    """Whether the output of steps is a sparse matrix."""
    is_sparse = False
    for step in steps:
        kind = type(step).__name__
        if kind == "ColumnTransformer":
            is_sparse = bool(step.sparse_output_)
        elif kind == "OneHotEncoder":
            chosen = attribute(step, "sparse_output")
            is_sparse = bool(step.sparse if chosen is None else chosen)  # its name up to scikit-learn 1.1
        elif kind in ("OrdinalEncoder", "PCA"):
            is_sparse = False
    return is_sparse


def require_dense_for_normalizer(steps: Sequence[Any]) -> None:
    """Require that no Normalizer gets a sparse matrix: it divides shorter rows there than in an array.

    Raises:
        NotCompiledError: One does.
    """
    for i, step in enumerate(steps):
        require(step, type(step).__name__ != "Normalizer" or not gives_sparse(steps[:i]), "sparse input")


def branches_of(transformer: Any, schema: Schema, read_steps: ReadSteps) -> tuple[FastBranch, ...]:
    """Return what a ColumnTransformer does with the columns of a frame.

    Raises:
        NotCompiledError: It does something that has no compiled form.
    """
    if not isinstance(schema, Table) or schema.container != Pandas():
        raise refuse(transformer, "input other than a frame of pandas")
    require(transformer, not transformer.transformer_weights, "weights")
    fields = {field.name: field for field in schema.columns if not field.label}
    branches = []
    for _, step, columns in transformer.transformers_:
        names = _names(transformer, columns)
        if not names or (isinstance(step, str) and step == "drop"):
            continue
        missing = [name for name in names if name not in fields]
        require(transformer, not missing, "columns of these names")
        models = [] if isinstance(step, str) else [step]
        branches.append(_branch([fields[name] for name in names], models, read_steps))
    require(transformer, bool(branches), "no columns")
    return tuple(branches)


def branch_of_all(schema: Schema, models: list[Any], read_steps: ReadSteps) -> tuple[FastBranch, ...]:
    """Return what steps do with all columns of a frame; empty for input that is one array of numbers.

    Raises:
        NotCompiledError: They do something that has no compiled form.
    """
    if not isinstance(schema, Table) or schema.container != Pandas():
        return ()
    fields = [field for field in schema.columns if not field.label]
    return () if _common_dtype(fields) else (_branch(fields, models, read_steps),)


def _branch(fields: list[Field], models: list[Any], read_steps: ReadSteps) -> FastBranch:
    unknown = [field for field in fields if not (_is_number(field) or _is_text(field))]
    if unknown:
        raise NotCompiledError(f"{_named(unknown[0])} has no compiled form")
    are_numbers = all(map(_is_number, fields))
    steps, gives_numbers = read_steps(models, numeric=are_numbers)
    if not gives_numbers:
        raise NotCompiledError(f"text in the column {fields[0].name!r} that stays text has no compiled form")
    names = tuple(field.name for field in fields)
    takes_columns = bool(steps) and steps[0].step in _TAKE_COLUMNS
    return FastBranch(columns=names, numeric=are_numbers and not takes_columns, steps=steps)


def _names(transformer: Any, columns: Any) -> list[str]:
    """Return the names of columns that are given by name, by number, by mask or as a slice."""
    import numpy as np

    names = attribute(transformer, "feature_names_in_")
    require(transformer, names is not None, "columns that had no names in training")
    known = [str(name) for name in names]
    if isinstance(columns, slice):
        by_name = any(isinstance(end, str) for end in (columns.start, columns.stop))
        require(transformer, not by_name, "a slice of names")
        return known[columns]
    if isinstance(columns, str) or np.ndim(columns) != 1:
        raise refuse(transformer, "a step that takes a single column")
    values = np.asarray(columns).tolist()
    if values and all(isinstance(value, bool) for value in values):
        return [name for name, chosen in zip(known, values, strict=True) if chosen]
    return [value if isinstance(value, str) else known[int(value)] for value in values]


def _named(field: Field) -> str:
    return f"the column {field.name!r} of dtype {field.dtype}"


def _is_number(field: Field) -> bool:
    return re.fullmatch(_NUMBERS, field.dtype) is not None and not _has_na(field)


def _is_text(field: Field) -> bool:
    inner = field.schema.of if isinstance(field.schema, Optional) else field.schema
    inner = inner.of if isinstance(inner, Category) else inner
    is_text = isinstance(inner, Scalar) and inner.type is ScalarType.STRING
    return field.dtype in _TEXTS and is_text and not _has_na(field)


def _has_na(field: Field) -> bool:
    return isinstance(field.schema, Optional) and field.schema.missing is Missing.NA
