"""Made-up samples of every kind: strategies for hypothesis."""

from __future__ import annotations

import collections
import datetime as dt
import functools
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import scipy.sparse as sp
import torch
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image

from tests.introspect import records

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NAMES = TEXTS | st.sampled_from(
    [
        "class",
        "model_config",
        "copy",
        "json",
        "self",
        "a b",
        "1st",
        "a\nb",
        'x") or evil("',
        "é",
        "__init__",
        "_",
    ]
)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
SINGLE = st.floats(allow_infinity=False, width=32)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
MOMENTS = st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 30))
YEARS = st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1))
SPANS = st.timedeltas(dt.timedelta(-9999), dt.timedelta(9999))
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False)
ZONES = (
    dt.timezone.utc,
    dt.timezone(dt.timedelta(hours=-5, minutes=-30)),
    ZoneInfo("Europe/Oslo"),
    ZoneInfo("America/New_York"),
    ZoneInfo("Asia/Kathmandu"),
)


# ------------------------------------------------------------------ plain Python


def _in_zone(zone: dt.tzinfo, moment: dt.datetime) -> dt.datetime:
    return moment.replace(tzinfo=zone)


SCALARS: tuple[st.SearchStrategy[Any], ...] = (
    st.booleans(),
    st.integers(-(2**70), 2**70),
    FINITE,
    TEXTS,
    st.binary(min_size=1, max_size=8),
    DECIMALS,
    st.dates(),
    MOMENTS,
    *(YEARS.map(functools.partial(_in_zone, zone)) for zone in ZONES),
    st.times(),
    SPANS,
    st.uuids(),
    st.sampled_from(records.Colour),
    st.builds(np.float32, SINGLE.filter(lambda x: x == x)),
    st.builds(np.int64, INTEGERS),
    st.builds(np.bool_, st.booleans()),
    st.builds(pd.Timestamp, YEARS),
    st.builds(pd.Timedelta, SPANS),
    st.builds(lambda moment: pd.Period(moment, "M"), YEARS),
)
LISTS = st.one_of(*(st.lists(scalar | st.none(), max_size=3) for scalar in SCALARS))
OBJECTS: tuple[st.SearchStrategy[Any], ...] = (
    st.builds(records.Flat, FINITE, INTEGERS, TEXTS | st.none()),
    st.builds(
        records.House,
        st.lists(st.builds(records.Flat, FINITE, INTEGERS, TEXTS | st.none()), max_size=2),
        st.sampled_from(records.Colour),
    ),
    st.builds(
        records.Order,
        id=INTEGERS,
        when=st.none() | YEARS,
        lines=st.lists(st.builds(records.Line, sku=TEXTS, count=INTEGERS), max_size=2),
    ),
    st.builds(records.Point, INTEGERS, TEXTS),
)
ARRAYS_WITHIN = npst.arrays(
    st.sampled_from(["float64", "int32", "bool"]), npst.array_shapes(max_dims=2, max_side=2), elements=None
).filter(lambda array: array.dtype.kind != "f" or bool(np.isfinite(array).all()))
RECORDS = st.fixed_dictionaries(
    {"a": st.integers() | st.none(), "b": TEXTS}, optional={"c": st.booleans(), "d e": st.lists(FINITE)}
)
VALUES = st.recursive(
    st.one_of(st.none(), LISTS, ARRAYS_WITHIN, *SCALARS, *OBJECTS),
    lambda inner: st.one_of(
        st.dictionaries(NAMES, inner, max_size=4),
        st.lists(RECORDS, max_size=3),
        st.tuples(inner, inner),
        st.sets(st.integers(), max_size=3),
        st.frozensets(TEXTS, max_size=3),
        st.builds(collections.deque, st.lists(FINITE, max_size=3)),
    ),
    max_leaves=12,
)


# ------------------------------------------------------------------ pandas

