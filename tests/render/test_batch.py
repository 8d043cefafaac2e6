"""The answer `batch`: which files a project has, and that the others stay as they are."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from scaffold.errors import InvalidAnswerError
from scaffold.introspect import infer_signature
from scaffold.render import read_answers, render_project
from scaffold.render._batch import batch_files
from scaffold.render._values import project_values
from scaffold.spec import Profile, ProjectSpec
from tests.deploy._specs import project_spec

ROOT = Path(__file__).parents[2]
HADOLINT = Path(sys.executable).parent / "hadolint"
FRAME = pd.DataFrame({"number": [1, 2], "name": ["a", None]})


def double(frame: pd.DataFrame) -> Any:
    return np.asarray(frame["number"]) * 2.0


def spec_with(profile: Profile = Profile.FAST, **answers: Any) -> ProjectSpec:
    signature = infer_signature(double, FRAME, None).signature
    return dataclasses.replace(project_spec(), signature=signature, answers=answers, profile=profile)


def files_with(profile: Profile = Profile.FAST, **answers: Any) -> dict[str, bytes]:
    spec = spec_with(profile, **answers)
    return batch_files(spec, project_values(spec), {"app/schemas.py": "a", "app/convert.py": "b"})


def test_without_the_answer_there_is_nothing() -> None:
    assert files_with() == files_with(batch="none") == {}


@pytest.mark.parametrize(
    ("answer", "engines"),
    [("local", []), ("ray", ["ray"]), ("local,spark", ["spark"]), (["ray", "spark"], ["ray", "spark"])],
)
def test_each_engine_has_one_file(answer: object, engines: list[str]) -> None:
    names = [Path(path).name for path in files_with(batch=answer)]
    assert [name for name in names if name.startswith("on_")] == [f"on_{engine}.py" for engine in engines]
    assert ("engine.py" in names) is bool(engines)
    assert {"__main__.py", "columns.py", "requirements.txt", "test_batch.py"} <= {*names}


def test_the_profiles_differ_in_how_json_is_read() -> None:
    fast, plain = files_with(batch="local"), files_with(Profile.PLAIN, batch="local")
    assert {path for path in fast if fast[path] != plain[path]} == {"batch/record.py"}
    assert b"strict_json" not in plain["batch/record.py"]


@pytest.mark.parametrize(
    "answers",
    [
        {"batch": "flink"},
        {"batch_manifests": "job"},
        {"batch": "local", "batch_manifests": "argo"},
        {"batch": "local", "batch_manifests": "rayjob"},
        {"batch": "ray", "batch_manifests": "job,sparkapplication"},
    ],
)
def test_what_there_is_not_is_refused(answers: dict[str, Any]) -> None:
    with pytest.raises(InvalidAnswerError):
        read_answers(answers)


def test_manifests_fit_the_schema_of_kubernetes(tmp_path: Path) -> None:
    """The schemas of `RayJob` and `SparkApplication` are too large to have here; pods are as everywhere."""
    files = files_with(batch="local,ray", batch_manifests="job,cronjob,rayjob")
    documents = [yaml.safe_load(files[f"batch/deploy/{name}.yaml"]) for name in ("job", "cronjob", "rayjob")]
    cluster = documents.pop()["spec"]["rayClusterSpec"]
    groups = (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}
    documents += [{**pod, **group["template"]} for group in groups]
    for number, document in enumerate(documents):
        path = tmp_path / f"{number}.yaml"
        path.write_text(yaml.safe_dump(document))
        command = [sys.executable, "-m", "kubernetes_validate", "--strict", str(path)]
        ended = subprocess.run(command, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("manifests", "names"),
    [
        ("job,cronjob", {"Dockerfile", "job.yaml", "cronjob.yaml"}),
        ("rayjob", {"Dockerfile", "rayjob.yaml"}),
        ("sparkapplication", {"Dockerfile", "Dockerfile.spark", "spark.sh", "sparkapplication.yaml"}),
    ],
)
def test_a_manifest_comes_with_the_files_of_its_image(
    manifests: str, names: set[str], tmp_path: Path
) -> None:
    files = files_with(batch="ray,spark", batch_manifests=manifests)
    deploy = {Path(path).name: files[path] for path in files if path.startswith("batch/deploy/")}
    assert {*deploy} == names
    for name in names:
        if name.startswith("Dockerfile"):
            (tmp_path / name).write_bytes(deploy[name])
            ended = subprocess.run([HADOLINT, tmp_path / name], capture_output=True, text=True)
            assert ended.returncode == 0, ended.stdout + ended.stderr
    if "spark.sh" in names:
        subprocess.run(["bash", "-n"], input=deploy["spark.sh"], check=True)


def test_only_the_readme_and_the_call_of_the_model_change_besides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model.pkl").touch()  # the spec names it
    trees: dict[str, Any] = {}
    tried: dict[str, dict[str, Any]] = {"without": {}, "with": {"batch": "local"}}
    for name, answers in tried.items():
        root = tmp_path / name
        root.mkdir()
        trees[name] = dict(render_project(spec_with(**answers), root).files)
    without, having = trees["without"], trees["with"]
    changed = {path for path in without if without[path] != having[path]}
    assert changed == {"README.md", "app/score.py"}
    added = {path for path in having if path not in without}
    assert all(path.startswith("batch/") or path == "tests/test_batch.py" for path in added)
    score = (tmp_path / "with/app/score.py").read_text()
    assert "    return from_model(predict(to_model(records)))\n" in score
