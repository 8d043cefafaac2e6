"""Models whose services score tables: module-level functions, which pickle by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def weigh(frame: pd.DataFrame) -> np.ndarray[Any, Any]:
    """A number for each row, which follows all of its values, and which of them are missing."""
    total = np.zeros(len(frame))
    for place, (_, column) in enumerate(frame.items(), start=1):
        for row, value in enumerate(column):
            number = -1.0 if pd.isna(value) else float(len(value) if isinstance(value, str) else value)
            total[row] += place * np.tanh(number / 1e3)
    return total


def add_up(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The sum of each row, by the values of a float array."""
    if values.dtype != "float32":
        raise TypeError(f"{values.dtype} instead of float32")
    return values.sum(axis=1)


def shares(frame: pd.DataFrame) -> np.ndarray[Any, Any]:
    """Two numbers for each row."""
    low = 1 / (1 + np.exp(-frame["ratio"].to_numpy()))
    return np.column_stack([low, 1 - low])


def describe(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """An object for each row."""
    return [
        {"label": str(name), "score": float(ratio), "tags": [str(name)] * min(max(number, 0), 3)}
        for number, name, ratio in zip(frame["number"], frame["name"], frame["ratio"], strict=True)
    ]


def fail_on_thirteen(frame: pd.DataFrame) -> np.ndarray[Any, Any]:
    """The number of each row; 13 is too much for it."""
    if (frame["number"] == 13).any():
        raise ValueError("thirteen")
    return frame["number"].to_numpy() * 2


def measure(record: dict[str, Any]) -> float:
    """One record a call, with a list in it."""
    return float(sum(record["values"]) + len(record["name"]))


def mean(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The mean of each record of an array."""
    return values.reshape(len(values), -1).mean(axis=1)


def sizes(frame: Any) -> list[float]:
    """A number for each row of a frame of polars."""
    return [float(row[0] + len(row[1] or "") + sum(row[2])) for row in frame.iter_rows()]


def width(picture: Any) -> dict[str, float]:
    """The size and the mean of an image."""
    return {"width": picture.width, "mean": float(np.asarray(picture).mean())}


def area(frame: pd.DataFrame) -> list[float]:
    """A number for each row of times."""
    return [at.timestamp() + day.toordinal() for at, day in zip(frame["at"], frame["day"], strict=True)]