LEVELS = st.one_of(
    st.lists(TEXTS, min_size=1, max_size=5, unique=True),
    st.lists(INTEGERS, min_size=1, max_size=5, unique=True),
    st.lists(FINITE.map(lambda x: x + 0.0), min_size=1, max_size=5, unique=True),
    st.just([False, True]),
    st.lists(YEARS, min_size=1, max_size=5, unique=True).map(pd.DatetimeIndex),
    st.lists(st.dates(), min_size=1, max_size=5, unique=True),
    st.lists(SPANS, min_size=1, max_size=5, unique=True).map(pd.TimedeltaIndex),
    st.lists(st.integers(-9, 9), min_size=2, max_size=5, unique=True)
    .map(sorted)
    .map(pd.IntervalIndex.from_breaks),
)


@st.composite
def categories(draw: st.DrawFn, rows: int) -> Any:
    levels = draw(LEVELS)
    codes = draw(st.lists(st.integers(-1, len(levels) - 1), min_size=rows, max_size=rows))
    dtype = pd.CategoricalDtype(levels, ordered=draw(st.booleans()))
    return pd.Categorical.from_codes(codes, dtype=dtype)


def _zoned(unit: str) -> Any:
    def made(values: list[Any], zone: Any) -> Any:
        return pd.Series(values, dtype=f"datetime64[{unit}]").dt.tz_localize("UTC").dt.tz_convert(zone)

    return made


def _numpy_like(dtype: str, values: st.SearchStrategy[Any]) -> Any:
    return lambda draw, rows: pd.Series(draw(st.lists(values, min_size=rows, max_size=rows)), dtype=dtype)


PANDAS: dict[str, Any] = {
    **{
        dtype: _numpy_like(dtype, st.integers(np.iinfo(dtype).min, np.iinfo(dtype).max))
        for dtype in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
    },
    **{
        dtype: _numpy_like(
            dtype, st.none() | st.integers(np.iinfo(dtype.lower()).min, np.iinfo(dtype.lower()).max)
        )
        for dtype in ("Int8", "UInt8", "Int16", "UInt32", "Int64", "UInt64")
    },
    "float16": _numpy_like("float16", st.floats(allow_infinity=False, width=16)),
    "float32": _numpy_like("float32", SINGLE),
    "float64": _numpy_like("float64", st.floats(allow_infinity=False)),
    "Float32": _numpy_like("Float32", SINGLE.filter(lambda x: x == x) | st.none()),
    "Float64": _numpy_like("Float64", FINITE | st.none()),
    "bool": _numpy_like("bool", st.booleans()),
    "boolean": _numpy_like("boolean", st.booleans() | st.none()),
    "str": _numpy_like("str", TEXTS | st.none()),
    "string": _numpy_like("string", TEXTS | st.none()),
    "string[python]": _numpy_like("string[python]", TEXTS | st.none()),
    **{
        f"object of {kind}": _numpy_like("object", values | st.none())
        for kind, values in {
            "text": TEXTS,
            "bool": st.booleans(),
            "int": st.integers(),
            "decimal": DECIMALS,
            "date": st.dates(),
            "time": st.times(),
            "uuid": st.uuids(),
            "bytes": st.binary(min_size=1, max_size=4),
            "list": st.lists(FINITE, max_size=3),
            "dict": RECORDS,
            "enum": st.sampled_from(records.Colour),
        }.items()
    },
    **{
        f"datetime64[{u}]": _numpy_like(f"datetime64[{u}]", YEARS | st.none())
        for u in ("s", "ms", "us", "ns")
    },
    **{
        f"timedelta64[{u}]": _numpy_like(f"timedelta64[{u}]", SPANS | st.none())
        for u in ("s", "ms", "us", "ns")
    },
    **{
        f"zoned {unit}": lambda draw, rows, unit=unit: _zoned(unit)(
            draw(st.lists(YEARS | st.none(), min_size=rows, max_size=rows)), draw(st.sampled_from(ZONES))
        )
        for unit in ("s", "us", "ns")
    },
    **{
        f"period {freq}": lambda draw, rows, freq=freq: pd.Series(
            pd.PeriodIndex(draw(st.lists(YEARS | st.none(), min_size=rows, max_size=rows)), freq=freq)
        )
        for freq in ("Y", "Q", "M", "W", "D", "h", "s", "Q-NOV", "W-WED", "B")
    },
    "category": lambda draw, rows: draw(categories(rows)),
    "sparse": lambda draw, rows: pd.arrays.SparseArray(draw(st.lists(FINITE, min_size=rows, max_size=rows))),
    **{
        f"Arrow {type_}": lambda draw, rows, type_=type_, values=values: pd.array(
            draw(st.lists(values | st.none(), min_size=rows, max_size=rows)), dtype=pd.ArrowDtype(type_)
        )
        for type_, values in {
            pa.int8(): st.integers(-128, 127),
            pa.uint64(): st.integers(0, 2**64 - 1),
            pa.float32(): SINGLE.filter(lambda x: x == x),
            pa.float64(): FINITE,
            pa.bool_(): st.booleans(),
            pa.string(): TEXTS,
            pa.large_string(): TEXTS,
            pa.binary(): st.binary(min_size=1, max_size=4),
            pa.date32(): st.dates(),
            pa.time64("us"): st.times(),
            pa.timestamp("us"): YEARS,
            pa.timestamp("us", "Europe/Oslo"): YEARS.map(
                lambda moment: moment.replace(tzinfo=dt.timezone.utc)
            ),
            pa.duration("us"): SPANS,
            pa.decimal128(12, 3): st.decimals(-(10**8), 10**8, places=3),
        }.items()
    },
}
LABELS = st.one_of(
    st.lists(NAMES, min_size=1, max_size=6, unique=True),
    st.lists(st.integers(-9, 99), min_size=1, max_size=6, unique=True),
    st.lists(st.tuples(TEXTS, st.integers(0, 9)), min_size=1, max_size=6, unique=True).map(
        pd.MultiIndex.from_tuples
    ),
)


