"""Presentations of a sample to a model: unchanged, or converted to an array, frame or tensor.

A sample from a JSON or CSV file is a list or a frame, which need not be the type that the model takes.
"""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator
from typing import Any

from scaffold.introspect import _checks
from scaffold.introspect._rows import count_rows
from scaffold.introspect.call._onnx import session_inputs
from scaffold.introspect.call._torch import tensors_of
from scaffold.introspect.hints._boosters import category_levels
from scaffold.introspect.hints._estimators import Runtime, runtime_of
from scaffold.introspect.hints._hints import feature_names


def presentations(model: object, sample: Any) -> Iterator[tuple[str, object]]:
    """Yield conversions of `sample`, each with a label for messages; the sample itself first."""
    runtime = runtime_of(model)
    if runtime is Runtime.ONNX:
        yield from session_inputs(model, sample)
        return
    if _checks.is_a(sample, "numpy.matrix"):
        # Its rows would be matrices again.
        sample = sample.A
    if _checks.is_a(sample, "xgboost.DMatrix"):
        # A DMatrix has no JSON form; the model builds one from a frame or an array.
        yield "", _unpack_matrix(sample)
        return
    yield "", sample
    if runtime is Runtime.TORCH:
        yield from tensors_of(model, sample)
    elif _checks.is_a(sample, "torch.Tensor"):
        yield " as an array", sample.detach().cpu().numpy()
    else:
        yield from _as_frames(model, sample)
        yield from _as_arrays(model, sample)
        yield from _as_one_of_many(sample)
        yield from _as_rows(sample)


def _as_frames(model: object, sample: Any) -> Iterator[tuple[str, Any]]:
    if not _is_installed("pandas"):
        return
    records = _records(sample)
    if records is not None:
        import pandas as pd

        frame = pd.DataFrame(records)
        yield " as a frame", frame
        yield from _as_fitted(model, frame, " as a frame")
    elif _checks.is_a(sample, "pandas.DataFrame"):
        yield from _as_fitted(model, sample, "")
    elif _checks.is_a(sample, "pandas.Series"):
        yield " as a frame of one row", sample.to_frame().T.infer_objects()
        yield " as a frame of one column", sample.to_frame()
    elif _checks.is_a(sample, "polars.DataFrame"):
        yield " as a pandas frame", sample.to_pandas()
    else:
        for label, frame in _as_named_frame(sample, feature_names(model)):
            yield label, frame
            yield from _as_fitted(model, frame, label)


def _as_fitted(model: Any, frame: Any, label: str) -> Iterator[tuple[str, object]]:
    """Yield a frame with the categories that the model was fitted on, and with parsed texts."""
    levels = category_levels(model)
    columns = {
        name: column for name in levels if (column := _category_column(frame, name, levels[name])) is not None
    }
    if columns:
        label, frame = f"{label} with the model's categories", _replace_columns(frame, columns)
        yield label, frame
    yield from _with_parsed_texts(frame, label)


def _category_column(frame: Any, name: str, levels: tuple[Any, ...]) -> object:
    """Return a column as a category of these levels; `None` if it is a category or has other values."""
    import pandas as pd

    if name not in frame.columns or _checks.is_a(frame[name].dtype, "pandas.CategoricalDtype"):
        return None
    column = frame[name].astype(pd.CategoricalDtype(list(levels)))
    return column if column.isna().equals(frame[name].isna()) else None


def _as_rows(sample: Any) -> Iterator[tuple[str, object]]:
    """Yield the rows of a frame each as a Series, for a function that was written for `frame.apply`."""
    records = _records(sample)
    if records is not None and _is_installed("pandas"):
        import pandas as pd

        sample = pd.DataFrame(records)
    if not _checks.is_a(sample, "pandas.DataFrame") or not all(isinstance(c, str) for c in sample.columns):
        return
    # `iterrows` makes mixed numbers floats; in a frame of objects they keep their types, as in `itertuples`.
    for label, frame in ((" as rows", sample), (" as rows of objects", sample.astype(object))):
        yield label, [row for _, row in frame.reset_index(drop=True).iterrows()]


