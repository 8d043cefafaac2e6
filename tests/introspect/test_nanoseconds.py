"""Datetimes and timedeltas keep nanoseconds in requests and responses if their dtype has them."""

from __future__ import annotations

import json
from typing import Any, cast

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pydantic import ValidationError

from scaffold.errors import UnsupportedSampleError
from scaffold.introspect import infer_signature
from tests.introspect.conftest import Serve, difference

NAIVE = ["2025-01-01T00:00:00.000000001", "1999-12-31T23:59:59.999999999", "2025-03-01T12:00:00"]
ZONED = [f"{text}Z" for text in NAIVE]
SPANS = ["PT0.000000001S", "-PT90061.000000007S", "PT2S"]
STAMPS = pd.DatetimeIndex(NAIVE).as_unit("ns")
DELTAS = pd.to_timedelta([1, -90061000000007, 2_000_000_000], unit="ns")


class Echo:
    """Returns its input."""

    def predict(self, values: Any) -> Any:
        return values


class First(Echo):
    def predict(self, values: Any) -> Any:
        return values.iloc[:, 0] if isinstance(values, pd.DataFrame) else values


def arrow(index: Any) -> Any:
    kind = {"M": pa.timestamp("ns"), "m": pa.duration("ns")}[index.dtype.kind]
    return pd.Series(pd.array(list(index.astype("int64")), dtype=cast("Any", pd.ArrowDtype(kind))))


SAMPLES = {
    "frame of moments": (pd.DataFrame({"at": STAMPS}), NAIVE, "at"),
    "frame of spans": (pd.DataFrame({"at": DELTAS}), SPANS, "at"),
    "frame in a zone": (pd.DataFrame({"at": STAMPS.tz_localize("UTC")}), ZONED, "at"),
    "Series of moments": (pd.Series(STAMPS), NAIVE, "data"),
    "Series of spans": (pd.Series(DELTAS), SPANS, "data"),
    "DatetimeIndex": (STAMPS, NAIVE, "data"),
    "Series with an Arrow dtype": (arrow(STAMPS), NAIVE, "data"),
    "array of moments": (STAMPS.to_numpy(), NAIVE, "data"),
    "array of spans": (DELTAS.to_numpy(), SPANS, "data"),
    "list of Timestamps": (list(STAMPS), NAIVE, "data"),
    "list of Timedeltas": (list(DELTAS), SPANS, "data"),
    "list of moments of numpy": (list(STAMPS.to_numpy()), NAIVE, "data"),
    "list of spans of numpy": (list(DELTAS.to_numpy()), SPANS, "data"),
    "list of Timestamps in a zone": (list(STAMPS.tz_localize("UTC")), ZONED, "data"),
}


def parse_time(text: str) -> Any:
    """Parse a datetime or timedelta, to compare it with one in another notation."""
    return pd.Timedelta(text) if "P" in text else pd.Timestamp(text)


@pytest.mark.parametrize(("sample", "texts", "field"), SAMPLES.values(), ids=SAMPLES)
def test_nanoseconds_are_kept_in_requests_and_responses(
    serve: Serve, sample: Any, texts: list[str], field: str
) -> None:
    service = serve(First(), sample)
    requests: Any = service.found.recording.requests
    assert [parse_time(request[field]) for request in requests] == [parse_time(text) for text in texts]
    assert service.score(*requests) == list(service.found.recording.answers)
    assert [parse_time(answer["prediction"]) for answer in service.score(*requests)] == list(
        map(parse_time, texts)
    )
    given = service.given()
    wanted = list(sample) if isinstance(sample, list) else sample
    assert difference(given, pd.Series(wanted) if isinstance(sample, pd.Index) else wanted) is None