@st.composite
def pandas_frames(draw: st.DrawFn) -> pd.DataFrame:
    labels = draw(LABELS)
    rows = draw(st.integers(2, 4))
    columns = [PANDAS[draw(st.sampled_from(sorted(PANDAS)))](draw, rows) for _ in labels]
    frame = pd.DataFrame(dict(enumerate(columns)))
    frame.columns = pd.Index(labels) if isinstance(labels, list) else labels
    return frame


@st.composite
def pandas_series(draw: st.DrawFn) -> pd.Series:
    made = PANDAS[draw(st.sampled_from(sorted(PANDAS)))](draw, draw(st.integers(2, 4)))
    return pd.Series(made, name=draw(NAMES | st.none() | st.integers()))


# ------------------------------------------------------------------ polars and Arrow

POLARS: tuple[tuple[Any, st.SearchStrategy[Any]], ...] = (
    *(
        (dtype, st.integers(least, most))
        for dtype, least, most in (
            (pl.Int8, -128, 127),
            (pl.Int16, -(2**15), 2**15 - 1),
            (pl.Int32, -(2**31), 2**31 - 1),
            (pl.Int64, -(2**63), 2**63 - 1),
            (pl.UInt8, 0, 255),
            (pl.UInt16, 0, 2**16 - 1),
            (pl.UInt32, 0, 2**32 - 1),
            (pl.UInt64, 0, 2**64 - 1),
        )
    ),
    (pl.Float32, SINGLE.filter(lambda x: x == x)),
    (pl.Float64, FINITE),
    (pl.Boolean, st.booleans()),
    (pl.String, TEXTS),
    (pl.Binary, st.binary(min_size=1, max_size=4)),
    (pl.Date, st.dates()),
    (pl.Time, st.times()),
    *((pl.Datetime(unit), YEARS) for unit in ("ms", "us", "ns")),
    (pl.Datetime("us", "Europe/Oslo"), st.datetimes(dt.datetime(1970, 1, 2), dt.datetime(2200, 1, 1))),
    *((pl.Duration(unit), SPANS) for unit in ("ms", "us", "ns")),
    (pl.Decimal(20, 3), st.decimals(-(10**8), 10**8, places=3)),
    (pl.Categorical, TEXTS),
    (pl.Enum(["x", "a b", "z"]), st.sampled_from(["x", "a b", "z"])),
    (pl.List(pl.Int64), st.lists(INTEGERS, max_size=3)),
    (pl.Array(pl.Float64, 2), st.lists(FINITE, min_size=2, max_size=2)),
    (pl.Struct({"x": pl.Int64, "y z": pl.String}), st.fixed_dictionaries({"x": INTEGERS, "y z": TEXTS})),
)


