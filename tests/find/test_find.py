"""Sources of a model: a path, a URL, an MLflow folder, a file of DVC."""

from __future__ import annotations

import pickle
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import fsspec
import pytest

import scaffold
from scaffold.base.process import Finished
from scaffold.errors import CommandError, ModelNotFetchedError
from scaffold.find import SOURCES, FoundModel, Source, find_model
from scaffold.find.dvc import DvcSource


def test_a_path_is_returned_unchanged(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").touch()
    assert find_model(str(tmp_path / "model.pkl")).path == tmp_path / "model.pkl"
    assert find_model(f"file://{tmp_path}/model.pkl").path == tmp_path / "model.pkl"
    assert find_model("C:model.pkl").path == Path("C:model.pkl")


def test_a_url_is_fetched_under_its_own_name() -> None:
    with fsspec.open("memory://models/churn.pkl", "wb") as file:
        file.write(b"content")
    path = find_model("memory://models/churn.pkl").path
    assert path.name == "churn.pkl"
    assert path.read_bytes() == b"content"


def test_a_url_that_leads_nowhere_is_named() -> None:
    with pytest.raises(ModelNotFetchedError, match=r"memory://models/none\.pkl cannot be fetched: "):
        find_model("memory://models/none.pkl")


def test_a_missing_filesystem_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(ModelNotFetchedError) as caught:
        find_model("gs://bucket/model.pkl")
    assert str(caught.value) == (
        "gs://bucket/model.pkl cannot be fetched: gs:// needs gcsfs.\n  pip install gcsfs"
    )


def test_what_fsspec_says_of_a_package_is_told() -> None:
    """The scheme is not the package: `webdav://` needs webdav4."""
    with pytest.raises(ModelNotFetchedError) as caught:
        find_model("webdav://host/model.pkl")
    assert "webdav4" in str(caught.value)
    assert "pip install webdav\n" not in f"{caught.value}\n"


def test_a_missing_mlflow_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(ModelNotFetchedError) as caught:
        find_model("models:/churn/3")
    assert str(caught.value) == (
        "models:/churn/3 cannot be fetched: "
        "MLFLOW_TRACKING_URI names no server, and mlflow is not installed.\n"
        "  export MLFLOW_TRACKING_URI=https://...  # for another store: pip install mlflow"
    )


def test_an_mlflow_folder_leads_to_its_model_file(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text(
        "flavors:\n  python_function:\n    model_path: model.pkl\n  sklearn:\n    pickled_model: model.pkl\n"
    )
    (tmp_path / "model.pkl").touch()
    assert find_model(str(tmp_path)).path == tmp_path / "model.pkl"


@pytest.mark.parametrize(
    "description",
    ["", "flavors: [", "flavors:\n  sklearn: 3\n", "- 1\n", "flavors:\n  a:\n    path: gone.pkl\n"],
)
def test_a_model_file_is_found_by_its_name_where_the_description_names_none(
    tmp_path: Path, description: str
) -> None:
    (tmp_path / "MLmodel").write_text(description)
    (tmp_path / "model.joblib").touch()
    assert find_model(str(tmp_path)).path == tmp_path / "model.joblib"


def test_a_folder_without_a_model_stays_a_folder(tmp_path: Path) -> None:
    assert find_model(str(tmp_path)).path == tmp_path


def pulled(path: Path, commands: list[tuple[str, ...]]) -> object:
    def run(
        command: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        input: str | None = None,
        timeout_s: float | None = None,
    ) -> Finished:
        commands.append(tuple(command))
        path.touch()
        return Finished(stdout="", stderr="")

    return run


def test_a_file_of_dvc_is_pulled(tmp_path: Path) -> None:
    pointer = tmp_path / "model.pkl.dvc"
    pointer.write_text("outs:\n- path: model.pkl\n  md5: 0123456789abcdef\n")
    commands: list[tuple[str, ...]] = []
    source = DvcSource(run=pulled(tmp_path / "model.pkl", commands))  # type: ignore[arg-type]
    for written in (str(pointer), str(tmp_path / "model.pkl")):
        assert source.recognises(written)
        found = source.fetch(written)
        assert found.path == tmp_path / "model.pkl"
        assert found.origin is not None
        assert found.origin.version == "0123456789abcdef"
        assert found.origin.uri == ""
    assert [command for command in commands if command[0] == "dvc"] == [("dvc", "pull", "model.pkl.dvc")]


LOCK = """
schema: '2.0'
stages:
  prepare:
    cmd: python prepare.py
    outs:
    - path: data
  train:
    cmd: python train.py
    params:
      params.yaml:
        train.C: 0.5
    outs:
    - path: metrics.json
      md5: aaaa
    - path: models/model.pkl
      md5: 0123456789abcdef
"""


def test_a_file_that_a_stage_of_dvc_makes_is_pulled_and_has_its_parameters_and_metrics(
    tmp_path: Path,
) -> None:
    (tmp_path / "dvc.lock").write_text(LOCK)
    (tmp_path / "metrics.json").write_text('{"auc": 0.9, "classes": ["a"]}')
    (tmp_path / "models").mkdir()
    path, commands = tmp_path / "models/model.pkl", list[tuple[str, ...]]()
    source = DvcSource(run=pulled(path, commands))  # type: ignore[arg-type]
    assert source.recognises(str(path))
    assert not source.recognises(str(tmp_path / "models/another.pkl"))
    origin = source.fetch(str(path)).origin
    assert ("dvc", "pull", "models/model.pkl") in commands
    assert origin is not None
    assert (origin.version, origin.params) == ("0123456789abcdef", (("train.C", "0.5"),))
    assert origin.metrics == (("auc", "0.9"),)


@pytest.mark.parametrize(
    "stages",
    [
        "stages:\n  train:\n    wdir: models\n",
        "stages:\n  train:\n    foreach: [a]\n    do:\n      wdir: ./models\n",
    ],
)
def test_a_stage_with_a_folder_of_its_own_names_its_files_from_there(tmp_path: Path, stages: str) -> None:
    name = "train@a" if "foreach" in stages else "train"
    (tmp_path / "dvc.yaml").write_text(stages)
    lock = LOCK.replace("  train:", f"  {name}:").replace("path: models/model.pkl", "path: model.pkl")
    (tmp_path / "dvc.lock").write_text(lock)
    (tmp_path / "models").mkdir()
    (tmp_path / "models/metrics.json").write_text('{"auc": 0.9}')
    path, commands = tmp_path / "models/model.pkl", list[tuple[str, ...]]()
    source = DvcSource(run=pulled(path, commands))  # type: ignore[arg-type]
    assert source.recognises(str(path))
    assert not source.recognises(str(tmp_path / "model.pkl"))
    origin = source.fetch(str(path)).origin
    assert ("dvc", "pull", "models/model.pkl") in commands
    assert origin is not None
    assert origin.metrics == (("auc", "0.9"),)


@pytest.mark.parametrize(
    "text", ["", "stages: [", "stages: 3", "stages:\n  train:\n    outs: {path: 3}\n", "- 1"]
)
def test_a_lock_of_dvc_that_says_nothing_is_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "dvc.lock").write_text(text)
    assert not DvcSource().recognises(str(tmp_path / "model.pkl"))


def test_a_login_that_adlfs_lacks_names_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(url: str) -> object:
        raise ValueError("Must provide either a connection_string or account_name with credentials!!")

    monkeypatch.setattr("fsspec.core.url_to_fs", refuse)
    with pytest.raises(ModelNotFetchedError, match="reads the credentials from AZURE_STORAGE_CONNECTION_"):
        find_model("az://models/model.pkl")


@pytest.mark.parametrize(
    ("url", "key", "told"),
    [
        ("s3://bucket/model.pkl", "", True),
        ("s3://bucket/model.pkl", "a key", False),
        ("gs://bucket/model.pkl", "a key", True),
    ],
)
def test_a_login_that_is_waited_for_names_its_variables(
    monkeypatch: pytest.MonkeyPatch, url: str, key: str, told: bool
) -> None:
    """Without a key some libraries ask a server of the cloud; gcsfs tries a refused login again and again."""
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
    monkeypatch.setattr("scaffold.find.fsspec._ANSWER_S", 0.1)
    monkeypatch.setattr("fsspec.core.url_to_fs", lambda _: time.sleep(2))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", key)
    with pytest.raises(ModelNotFetchedError, match=r"no answer in 0\.1 s") as caught:
        find_model(url)
    assert ("reads the credentials from" in str(caught.value)) == told


@pytest.mark.parametrize(
    ("scheme", "package", "names"),
    [
        ("s3a", "s3fs", "AWS_PROFILE"),
        ("abfs", "adlfs", "AZURE_STORAGE_CONNECTION_STRING"),
        ("hf", "", "HF_TOKEN"),
    ],
)
def test_missing_credentials_are_named(
    scheme: str, package: str, names: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(url: str) -> object:
        raise PermissionError("Access Denied.")

    monkeypatch.setattr("fsspec.core.url_to_fs", refuse)
    with pytest.raises(ModelNotFetchedError, match=rf"Access Denied; {package}.* reads .*{names}") as caught:
        find_model(f"{scheme}://bucket/model.pkl")
    assert ".." not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (127, "{pointer} cannot be fetched: the command dvc is missing.\n  pip install dvc"),
        (1, "{pointer} cannot be fetched: no remote.\n  dvc pull {pointer}"),
    ],
)
def test_a_failed_pull_is_reported(tmp_path: Path, status: int, message: str) -> None:
    pointer = tmp_path / "model.pkl.dvc"
    pointer.touch()

    def run(command: Sequence[str], **_: object) -> Finished:
        raise CommandError(tuple(command), status, "trying\nERROR: no remote\nRead <https://dvc.org>.")

    with pytest.raises(ModelNotFetchedError) as caught:
        DvcSource(run=run).fetch(str(pointer))
    assert str(caught.value) == message.format(pointer=pointer)


class ShelfSource(Source):
    """Models in a folder of this process: `shelf:NAME`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def recognises(self, written: str) -> bool:
        return written.startswith("shelf:")

    def fetch(self, written: str) -> FoundModel:
        name = written.removeprefix("shelf:")
        return FoundModel(path=self._folder / f"{name}.pkl", provenance=f"shelf model {name}")


def test_a_source_is_added_by_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "magnitude.pkl").write_bytes(pickle.dumps(abs))
    monkeypatch.setattr("scaffold.find.SOURCES", (ShelfSource(tmp_path), *SOURCES))
    project = scaffold.new("shelf:magnitude", [-1.0, 2.0], [1.0, 2.0], tmp_path / "service", verify=False)
    assert project.spec.artifact.provenance == "shelf model magnitude"
    assert "shelf model magnitude" in (tmp_path / "service/model/README.md").read_text()


def test_the_last_source_takes_every_text() -> None:
    assert SOURCES[-1].recognises("")
