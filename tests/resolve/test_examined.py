"""The number of processes that load a model, and their results."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scaffold.errors import CallError
from scaffold.resolve import Installation, Trace
from scaffold.verbs._examination import Examination, Introspected
from scaffold.verbs._given import find_given
from scaffold.verbs.ahead import examining_worker
from scaffold.verbs.options import Options
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
    """Examines a pickled `maker.Model` that doubles 1 and 2."""
    (tmp_path / "model.pkl").write_bytes(b"cmaker\nModel\n(tR.")

    @contextlib.contextmanager
    def _examine(output: object = (2.0, 4.0)) -> Iterator[tuple[Examination, Introspected]]:
        for name, value in (("input", [1.0, 2.0]), ("output", output)):
            (tmp_path / f"{name}.json").write_text(json.dumps(value))
        options = Options(trust=["maker"])
        outputs = None if output is None else tmp_path / "output.json"
        given = find_given(tmp_path / "model.pkl", tmp_path / "input.json", outputs, tmp_path, options)
        settings = worker_settings(given, options, model_environment(given, options))
        with (
            examining_worker(settings) as worker,
            Examination(worker, given, options, settings, tmp_path) as examination,
        ):
            examination.begin(Installation(settings.path), [Path(entry) for entry in settings.path])
            yield examination, examination.introspected(examination.read())

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