@st.composite
def polars_series(draw: st.DrawFn, name: str = "s", rows: int = 3) -> pl.Series:
    dtype, values = draw(st.sampled_from(POLARS))
    made = draw(st.lists(values | st.none(), min_size=rows, max_size=rows))
    return pl.Series(name, made, dtype=dtype)


@st.composite
def polars_frames(draw: st.DrawFn) -> pl.DataFrame:
    names = draw(st.lists(NAMES, min_size=1, max_size=6, unique=True))
    return pl.DataFrame([draw(polars_series(name)) for name in names])


ARROW: tuple[tuple[Any, st.SearchStrategy[Any]], ...] = (
    (pa.int32(), st.integers(-(2**31), 2**31 - 1)),
    (pa.float64(), FINITE),
    (pa.string(), TEXTS),
    (pa.bool_(), st.booleans()),
    (pa.date32(), st.dates()),
    (pa.timestamp("ms"), YEARS.map(lambda moment: moment.replace(microsecond=0))),
    (pa.timestamp("us", "Europe/Oslo"), YEARS.map(lambda moment: moment.replace(tzinfo=dt.timezone.utc))),
    (pa.decimal128(12, 3), st.decimals(-(10**8), 10**8, places=3)),
    (pa.binary(), st.binary(min_size=1, max_size=4)),
    (pa.dictionary(pa.int32(), pa.string()), TEXTS),
)


@st.composite
def arrow_tables(draw: st.DrawFn) -> pa.Table:
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    columns = []
    for _ in names:
        type_, values = draw(st.sampled_from(ARROW))
        columns.append(pa.array(draw(st.lists(values | st.none(), min_size=3, max_size=3)), type_))
    return pa.table(columns, names=names)


# ------------------------------------------------------------------ arrays

NUMPY = (
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    *("float16", "float32", "float64", "bool"),
    *("datetime64[D]", "datetime64[s]", "datetime64[us]", "datetime64[ns]"),
    *("timedelta64[h]", "timedelta64[s]", "timedelta64[ns]"),
    *("U3", "S3", "object"),
)


def _elements(dtype: str) -> st.SearchStrategy[Any] | None:
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return st.floats(allow_infinity=False, width=cast("Literal[16, 32, 64]", 8 * kind.itemsize))
    if kind.kind == "M":
        return (YEARS.map(lambda moment: np.datetime64(moment, "us").astype(dtype))) | st.just(
            np.datetime64("NaT")
        )
    if kind.kind == "m":
        return SPANS.map(lambda span: np.timedelta64(span).astype(dtype)) | st.just(np.timedelta64("NaT"))
    if kind.kind == "S":
        return st.binary(min_size=1, max_size=3).filter(lambda value: not value.endswith(b"\0"))
    if kind.kind == "U":
        return st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=3)
    return TEXTS | st.none() if kind.kind == "O" else None


