"""Compare the answers of a model with the expected ones, by values and not by containers."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

from scaffold.introspect import _checks
from scaffold.spec import TOLERANCE

JSONLike = Any


@dataclass(frozen=True, slots=True)
class Within:
    """The tolerance of a comparison of floats."""

    relative: float
    absolute: float


EXACT = Within(1e-6, 1e-9)
# float32 keeps seven digits.
SINGLE = Within(1e-5, 1e-5)
_SINGLE_DTYPES = ("float32", "float16", "bfloat16")


def difference(
    got: object, want: object, *, within: Within | None = None, name: str = "sample_output"
) -> str | None:
    """Return where `got` first differs from `want`, in one line; `None` where they are the same.

    Labels, integers and texts must be equal; floats may differ by 1e-6 of their size, and more for a model
    that computes in float32. NaN equals NaN and `None`. A Series, an array, a tensor and a list of the same
    values are the same, and so are a record's fields as a dict, a dataclass or a named tuple.

    Args:
        got: An answer.
        want: The expected answer.
        within: The tolerance; `None` derives it from the precision of `got`.
        name: The name of `want` in the message.
    """
    if within is None:
        within = SINGLE if _is_single(got) else EXACT
    got_shape, want_shape = _shape(got), _shape(want)
    if got_shape is not None and want_shape is not None and got_shape != want_shape:
        return f"shape {got_shape}, {name} has {want_shape}"
    if _is_float_array(got) and _is_float_array(want):
        return _array_difference(got, want, within, name)
    return _first_difference(plain(got), plain(want), within, "", name)


def same(got: object, want: object, within: Within | None = None) -> bool:
    """Whether `got` and `want` hold the same values."""
    return difference(got, want, within=within) is None


def same_rows(alone: object, among_others: object) -> bool:
    """Whether the same rows got the same answers, within the rounding error of another summation order."""
    scale, got, want = answer_scale(among_others), plain(among_others), plain(alone)
    return len(got) == len(want) and all(
        same_answer(got_row, want_row, smallest=scale) for got_row, want_row in zip(got, want, strict=True)
    )


def same_answer(got: object, want: object, *, smallest: float) -> bool:
    """Whether two answers to one row are the same within the stated tolerance.

    The tolerance is relative to each number: an amount of millions must not widen the tolerance of a
    probability. Only in float32 it is relative to the largest number of the row, because a sum of large
    numbers may cancel.

    Args:
        got: The answer to the row among others.
        want: The answer to the row alone.
        smallest: The tolerance is relative to at least this number: see `answer_scale`.
    """
    if isinstance(got, float) and isinstance(want, float):
        scale = max(abs(want), smallest) if math.isfinite(want) else smallest
        return math.isclose(got, want, rel_tol=TOLERANCE, abs_tol=TOLERANCE * scale) or (
            got != got and want != want
        )
    scale = max(_largest(want), smallest) if _is_single(want) else smallest
    return same(got, want, Within(TOLERANCE, TOLERANCE * scale))


def answer_scale(answers: object) -> float:
    """Return the scale of the rounding error: the largest number, at most 1; for float32 always 1.

    A small float32 is often the sum of numbers of about 1.
    """
    return 1.0 if _is_single(answers) else min(1.0, max(_largest(answers), 1e-6))


def _largest(value: Any) -> float:
    """Return the size of the largest finite float in `value`."""
    if _is_float_array(value):
        import numpy as np

        return float(np.max(np.abs(value), initial=0.0, where=np.isfinite(value)))
    return _largest_of(plain(value))


def _largest_of(value: JSONLike) -> float:
    if isinstance(value, (list, dict)):
        items = value.values() if isinstance(value, dict) else value
        return max((_largest_of(item) for item in items), default=0.0)
    return abs(value) if isinstance(value, float) and math.isfinite(value) else 0.0


def plain(value: Any) -> JSONLike:
    """Convert `value` to nested lists, dicts and Python scalars."""
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if _checks.is_a(value, "pydantic.RootModel"):
        return plain(value.root)
    if _checks.is_a(value, "numpy.generic"):
        return _plain_array(value) if value.dtype.kind in "MmV" else value.item()
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return value
    if _checks.is_array(value) or _checks.is_series(value) or _checks.is_frame(value):
        return _plain_array(value)
    if _checks.is_a(value, "pandas.Index", "pandas.ExtensionArray"):
        return _plain_array(value)
    fields = _fields(value)
    if fields is not None:
        return {str(key): plain(item) for key, item in fields.items()}
    if _checks.is_sequence(value):
        return [plain(item) for item in value]
    if isinstance(value, Set):
        return sorted((plain(item) for item in value), key=repr)
    if _checks.is_a(value, "pandas.NAType", "pandas.NaTType"):
        return None
    return value


def _fields(value: Any) -> Mapping[Any, Any] | None:
    if _checks.is_mapping(value):
        return dict(value)
    if _checks.is_named_tuple(value):
        return dict(value._asdict())
    if _checks.is_dataclass(value):
        return {name: getattr(value, name) for name in type(value).__dataclass_fields__}
    if _checks.is_pydantic(value):
        return {name: getattr(value, name) for name in type(value).model_fields}
    return None


def _plain_array(value: Any) -> JSONLike:
    """Return the values of an array, tensor, series or frame as nested lists, dates as ISO text."""
    if _checks.is_a(value, "pandas.DataFrame"):
        columns = [_plain_array(value.iloc[:, j]) for j in range(value.shape[1])]
        return (
            [list(row) for row in zip(*columns, strict=True)] if columns else [[] for _ in range(len(value))]
        )
    if _checks.is_a(value, "polars.DataFrame"):
        return [plain(list(row)) for row in value.rows()]
    if _checks.is_a(value, "pyarrow.Table"):
        return [plain(list(row.values())) for row in value.to_pylist()]
    if _checks.is_a(value, "polars.Series"):
        return plain(value.to_list())
    if _checks.is_sparse(value):
        return value.toarray().tolist()
    if _checks.is_a(value, "torch.Tensor"):
        return (value.to_dense() if value.is_sparse else value).detach().cpu().tolist()
    if _checks.is_a(value, "pandas.Series", "pandas.Index", "pandas.ExtensionArray"):
        value = value.to_numpy()
    if value.dtype.kind in "Mm":
        return value.astype(f"{value.dtype.kind}8[ns]").astype("str").tolist()
    if value.dtype.names:
        return [plain(dict(zip(value.dtype.names, row, strict=True))) for row in value.reshape(-1).tolist()]
    listed = value.tolist()
    return plain(listed) if value.dtype.kind == "O" else listed


def _shape(value: object) -> tuple[int, ...] | None:
    if _checks.is_array(value) or _checks.is_series(value) or _checks.is_frame(value):
        return tuple(int(length) for length in value.shape)
    return None


def _is_single(output: object) -> bool:
    return any(dtype in _SINGLE_DTYPES for dtype in _dtypes(output))


def _dtypes(value: Any) -> Iterator[str]:
    """Yield the dtype of each array within `value`."""
    if _checks.is_a(value, "pandas.DataFrame"):
        yield from (str(dtype) for dtype in value.dtypes)
    elif _checks.is_a(value, "polars.DataFrame"):
        yield from (str(dtype).lower() for dtype in value.dtypes)
    elif _checks.is_mapping(value):
        for item in value.values():
            yield from _dtypes(item)
    elif hasattr(value, "dtype"):
        yield str(value.dtype).rpartition(".")[2].lower()
    elif _checks.is_sequence(value) or _checks.is_named_tuple(value):
        for item in list(value)[:16]:
            yield from _dtypes(item)


def _is_float_array(value: Any) -> bool:
    # Matrices and masked arrays have other rules of arithmetic.
    plain = _checks.is_a(value, "numpy.ndarray") and not _checks.is_a(
        value, "numpy.matrix", "numpy.MaskedArray"
    )
    return plain and value.dtype.kind == "f"


def _array_difference(got: Any, want: Any, within: Within, name: str) -> str | None:
    """Compare two float arrays of one shape without a loop in Python: they may be large."""
    import numpy as np

    close = np.isclose(got, want, rtol=within.relative, atol=within.absolute, equal_nan=True)
    if close.all():
        return None
    index = tuple(int(i) for i in np.argwhere(~close)[0])
    where = "".join(f"[{i}]" for i in index)
    return f"{where}: {got[index]:.7g}, {name} has {want[index]:.7g}"


def _first_difference(got: JSONLike, want: JSONLike, within: Within, path: str, name: str) -> str | None:
    if isinstance(got, list) and isinstance(want, list):
        return _list_difference(got, want, within, path, name)
    if isinstance(got, dict) and isinstance(want, dict):
        return _dict_difference(got, want, within, path, name)
    if isinstance(got, dict) and isinstance(want, list):
        # A named tuple is a list in a sample that was written as JSON.
        return _list_difference(list(got.values()), want, within, path, name)
    if isinstance(got, list) and isinstance(want, dict):
        # The row of a frame is an object there.
        return _list_difference(got, list(want.values()), within, path, name)
    if _same_scalar(got, want, within):
        return None
    return f"{path or 'the answer'}: {brief(got)}, {name} has {brief(want)}"


def _list_difference(
    got: list[JSONLike], want: list[JSONLike], within: Within, path: str, name: str
) -> str | None:
    if len(got) != len(want):
        return f"{path or 'the answer'}: {len(got)} items, {name} has {len(want)}"
    for i, (got_item, want_item) in enumerate(zip(got, want, strict=True)):
        message = _first_difference(got_item, want_item, within, f"{path}[{i}]", name)
        if message:
            return message
    return None


def _dict_difference(
    got: dict[str, JSONLike], want: dict[str, JSONLike], within: Within, path: str, name: str
) -> str | None:
    if got.keys() != want.keys():
        return f"{path or 'the answer'}: fields {sorted(got)}, {name} has {sorted(want)}"
    for key, value in got.items():
        message = _first_difference(value, want[key], within, f"{path}.{key}", name)
        if message:
            return message
    return None


def _same_scalar(got: object, want: object, within: Within) -> bool:
    if _is_missing(got) or _is_missing(want):
        return _is_missing(got) and _is_missing(want)
    if isinstance(got, (int, float)) and isinstance(want, (int, float)):
        if isinstance(got, float) or isinstance(want, float):
            return math.isclose(got, want, rel_tol=within.relative, abs_tol=within.absolute)
        return got == want
    try:
        return bool(got == want) or _same_attributes(got, want, within)
    except Exception:
        # A user-defined `==` that raises: the values count as different.
        return False


def _same_attributes(got: object, want: object, within: Within) -> bool:
    """Compare two objects of a class without `__eq__` by their attributes."""
    if type(got).__qualname__ != type(want).__qualname__ or not hasattr(got, "__dict__"):
        return False
    return bool(vars(got)) and same(vars(got), vars(want), within)


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def brief(value: object) -> str:
    """Return a value as text for a message, at most 60 characters."""
    text = f"{value:.7g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
