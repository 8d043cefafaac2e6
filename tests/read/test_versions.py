"""The versions that a file was made with are read before anything in it runs."""

from __future__ import annotations

import collections
import dataclasses
import functools
import pickle
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pytest
import sklearn
import torch
import xgboost
from catboost import CatBoostClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier

from scaffold.base.codec import decode, encode
from scaffold.base.process import run_command
from scaffold.base.pythons import installed_pythons, minor_of
from scaffold.errors import (
    ForeignCodeError,
    LoadFailedError,
    VersionMismatchError,
)
from scaffold.read import load_model, read_artifact, read_sample, version_mismatch, version_notes
from scaffold.spec import MadeWith

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
OLD_FOREST = Path(__file__).parent / "made_elsewhere/gradient_boosting_sklearn_1_3_2.pkl"
OLDER = MadeWith(versions={"scikit-learn": "1.3.2"})
OLDER_OPTION = "--environment 'scikit-learn==1.3.2'"
ROWS = np.random.default_rng(0).random((40, 3))
LABELS = (ROWS[:, 0] > 0.5).astype(int)
# Runs in another Python: a class and a function of a script, as cloudpickle writes them.
FUNCTIONS = """
import sys
sys.path.insert(0, sys.argv[1])
import cloudpickle
class Toll:
    def __init__(self, rate):
        self.rate = rate
    def predict(self, rows):
        return [row["axles"] * self.rate for row in rows]
with open(sys.argv[2], "wb") as file:
    cloudpickle.dump(Toll(1.5), file)
"""


@functools.cache
def pythons() -> dict[str, str]:
    return {minor_of(version): path for version, path in installed_pythons(run_command)}


def pickle_of(python: str, folder: Path) -> Path:
    """A model whose class another Python compiled."""
    if python not in pythons():
        pytest.skip(f"Python {python} is not installed")
    beside = folder / "cloudpickle"
    beside.mkdir()
    (beside / "cloudpickle").symlink_to(Path(cloudpickle.__file__).parent)
    path = folder / "model.pkl"
    subprocess.run([pythons()[python], "-I", "-c", FUNCTIONS, str(beside), str(path)], check=True)
    return path


def written(
    value: Any, folder: Path, name: str = "model.pkl", dump: Callable[..., Any] = pickle.dump
) -> Path:
    path = folder / name
    with path.open("wb") as file:
        dump(value, file)
    return path


def nothing(name: str) -> None:
    return None if name.strip() else nothing(name)


# --------------------------------------------------------------------------- the Python of functions


@pytest.mark.parametrize("python", [v for v in ("3.10", "3.11", "3.12", "3.13") if v != RUNNING])
def test_functions_of_another_python_are_reported_before_they_load(tmp_path: Path, python: str) -> None:
    path = pickle_of(python, tmp_path)
    for read in (read_artifact, read_sample):
        with pytest.raises(ForeignCodeError) as caught:
            read(path)
        assert str(caught.value) == (
            f"model.pkl holds functions compiled by Python {python}; this is {RUNNING}.\n"
            "  Bytecode runs only in the minor version of Python that compiled it.\n"
            "Make the service in an environment of that Python:\n"
            f"  scaffold new ... --environment python=={python}"
        )
    assert read_artifact(path, ours=True).made_with.python == python


@pytest.mark.parametrize("python", ["3.8", "3.9"])
def test_functions_of_an_unsupported_python_are_reported_without_an_environment(
    tmp_path: Path, python: str
) -> None:
    with pytest.raises(ForeignCodeError) as caught:
        read_artifact(pickle_of(python, tmp_path))
    assert python in caught.value.pythons
    assert str(caught.value).endswith(f"\nMake the model again with Python {RUNNING}.")


def test_functions_of_this_python_pass(tmp_path: Path) -> None:
    function = eval("lambda rows: [len(row) + 1 for row in rows]")
    made_with = read_artifact(written(function, tmp_path, dump=cloudpickle.dump)).made_with
    assert made_with.python == RUNNING
    assert made_with.carries_code


class CodeTypeByName:
    """Pickled as cloudpickle pickles `types.CodeType`, which has no importable name."""

    def __call__(self, *arguments: Any) -> None: ...

    def __reduce__(self) -> tuple[Any, ...]:
        return cloudpickle.cloudpickle._builtin_type, ("CodeType",)


class CarriedCode:
    """Written as the code object of these arguments."""

    def __init__(self, arguments: tuple[Any, ...]) -> None:
        self.arguments = arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return CodeTypeByName(), self.arguments


