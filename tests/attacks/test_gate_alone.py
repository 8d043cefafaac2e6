"""The attack corpus against the gate alone: this process is not confined, and nothing may happen."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scaffold.errors import ReadError
from scaffold.read import load_model, read_artifact
from tests.attacks.corpus import CASES, Case, Place, effects

TIMEOUT_S = 60


@pytest.fixture(autouse=True)
def _beside_the_model(tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path / "model")


@pytest.fixture(autouse=True)
def _limit() -> Iterator[None]:
    """Ends a test whose file never stops loading."""

    def stop(*_: object) -> None:
        raise AssertionError("it does not end")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(TIMEOUT_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def written(case: Case, place: Place) -> Path:
    folder = Path.cwd()
    for file, source in case.companions(place).items():
        (folder / file).write_text(source)
    path = folder / case.file
    path.write_bytes(case.content(place))
    return path


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_gate_alone_stops_every_attack(case: Case, place: Place) -> None:
    path = written(case, place)
    before = sorted(Path.cwd().iterdir())
    if case.harmless:
        load_model(read_artifact(path, confined=False))
    else:
        with pytest.raises(ReadError):
            load_model(read_artifact(path, confined=False))
    assert effects(place) == []
    assert [entry for entry in sorted(Path.cwd().iterdir()) if entry.name != "__pycache__"] == before


def test_a_library_does_not_import_modules_from_the_folder_of_the_model(place: Place) -> None:
    """In a separate process: in this one the libraries have already imported their modules."""
    case = next(case for case in CASES if case.name == "modules beside a joblib file")
    path = written(case, place)
    code = (
        "from pathlib import Path; from scaffold.read import load_model, read_artifact\n"
        f"print(load_model(read_artifact(Path({str(path)!r}), confined=False)).predict([[3.0]]))"
    )
    # A script in another folder, as the command is: Python itself puts the folder of a script on the path.
    script = place.markers.parent / "run.py"
    script.write_text(code)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[3.]\n"), done.stderr
    assert effects(place) == []


def test_the_corpus_is_as_large_as_it_says_and_builds_the_same_bytes_twice(place: Place) -> None:
    assert len(CASES) >= 200
    assert len({case.name for case in CASES}) == len(CASES)
    for case in CASES:
        assert case.content(place) == case.content(place), case.name
