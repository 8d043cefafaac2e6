"""For any sample: its requests are accepted and become an equal sample, of equal dtypes, once more."""

from __future__ import annotations

import datetime as dt
import decimal
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from scaffold.introspect import infer_signature
from scaffold.introspect._rows import count_rows
from tests.introspect.conftest import Service, difference

# Without shrinking: a failing case is small enough to read, and making it smaller takes minutes.
QUICK = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
MOMENTS = st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 30))
YEARS = st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1))
SCALARS = (
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXTS,
    st.binary(min_size=1, max_size=8),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.dates(),
    MOMENTS,
    MOMENTS.map(lambda moment: moment.replace(tzinfo=dt.timezone.utc)),
    st.times(),
    st.timedeltas(dt.timedelta(-9999), dt.timedelta(9999)),
    st.uuids(),
)
LISTS = st.one_of(*(st.lists(scalar | st.none(), max_size=3) for scalar in SCALARS))
VALUES = st.recursive(
    st.one_of(st.none(), LISTS, *SCALARS),
    lambda inner: st.one_of(
        st.dictionaries(TEXTS, inner, max_size=4),
        st.lists(st.dictionaries(st.sampled_from(["a", "b"]), st.integers()), max_size=3),
        st.tuples(inner, inner),
    ),
    max_leaves=12,
)


class Batch:
    def predict(self, X: Any) -> Any:
        return np.zeros(count_rows(X) or 0)


class Single:
    def predict(self, record: Any) -> float:
        if not isinstance(record, dict):
            raise TypeError("a dict is wanted")
        return 1.0


def comes_back(model: Any, sample: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        service = Service(Path(folder), model, infer_signature(model, sample))
        found = service.given()
        given_again = found if service.found.signature.call.batched else found[0]
        assert difference(given_again, sample) is None
        again = infer_signature(model, given_again)
        assert again.recording == service.found.recording
        assert again.signature == service.found.signature


@QUICK
@given(st.dictionaries(TEXTS, VALUES, max_size=5))
def test_any_dict(sample: dict[str, Any]) -> None:
    comes_back(Single(), sample)


COLUMNS = {
    "int64": st.integers(-(2**63), 2**63 - 1),
    "uint8": st.integers(0, 255),
    "float64": st.floats(allow_infinity=False),
    "float32": st.floats(allow_infinity=False, width=32),
    "bool": st.booleans(),
    "str": TEXTS | st.none(),
    "object": TEXTS | st.none(),
    "Int64": st.integers(-(2**63), 2**63 - 1) | st.none(),
    "boolean": st.booleans() | st.none(),
    "string": TEXTS | st.none(),
    "datetime64[us]": YEARS | st.none(),
    "datetime64[ns]": YEARS | st.none(),
    "datetime64[us, UTC]": YEARS | st.none(),
    "datetime64[us, America/New_York]": YEARS | st.none(),
    "timedelta64[us]": st.timedeltas(dt.timedelta(-9999), dt.timedelta(9999)) | st.none(),
    "category": st.sampled_from(["a", "b", "c d", None]),
    "decimals": st.decimals(allow_nan=False, allow_infinity=False).map(decimal.Decimal),
    "dates": st.dates(),
}


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    names = draw(st.lists(TEXTS, min_size=1, max_size=6, unique=True))
    rows = draw(st.integers(2, 4))
    columns = {}
    for name in names:
        dtype = draw(st.sampled_from(sorted(COLUMNS)))
        values = draw(st.lists(COLUMNS[dtype], min_size=rows, max_size=rows))
        if "datetime64" in dtype and "," in dtype:
            moments = pd.Series(values, dtype="datetime64[us]").dt.tz_localize("UTC")
            columns[name] = moments.astype(dtype)
        else:
            columns[name] = pd.Series(values, dtype="object" if dtype in ("decimals", "dates") else dtype)
    return pd.DataFrame(columns)


@QUICK
@given(frames())
def test_any_frame(sample: pd.DataFrame) -> None:
    comes_back(Batch(), sample)


@st.composite
def arrays(draw: st.DrawFn) -> Any:
    dtype = draw(st.sampled_from(["float64", "float32", "int64", "int8", "uint16", "bool", "datetime64[s]"]))
    shape = (draw(st.integers(2, 3)), *draw(npst.array_shapes(min_dims=0, max_dims=3, max_side=3)))
    elements = {
        "f": st.floats(allow_infinity=False, width=32),
        "M": st.integers(-(2**32), 2**32).map(lambda s: np.datetime64(s, "s")),
    }.get(np.dtype(dtype).kind)
    return draw(npst.arrays(dtype, shape, elements=elements))


@QUICK
@given(arrays())
def test_any_array(sample: Any) -> None:
    comes_back(Batch(), sample)


RECORDS = st.fixed_dictionaries({"a": st.integers() | st.none(), "b": TEXTS}, optional={"c": st.booleans()})


@QUICK
@given(st.lists(RECORDS, min_size=2, max_size=4))
def test_any_list_of_dicts(sample: list[dict[str, Any]]) -> None:
    comes_back(Batch(), sample)
