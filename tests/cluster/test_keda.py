"""Scaling to zero by KEDA: a deploy keeps a pod until the sample is answered, then KEDA ends it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

import scaffold
from scaffold.cluster import Pace
from scaffold.cluster._client import Cluster
from scaffold.errors import NoEndpointError
from scaffold.spec import JSONValue
from tests.cluster._support import make
from tests.deploy._deploys import edit_manifest

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1200)]
PACE = Pace(rollout_s=300, address_s=60)
RARE: JSONValue = {
    "type": "cron",
    "metadata": {"timezone": "UTC", "start": "0 0 29 2 *", "end": "1 0 29 2 *", "desiredReplicas": "1"},
}
"""A trigger that is active for a minute of each leap year."""


@pytest.fixture(autouse=True)
def keda(cluster: Cluster) -> None:
    """Skip where no operator of KEDA runs."""
    pods = cluster.list("/api/v1/pods", "app=keda-operator")
    if not any(pod["status"].get("phase") == "Running" for pod in pods):
        pytest.skip(
            "no operator of KEDA runs in the cluster; keda.sh/docs/latest/deploy shows how to install it"
        )


def wait_until(holds: Callable[[], bool], within_s: float = 180) -> None:
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end
        time.sleep(2)


def test_a_target_that_sleeps_is_deployed_woken_and_rolled_back(
    cluster: Cluster, name: str, tmp_path: Path
) -> None:
    answers: dict[str, JSONValue] = {"autoscaler": "keda", "min_replicas": 0, "cooldown_s": 10}
    built = make(name, 2.0, tmp_path / name, triggers=[RARE], **answers)
    project = built.root

    def replicas() -> int:
        return scaffold.status(project).replicas

    assert scaffold.deploy(project, image=built.image, pace=PACE).live == "passed"
    wait_until(lambda: replicas() == 0)
    with pytest.raises(NoEndpointError, match="scaled to zero"):
        scaffold.verify(project, target="staging", pace=PACE)

    # The next revision is proven although the target sleeps, and sleeps again.
    edit_manifest(project, "deployment.yaml", 'value: "10"', 'value: "11"')
    assert scaffold.deploy(project, image=built.image, pace=PACE).live == "passed"
    wait_until(lambda: replicas() == 0)

    # A trigger that is active all year wakes it.
    edit_manifest(project, "scaledobject.yaml", "0 0 29 2 *", "0 0 1 1 *")
    edit_manifest(project, "scaledobject.yaml", "1 0 29 2 *", "59 23 31 12 *")
    assert scaffold.deploy(project, image=built.image, pace=PACE).live == "passed"
    time.sleep(60)  # longer than the cooldown
    assert replicas() == 1
    assert scaffold.verify(project, target="staging", pace=PACE).passed

    assert scaffold.rollback(project, pace=PACE).live == "passed"
    wait_until(lambda: replicas() == 0)
    assert "ScaledObject" in " ".join(scaffold.undeploy(project).removed)
