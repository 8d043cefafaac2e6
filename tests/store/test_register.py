"""`register` keeps a model with its samples and its run, and `new` and `update` take all of it."""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sqlalchemy
from sklearn.linear_model import LogisticRegression
from typer.testing import CliRunner

import scaffold
from scaffold.cli._app import app
from scaffold.errors import (
    InvalidAliasError,
    InvalidConfusionMatrixError,
    InvalidFactError,
    InvalidRegistrationError,
    ModelMovedError,
    NoSuchFileError,
    NotAModelError,
    NotAnAssignmentError,
    SourceNotFollowedError,
    StoreFilesError,
    UnknownModelError,
    UntrustedCodeError,
    VersionTakenError,
)
from scaffold.find import find_model
from scaffold.store import Reference, open_store

INPUT = pd.DataFrame({"age": [20.0, 35.0, 50.0, 65.0], "calls": [1, 5, 2, 8]})


def fitted(weight: float = 1.0) -> LogisticRegression:
    return LogisticRegression(C=weight).fit(INPUT, [0, 1, 0, 1])


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of files of an empty store."""
    monkeypatch.setenv("SCAFFOLD_STORE", f"sqlite:///{tmp_path}/store.db")
    return tmp_path / "store-files"


def typed(*words: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, [*map(str, words)])
    return done.exit_code, done.output


def test_an_object_and_its_samples_lie_in_the_folder_of_files_under_their_hashes(store: Path) -> None:
    model = fitted()
    entry = scaffold.register(model, "churn", input=INPUT, output=model.predict(INPUT))
    assert entry.version == "1"
    assert sorted(path.name for path in store.iterdir()) == sorted([entry.file, entry.input, entry.output])
    assert entry.file == f"{entry.sha256}.pkl"
    found = find_model("store:churn")
    assert found.path.name == "model.pkl"
    assert pickle.loads(found.path.read_bytes()).C == 1.0
    assert pickle.loads(found.declared.input.read_bytes()).equals(INPUT)
    assert pickle.loads(found.declared.output.read_bytes()).tolist() == [0, 1, 0, 1]
    assert found.path.parent != store


def test_a_sample_that_is_a_file_is_copied_with_its_suffix(store: Path, tmp_path: Path) -> None:
    INPUT.to_csv(tmp_path / "rows.csv", index=False)
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(fitted()))
    entry = scaffold.register(tmp_path / "model.pkl", "churn", input=tmp_path / "rows.csv")
    (tmp_path / "rows.csv").unlink()
    assert entry.location == str(tmp_path / "model.pkl")
    assert (store / entry.input).suffix == ".csv"
    assert find_model("store:churn").declared.input.read_text().startswith("age,calls")


def test_versions_count_up_beside_those_that_are_named() -> None:
    named = [scaffold.register(abs, "churn", version=version).version for version in ("1.2.0", "7", None)]
    assert [*named, scaffold.register(len, "churn").version] == ["1.2.0", "7", "8", "9"]
    assert scaffold.register(len, "other").version == "1"


def test_a_version_that_is_registered_again_stays_as_it_is(store: Path) -> None:
    first = scaffold.register(abs, "churn", version="1.0.0", input=[1.0], metrics={"auc": 0.5})
    again = scaffold.register(abs, "churn", version="1.0.0", metrics={"auc": 0.6}, alias="staging")
    assert (again.input, again.run.id, again.aliases) == (first.input, first.run.id, ("staging",))
    opened = open_store()
    assert [run.metrics["auc"] for run in opened.runs("churn")] == [0.6, 0.5]
    with pytest.raises(VersionTakenError, match=r"another churn 1\.0\.0 with another input"):
        scaffold.register(abs, "churn", version="1.0.0", input=[2.0])
    with pytest.raises(VersionTakenError, match=r"another churn 1\.0\.0\.\n"):
        scaffold.register(len, "churn", version="1.0.0")
    assert len(opened.runs("churn")) == 2
    assert {path.name for path in store.iterdir()} == {first.file, first.input}


def test_an_alias_moves_to_the_version_that_is_registered_with_it() -> None:
    scaffold.register(abs, "churn", alias="staging")
    scaffold.register(len, "churn")
    assert find_model("store:churn@staging").origin.version == "1"
    scaffold.register(round, "churn", alias="staging")
    assert find_model("store:churn@staging").origin.version == "3"


def test_the_run_has_what_was_trained_with_and_where(tmp_path: Path) -> None:
    entry = scaffold.register(
        abs,
        "churn",
        metrics={"auc": np.float32(0.5), "training_s": 12},
        params={"C": np.int64(3), "solver": "lbfgs", "layers": [3, {"units": 4}], "seed": None},
    )
    run = entry.run
    assert run.metrics == {"auc": 0.5, "training_s": 12}
    assert run.params == {"C": 3, "solver": "lbfgs", "layers": [3, {"units": 4}], "seed": None}
    assert run.python.startswith("3.")
    assert len(run.git_revision.partition("-")[0]) == 40
    assert "@" in run.by
    origin = find_model("store:churn/1").origin
    assert origin.run == str(run.id)
    assert dict(origin.metrics) == {"auc": "0.5", "training_s": "12"}
    assert dict(origin.params)["solver"] == "lbfgs"


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"metrics": {"auc": "0.5"}}, r"metrics\['auc'\] is no finite number: '0.5'"),
        ({"metrics": {"auc": float("nan")}}, r"metrics\['auc'\] is no finite number: nan"),
        ({"metrics": {"auc": [1]}}, r"metrics\['auc'\] is no finite number: a list"),
        ({"params": {"model": abs}}, r"params\['model'\] is no value of JSON: a builtin_function"),
        ({"params": {"missing": float("nan")}}, r"params\['missing'\] is no value of JSON: nan"),
    ],
)
def test_a_fact_that_is_none_is_refused_and_nothing_is_written(
    store: Path, facts: dict[str, dict[str, object]], message: str
) -> None:
    with pytest.raises(InvalidFactError, match=message):
        scaffold.register(abs, "churn", **facts)  # type: ignore[arg-type]
    assert not store.exists()


@pytest.mark.parametrize(
    "kind", [list, np.array, pd.Series, pl.Series], ids=["list", "numpy", "pandas", "polars"]
)
def test_a_confusion_matrix_is_counted_and_shown(kind: Callable[[list[str]], object]) -> None:
    true, predicted = kind(["no", "no", "yes", "no"]), kind(["no", "yes", "yes", "no"])
    entry = scaffold.register(abs, "churn", confusion_matrix=(true, predicted))
    counted = {"classes": ["no", "yes"], "counts": [[2, 1], [0, 1]]}
    assert entry.run.confusion_matrix == counted
    assert scaffold.runs("churn")[0].confusion_matrix == counted
    tags = dict(find_model("store:churn").origin.tags)
    assert tags == {"confusion matrix": "no: 2 as no, 1 as yes; yes: 0 as no, 1 as yes"}


@pytest.mark.parametrize(
    ("classes", "found"),
    [
        (([0, 1], [0]), "2 true and 1 predicted ones"),
        (([], []), "0 true and 0 predicted ones"),
        (([0.5], [0.5]), "a float among them"),
        ((range(101), range(101)), "101 different values"),
        ([[1, 2, 3]], "a list"),
    ],
)
def test_what_is_no_confusion_matrix_is_refused_and_nothing_is_written(
    store: Path, classes: Any, found: str
) -> None:
    with pytest.raises(InvalidConfusionMatrixError, match=f"not {found}."):
        scaffold.register(abs, "churn", confusion_matrix=classes)
    assert not store.exists()


@pytest.mark.parametrize("alias", ["", "latest", "1", "a/b", "a b", "x" * 64, "a\x1b[1m"])
def test_a_text_that_is_no_alias_is_refused(alias: str) -> None:
    with pytest.raises(InvalidAliasError, match="is no alias"):
        scaffold.register(abs, "churn", alias=alias)


@pytest.mark.parametrize(
    ("name", "version"),
    [("a@b", "1"), ("a/b", "1"), ("x" * 64, "1"), ("a\nb", "1"), ("a", "x" * 129), ("a", "")],
)
def test_a_name_that_no_reference_can_have_is_refused(name: str, version: str) -> None:
    with pytest.raises(InvalidRegistrationError, match="registered under a name without"):
        scaffold.register(abs, name, version=version)


def test_what_is_not_there_is_named_with_the_nearest(tmp_path: Path) -> None:
    for version in ("1.2.0", "1.3.0"):
        scaffold.register(abs, "titanic", version=version, alias=f"v{version}")
    with pytest.raises(UnknownModelError, match=r"no model 'titanic' 1\.2\.1; nearest: 1\.2\.0, 1\.3\.0"):
        find_model("store:titanic/1.2.1")
    with pytest.raises(UnknownModelError, match=r"no model 'titanic@v1\.2'; nearest: v1\.2\.0, v1\.3\.0"):
        find_model("store:titanic@v1.2")
    for written in ("store:titanik", "store:titanik/1.2.0"):
        with pytest.raises(UnknownModelError, match=r"no model 'titanik'; nearest: titanic\.\n.*register"):
            find_model(written)
    with pytest.raises(NoSuchFileError, match=r"absent\.csv"):
        scaffold.register(abs, "titanic", input=tmp_path / "absent.csv")


def test_a_sample_in_place_of_the_model_is_refused(store: Path, tmp_path: Path) -> None:
    INPUT.to_csv(tmp_path / "rows.csv", index=False)
    with pytest.raises(NotAModelError, match=r"rows\.csv is no model file: it is a table"):
        scaffold.register(tmp_path / "rows.csv", "churn")
    assert scaffold.models() == ()
    (tmp_path / "model.json").write_text('{"learner": {}}')
    assert scaffold.register(tmp_path / "model.json", "churn").version == "1"


def test_a_file_that_is_gone_or_changed_is_one_message(store: Path) -> None:
    entry = scaffold.register(abs, "churn", input=[1.0])
    (store / entry.input).write_bytes(pickle.dumps([2.0]))
    with pytest.raises(StoreFilesError, match="has another content than its name says"):
        find_model("store:churn")
    (store / entry.file).unlink()
    with pytest.raises(StoreFilesError, match=r"No such file.*\n.*SCAFFOLD_STORE_FILES=") as caught:
        find_model("store:churn")
    assert entry.file in str(caught.value)


def test_a_damaged_file_is_written_again(store: Path) -> None:
    entry = scaffold.register(abs, "churn", input=[1.0])
    damaged = bytearray((store / entry.input).read_bytes())
    damaged[-2] ^= 1
    (store / entry.input).write_bytes(damaged)
    scaffold.register(abs, "churn", input=[1.0])
    assert find_model("store:churn").declared.input is not None


def test_a_location_has_no_login(tmp_path: Path) -> None:
    import fsspec

    url = "memory://ada:hunter2@host/model.pkl"
    with fsspec.open(url, "wb") as file:
        file.write(pickle.dumps(abs))
    entry = scaffold.register(url, "churn")
    assert entry.location == "memory://host/model.pkl"


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "ab", "A" * 64, f"{'a' * 64}.pkl/../../x", "\x1b[2J", ""]
)
def test_no_name_in_a_database_leads_out_of_the_folder_of_files(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_store()
    with pytest.raises(StoreFilesError, match="is no name of a file"):
        opened.files.get(name, tmp_path, "model")


def test_files_lie_where_the_setting_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCAFFOLD_STORE_FILES", "memory://bucket/models")
    entry = scaffold.register(abs, "churn", input=[1.0])
    again = scaffold.register(abs, "churn", input=[1.0])
    assert pickle.loads(find_model("store:churn").declared.input.read_bytes()) == [1.0]
    assert (again.file, again.input) == (entry.file, entry.input)
    import fsspec

    names = [Path(path).name for path in fsspec.filesystem("memory").ls("/bucket/models", detail=False)]
    assert sorted(names) == sorted({entry.file, entry.input})
    monkeypatch.setenv("SCAFFOLD_STORE_FILES", f"file://{tmp_path}/elsewhere")
    scaffold.register(abs, "churn", input=[1.0])
    assert (tmp_path / "elsewhere" / entry.input).is_file()


def test_a_folder_that_cannot_be_written_is_named_without_a_login(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SCAFFOLD_STORE_FILES", f"{tmp_path}/file")
    with pytest.raises(StoreFilesError, match="files of the store cannot be used"):
        scaffold.register(abs, "churn")
    monkeypatch.setenv("SCAFFOLD_STORE_FILES", "nothing://me:hunter2@host/models")
    with pytest.raises(StoreFilesError, match="nothing://host/models") as caught:
        scaffold.register(abs, "churn")
    assert "hunter2" not in str(caught.value)
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(StoreFilesError, match="fsspec is not installed: pip install fsspec"):
        scaffold.register(abs, "churn")
    assert open_store().find_model(Reference(name="churn")) is None


def test_a_service_is_made_and_followed_without_a_sample_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = fitted()
    scaffold.register(
        model, "churn", input=INPUT, output=model.predict_proba(INPUT), metrics={"auc": 0.87}, alias="staging"
    )
    target = tmp_path / "service"
    code, told = typed("new", "store:churn@staging", target, "--no-verify")
    assert code == 0, told
    record = json.loads((target / ".scaffold/record.json").read_text())
    assert record["spec"]["signature"]["call"]["method"] == "predict_proba"
    card = (target / "model/README.md").read_text()
    assert "auc=0.87" in card
    assert "store:churn/1" in card

    before = {path: path.read_bytes() for path in target.rglob("*") if path.is_file()}
    later = fitted(9.0)
    scaffold.register(later, "churn", input=INPUT, output=later.predict_proba(INPUT))
    assert typed("update", target)[0] == 0
    assert typed("update", target, "--exit-code")[0] == 3
    assert before == {path: path.read_bytes() for path in target.rglob("*") if path.is_file()}
    scaffold.register(later, "churn", version="2", alias="staging")
    code, told = typed("update", target, "--no-verify")
    assert code == 0, told
    record = json.loads((target / ".scaffold/record.json").read_text())
    assert record["spec"]["origin"]["version"] == "2"

    monkeypatch.setenv("SCAFFOLD_STORE", f"sqlite:///{tmp_path}/other.db")
    with pytest.raises(SourceNotFollowedError, match=r"no model 'churn'\.(.|\n)*--no-follow"):
        scaffold.update(target)


def test_a_sample_of_the_store_passes_the_gate() -> None:
    class Opens:
        def __reduce__(self) -> tuple[object, ...]:
            return os.system, ("true",)

    scaffold.register(abs, "churn", input=Opens())
    with pytest.raises(UntrustedCodeError, match=r"posix\.system"):
        scaffold.inspect("store:churn")


def test_a_file_is_copied_where_that_is_asked_for(store: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(fitted()))
    entry = scaffold.register(path, "churn", copy=True)
    path.unlink()
    assert (store / entry.file).is_file()
    assert find_model("store:churn").path.name == "model.pkl"


def test_a_model_of_a_source_is_registered_with_its_sample(store: Path, tmp_path: Path) -> None:
    first = scaffold.register(abs, "churn", input=[1.0], output=[1.0])
    copied = scaffold.register("store:churn", "other")
    assert (copied.location, copied.input, copied.output) == (first.location, first.input, first.output)
    given = scaffold.register("store:churn", "other", input=[2.0])
    assert given.input != first.input
    assert given.output == ""


def test_a_location_in_a_database_leads_in_no_circle(tmp_path: Path) -> None:
    entry = scaffold.register(abs, "churn", input=[1.0])
    circle = dataclasses.replace(entry, name="circle", location="store:circle", aliases=())
    open_store().register_model(circle)
    with pytest.raises(ModelMovedError, match="looked at: store:circle"):
        find_model("store:circle")


def test_the_libraries_of_a_model_in_memory_make_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = scaffold.register(fitted(), "churn", input=INPUT)
    versions = {line.partition("==")[0]: line.partition("==")[2] for line in entry.run.requirements}
    assert {"scikit-learn", "pandas", "numpy"} <= versions.keys()
    assert versions["pandas"] == pd.__version__
    declared = find_model("store:churn").declared
    assert declared.requirements == entry.run.requirements
    assert declared.python == f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.mark.parametrize(
    "text", ["no JSON", '{"a": 1}', '["-e .", "x @ https://host/x.whl", 5, "--index-url=x==1"]']
)
def test_requirements_in_a_database_are_names_with_versions(tmp_path: Path, text: str) -> None:
    scaffold.register(abs, "churn", input=[1.0])
    with sqlalchemy.create_engine(f"sqlite:///{tmp_path}/store.db").begin() as connection:
        written = sqlalchemy.text("UPDATE runs SET requirements = :text, python = '--evil'")
        connection.execute(written, {"text": text})
    declared = find_model("store:churn").declared
    assert (declared.requirements, declared.python) == ((), "")


def test_a_file_is_registered_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(fitted()))
    INPUT.to_csv(tmp_path / "rows.csv", index=False)
    facts = ["--metric", "auc=0.87", "--param", "formula=y~x=1", "--param", "C=3"]
    files = ["--input", str(tmp_path / "rows.csv"), "--data", str(tmp_path / "rows.csv")]
    words = ["register", str(tmp_path / "model.pkl"), "--name", "churn"]
    words += [*files, *facts, "--alias", "staging"]
    code, told = typed(*words, "--json")
    assert code == 0, told
    entry = json.loads(told)
    assert (entry["version"], entry["aliases"]) == ("1", ["staging"])
    assert entry["run"]["params"] == {"formula": "y~x=1", "C": 3}
    assert entry["run"]["data"]["rows"] == 4
    assert typed(*words[:4])[1].startswith("store:churn/2  ")


@pytest.mark.parametrize(
    ("words", "message"), [(["--metric", "auc"], "--metric auc names no metric and number")]
)
def test_a_fact_without_a_value_is_refused(words: list[str], message: str) -> None:
    with pytest.raises(NotAnAssignmentError, match=message):
        CliRunner().invoke(app, ["register", "m", "--name", "churn", *words], catch_exceptions=False)
