"""The ways to hand a sample to a model: as it is, or as the array, frame or tensor that it stands for.

A sample that was read from JSON or CSV is a list or a frame because that is what the file can say, not
because the model takes one.
"""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator
from typing import Any

from scaffold.introspect import _kinds
from scaffold.introspect._estimators import runtime_of
from scaffold.introspect._hints import feature_names
from scaffold.introspect._onnx import session_inputs
from scaffold.introspect._rows import count_rows
from scaffold.spec import Runtime


def presentations(model: Any, sample: Any) -> Iterator[tuple[str, Any]]:
    """Yield what the model may be given for `sample`, each with how a message calls it; the sample first."""
    runtime = runtime_of(model)
    if runtime is Runtime.ONNX:
        yield from session_inputs(model, sample)
        return
    if _kinds.kin(sample, "xgboost.DMatrix"):
        # It cannot go over HTTP, and the model makes one of what can.
        yield "", _unpacked(sample)
        return
    yield "", sample
    if runtime is Runtime.TORCH:
        yield from _for_torch(model, sample)
    elif _kinds.kin(sample, "torch.Tensor"):
        yield " as an array", sample.detach().cpu().numpy()
    else:
        yield from _as_frames(model, sample)
        yield from _as_arrays(model, sample)
        yield from _as_one_of_many(sample)


def _as_frames(model: Any, sample: Any) -> Iterator[tuple[str, Any]]:
    if not _is_installed("pandas"):
        return
    records = _records(sample)
    if records is not None:
        import pandas as pd

        frame = pd.DataFrame(records)
        yield " as a frame", frame
        yield from _as_read(frame, " as a frame")
    elif _kinds.kin(sample, "pandas.DataFrame"):
        yield from _as_read(sample, "")
    elif _kinds.kin(sample, "pandas.Series"):
        yield " as a frame of one row", sample.to_frame().T.infer_objects()
        yield " as a frame of one column", sample.to_frame()
    elif _kinds.kin(sample, "polars.DataFrame"):
        yield " as a pandas frame", sample.to_pandas()
    else:
        yield from _as_named_frame(sample, feature_names(model))


def _as_read(frame: Any, how: str) -> Iterator[tuple[str, Any]]:
    """Yield a frame whose texts are read for what they say: dates, and numbers such as 00501.

    A text file cannot tell these from texts.
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
            numbers[column] = pd.to_numeric(frame[column])
        elif texts.str.match(r"\d{4}-\d\d-\d\d").all():
            with contextlib.suppress(ValueError):
                moments[column] = pd.to_datetime(frame[column], format="ISO8601")
    if moments:
        yield f"{how} with its dates read", _replaced(frame, moments)
    if numbers:
        yield f"{how} with its codes as numbers", _replaced(frame, numbers)
    if moments and numbers:
        yield f"{how} with its dates and numbers read", _replaced(frame, moments | numbers)


def _replaced(frame: Any, columns: dict[Any, Any]) -> Any:
    changed = frame.copy()
    for name, column in columns.items():
        changed[name] = column
    return changed


def _as_named_frame(sample: Any, names: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Yield rows without names as a frame with the names that the model knows."""
    rows = sample.tolist() if _kinds.kin(sample, "numpy.ndarray") and sample.ndim in (1, 2) else sample
    if not names or not isinstance(rows, list) or not rows:
        return
    import pandas as pd

    if not isinstance(rows[0], (list, tuple)):
        rows = [rows]
    if all(isinstance(row, (list, tuple)) and len(row) == len(names) for row in rows):
        yield " as a frame with the model's names", pd.DataFrame(rows, columns=list(names))


def _as_arrays(model: Any, sample: Any) -> Iterator[tuple[str, Any]]:
    """Yield a list of numbers as an array, and one row as an array that holds one row.

    A frame whose names are not the model's stays one: an array would hide that it does not fit.
    """
    if _kinds.is_frame(sample):
        names = [str(name) for name in sample.columns]
        if len(set(names)) == len(names) and set(feature_names(model) or names) == set(names):
            yield " as an array", sample.to_numpy()
        return
    if _kinds.kin(sample, "numpy.ndarray"):
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


def _as_one_of_many(sample: Any) -> Iterator[tuple[str, Any]]:
    """Yield one record as the only one of several: a text as a list of one text."""
    if _kinds.kin(sample, "numpy.ndarray"):
        yield " with one row", sample[None]
    elif count_rows(sample) is None and not _kinds.is_series(sample):
        yield " in a list of one", [sample]


def _unpacked(matrix: Any) -> Any:
    """Return the rows of a DMatrix as a frame with its names, as an array where it has none."""
    import numpy as np

    stored = matrix.get_data().tocoo()
    rows = np.full(stored.shape, np.nan, dtype="float32")
    rows[stored.row, stored.col] = stored.data
    if not matrix.feature_names:
        return rows
    import pandas as pd

    return pd.DataFrame(rows, columns=matrix.feature_names)


def _for_torch(model: Any, sample: Any) -> Iterator[tuple[str, Any]]:
    """Yield the sample as tensors of the dtype that the module's weights have."""
    import torch

    weights = next((p for p in model.parameters() if p.is_floating_point()), None)
    dtype = torch.float32 if weights is None else weights.dtype

    if _kinds.is_frame(sample):
        # As an array its columns keep their names on the wire.
        for kind in (None, str(dtype).removeprefix("torch.")):
            with contextlib.suppress(TypeError, ValueError):
                yield " as an array", sample.to_numpy().astype(kind or sample.to_numpy().dtype)
        return

    def tensor(value: Any) -> Any:
        made = value if isinstance(value, torch.Tensor) else torch.tensor(value)
        return made.to(dtype) if made.is_floating_point() else made

    made: list[Any] = []
    for change in (tensor, lambda value: tensor(value).to(dtype)):
        try:
            if _kinds.is_mapping(sample):
                made.append({name: change(value) for name, value in sample.items()})
            elif isinstance(sample, tuple) and not _kinds.is_named_tuple(sample):
                made.append(tuple(change(value) for value in sample))
            else:
                made.append(change(sample))
        except (TypeError, ValueError, RuntimeError):
            return
    yield " as a tensor", made[0]
    yield f" as a {dtype} tensor".replace("torch.", ""), made[1]
    if isinstance(made[0], torch.Tensor):
        yield " as a tensor of one row", made[0][None]


def _records(sample: Any) -> list[Any] | None:
    """Return the rows of a frame that plain mappings stand for."""
    if _kinds.is_mapping(sample):
        return [dict(sample)]
    if isinstance(sample, list) and sample and all(_kinds.is_mapping(item) for item in sample):
        return sample
    return None


def _holds_numbers(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(_holds_numbers(item) for item in value)
    return value is None or isinstance(value, (int, float))


def _is_installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None
