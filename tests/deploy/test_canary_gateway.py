"""A canary behind a gateway serves until the rollout is complete, and ends when no request goes to it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from scaffold.cluster import _canary_route
from scaffold.errors import CanaryFailedError, DeployError, ManifestError, RolloutFailedError
from scaffold.render._deploy import deploy_files
from tests.deploy._deploys import MEASURED, Deploys, image
from tests.deploy._fake_api import Manifest
from tests.deploy._specs import project_spec
from tests.deploy.test_canary import ANSWERS, PACE, of_canary, steps, weights
from tests.deploy.test_candidate import calling
from tests.deploy.test_service import ROUTE, add_route

ACCEPTED: Manifest = {"type": "Accepted", "status": "True"}
NOT_REACHED = "The service cannot be reached under its address"
"""The name of the route leads nowhere in these tests, so the deploys fail after the rollout."""
LAG_S = 0.5


@pytest.fixture(autouse=True)
def with_canary(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_canary_route, "_SETTLED_S", 0.1)
    for path, text in deploy_files(project_spec(ANSWERS), MEASURED).items():
        (project / path).write_bytes(text)


def deploy_first(deploys: Deploys) -> None:
    add_route(deploys, ROUTE, ACCEPTED)
    with pytest.raises(RolloutFailedError, match=NOT_REACHED):
        deploys.deploy(1, pace=PACE, roll_back=False)


def test_the_weights_go_back_when_the_rollout_is_complete(deploys: Deploys) -> None:
    deploy_first(deploys)
    deploys.cluster.pod_step_s = 0.01
    api, reconcile = deploys.cluster.api, deploys.cluster.api.after_write
    former_pods: list[int] = []

    def watch(written: Manifest) -> None:
        reconcile(written)
        if written["kind"] == "HTTPRoute" and weights(deploys) == [("titanic", 1)]:
            images = [pod["spec"]["containers"][0]["image"] for pod in api.all("Pod")]
            former_pods.append(images.count(image(1)))

    api.after_write = watch
    with pytest.raises(RolloutFailedError, match=NOT_REACHED):
        deploys.deploy(2, pace=PACE, roll_back=False)
    assert len(steps(deploys)) == 2
    assert former_pods == [0]
    assert of_canary(deploys) == []


def test_the_pods_of_a_failed_canary_stay_until_the_gateway_has_read_the_route(deploys: Deploys) -> None:
    deploy_first(deploys)
    api = deploys.cluster.api
    reconcile, delete = api.after_write, api.delete
    observed: list[int] = []
    at_the_end: list[tuple[int, int]] = []

    def observe(written: Manifest) -> None:
        """As a gateway does, some time after the write."""
        generation = written["metadata"]["generation"]
        condition = {**ACCEPTED, "observedGeneration": generation}
        with api.lock:
            api.find("HTTPRoute")["status"] = {"parents": [{"conditions": [condition]}]}
            observed.append(generation)

    def take_on(written: Manifest) -> None:
        reconcile(written)
        if written["kind"] == "HTTPRoute":
            stale = {**ACCEPTED, "observedGeneration": observed[-1] if observed else 1}
            written["status"] = {"parents": [{"conditions": [stale]}]}
            threading.Timer(LAG_S, observe, [written]).start()

    def remove(path: str, uid: str = "", version: str = "") -> Manifest:
        if path.endswith("services/titanic-canary"):
            generation = api.find("HTTPRoute")["metadata"]["generation"]
            at_the_end.append((observed[-1], generation))
        return delete(path, uid, version)

    api.after_write, api.delete = take_on, remove  # type: ignore[method-assign]
    deploys.cluster.failing[image(2)] = 1
    with calling(deploys), pytest.raises(CanaryFailedError):
        deploys.deploy(2, pace=PACE)
    assert weights(deploys) == [("titanic", 1)]
    [(read, written)] = at_the_end
    assert read == written > 2
    assert of_canary(deploys) == []


@pytest.mark.parametrize("was_before", [True, False])
def test_a_canary_of_a_route_to_a_proxy_is_refused(deploys: Deploys, was_before: bool) -> None:
    to_proxy = ROUTE.replace("name: titanic, port", "name: oauth2-proxy, port")
    if not was_before:
        add_route(deploys, to_proxy, ACCEPTED)
        with pytest.raises(ManifestError, match="HTTPRoute/titanic gives a canary no share of the callers"):
            deploys.deploy(1, image=lambda: pytest.fail("an image was built"))
        return
    api = deploys.cluster.api
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "titanic-staging"}})
    metadata = {"name": "oauth2-proxy", "namespace": "titanic-staging"}
    spec: Manifest = {"selector": {"app": "oauth2-proxy"}, "ports": [{"port": 80}]}
    api.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    add_route(deploys, to_proxy, ACCEPTED)
    annotation = '"10,50"'
    deploys.edit_manifest("deployment.yaml", annotation, '""')
    with pytest.raises(DeployError):
        deploys.deploy(1, pace=PACE, roll_back=False)
    deploys.edit_manifest("deployment.yaml", 'canary: ""', f"canary: {annotation}")
    (deploys.project / "deploy/staging/route.yaml").write_text(ROUTE)
    with pytest.raises(ManifestError, match=r"no share of the callers\.\n  it leads to: oauth2-proxy\n"):
        deploys.deploy(2, pace=PACE)
    assert of_canary(deploys) == []