def test_functions_in_an_object_array_of_joblib_are_found(tmp_path: Path) -> None:
    array = np.empty(1, dtype=object)
    array[0] = CarriedCode(code_arguments(nothing.__code__))
    path = written({"models": array}, tmp_path, dump=joblib.dump)
    assert read_artifact(path, ours=True).made_with.python == RUNNING


def code_arguments(code: CodeType) -> tuple[Any, ...]:
    return cloudpickle.cloudpickle._code_reduce(code)[1]


def test_dills_code_is_read_like_cloudpickles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("dill._dill")
    exec("def _create_code(*arguments): return arguments", module.__dict__)
    monkeypatch.setitem(sys.modules, "dill", ModuleType("dill"))
    monkeypatch.setitem(sys.modules, "dill._dill", module)

    class Code:
        def __reduce__(self) -> tuple[Any, ...]:
            arguments = code_arguments(nothing.__code__)
            return module._create_code, (b"", *arguments)

    path = written(Code(), tmp_path)
    assert read_artifact(path, ours=True).made_with.python == RUNNING


def test_code_of_an_unknown_python_is_reported(tmp_path: Path) -> None:
    arguments = list(code_arguments(nothing.__code__))
    arguments[6] = b"\xff\x00" * 4
    path = written(CarriedCode(tuple(arguments)), tmp_path)
    with pytest.raises(ForeignCodeError, match="compiled by no Python that scaffold knows"):
        read_artifact(path)


# --------------------------------------------------------------------------- the versions of libraries


@functools.cache
def models() -> dict[str, Any]:
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(ROWS, LABELS)
    boosted = XGBClassifier(n_estimators=2).fit(ROWS, LABELS)
    cat = CatBoostClassifier(iterations=2, verbose=0, allow_writing_files=False).fit(ROWS, LABELS)
    return {"scikit-learn": pipeline, "xgboost": boosted, "catboost": cat}


@pytest.mark.parametrize("dump", [pickle.dump, joblib.dump, cloudpickle.dump])
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_the_version_of_a_library_is_read_from_its_pickle(
    tmp_path: Path, dump: Callable[..., Any], protocol: int
) -> None:
    import catboost

    wanted = {"scikit-learn": sklearn, "xgboost": xgboost, "catboost": catboost}
    for distribution, model in models().items():
        if distribution != "scikit-learn" and protocol < 4:
            continue  # bytes are texts there, and only the start of a text is kept
        path = written(model, tmp_path, dump=lambda value, file: dump(value, file, protocol=protocol))
        assert read_artifact(path).made_with.versions[distribution] == wanted[distribution].__version__


def test_the_version_of_a_library_is_read_from_its_own_file(tmp_path: Path) -> None:
    import catboost

    made = models()
    for name in ("model.json", "model.ubj"):
        made["xgboost"].save_model(tmp_path / name)
        assert read_artifact(tmp_path / name).made_with.versions == {"xgboost": xgboost.__version__}
    made["catboost"].save_model(str(tmp_path / "model.cbm"))
    assert read_artifact(tmp_path / "model.cbm").made_with.versions == {"catboost": catboost.__version__}


def test_a_file_without_versions_has_no_known_versions(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(1, 1), tmp_path / "model.pt")
    assert read_artifact(tmp_path / "model.pt").made_with == MadeWith()
    assert read_artifact(written([1], tmp_path)).made_with == MadeWith()


@pytest.mark.parametrize("version", ["1.3.2; rm -rf ~", "$(id)", "1.3.2' x", "", "1" * 99, "1.3\n"])
def test_an_invalid_version_is_ignored(tmp_path: Path, version: str) -> None:
    model = LogisticRegression()
    state = model.__getstate__()
    state["_sklearn_version"] = version

    class Stated:
        def __reduce__(self) -> tuple[Any, ...]:
            return LogisticRegression, (), state

    assert read_artifact(written(Stated(), tmp_path)).made_with.versions == {}


def test_a_model_of_an_older_library_names_both_versions() -> None:
    with pytest.raises(VersionMismatchError) as caught:
        read_artifact(OLD_FOREST)
    assert str(caught.value) == (
        f"{OLD_FOREST.name} was made with scikit-learn 1.3.2; here is {sklearn.__version__}.\n"
        "  sklearn.ensemble._gb_losses.BinomialDeviance\n"
        "Make the service in an environment of that version:\n"
        "  scaffold new ... --environment scikit-learn==1.3.2"
    )


