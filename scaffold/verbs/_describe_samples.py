"""Run in the worker: describe samples as MLflow describes them. A pickled sample is loaded there only."""

from __future__ import annotations

import datetime as dt
import math
import traceback
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from scaffold.errors import ScaffoldError
from scaffold.read import read_sample
from scaffold.spec import JSONValue
from scaffold.worker import encode_error
from scaffold.worker.inside import Channel, Witness

_MOST_ROWS = 500
_TYPES: Mapping[type, str] = {
    bool: "boolean",
    int: "long",
    float: "double",
    str: "string",
    dt.datetime: "datetime",
    dt.date: "datetime",
}
"""MLflow's name for the type of a column, by that of its values."""


def run(channel: Channel, job: dict[str, Any], _: Witness) -> None:
    """Send `input` and `output`: what `describe` returns of each sample."""
    try:
        channel.send({part: _described(job[part], job) for part in ("input", "output")})
    except ScaffoldError as error:
        channel.send(encode_error(error))
    except Exception:
        channel.send({"fault": traceback.format_exc()})


def _described(file: dict[str, Any] | None, job: Mapping[str, Any]) -> dict[str, JSONValue] | None:
    if file is None:
        return None
    return describe(read_sample(Path(file["path"]), ours=file["ours"], confined=job["confined"]))


def describe(sample: Any) -> dict[str, JSONValue] | None:
    """Return what MLflow shows of a sample; None where it has no words for it.

    A table has `signature`, its columns with their types, and `example`, its rows. An array of numbers has
    `signature`, its dtype and shape, and `example`.
    """
    columns = _columns(sample)
    if columns is not None:
        return _table(columns)
    return _array(sample)


def _array(sample: Any) -> dict[str, JSONValue] | None:
    try:
        import numpy as np

        array = np.asarray(sample)
    except (ImportError, TypeError, ValueError, RuntimeError):
        return None
    if array.ndim < 1 or array.dtype.kind not in "biuf" or not len(array):
        return None
    tensor: dict[str, JSONValue] = {"dtype": str(array.dtype), "shape": [-1, *array.shape[1:]]}
    described: dict[str, JSONValue] = {"signature": [{"type": "tensor", "tensor-spec": tensor}]}
    some = array[:_MOST_ROWS]
    return {**described, "example": some.tolist()} if np.isfinite(some).all() else described


def _columns(sample: Any) -> dict[str, list[Any]] | None:
    """The columns of a frame, or of a list of dicts; None for anything else."""
    kind = type(sample)
    match kind.__module__.partition(".")[0], kind.__name__:
        case "pandas", "DataFrame":
            some = sample.iloc[:_MOST_ROWS]
            return {
                str(name): some.iloc[:, place].astype(object).tolist()
                for place, name in enumerate(sample.columns)
            }
        case "polars", "DataFrame":
            return {each.name: each.to_list() for each in sample.head(_MOST_ROWS)}
        case "pyarrow", "Table":
            return dict(sample.slice(0, _MOST_ROWS).to_pydict())
        case _, "list" if sample and all(isinstance(row, dict) for row in sample):
            names = dict.fromkeys(str(name) for row in sample for name in row)
            return {name: [row.get(name) for row in sample[:_MOST_ROWS]] for name in names}
    return None


def _table(columns: Mapping[str, Sequence[Any]]) -> dict[str, JSONValue] | None:
    signature: list[JSONValue] = []
    written: list[list[JSONValue]] = []
    for name, column in columns.items():
        values = [_plain(value) for value in column]
        known = [value for value in values if value is not None]
        types = {_TYPES.get(type(value), "") for value in known}
        if types == {"long", "double"}:
            types = {"double"}
        if len(types) > 1 or "" in types:
            return None
        # A column without a value: pandas has such a column as floats.
        kind = types.pop() if types else "double"
        signature.append({"type": kind, "name": name, "required": len(known) == len(values)})
        written.append([value.isoformat() if isinstance(value, dt.date) else value for value in values])
    rows: list[JSONValue] = [list(row) for row in zip(*written, strict=True)]
    return {"signature": signature, "example": {"columns": [*columns], "data": rows}}


def _plain(value: Any) -> Any:
    """A value of Python; None for one that is missing."""
    if hasattr(value, "to_pydatetime"):
        value = None if type(value).__name__ == "NaTType" else value.to_pydatetime()
    elif type(value).__module__ == "numpy" and hasattr(value, "item"):
        value = value.item()
    if type(value).__name__ == "NAType" or (isinstance(value, float | Decimal) and not math.isfinite(value)):
        return None
    return float(value) if isinstance(value, Decimal) else value
