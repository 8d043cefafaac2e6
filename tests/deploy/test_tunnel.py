"""A target is reached at a URL, also where the cluster gives it no address."""

from __future__ import annotations

import contextlib
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

import scaffold
from scaffold.base.client import Client
from scaffold.cluster import reach_target
from scaffold.cluster._forward import Forward
from scaffold.errors import NotDeployedError, ServiceFailedError
from scaffold.proof import LiveRun
from scaffold.spec import SCORE_PROTOCOL, LiveTests
from scaffold.verbs import test as verb
from tests.deploy._deploys import QUICK, Deploys


def score(url: str, value: float) -> object:
    with contextlib.closing(Client(url)) as client:
        first, again = client.score({"data": value}), client.score({"data": value})
        assert first.body == again.body
        return first.body


def test_a_forward_of_another_protocol_is_a_forward() -> None:
    forward = Forward("http://churn", Mock(), "default", Mock(), headers={"a": "b"})
    other = forward.speaking(replace(SCORE_PROTOCOL, ready="/ready"))
    assert (type(other), other.headers, other.protocol.ready) == (Forward, {"a": "b"}, "/ready")


def test_a_target_without_an_address_is_reached_through_a_port_of_this_machine(deploys: Deploys) -> None:
    deploys.deploy(1)
    with reach_target(deploys.project, target="staging", access=deploys.access, pace=QUICK) as url:
        assert url.startswith("http://127.0.0.1:")
        with ThreadPoolExecutor(8) as callers:
            answers = list(callers.map(score, [url] * 16, range(16)))
        assert answers == [{"prediction": 2.0 * value} for value in range(16)]
    with pytest.raises(ServiceFailedError):
        score(url, 1.0)


def test_the_url_has_the_prefix_of_the_routes(deploys: Deploys) -> None:
    path = deploys.project / "deploy/base/deployment.yaml"
    path.write_text(path.read_text().replace("path: /readyz", "path: /models/churn/readyz"))
    deploys.deploy(1)
    with reach_target(deploys.project, target="staging", access=deploys.access, pace=QUICK) as url:
        assert url.endswith("/models/churn")
        assert score(url, 2.0) == {"prediction": 4.0}


def test_the_tests_of_a_project_ask_a_target(deploys: Deploys, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address that they get works while they run. The pods of the fake cluster answer numbers alone."""
    deploys.deploy(1)
    runs: list[LiveRun] = []

    def run_tests(run: LiveRun, *_: object) -> LiveTests:
        assert score(run.url, 3.0) == {"prediction": 6.0}
        runs.append(run)
        return LiveTests(url=run.url, suites=())

    monkeypatch.setattr(verb, "_project_with_tests", lambda project: project)  # this one has manifests only
    monkeypatch.setattr(verb, "_run", run_tests)
    monkeypatch.setattr("scaffold.environments.install_tools", lambda _: Path(sys.executable))
    found = scaffold.test(deploys.project, target="staging", access=deploys.access)
    assert (found.url, runs[0].root) == (runs[0].url, deploys.project)
    with pytest.raises(NotDeployedError):
        scaffold.test(deploys.project, target="production", access=deploys.access)


def test_a_target_where_nothing_runs_is_not_reached(deploys: Deploys) -> None:
    with (
        pytest.raises(NotDeployedError),
        reach_target(deploys.project, target="staging", access=deploys.access, pace=QUICK),
    ):
        pass