@pytest.mark.parametrize(
    "sample",
    [
        pl.DataFrame({"at": STAMPS.to_numpy()}),
        pl.DataFrame({"at": pl.Series(STAMPS.to_numpy()).dt.replace_time_zone("Europe/Oslo")}),
        pl.DataFrame({"at": DELTAS.to_numpy()}),
        pa.table({"at": pa.array(STAMPS.astype("int64"), pa.timestamp("ns"))}),
        pa.table({"at": pa.array(DELTAS.astype("int64"), pa.duration("ns"))}),
    ],
)
def test_a_polars_or_arrow_column_keeps_nanoseconds(serve: Serve, sample: Any) -> None:
    class Ones:
        def predict(self, frame: Any) -> Any:
            return np.ones(len(frame))

    assert serve(Ones(), sample).given().equals(sample)


def test_dicts_lists_and_frames_keep_nanoseconds(serve: Serve) -> None:
    def answer(_: int) -> dict[str, Any]:
        return {
            "at": STAMPS[0],
            "between": [DELTAS[0], DELTAS[1]],
            "array": STAMPS.to_numpy()[:2],
            "zoned": STAMPS[1].tz_localize("Europe/Oslo"),
            "rows": pd.DataFrame({"at": STAMPS[:1], "n": [1]}),
        }

    service = serve(answer, 1)
    [found] = service.score({"data": 1})
    assert found == {
        "at": NAIVE[0],
        "between": SPANS[:2],
        "array": NAIVE[:2],
        "zoned": "1999-12-31T23:59:59.999999999+01:00",
        "rows": [{"at": NAIVE[0], "n": 1}],
    }
    assert found == service.found.recording.answers[0]


def test_missing_moments_of_nanoseconds_are_null(serve: Serve) -> None:
    frame = pd.DataFrame({"at": [STAMPS[0], pd.NaT], "span": [pd.NaT, DELTAS[0]]}).astype(
        {"at": "datetime64[ns]", "span": "timedelta64[ns]"}
    )
    service = serve(Echo(), frame)
    assert service.score(*service.found.recording.requests) == [
        {"at": NAIVE[0], "span": None},
        {"at": None, "span": SPANS[0]},
    ]
    assert difference(service.given(), frame) is None


@pytest.mark.parametrize(
    "text",
    ["2025-01-01T00:00:00.0000000001", "2300-01-01", "1677-01-01", "2025-13-01", "2025-01-01T00:00:00Z", ""],
)
def test_what_nanoseconds_cannot_hold_is_refused(serve: Serve, text: str) -> None:
    service = serve(First(), pd.DataFrame({"at": STAMPS, "for": DELTAS}))
    with pytest.raises(ValidationError) as caught:
        service.check({"at": text, "for": "PT1S"})
    assert [error["loc"] for error in caught.value.errors()] == [("at",)]
    for span in ("P300000D", "PT1.0000000001S", "soon", 3, None):
        with pytest.raises(ValidationError) as caught:
            service.check(json.dumps({"at": "2025-01-01", "for": span}))
        assert [error["loc"] for error in caught.value.errors()] == [("for",)]


def test_a_moment_finer_than_nanoseconds_says_what_to_do() -> None:
    sample = np.array(["2025-01-01T00:00:00.000000000001", "2025-01-02"], dtype="datetime64[ps]")
    with pytest.raises(UnsupportedSampleError) as caught:
        infer_signature(Echo(), sample.reshape(2, 1))
    assert 'Give it as array.astype("datetime64[ns]").' in str(caught.value)


def test_a_polars_prediction_that_would_lose_nanoseconds_is_refused() -> None:
    class Polars:
        def predict(self, frame: Any) -> Any:
            return pl.DataFrame({"n": frame["n"].to_numpy(), "at": STAMPS.to_numpy()[frame["n"].to_numpy()]})

    with pytest.raises(UnsupportedSampleError) as caught:
        infer_signature(Polars(), pd.DataFrame({"n": [0, 1, 2]}))
    assert "$.at: a polars column of nanoseconds" in str(caught.value)
