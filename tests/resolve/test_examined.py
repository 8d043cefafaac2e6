"""The number of processes that load a model, and their results."""

from __future__ import annotations

import contextlib
import json
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from scaffold.errors import CallError, DamagedSampleError
from scaffold.resolve import Installation, Trace
from scaffold.verbs._examination import Examination, Introspected
from scaffold.verbs._inputs import find_inputs
from scaffold.verbs.options import Options
from scaffold.verbs.prestart import examining_worker
from scaffold.verbs.workers import model_environment, worker_settings

Examine = Callable[..., contextlib.AbstractContextManager[tuple[Examination, Introspected]]]

DOUBLED = ({"prediction": 2.0}, {"prediction": 4.0})
MAY_IMPORT = "try:\n    import decor\nexcept ImportError:\n    decor = None\n"
DOUBLES = """
class Model:
    def predict(self, numbers):
        return [2 * number for number in numbers]
"""


@pytest.fixture
def examine(tmp_path: Path) -> Examine:
    """Examines a pickled `maker.Model` that doubles 1 and 2, or is given what is pickled for it."""
    (tmp_path / "model.pkl").write_bytes(b"cmaker\nModel\n(tR.")

    @contextlib.contextmanager
    def _examine(
        output: object = (2.0, 4.0), pickled: object = None
    ) -> Iterator[tuple[Examination, Introspected]]:
        for name, value in (("input", [1.0, 2.0]), ("output", output)):
            (tmp_path / f"{name}.json").write_text(json.dumps(value))
        inputs = tmp_path / "input.json"
        if pickled is not None:
            inputs = tmp_path / "input.pkl"
            inputs.write_bytes(pickle.dumps(pickled))
        options = Options(trust=["maker"])
        outputs = None if output is None else tmp_path / "output.json"
        given = find_inputs(tmp_path / "model.pkl", inputs, outputs, tmp_path, options)
        settings = worker_settings(given, options, model_environment(given, options))
        with (
            examining_worker(settings) as worker,
            Examination(worker, given, options, settings, tmp_path) as examination,
        ):
            examination.begin(Installation(settings.path), [Path(entry) for entry in settings.path])
            yield examination, examination.introspect(examination.read())

    return _examine


def test_one_process_does_all_where_a_library_only_looks_for_what_is_installed(install, examine):
    install(
        "maker", {"maker.py": "try:\n    import decor\nexcept ImportError:\n    decor = None\n" + DOUBLES}
    )
    install("decor", {"decor.py": ""})
    with examine() as (examination, found):
        assert examination.rehearsing is examination
        assert examination.hidden["decor"] == "decor"
        assert found.recording.answers == DOUBLED


def test_a_model_that_needs_hidden_libraries_is_examined_with_all_installed_ones(install, examine):
    install("maker", {"maker.py": DOUBLES.replace("        return", "        import decor\n        return")})
    install("decor", {"decor.py": ""})
    with examine() as (examination, found):
        assert isinstance(examination.rehearsing, Trace)
        assert found.recording.answers == DOUBLED


def test_predictions_that_need_hidden_libraries_are_made_with_all_installed_ones(install, examine):
    text = "try:\n    from decor import FACTOR\nexcept ImportError:\n    FACTOR = 1\n"
    install("maker", {"maker.py": text + DOUBLES.replace("2 *", "FACTOR *")})
    install("decor", {"decor.py": "FACTOR = 2\n"})
    with examine() as (examination, found):
        assert isinstance(examination.rehearsing, Trace)
        assert found.recording.answers == DOUBLED
    with examine(None) as (examination, found):  # nothing says which answers are right
        assert isinstance(examination.rehearsing, Trace)
        assert found.recording.answers == DOUBLED


def test_a_model_that_fails_in_any_case_says_so(install, examine):
    install("maker", {"maker.py": MAY_IMPORT + DOUBLES.replace("2 *", "1 / 0 *")})
    install("decor", {"decor.py": ""})
    with pytest.raises(CallError, match="ZeroDivisionError"), examine():
        pass


COUNTS = """
class Model:
    def predict(self, frame):
        return [len(text) for text in frame["a"]]
"""
FRAME = pd.DataFrame({"a": ["x", "yyyy"]})


def test_one_process_does_all_where_pandas_keeps_the_texts_of_a_sample_in_arrow(install, examine):
    install("maker", {"maker.py": COUNTS})
    with examine([1, 4], FRAME) as (examination, found):
        assert examination.rehearsing is examination
        assert examination.hidden["pyarrow"] == "pyarrow"
        assert found.recording.answers == ({"prediction": 1}, {"prediction": 4})


def test_a_model_that_fails_on_texts_without_arrow_gets_them_in_arrow(install, examine):
    text = COUNTS.replace(
        "        return", "        assert frame['a'].dtype.storage == 'pyarrow'\n        return"
    )
    install("maker", {"maker.py": text})
    with examine([1, 4], FRAME) as (examination, found):
        assert isinstance(examination.rehearsing, Trace)
        assert found.recording.answers == ({"prediction": 1}, {"prediction": 4})


def test_other_samples_of_arrow_are_examined_with_all_that_is_installed(install, examine):
    install("maker", {"maker.py": COUNTS})
    with examine([1, 4], FRAME.astype("string[pyarrow]")) as (examination, found):
        assert isinstance(examination.rehearsing, Trace)
        assert found.recording.answers == ({"prediction": 1}, {"prediction": 4})


def test_a_damaged_sample_is_not_read_again_by_pyarrow(install, examine):
    install("maker", {"maker.py": COUNTS})
    buffers = [None, pa.array([0, 9, 5]).buffers()[1], pa.py_buffer(b"xyyyy")]
    texts: Any = pd.array([], dtype="str")
    texts._pa_array = pa.chunked_array([pa.Array.from_buffers(pa.large_string(), 2, buffers)])
    with (
        pytest.raises(DamagedSampleError, match="lies outside the column's data"),
        examine([1, 4], {"a": texts}),
    ):
        pass
