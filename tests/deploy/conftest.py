"""A project with two targets, a cluster, and its kubeconfig."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from scaffold.cluster import _lock
from scaffold.render._deploy import deploy_files
from tests.deploy._deploys import MEASURED, Deploys
from tests.deploy._fake_api import running
from tests.deploy._fake_pods import FakeCluster
from tests.deploy._specs import project_spec


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The deploy/ folder and the recording of a project, which are all that a deploy reads."""
    root = tmp_path / "titanic"
    for path, text in deploy_files(project_spec(), MEASURED).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text)
    recorded = {
        "requests": [{"data": 1.5}, {"data": 2}],
        "answers": [{"prediction": 3.0}, {"prediction": 4.0}],
    }
    (root / "tests").mkdir()
    (root / "tests" / "recorded.json").write_text(json.dumps(recorded))
    return root


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    with FakeCluster().running() as fake:
        yield fake


@pytest.fixture
def deploys(project: Path, cluster: FakeCluster) -> Iterator[Deploys]:
    """The cluster verbs with the fake cluster."""
    with running(cluster.api) as kubeconfig:
        yield Deploys(project=project, cluster=cluster, kubeconfig=kubeconfig)


@pytest.fixture(autouse=True)
def short_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """An expired lock is watched for a moment only."""
    monkeypatch.setattr(_lock, "WATCH_S", 0.2)
