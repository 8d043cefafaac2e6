"""The scripts of the pipelines are run: with programs that only take notes, and as they are."""

from __future__ import annotations

import json
import math
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import scaffold
from scaffold.base.git import revision
from tests.deploy._fake_api import running
from tests.deploy._fake_pods import FakeCluster
from tests.pipelines._rendered import ALL, FILES, INSTALL, pipelines_of, render, scripts_of

NIGHTLY = {
    "github": {"GITHUB_EVENT_NAME": "schedule"},
    "azure": {"BUILD_REASON": "Schedule"},
    "gitlab": {"CI_PIPELINE_SOURCE": "schedule"},
    "gocd": {"GO_TRIGGER_USER": "timer"},
    "jenkins": {"NIGHTLY": "true"},
}
"""What each system sets in a run that the timer started."""
BY_HAND = {
    "github": {"GITHUB_EVENT_NAME": "workflow_dispatch"},
    "azure": {"BUILD_REASON": "Manual"},
    "gitlab": {"CI_PIPELINE_SOURCE": "web"},
    "gocd": {"GO_TRIGGER_USER": "ada"},
    "jenkins": {},
}


def run(script: str, folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a script in a folder, with the programs of this environment in place of those that it installs."""
    assert INSTALL in script
    command = ["bash", "--noprofile", "--norc", "-c", script.replace(INSTALL, "set -eu\n")]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **environment}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    made = pipelines_of(render(tmp_path_factory.mktemp("rendered"), ci=ALL))
    return {system: scripts_of(system, text) for system, text in made.items()}


def noted(script: str, folder: Path, environment: Mapping[str, str], update: int) -> tuple[int, list[str]]:
    """Return the exit status of a script, and its commands, where `scaffold update` exits with `update`."""
    programs, notes = folder / "bin", folder / "notes"
    programs.mkdir()
    for name in ("scaffold", "git", "uv"):
        exits = f'case "$1" in update) exit {update};; esac' if name == "scaffold" else ""
        (programs / name).write_text(f'#!/bin/sh\necho "{name} $1" >> "{notes}"\n{exits}\n')
        (programs / name).chmod(0o755)
    outputs = {"REGISTRY": "registry", "GITHUB_OUTPUT": str(folder / "output")}
    paths = {"PATH": f"{programs}:{os.environ['PATH']}"}
    (folder / ".venv").mkdir(exist_ok=True)
    command = ["bash", "-c", script.replace(INSTALL, "set -eu\n").replace("mkdir .venv", "true")]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **outputs, **paths, **environment},
        capture_output=True,
        text=True,
    )
    return done.returncode, notes.read_text().splitlines()


@pytest.mark.parametrize("system", FILES)
def test_a_nightly_run_ends_where_there_is_nothing_new(
    system: str, scripts: dict[str, list[str]], tmp_path: Path
) -> None:
    assert noted(scripts[system][0], tmp_path, NIGHTLY[system], 3) == (0, ["scaffold update"])


@pytest.mark.parametrize("system", FILES)
def test_other_runs_go_on_and_push_last(system: str, scripts: dict[str, list[str]], tmp_path: Path) -> None:
    wanted = ["scaffold update", "scaffold verify", "git add", "git diff", "uv run"]
    wanted += ["scaffold deploy", "scaffold verify", "scaffold test", "git push"]
    assert noted(scripts[system][0], tmp_path, BY_HAND[system], 3) == (0, wanted)


@pytest.mark.parametrize("status", [1, 2, 4])
def test_an_update_that_fails_or_breaks_callers_ends_the_run(
    status: int, scripts: dict[str, list[str]], tmp_path: Path
) -> None:
    assert noted(scripts["gitlab"][0], tmp_path, NIGHTLY["gitlab"], status) == (status, ["scaffold update"])


class Service(FakeCluster):
    """Pods of a model that is e to the power of its input."""

    def answer(self, image: str, path: str, body: Any) -> Any:
        if path.endswith("/readyz"):
            return {"status": "ready"}
        answers = [
            {"prediction": math.exp(one["data"])} for one in (body if isinstance(body, list) else [body])
        ]
        return answers if isinstance(body, list) else answers[0]


@dataclass
class Lab:
    """A project in a git repository, a store of models, a registry and a cluster."""

    folder: Path
    cluster: FakeCluster
    environment: dict[str, str]
    jobs: int = 0

    @property
    def origin(self) -> Path:
        return self.folder / "origin.git"

    @property
    def main(self) -> str:
        """The commit of `main`."""
        return git(self.origin, "rev-parse", "main").strip()

    def job(self, script: str, commit: str) -> tuple[Path, str]:
        """Run a job of a nightly run for `commit`, checked out as GitHub's action does.

        Return the checkout, and what the job outputs.
        """
        self.jobs += 1
        root = self.folder / f"job-{self.jobs}"
        root.mkdir()
        git(root, "init", "--quiet")
        git(root, "remote", "add", "origin", self.origin.as_uri())
        git(root, "fetch", "--quiet", "--depth=1", "origin", commit)
        git(root, "checkout", "--quiet", "--detach", commit)
        output = self.folder / f"output-{self.jobs}"
        output.touch()
        environment = {**self.environment, **NIGHTLY["github"], "GITHUB_OUTPUT": str(output)}
        # The pods of the mock answer the recorded sample alone: tests/proof/test_live.py runs this command.
        done = run(script.replace("scaffold test ", ": scaffold test "), root, environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return root, output.read_text()

    def image_at(self, target: str) -> str:
        [deployment] = [
            one
            for one in self.cluster.api.all("Deployment")
            if one["metadata"]["namespace"] == f"exponential-{target}"
        ]
        return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])


def git(root: Path, *words: str) -> str:
    identity = ("-c", "user.name=ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *identity, *words], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    registry, base = (os.environ.get(f"SCAFFOLD_TEST_{name}", "") for name in ("REGISTRY", "BASE"))
    if not (registry and base):
        reason = "no registry: . DIR/env after tests/image/engine.sh start DIR"
        if os.environ.get("SCAFFOLD_REQUIRE_DOCKER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    monkeypatch.setenv("SCAFFOLD_STORE", f"sqlite:///{tmp_path}/store.db")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_CACHE_DIR", os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache/uv")))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    register(tmp_path, math.sqrt, "1.0.0")
    root = tmp_path / "exponential"
    scaffold.new(
        "store:curve",
        [0.25, 1.0, 4.0],
        target=root,
        verify=False,
        answers={"ci": "github", "base_image": base},
    )
    # The store has no samples: the owner adds one.
    (root / "sample.json").write_text("[0.25, 1.0, 4.0]")
    workflow = root / FILES["github"]
    line = "scaffold update . --exit-code"
    workflow.write_text(workflow.read_text().replace(line, f"{line} --input sample.json"))
    git(tmp_path, "init", "--quiet", "--bare", "origin.git")
    for words in ("init --quiet", "add --all", "commit --quiet -m Begin", "push --quiet ../origin.git main"):
        git(root, *words.split())
    with Service().running() as cluster, running(cluster.api) as kubeconfig:
        environment = {
            "KUBECONFIG": kubeconfig,
            "REGISTRY": f"{registry}/team",
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_REPOSITORY": "team/exponential",
            "GITHUB_RUN_ID": "17",
        }
        yield Lab(tmp_path, cluster, environment)


def register(folder: Path, model: Any, version: str) -> None:
    path = folder / f"{version}.pkl"
    path.write_bytes(pickle.dumps(model))
    scaffold.register(path, name="curve", version=version)


@pytest.mark.docker
def test_the_steps_take_a_new_model_from_its_source_to_production(lab: Lab) -> None:
    """GitHub's, in order, with a real registry; the cluster is the mock."""
    begun = lab.main
    workflow = (lab.folder / "exponential" / FILES["github"]).read_text()
    staging, production = scripts_of("github", workflow)

    _, output = lab.job(staging, begun)
    assert (output, lab.main, lab.cluster.api.objects) == ("", begun, {})

    register(lab.folder, math.exp, "2.0.0")
    root, output = lab.job(staging, begun)
    assert output == "deployed=true\n"
    assert git(lab.origin, "log", "--format=%s", "main").splitlines() == [
        "Update the service [skip ci]",
        "Begin",
    ]
    assert revision(root) == lab.main
    suite = next(ElementTree.parse(root / ".venv/tests.xml").iter("testsuite"))
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0")
    assert int(suite.get("tests", "0")) > 10
    image = lab.image_at("staging")
    assert image.startswith(f"{lab.environment['REGISTRY']}/exponential@sha256:")
    # The owner's edit of the pipeline is still there.
    assert git(lab.origin, "show", f"main:{FILES['github']}") == workflow

    promoted, _ = lab.job(production, begun)
    assert revision(promoted) == lab.main
    assert lab.image_at("production") == image
    status = scaffold.status(
        root,
        target="production",
        access=scaffold.ClusterAccess(kubeconfig=lab.environment["KUBECONFIG"]),
    )
    assert (status.live, status.release and status.release.reason) == (
        "passed",
        "https://github.example/team/exponential/actions/runs/17",
    )
    assert status.release
    assert (status.release.proof, status.release.git_revision) == ("passed", revision(root))
    assert json.loads((root / ".scaffold/record.json").read_text())["spec"]["version"] == "1.0.1"

    assert lab.job(staging, lab.main)[1] == ""
