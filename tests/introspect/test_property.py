"""For any sample, its requests are accepted and give an equal sample with equal dtypes.

A long run: `SCAFFOLD_EXAMPLES=5000 pytest tests/introspect/test_property.py`.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from scaffold.introspect import infer_signature
from scaffold.introspect._rows import count_rows, take
from scaffold.spec import Signature
from tests.introspect import _made
from tests.introspect.conftest import Service, difference

EXAMPLES = int(os.environ.get("SCAFFOLD_EXAMPLES", "20"))

# Without shrinking: a failing case is small enough to read, and making it smaller takes minutes.
QUICK = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES <= 20,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


class Batch:
    def predict(self, X: Any) -> Any:
        return np.zeros(count_rows(X) or 0)


class Single:
    def predict(self, record: Any) -> float:
        return 1.0


def without_evidence(signature: Signature) -> Signature:
    return replace(signature, call=replace(signature.call, evidence=""))


def comes_back(model: Any, sample: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        service = Service(Path(folder), model, infer_signature(model, sample))
        found, call = service.given(), service.found.signature.call
        if call.wrapped:
            # Rows that are all alike show nothing of each other: each goes in alone.
            for number, row in enumerate(found):
                assert difference(row, take(sample, [number])) is None
            return
        given_again = found if call.batched else found[0]
        assert difference(given_again, sample) is None
        again = infer_signature(model, given_again)
        assert again.recording == service.found.recording
        # The number of made-up rows depends on how the container marks missing values.
        assert without_evidence(again.signature) == without_evidence(service.found.signature)


BATCHES: dict[str, st.SearchStrategy[Any]] = {
    "pandas frame": _made.pandas_frames(),
    "pandas Series": _made.pandas_series(),
    "polars frame": _made.polars_frames(),
    "polars Series": _made.polars_series(),
    "Arrow table": _made.arrow_tables(),
    "array": _made.numpy_arrays(),
    "structured array": _made.structured_arrays(),
    "sparse": _made.sparse_arrays(),
    "tensor": _made.tensors(),
    "list of records": _made.LISTS_OF_RECORDS,
    "list of values": _made.LISTS_OF_VALUES,
    "list of images": st.lists(_made.images(), min_size=2, max_size=3),
}
ALONE: dict[str, st.SearchStrategy[Any]] = {
    "dict": st.dictionaries(_made.NAMES, _made.VALUES, max_size=5),
    "value": st.one_of(*_made.SCALARS),
    "object": st.one_of(*_made.OBJECTS),
    "image": _made.images(),
}


@pytest.mark.parametrize("kind", BATCHES)
@QUICK
@given(data=st.data())
def test_any_records(kind: str, data: st.DataObject) -> None:
    comes_back(Batch(), data.draw(BATCHES[kind]))


@pytest.mark.parametrize("kind", ALONE)
@QUICK
@given(data=st.data())
def test_any_record(kind: str, data: st.DataObject) -> None:
    comes_back(Single(), data.draw(ALONE[kind]))
