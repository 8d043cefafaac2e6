"""Text columns of pandas are read without pyarrow, as in the service; other samples of Arrow need pyarrow."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from scaffold.read import needs_of_files, read_artifact, read_sample, sample_modules
from scaffold.read.gate._definitions import Finder
from scaffold.read.gate._policy import Policy, Verdict

ROOT = Path(__file__).parents[2]

LONG = ["a", "ä€", None, "", "zzz", "b", "c", None, "d", "e", "f"]
SAMPLES: dict[str, Callable[[], pd.DataFrame]] = {
    "columns": lambda: pd.DataFrame({"a": ["x", None, "zzz"], "b": [1, 2, 3], "c": ["ü", "", "q"]}),
    "slice": lambda: pd.DataFrame({"a": LONG, "n": range(11)}).iloc[1:10],
    "slice behind a byte of bits": lambda: pd.DataFrame({"a": LONG}).iloc[9:],
    "no rows": lambda: pd.DataFrame({"a": pd.Series([], dtype="str")}),
    "all missing": lambda: pd.DataFrame({"a": pd.Series([None, None], dtype="str")}),
    "rows by text": lambda: pd.DataFrame({"n": [1, 2]}, index=pd.Index(["r", "s"], name="row")),
    "two levels": lambda: pd.DataFrame(
        {"n": [1, 2]}, index=pd.MultiIndex.from_arrays([["a", "b"], ["x", "y"]])
    ),
    "categories": lambda: pd.DataFrame({"c": pd.Categorical(["a", "b", None, "a"])}),
}

_CHILD = """
import pickle, sys
from pathlib import Path
from scaffold.errors import ReadError
from scaffold.read import read_sample
for path in map(Path, sys.argv[1:]):
    try:
        value = read_sample(path)
    except ReadError as error:
        value = f"{type(error).__name__}: {error}"
    assert "pyarrow" not in sys.modules
    path.with_suffix(".read").write_bytes(pickle.dumps(value))
