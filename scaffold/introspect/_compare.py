"""Compare what a model gave with what it should give: the values count, not the containers they come in."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterator, Mapping, Set
from typing import Any

from scaffold.introspect import _kinds

TOLERANCE = 1e-6
# float32 keeps seven digits, and a sum over many rows may be taken in another order than one over a few.
SINGLE_TOLERANCE = 1e-5
SINGLE_BATCH_TOLERANCE = 1e-4
_SINGLE = ("float32", "float16", "bfloat16")

JSONLike = Any


def difference(
    got: Any, want: Any, *, tolerance: float | None = None, name: str = "sample_output"
) -> str | None:
    """Return where `got` first differs from `want`, in one line; `None` where they are the same.

    Labels, integers and texts must be equal, floats within `tolerance`: 1e-6 of their size, a little more
    where the model reckons in float32. NaN equals NaN and `None`. A Series, an array, a tensor and a list of
    the same values are the same, and so are a record's fields as a dict, a dataclass or a named tuple.
    """
    if tolerance is None:
        tolerance = SINGLE_TOLERANCE if _is_single(got) else TOLERANCE
    shape, wanted = _shape(got), _shape(want)
    if shape is not None and wanted is not None and shape != wanted:
        return f"shape {shape}, {name} has {wanted}"
    if _is_float_array(got) and _is_float_array(want):
        return _array_difference(got, want, tolerance, name)
    return _first_difference(plain(got), plain(want), tolerance, "", name)


def same(got: Any, want: Any, tolerance: float | None = None) -> bool:
    """Whether `got` and `want` hold the same values."""
    return difference(got, want, tolerance=tolerance) is None


def same_rows(alone: Any, among_others: Any) -> bool:
    """Whether the same rows got the same answers, but for what rounding in another order makes of them."""
    return same(alone, among_others, SINGLE_BATCH_TOLERANCE if _is_single(alone) else TOLERANCE)


def plain(value: Any) -> JSONLike:
    """Return `value` as nested lists, dicts and Python scalars, so that containers no longer matter."""
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if _kinds.kin(value, "numpy.generic"):
        return _plain_array(value) if value.dtype.kind in "MmV" else value.item()
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return value
    if _kinds.is_array(value) or _kinds.is_series(value) or _kinds.is_frame(value):
        return _plain_array(value)
    if _kinds.kin(value, "pandas.Index", "pandas.ExtensionArray"):
        return _plain_array(value)
    fields = _fields(value)
    if fields is not None:
        return {str(key): plain(item) for key, item in fields.items()}
    if _kinds.is_sequence(value):
        return [plain(item) for item in value]
    if isinstance(value, Set):
        return sorted((plain(item) for item in value), key=repr)
    if _kinds.kin(value, "pandas.NAType", "pandas.NaTType"):
        return None
    return value


def _fields(value: Any) -> Mapping[Any, Any] | None:
    if _kinds.is_mapping(value):
        return dict(value)
    if _kinds.is_named_tuple(value):
        return dict(value._asdict())
    if _kinds.is_dataclass(value):
        return {name: getattr(value, name) for name in type(value).__dataclass_fields__}
    if _kinds.is_pydantic(value):
        return {name: getattr(value, name) for name in type(value).model_fields}
    return None


def _plain_array(value: Any) -> JSONLike:
    """Return the values of an array, tensor, series or frame as nested lists, dates as ISO text."""
    if _kinds.kin(value, "pandas.DataFrame"):
        columns = [_plain_array(value.iloc[:, j]) for j in range(value.shape[1])]
        return (
            [list(row) for row in zip(*columns, strict=True)] if columns else [[] for _ in range(len(value))]
        )
    if _kinds.kin(value, "polars.DataFrame"):
        return [plain(list(row)) for row in value.rows()]
    if _kinds.kin(value, "pyarrow.Table"):
        return [plain(list(row.values())) for row in value.to_pylist()]
    if _kinds.kin(value, "polars.Series"):
        return plain(value.to_list())
    if _kinds.is_sparse(value):
        return value.toarray().tolist()
    if _kinds.kin(value, "torch.Tensor"):
        return (value.to_dense() if value.is_sparse else value).detach().cpu().tolist()
    if _kinds.kin(value, "pandas.Series", "pandas.Index", "pandas.ExtensionArray"):
        value = value.to_numpy()
    if value.dtype.kind in "Mm":
        return value.astype(f"{value.dtype.kind}8[ns]").astype("str").tolist()
    if value.dtype.names:
        return [plain(dict(zip(value.dtype.names, row, strict=True))) for row in value.reshape(-1).tolist()]
    listed = value.tolist()
    return plain(listed) if value.dtype.kind == "O" else listed


def _shape(value: Any) -> tuple[int, ...] | None:
    if _kinds.is_array(value) or _kinds.is_series(value) or _kinds.is_frame(value):
        return tuple(int(length) for length in value.shape)
    return None


def _is_single(output: Any) -> bool:
    return any(dtype in _SINGLE for dtype in _dtypes(output))


def _dtypes(value: Any) -> Iterator[str]:
    """Yield the dtype of each array within `value`."""
    if _kinds.kin(value, "pandas.DataFrame"):
        yield from (str(dtype) for dtype in value.dtypes)
    elif _kinds.kin(value, "polars.DataFrame"):
        yield from (str(dtype).lower() for dtype in value.dtypes)
    elif hasattr(value, "dtype"):
        yield str(value.dtype).rpartition(".")[2].lower()
    elif _kinds.is_mapping(value):
        for item in value.values():
            yield from _dtypes(item)
    elif _kinds.is_sequence(value) or _kinds.is_named_tuple(value):
        for item in list(value)[:16]:
            yield from _dtypes(item)


def _is_float_array(value: Any) -> bool:
    return _kinds.kin(value, "numpy.ndarray") and value.dtype.kind == "f"


def _array_difference(got: Any, want: Any, tolerance: float, name: str) -> str | None:
    """Compare two float arrays of one shape without a loop in Python: they may be large."""
    import numpy as np

    close = np.isclose(got, want, rtol=tolerance, atol=_absolute(tolerance), equal_nan=True)
    if close.all():
        return None
    index = tuple(int(i) for i in np.argwhere(~close)[0])
    where = "".join(f"[{i}]" for i in index)
    return f"{where}: {got[index]:.7g}, {name} has {want[index]:.7g}"


def _absolute(tolerance: float) -> float:
    """Return what counts as zero: next to nothing, or what float32 leaves of larger numbers."""
    return 1e-9 if tolerance <= TOLERANCE else tolerance


def _first_difference(got: JSONLike, want: JSONLike, tolerance: float, path: str, name: str) -> str | None:
    if isinstance(got, list) and isinstance(want, list):
        return _list_difference(got, want, tolerance, path, name)
    if isinstance(got, dict) and isinstance(want, dict):
        return _dict_difference(got, want, tolerance, path, name)
    if isinstance(got, dict) and isinstance(want, list):
        # A named tuple is a list in a sample that was written as JSON.
        return _list_difference(list(got.values()), want, tolerance, path, name)
    if isinstance(got, list) and isinstance(want, dict):
        # The row of a frame is an object there.
        return _list_difference(got, list(want.values()), tolerance, path, name)
    if _same_scalar(got, want, tolerance):
        return None
    return f"{path or 'the answer'}: {_brief(got)}, {name} has {_brief(want)}"


def _list_difference(
    got: list[JSONLike], want: list[JSONLike], tolerance: float, path: str, name: str
) -> str | None:
    if len(got) != len(want):
        return f"{path or 'the answer'}: {len(got)} items, {name} has {len(want)}"
    for i, (one, other) in enumerate(zip(got, want, strict=True)):
        found = _first_difference(one, other, tolerance, f"{path}[{i}]", name)
        if found:
            return found
    return None


def _dict_difference(
    got: dict[str, JSONLike], want: dict[str, JSONLike], tolerance: float, path: str, name: str
) -> str | None:
    if got.keys() != want.keys():
        return f"{path or 'the answer'}: fields {sorted(got)}, {name} has {sorted(want)}"
    for key, value in got.items():
        found = _first_difference(value, want[key], tolerance, f"{path}.{key}", name)
        if found:
            return found
    return None


def _same_scalar(got: Any, want: Any, tolerance: float) -> bool:
    if _is_missing(got) or _is_missing(want):
        return _is_missing(got) and _is_missing(want)
    if isinstance(got, (int, float)) and isinstance(want, (int, float)):
        if isinstance(got, float) or isinstance(want, float):
            return math.isclose(got, want, rel_tol=tolerance, abs_tol=_absolute(tolerance))
        return got == want
    try:
        return bool(got == want) or _same_attributes(got, want, tolerance)
    except Exception:
        # An `==` of somebody's own: what cannot be compared is not the same.
        return False


def _same_attributes(got: Any, want: Any, tolerance: float) -> bool:
    """Compare two objects of a class without `==` by what they hold."""
    if type(got).__qualname__ != type(want).__qualname__ or not hasattr(got, "__dict__"):
        return False
    return bool(vars(got)) and same(vars(got), vars(want), tolerance)


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _brief(value: Any) -> str:
    text = f"{value:.7g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
