"""The recorded facts about training data: its hash and its columns, but no row."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from scaffold.base.files import is_file, sha256_file
from scaffold.errors import InvalidTrainingDataError, NoSuchFileError
from scaffold.spec import JSONValue

LEAST_ROWS = 10
"""Rarer values are counted as `others`: they might identify a person in the data."""
MOST_VALUES = 50
"""The most values of a column that are listed, the most frequent."""
_TEXTS = ("str", "object", "category", "Categorical", "Enum", "Utf8", "large_string", "dictionary")
"""How the types of texts and categories begin in pandas, polars and Arrow."""


class _Column(NamedTuple):
    name: str
    dtype: str
    missing: int
    values: Iterable[Any]


def describe_data(data: Any) -> dict[str, JSONValue]:
    """Return the `sha256` of training data, its number of `rows`, and its `columns` with their types.

    A column of texts or categories has the counts of its values, those of few rows merged. A file is read if
    its format holds data alone: CSV, parquet, JSON. A pickle is not loaded, only its hash is recorded.

    Args:
        data: The path of a file, a frame of pandas, polars or pyarrow, or an array.

    Raises:
        InvalidTrainingDataError: It is neither.
        ReadError: The file is not there, or damaged.
    """
    if isinstance(data, str | os.PathLike):
        return _describe_file(Path(data).expanduser())
    described = _describe_table(data)
    if described is None:
        raise InvalidTrainingDataError(f"a {type(data).__name__}")
    return {"sha256": _hash(data), **described}


def _describe_file(path: Path) -> dict[str, JSONValue]:
    from scaffold.read import holds_data, read_sample

    if not is_file(path):
        raise NoSuchFileError(str(path))
    description: dict[str, JSONValue] = {"sha256": sha256_file(path)}
    return description | (_describe_table(read_sample(path)) or {}) if holds_data(path) else description


def _describe_table(data: Any) -> dict[str, JSONValue] | None:
    """Return the rows and columns of a frame, or the shape of an array; None for other types."""
    kind = type(data)
    columns: list[_Column]
    match kind.__module__.partition(".")[0], kind.__name__:
        case "pandas", "DataFrame":
            series = [data.iloc[:, place] for place in range(data.shape[1])]
            columns = [
                _Column(str(name), str(each.dtype), int(each.isna().sum()), each)
                for name, each in zip(data.columns, series, strict=True)
            ]
        case "polars", "DataFrame":
            # The name of a type alone: that of an Enum would list its values.
            columns = [
                _Column(each.name, str(each.dtype.base_type()), each.null_count(), each) for each in data
            ]
        case "pyarrow", "Table":
            columns = [
                _Column(name, str(each.type), each.null_count, _python_values(each))
                for name, each in zip(data.column_names, data.columns, strict=True)
            ]
        case "numpy", "ndarray":
            shape: list[JSONValue] = [int(size) for size in data.shape]
            return {"rows": shape[0] if shape else 1, "dtype": str(data.dtype), "shape": shape}
        case _:
            return None
    return {"rows": int(data.shape[0]), "columns": [_describe_column(each) for each in columns]}


def _python_values(column: Any) -> Iterator[Any]:
    for chunk in column.chunks:
        yield from chunk.to_pylist()


def _describe_column(column: _Column) -> JSONValue:
    description: dict[str, JSONValue] = {
        "name": column.name,
        "dtype": column.dtype,
        "missing": column.missing,
    }
    if not column.dtype.lower().startswith(tuple(map(str.lower, _TEXTS))):
        return description
    counts = Counter(value for value in column.values if isinstance(value, str))
    frequent = {value: rows for value, rows in counts.most_common(MOST_VALUES) if rows >= LEAST_ROWS}
    others = {"values": len(counts) - len(frequent), "rows": sum(counts.values()) - sum(frequent.values())}
    return description | {"values": {**frequent}, "others": {**others}}


def _hash(data: Any) -> str:
    """The sha256 of a frame's or an array's content."""
    digest = hashlib.sha256()
    if type(data).__module__.startswith("pandas"):
        import pandas as pd

        try:
            rows = pd.util.hash_pandas_object(data, index=False)
        except TypeError:  # a column of lists
            pass
        else:
            for name, dtype in data.dtypes.items():
                digest.update(f"{name}\0{dtype}\0".encode())
            digest.update(rows.to_numpy().tobytes())
            return digest.hexdigest()
    pickle.dump(data, _Hashing(digest), protocol=5)
    return digest.hexdigest()


class _Hashing:
    """A file object that hashes the bytes that are written to it."""

    def __init__(self, digest: Any) -> None:
        self._digest = digest

    def write(self, content: bytes | pickle.PickleBuffer) -> int:
        self._digest.update(content)
        return memoryview(content).nbytes
