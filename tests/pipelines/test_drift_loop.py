"""Drift starts a training, and the new model is deployed, by the scheduled jobs of docs/drift.md."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

import scaffold
from scaffold.base.client import Client, wait_until_ready
from scaffold.base.files import sha256_file
from scaffold.cli._app import app
from scaffold.spec import Recording
from scaffold.store import open_store
from tests.deploy._deploys import QUICK
from tests.deploy._fake_api import running
from tests.deploy._fake_pods import FakeCluster
from tests.image._fake_registry import FakeRegistry, serving_registry
from tests.image._projects import put_base
from tests.serving._toy import free_port

DOCS = Path(__file__).parents[2] / "docs" / "drift.md"
LINE = '''
class Line:
    """A straight line."""

    def __init__(self, slope, intercept):
        self.slope, self.intercept = slope, intercept

    def predict(self, x):
        return self.slope * x + self.intercept
'''
TRAIN = """
import json, pickle, sys
import scaffold
from line import Line

xs, version = json.loads(sys.argv[1]), sys.argv[2]
ys = [x * x / 10 for x in xs]
x, y = sum(xs) / len(xs), sum(ys) / len(ys)
slope = sum((a - x) * (b - y) for a, b in zip(xs, ys)) / sum((a - x) ** 2 for a in xs)
model = Line(slope, y - slope * x)
with open("model.pkl", "wb") as file:
    pickle.dump(model, file)
scaffold.register("model.pkl", name="line", version=version, input=xs, output=[model.predict(a) for a in xs])
"""


def scheduled_script(system: str) -> str:
    """Return the script of a job in the documentation, without the installation."""
    blocks = map(textwrap.dedent, re.findall(r"```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL))
    [job] = [yaml.safe_load(block) for block in blocks if f"{system} " in block]
    steps = job["jobs"]["drift"]["steps"] if "jobs" in job else job["steps"]
    [script] = [step[key] for step in steps for key in ("run", "bash") if key in step]
    install, _, script = script.partition("\n")
    assert install.startswith("pip install")
    return str(script)


def run(script: str, folder: Path, programs: Path, source: str) -> subprocess.CompletedProcess[str]:
    path = f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PROMETHEUS": source}
    command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def write_program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(("system", "command"), [("gh", "gh workflow run"), ("az", "az pipelines run")])
@pytest.mark.parametrize(
    ("status", "exits", "starts"), [(0, 0, False), (5, 0, True), (6, 0, False), (1, 1, False)]
)
def test_a_scheduled_job_starts_the_training_for_drift_alone(
    system: str, command: str, status: int, exits: int, starts: bool, tmp_path: Path
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, then in (("scaffold", f"exit {status}"), ("gh", ""), ("az", "")):
        write_program(programs / name, f'echo "{name} $*" >> "{tmp_path}/notes"\n{then}')
    done = run(scheduled_script(system), tmp_path, programs, "prometheus:http://host")
    notes = (tmp_path / "notes").read_text().splitlines()
    assert done.returncode == exits
    assert notes[0].startswith("scaffold drift . --from prometheus:http://host --since 7d")
    assert [note.startswith(command) for note in notes[1:]] == ([True] if starts else [])


class Service(FakeCluster):
    """Pods that know the recorded answers of a project."""

    def __init__(self, recording: Recording) -> None:
        super().__init__()
        pairs = zip(recording.requests, recording.answers, strict=True)
        self.answers = {json.dumps(request): answer for request, answer in pairs}

    def answer(self, image: str, path: str, body: Any) -> Any:
        if path.endswith("/readyz"):
            return {"status": "ready"}
        if isinstance(body, list):
            return [self.answers[json.dumps(record)] for record in body]
        return self.answers[json.dumps(body)]


@dataclass
class Loop:
    """A store of models, and a project that follows it."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "service"

    def train(self, xs: Sequence[float], version: str) -> None:
        command = [sys.executable, "train.py", json.dumps(xs), version]
        subprocess.run(command, cwd=self.folder, check=True)

    @contextmanager
    def serving(self, log: Path) -> Iterator[Client]:
        """Run the service with its log of predictions."""
        port = free_port()
        variables = {"PORT": str(port), "LOG_PREDICTIONS": "1", "LOG_PREDICTIONS_TO": str(log)}
        command = [sys.executable, "-m", "app"]
        with subprocess.Popen(command, cwd=self.root, env={**os.environ, **variables}) as process:
            try:
                with closing(Client(f"http://127.0.0.1:{port}")) as client:
                    assert wait_until_ready(client, timeout_s=60, poll_s=0.1).is_ready
                    yield client
            finally:
                process.terminate()