@st.composite
def numpy_arrays(draw: st.DrawFn) -> Any:
    dtype = draw(st.sampled_from(NUMPY))
    shape = (draw(st.integers(2, 3)), *draw(npst.array_shapes(min_dims=0, max_dims=3, max_side=3)))
    return draw(npst.arrays(dtype, shape, elements=_elements(dtype)))


@st.composite
def structured_arrays(draw: st.DrawFn) -> Any:
    names = draw(
        st.lists(
            st.text("abc xyz", min_size=1, max_size=4).filter(str.strip), min_size=1, max_size=4, unique=True
        )
    )
    rows = draw(st.integers(2, 3))
    dtypes = [draw(st.sampled_from([d for d in NUMPY if d not in ("object", "S3")])) for _ in names]
    shapes = [draw(st.sampled_from([(), (), (2,), (1, 2)])) for _ in names]
    made = np.zeros(rows, dtype=list(zip(names, dtypes, shapes, strict=True)))
    for name, dtype, shape in zip(names, dtypes, shapes, strict=True):
        made[name] = draw(npst.arrays(dtype, (rows, *shape), elements=_elements(dtype)))
    return made


FORMATS = (
    "csr_matrix",
    "csc_matrix",
    "coo_matrix",
    "csr_array",
    "csc_array",
    "coo_array",
    "lil_matrix",
    "dok_array",
)


@st.composite
def sparse_arrays(draw: st.DrawFn) -> Any:
    dtype = draw(st.sampled_from(["float64", "float32", "int64", "int8", "bool"]))
    shape = (draw(st.integers(2, 3)), draw(st.integers(1, 4)))
    elements = st.floats(-9, 9, width=32) if dtype.startswith("float") else None
    return getattr(sp, draw(st.sampled_from(FORMATS)))(draw(npst.arrays(dtype, shape, elements=elements)))


TORCH = ("float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool")


@st.composite
def tensors(draw: st.DrawFn) -> Any:
    dtype = draw(st.sampled_from(TORCH))
    shape = (draw(st.integers(2, 3)), *draw(npst.array_shapes(min_dims=0, max_dims=3, max_side=3)))
    values = st.floats(-99, 99, width=16) | st.just(np.nan) if "float" in dtype else st.integers(0, 99)
    made = draw(npst.arrays("float64" if "float" in dtype else "int64", shape, elements=values))
    return torch.tensor(made).to(getattr(torch, dtype))


MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I", "F", "I;16")


@st.composite
def images(draw: st.DrawFn) -> Image.Image:
    mode, size = draw(st.sampled_from(MODES)), (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    if mode == "P":
        return draw(images().filter(lambda image: image.mode == "RGB")).quantize()
    length = len(Image.new(mode, size).tobytes())
    pixels = draw(st.binary(min_size=length, max_size=length)) if mode not in ("F", "1") else bytes(length)
    return Image.frombytes(mode, size, pixels)


@st.composite
def records_of_some_fields(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Fields of one kind each, which some records lack and others leave empty."""
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    kinds = {name: draw(st.sampled_from((*SCALARS, *OBJECTS, RECORDS, st.lists(FINITE)))) for name in names}
    some = {name: st.none() | kind for name, kind in kinds.items()}
    return draw(st.lists(st.fixed_dictionaries({}, optional=some), min_size=2, max_size=4))


LISTS_OF_RECORDS = st.one_of(
    st.lists(RECORDS, min_size=2, max_size=4),
    records_of_some_fields(),
)
LISTS_OF_VALUES = st.one_of(
    *(st.lists(scalar, min_size=2, max_size=4) for scalar in SCALARS),
    *(st.lists(scalar | st.none(), min_size=2, max_size=4) for scalar in SCALARS),
    *(st.lists(thing, min_size=2, max_size=3) for thing in OBJECTS),
    st.lists(st.tuples(INTEGERS, TEXTS), min_size=2, max_size=3),
    st.lists(st.lists(FINITE | st.none(), max_size=3), min_size=2, max_size=3),
)