def _with_parsed_texts(frame: Any, label: str) -> Iterator[tuple[str, object]]:
    """Yield a frame with date texts parsed as dates, and digit texts such as 00501 as numbers.

    A CSV or JSON file has no types for these.
    """
    import pandas as pd

    if not frame.columns.is_unique:
        return
    moments, numbers = {}, {}
    for column in frame.columns:
        texts = frame[column].dropna()
        if texts.empty or not all(isinstance(value, str) for value in texts):
            continue
        if texts.str.fullmatch(r"\d+").all():
            # Digits of several scripts, or thousands of digits, are no number.
            with contextlib.suppress(ValueError):
                numbers[column] = pd.to_numeric(frame[column])
        elif texts.str.match(r"\d{4}-\d\d-\d\d").all():
            with contextlib.suppress(ValueError):
                moments[column] = pd.to_datetime(frame[column], format="ISO8601")
    if moments:
        yield f"{label} with its dates read", _replace_columns(frame, moments)
    if numbers:
        yield f"{label} with its codes as numbers", _replace_columns(frame, numbers)
    if moments and numbers:
        both = _replace_columns(frame, moments | numbers)
        yield f"{label} with its dates read and its codes as numbers", both


def _replace_columns(frame: Any, columns: dict[Any, Any]) -> object:
    changed = frame.copy()
    for name, column in columns.items():
        changed[name] = column
    return changed


def _as_named_frame(sample: Any, names: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Yield rows without names as a frame with the model's feature names."""
    rows = sample.tolist() if _checks.is_a(sample, "numpy.ndarray") and sample.ndim in (1, 2) else sample
    if not names or not isinstance(rows, list) or not rows:
        return
    import pandas as pd

    if not isinstance(rows[0], (list, tuple)):
        rows = [rows]
    if all(isinstance(row, (list, tuple)) and len(row) == len(names) for row in rows):
        yield " as a frame with the model's names", pd.DataFrame(rows, columns=list(names))


def _as_arrays(model: Any, sample: Any) -> Iterator[tuple[str, Any]]:
    """Yield a list of numbers as an array, and a flat list or array also as an array of shape `(1, n)`.

    A frame whose names, or their order, differ from the model's is not converted: an array would hide the
    mismatch.
    """
    if _checks.is_frame(sample):
        names = [str(name) for name in sample.columns]
        if len(set(names)) == len(names) and list(feature_names(model) or names) == names:
            yield " as an array", sample.to_numpy()
        return
    if _checks.is_a(sample, "numpy.ndarray"):
        array = sample
    elif isinstance(sample, list) and _is_installed("numpy") and _holds_numbers(sample):
        import numpy as np

        try:
            array = np.asarray(sample)
        except ValueError:
            return
        yield " as an array", array
    else:
        return
    if array.ndim == 1:
        yield " as an array of one row", array.reshape(1, -1)


def _as_one_of_many(sample: Any) -> Iterator[tuple[str, object]]:
    """Yield one record as a batch of one: a string as a list of one string."""
    if _checks.is_a(sample, "numpy.ndarray"):
        yield " with one row", sample[None]
    elif count_rows(sample) is None and not _checks.is_series(sample):
        yield " in a list of one", [sample]


def _unpack_matrix(matrix: Any) -> object:
    """Return the rows of a DMatrix as a frame; as an array if it has no names."""
    import numpy as np

    stored = matrix.get_data().tocoo()
    rows = np.full(stored.shape, np.nan, dtype="float32")
    rows[stored.row, stored.col] = stored.data
    if not matrix.feature_names:
        return rows
    import pandas as pd

    return pd.DataFrame(rows, columns=matrix.feature_names)


def _records(sample: object) -> list[object] | None:
    """Return mappings as the rows of a frame; `None` for any other sample."""
    if _checks.is_mapping(sample):
        return [dict(sample)]
    if isinstance(sample, list) and sample and all(_checks.is_mapping(item) for item in sample):
        return sample
    return None


def _holds_numbers(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and all(_holds_numbers(item) for item in value)
    return value is None or isinstance(value, (int, float))


def _is_installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None