"""


Read = Callable[[Sequence[Path]], list[Any]]


@pytest.fixture(scope="module")
def read_without_pyarrow(tmp_path_factory: pytest.TempPathFactory) -> Read:
    """Returns what is read of each file, or the error as a text, where all is installed but pyarrow."""
    installed = tmp_path_factory.mktemp("lib") / "site-packages"
    installed.mkdir()
    for place in Path(sysconfig.get_path("purelib")).iterdir():
        if not place.name.startswith("pyarrow"):
            (installed / place.name).symlink_to(place)
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(installed)])}

    def _read(paths: Sequence[Path]) -> list[Any]:
        subprocess.run([sys.executable, "-S", "-c", _CHILD, *map(str, paths)], check=True, env=environ)
        return [pickle.loads(path.with_suffix(".read").read_bytes()) for path in paths]

    return _read


def written(folder: Path, values: dict[str, Any], protocol: int = pickle.DEFAULT_PROTOCOL) -> list[Path]:
    paths = [folder / f"{name} {protocol}.pkl" for name in values]
    for path, value in zip(paths, values.values(), strict=True):
        path.write_bytes(pickle.dumps(value, protocol))
    return paths


class _Fake:
    """What stands in place of an array of Arrow when it is pickled."""

    def __init__(self, *call: Any) -> None:
        self._call = call

    def combine_chunks(self) -> Any:
        return self._call[0] if len(self._call) == 1 else self

    def __reduce__(self) -> Any:
        return self._call


def text_array(*call: Any) -> Any:
    """Return an array of pandas whose pickle holds this array of Arrow, or what this call returns."""
    array: Any = pd.array([], dtype="str")
    array._pa_array = _Fake(*call)
    return array


def restored(
    length: int, offset: int, validity: bytes | None, offsets: Sequence[int], data: bytes, kind: str
) -> tuple[Any, tuple[Any, ...]]:
    """Return the call that makes an array of Arrow of its parts."""
    width = "i4" if kind == "string" else "i8"
    places = _Fake(pa.lib.py_buffer, (np.array(offsets, width).tobytes(),))
    bits = None if validity is None else _Fake(pa.lib.py_buffer, (validity,))
    texts = _Fake(pa.lib.py_buffer, (data,))
    itself = _Fake(pa.lib.type_for_alias, (kind,))
    return pa.lib._restore_array, ((itself, length, -1, offset, [bits, places, texts], [], None),)


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory, read_without_pyarrow: Read) -> dict[tuple[str, int], Any]:
    """What is read of each sample without pyarrow, by its name and the protocol of the pickle."""
    paths: dict[tuple[str, int], Path] = {}
    for protocol in range(2, 6):
        values = {name: make() for name, make in SAMPLES.items()}
        found = written(tmp_path_factory.mktemp(str(protocol)), values, protocol)
        paths |= {(name, protocol): path for name, path in zip(values, found, strict=True)}
    return dict(zip(paths, read_without_pyarrow(list(paths.values())), strict=True))


@pytest.mark.parametrize("protocol", range(2, 6))
@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_read_as_the_service_has_it(
    read: dict[tuple[str, int], Any], name: str, protocol: int
) -> None:
    with pd.option_context("mode.string_storage", "python"):
        pd.testing.assert_frame_equal(read[name, protocol], SAMPLES[name]())


def test_arrays_in_parts_and_of_either_width_are_read(tmp_path: Path, read_without_pyarrow: Read) -> None:
    chunks = pa.chunked_array([["a", None], [], ["b"]], pa.large_string())
    arrays = {
        "chunks": text_array(chunks),
        "narrow": text_array(*restored(3, 1, b"\x0b", [0, 2, 3, 3, 5], "äbcd".encode(), "string")),
        "no bits": text_array(*restored(2, 0, None, [0, 1, 3], b"abb", "large_string")),
    }
    found = read_without_pyarrow(written(tmp_path, arrays))
    values: list[list[str | None]] = [["a", None, "b"], ["b", None, "cd"], ["a", "bb"]]
    for one, texts in zip(found, values, strict=True):
        dtype = pd.StringDtype("python", na_value=np.nan)
        expected = pd.Series(texts, dtype=dtype).array
        pd.testing.assert_extension_array_equal(one, expected)


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        ((-1, 0, None, [0], b""), "a text column has a negative length"),
        ((1, -1, None, [0, 1], b"a"), "a text column has a negative length"),
        ((2, 0, None, [0, 1], b"ab"), "a text column has fewer texts than it says"),
        ((1, 1, None, [0, 1], b"a"), "a text column has fewer texts than it says"),
        ((1 << 62, 1 << 62, None, [0, 1], b"a"), "a text column has fewer texts than it says"),
        ((1, 0, None, [-1, 1], b"a"), "a text of a column lies outside the column's data"),
        ((1, 0, None, [0, 2], b"a"), "a text of a column lies outside the column's data"),
        ((3, 0, None, [0, 2, 0, 2], b"ab"), "a text of a column lies outside the column's data"),
        ((1, 0, None, [0, 1], b"\xff"), "a text of a column is not UTF-8"),
        ((1, 0, b"", [0, 1], b"a"), "a text column does not say which of its texts are missing"),
        ((1, 8, b"\xff", range(10), b"a" * 9), "a text column does not say which of its texts are missing"),
    ],
)
def test_an_array_that_contradicts_itself_is_refused(
    tmp_path: Path, read_without_pyarrow: Read, parts: Any, found: str
) -> None:
    length, offset, validity, offsets, data = parts
    damaged = restored(length, offset, validity, offsets, data, "large_string")
    [path] = written(tmp_path, {"damaged": text_array(*damaged)})
    [error] = read_without_pyarrow([path])
    assert error == (
        f"DamagedSampleError: {path} cannot be read as a sample: {found}.\n"
        "What is read: pickle, joblib, JSON, CSV, Parquet, Feather, .npy, .npz, images, .txt (one text)."
    )


TEXT = pd.Series(["a"])
OTHERS = {
    "NA": pd.Series(["a", None], dtype="string[pyarrow]"),
    "numbers": [TEXT, pd.Series([1], dtype="int64[pyarrow]")],
    "table": [TEXT, pa.table({"a": [1]})],
    "array alone": pa.array(["a"]),
}


def test_other_samples_need_pyarrow(tmp_path: Path, read_without_pyarrow: Read) -> None:
    paths = written(tmp_path, OTHERS)
    for path, error in zip(paths, read_without_pyarrow(paths), strict=True):
        assert "pyarrow" in sample_modules(path, read_artifact(path, sample=True))
        assert error.startswith(f"MissingLibraryError: {path.name} needs 'pyarrow', which no installed")


def test_what_the_names_do_not_tell_needs_pyarrow_too(tmp_path: Path, read_without_pyarrow: Read) -> None:
    array = pa.array(["a"], pa.large_string())
    samples = {
        "beside": [TEXT, array],
        "many times": text_array(_Fake(pa.lib.chunked_array, ([array] * 9, pa.large_string()))),
        "binary": text_array(pa.array([b"a"])),
    }
    paths = written(tmp_path, samples)
    for path, error in zip(paths, read_without_pyarrow(paths), strict=True):
        assert error.startswith(f"MissingLibraryError: {path.name} needs 'pyarrow', which no installed")


def test_with_pyarrow_texts_stay_in_arrow(tmp_path: Path) -> None:
    [path] = written(tmp_path, {"series": TEXT})
    assert read_sample(path).dtype.storage == "pyarrow"


def test_a_text_sample_needs_pandas_alone_and_a_model_with_texts_pyarrow_too(tmp_path: Path) -> None:
    [path] = written(tmp_path, {"series": TEXT})
    assert sample_modules(path, read_artifact(path)) == ["pandas"]
    assert "pyarrow" not in needs_of_files(tmp_path / "no model", [path]).modules
    assert "pyarrow" in needs_of_files(path, []).modules


def test_a_stand_in_is_let_through_only_where_the_library_is_not_here(tmp_path: Path) -> None:
    policy = Policy(Finder([str(tmp_path)]), replaced=["arrow_of_test.lib.make"])
    assert policy.judge("arrow_of_test.lib", "make") is Verdict.CLASS
    assert policy.judge("arrow_of_test.lib", "other") is Verdict.MISSING
    (tmp_path / "arrow_of_test").mkdir()
    (tmp_path / "arrow_of_test" / "lib.py").write_text("from os import system as make\n")
    there = Policy(Finder([str(tmp_path)]), replaced=["arrow_of_test.lib.make"])
    assert there.judge("arrow_of_test.lib", "make") is Verdict.REFUSED


def test_no_state_is_set_on_what_a_stand_in_makes(tmp_path: Path, read_without_pyarrow: Read) -> None:
    path = tmp_path / "state.pkl"
    path.write_bytes(
        b"\x80\x02cpandas.arrays\nArrowStringArray\n0cpyarrow.lib\ntype_for_alias\n"
        b"X\x06\x00\x00\x00string\x85R}X\x01\x00\x00\x00aK\x01sb."
    )
    [error] = read_without_pyarrow([path])
    assert "'_Type' object has no attribute '__dict__'" in error