def test_a_sample_of_an_older_pandas_names_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "X.pkl").write_bytes(b"\x80\x02cpandas.core.indexes.numeric\nInt64Index\n.")
    with pytest.raises(VersionMismatchError, match=r"X\.pkl was made with pandas <2; here is 3") as caught:
        read_sample(tmp_path / "X.pkl")
    assert str(caught.value).endswith("scaffold new ... --environment 'pandas<2'")


def test_a_model_that_breaks_while_it_loads_names_both_versions(tmp_path: Path) -> None:
    class Breaking:
        def __reduce__(self) -> tuple[Any, ...]:
            return collections.OrderedDict, (5,)

    artifact = read_artifact(written(Breaking(), tmp_path))
    with pytest.raises(LoadFailedError, match="not iterable"):
        load_model(artifact)
    with pytest.raises(VersionMismatchError) as caught:
        load_model(dataclasses.replace(artifact, made_with=OLDER))
    assert str(caught.value) == (
        f"model.pkl was made with scikit-learn 1.3.2; here is {sklearn.__version__}.\n"
        "  TypeError: 'int' object is not iterable\n"
        "Make the service in an environment of that version:\n"
        "  scaffold new ... --environment scikit-learn==1.3.2"
    )


DATE = "import pandas as pd\nclass Model:\n    def __init__(self):\n        {body}\n"


@pytest.mark.parametrize(
    ("body", "fits"),
    [
        ("pd.to_datetime('no date')", True),
        ("pd.Series([1]).astype('no dtype')", True),
        ("pd.Series([1]).no_method", True),
        ("pd.no_function", False),
        ("pd.Series.no_method", False),
        ("from pandas import no_function", False),
    ],
)
def test_the_installed_version_is_blamed_only_for_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, fits: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "dated_model", raising=False)
    Path("dated_model.py").write_text(DATE.format(body=body))
    Path("model.pkl").write_bytes(b"cdated_model\nModel\n(tR.")
    with pytest.raises(LoadFailedError if fits else VersionMismatchError) as caught:
        load_model(read_artifact(Path("model.pkl")))
    assert ("does not fit the pandas" in str(caught.value)) is not fits


def test_an_error_of_a_library_names_it_and_the_option_for_another_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "dated_model", raising=False)
    Path("dated_model.py").write_text(DATE.format(body="pd.Series([1]).astype('no dtype')"))
    Path("model.pkl").write_bytes(b"cdated_model\nModel\n(tR.")
    with pytest.raises(LoadFailedError) as caught:
        load_model(read_artifact(Path("model.pkl")))
    assert str(caught.value).endswith(
        f"The error is raised by pandas {metadata.version('pandas')}."
        " If another version made the file, name that version:\n"
        "  scaffold new ... --environment pandas==VERSION"
    )


def test_a_version_is_blamed_only_if_it_differs() -> None:
    same = {"scikit-learn": "1.3.9"}.get
    assert version_mismatch("model.pkl", OLDER, "ValueError: x", installed=same) is None
    assert version_notes("model.pkl", OLDER, same) == ()
    assert version_mismatch("model.pkl", OLDER, "ValueError: x", installed=nothing) is None
    assert version_mismatch("model.pkl", MadeWith(), "ValueError: x") is None
    assert version_notes("model.pkl", OLDER, {"scikit-learn": "1.9.1"}.get) == (
        f"model.pkl was made with scikit-learn 1.3.2; here is 1.9.1. To have that one: {OLDER_OPTION}",
    )


def test_the_library_in_whose_code_it_broke_is_named_first() -> None:
    both = MadeWith(
        versions={"scikit-learn": "1.3.2", "xgboost": "1.7.6"}, pythons=("3.11",), carries_code=True
    )
    installed = {"scikit-learn": "1.9.1", "xgboost": "3.2.0"}.get
    error = version_mismatch("m.pkl", both, "x", library="xgboost", installed=installed)
    assert str(error).startswith("m.pkl was made with xgboost 1.7.6 on Python 3.11; here is 3.2.0.")
    assert "--environment scikit-learn==1.3.2 --environment xgboost==1.7.6" in str(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_the_versions_of_a_file_survive_the_record() -> None:
    said = MadeWith(pythons=("3.11", "3.12"), carries_code=True, versions={"scikit-learn": "1.3.2"})
    assert decode("MadeWith", encode(said)) == said
    assert said.python is None