@pytest.fixture
def loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loop:
    monkeypatch.setenv("SCAFFOLD_STORE", f"sqlite:///{tmp_path}/store.db")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    (tmp_path / "line.py").write_text(LINE)
    (tmp_path / "train.py").write_text(TRAIN)
    made = Loop(tmp_path)
    made.train(numbers(0, 10, 300), "1.0.0")
    monkeypatch.chdir(tmp_path)
    scaffold.new("store:line", target=made.root, answers={"drift": True}, verify=False)
    return made


def numbers(low: float, high: float, count: int) -> list[float]:
    rng = random.Random(f"{low} {high} {count}")
    return [round(rng.uniform(low, high), 3) for _ in range(count)]


def drift_of(root: Path, log: Path) -> int:
    return CliRunner().invoke(app, ["drift", str(root), "--from", str(log), "--exit-code"]).exit_code


@pytest.mark.slow
def test_drifted_requests_end_in_a_new_version_at_staging(loop: Loop) -> None:
    """The service and its log, the training, the update with its proof and the registry are real."""
    good, bad = loop.folder / "good.jsonl", loop.folder / "bad.jsonl"
    for log, low, high in ((good, 0, 10), (bad, 6, 18)):
        with loop.serving(log) as client:
            for x in numbers(low, high, 150):
                assert client.score({"data": x}).status == 200
    assert (drift_of(loop.root, good), drift_of(loop.root, bad)) == (0, 5)

    programs = loop.folder / "bin"
    programs.mkdir()
    train = f"cd '{loop.folder}' && '{sys.executable}' train.py '{json.dumps(numbers(6, 18, 300))}' 2.0.0"
    write_program(programs / "gh", f'test "$*" = "workflow run train.yml" && {train}')
    for log, versions in ((good, ["1.0.0"]), (bad, ["2.0.0", "1.0.0"])):
        done = run(scheduled_script("gh"), loop.root, programs, str(log))
        assert done.returncode == 0, done.stdout + done.stderr
        assert [model.version for model in scaffold.models("line")] == versions
    assert "Drift of service" in (loop.root / "drift.html").read_text()
    (loop.root / "drift.html").unlink()

    updated = CliRunner().invoke(app, ["update", str(loop.root), "--exit-code"])
    assert updated.exit_code == 0, updated.output
    project = scaffold.Project.open(loop.root)
    assert project.verification is not None
    assert project.verification.passed
    assert drift_of(loop.root, bad) == 6  # the new model has had no request
    with loop.serving(bad) as client:
        for x in numbers(6, 18, 150):
            assert client.score({"data": x}).status == 200
    assert drift_of(loop.root, bad) == 0

    cluster = Service(project.recording)
    with (
        cluster.running(),
        running(cluster.api) as kubeconfig,
        serving_registry(FakeRegistry()) as registry,
    ):
        access = scaffold.ClusterAccess(kubeconfig=kubeconfig)
        scaffold.deploy(
            loop.root,
            target="staging",
            registry=f"{registry.address}/team",
            builder="layers",
            base=put_base(registry),
            platforms=("linux/amd64",),
            check=False,
            access=access,
            pace=QUICK,
        )
        status = scaffold.status(loop.root, target="staging", access=access)
    assert status.release is not None
    assert (status.live, status.release.proof) == ("passed", "passed")
    assert status.release.model_sha256 == sha256_file(loop.folder / "model.pkl")
    recorded = open_store().history("service")[0]
    assert (recorded.action, recorded.deployment.image) == ("deploy", status.image)
