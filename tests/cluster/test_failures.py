"""Failures in a real cluster: each is named with a remedy, and rolled back."""

from __future__ import annotations

import datetime as dt
import re
import threading
from pathlib import Path
from typing import Any

import pytest

import scaffold
from scaffold.base.who import user_and_host
from scaffold.cluster import Pace
from scaffold.cluster._client import Cluster
from scaffold.errors import (
    ApplyConflictError,
    DeployBusyError,
    DeployError,
    LiveAnswersDifferError,
    RolloutFailedError,
)
from scaffold.store import open_store
from tests.cluster._private_registry import private_registry
from tests.cluster._support import Built
from tests.deploy._deploys import edit_manifest

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
PACE = Pace(rollout_s=180, address_s=60)


def fails(project: Path, image: str, *, pace: Pace = PACE, **options: Any) -> str:
    """Deploy a project that cannot work; return the message."""
    with pytest.raises(RolloutFailedError) as caught:
        scaffold.deploy(project, image=image, pace=pace, **options)
    return str(caught.value)


def test_an_image_that_is_not_there_is_rolled_back_while_the_old_pods_serve(
    cluster: Cluster, first: Built, project: Path
) -> None:
    scaffold.deploy(project, image=first.image, pace=PACE)
    missing = f"{first.image.partition('@')[0]}@sha256:{'0' * 64}"
    message = fails(project, missing)
    assert message.startswith("The image is not in the registry.")
    assert "No caller reached the new pods" in message
    assert scaffold.status(project).revision == 1
    message = fails(project, missing, candidate=False)
    assert "Rolled back to revision 1, which is revision 3 now." in message
    assert scaffold.status(project).image == first.image
    assert scaffold.status(project).live == "passed"


def test_a_service_that_ends_at_its_start_shows_the_end_of_its_log(
    cluster: Cluster, first: Built, project: Path
) -> None:
    edit_manifest(project, "deployment.yaml", 'value: "10"', 'value: "soon"')
    message = fails(project, first.image, remove_failed=True)
    assert message.startswith("The service ends right after its start")
    assert "QUEUE_TIMEOUT_S is not a valid setting" in message
    assert message.endswith("It was the first deploy, and was removed; its namespace stays.")


def test_too_little_memory_shows_the_limit_beside_what_was_measured(
    cluster: Cluster, first: Built, project: Path
) -> None:
    edit_manifest(project, "deployment.yaml", "memory: 128Mi", "memory: 24Mi")
    edit_manifest(project, "deployment.yaml", "memory: 512Mi", "memory: 24Mi")
    message = fails(project, first.image)
    assert message.startswith("The service needs more memory than it may take.\n  limit: 24Mi\n")
    assert " MiB\n" in message
    assert "It is left for inspection." in message


def test_a_quota_that_does_not_allow_the_pods(
    cluster: Cluster, first: Built, project: Path, name: str
) -> None:
    namespace = f"{name}-staging"
    cluster.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}, field_manager="test"
    )
    metadata = {"name": "small", "namespace": namespace}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata}
    cluster.apply(quota | {"spec": {"hard": {"limits.cpu": "100m"}}}, field_manager="test")
    message = fails(project, first.image)
    assert message.startswith("The namespace's quota does not allow the pods.")
    assert "exceeded quota: small" in message


def test_a_request_larger_than_any_node_shows_request_and_capacity(
    cluster: Cluster, first: Built, project: Path
) -> None:
    edit_manifest(project, "deployment.yaml", "cpu: 50m", "cpu: 5000")
    edit_manifest(project, "deployment.yaml", "cpu: 1\n", "cpu: 5000\n")
    message = fails(project, first.image)
    assert message.startswith("No node has room for the pods.")
    assert "Insufficient cpu" in message
    assert "has: cpu" in message


def test_a_probe_that_fails_is_named(cluster: Cluster, first: Built, project: Path) -> None:
    path = project / "deploy/base/deployment.yaml"
    before, probe, after = path.read_text().partition("readinessProbe:")
    path.write_text(before + probe + after.replace("/readyz", "/nothing", 1))
    message = fails(project, first.image, pace=Pace(rollout_s=60))
    assert message.startswith("The readiness probe of the pods fails.")
    assert "404" in message


def test_a_sidecar_that_ends_soon_does_not_pass_as_ready(
    cluster: Cluster, first: Built, project: Path
) -> None:
    scaffold.deploy(project, image=first.image, pace=PACE)
    sidecar = f"""\
      containers:
        - name: sidecar
          image: {first.image}
          command: ["python", "-c", "import time; time.sleep(2)"]
"""
    edit_manifest(project, "deployment.yaml", "      containers:\n", sidecar)
    for candidate in (True, False):
        message = fails(project, first.image, candidate=candidate)
        assert "sidecar" in message
        assert scaffold.status(project).live == "passed"


def test_a_registry_that_refuses_the_login_is_told_apart_from_a_missing_image(
    cluster: Cluster, first: Built, project: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with private_registry(cluster, f"{name}-registry", first.image) as registry:
        monkeypatch.setenv("SCAFFOLD_REGISTRY_USERNAME", "ada")
        monkeypatch.setenv("SCAFFOLD_REGISTRY_PASSWORD", "wrong")
        message = fails(project, f"{registry}/models/line@sha256:{'1' * 64}")
    assert message.startswith("The registry does not let the cluster pull the image.")
    assert f"pull secret of the pods: {name}-registry" in message
    assert "wrong" not in message.replace("wrong password", "")


def test_a_field_that_another_tool_set_is_shown_and_not_forced(
    cluster: Cluster, first: Built, project: Path, name: str
) -> None:
    scaffold.deploy(project, image=first.image, pace=PACE)
    path = f"/apis/apps/v1/namespaces/{name}-staging/deployments/{name}"
    cluster.request(
        "PATCH",
        path,
        query={"fieldManager": "another-tool"},
        body={"spec": {"revisionHistoryLimit": 3}},
        content_type="application/merge-patch+json",
    )
    with pytest.raises(ApplyConflictError, match="another-tool"):
        scaffold.deploy(project, image=first.image, pace=PACE)
    scaffold.deploy(project, image=first.image, force_conflicts=True, pace=PACE)
    live = cluster.get(path)
    assert live is not None
    assert live["spec"]["revisionHistoryLimit"] == 10


def test_of_two_deploys_at_once_one_wins_and_the_other_says_so(
    cluster: Cluster, first: Built, project: Path
) -> None:
    scaffold.deploy(project, image=first.image, pace=PACE)
    outcomes: list[str] = []

    def deploy() -> None:
        try:
            outcomes.append(scaffold.deploy(project, image=first.image, pace=PACE).live)
        except DeployBusyError:
            outcomes.append("busy")
        except DeployError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=deploy) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) in (["busy", "passed"], ["passed", "passed"])
    assert "passed" in outcomes


def test_the_lock_of_another_deploy_tells_who_has_it_and_when_it_runs_out(
    cluster: Cluster, first: Built, project: Path, name: str
) -> None:
    scaffold.deploy(project, image=first.image, pace=PACE)
    now = dt.datetime.now(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec = {"holderIdentity": "bob@desk", "leaseDurationSeconds": 60, "renewTime": now, "acquireTime": now}
    metadata = {"name": f"{name}-deploy", "namespace": f"{name}-staging"}
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
    cluster.apply(lease, field_manager="test")
    with pytest.raises(DeployBusyError) as caught:
        scaffold.deploy(project, image=first.image, pace=PACE)
    assert "Another deploy to 'staging' is under way.\n  bob@desk deploys since 20" in str(caught.value)
    assert re.search(r"its lock runs out at \d\d:\d\d:\d\d UTC, in \d+ s, unless that", str(caught.value))


def test_a_first_deploy_with_wrong_answers_reaches_no_caller_and_is_in_the_store(
    cluster: Cluster,
    first: Built,
    second: Built,
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SCAFFOLD_STORE", f"sqlite:///{tmp_path}/store.db")
    with pytest.raises(LiveAnswersDifferError, match="It is left for inspection"):
        scaffold.deploy(first.root, image=second.image, pace=PACE)
    assert cluster.get(f"/api/v1/namespaces/{name}-staging/services/{name}") is None
    [entry] = open_store().history(name)
    failed = entry.deployment
    assert (entry.action, failed.image, failed.live) == (
        "deploy",
        second.image,
        "The new revision answers, but not as the model does.",
    )
    assert failed.release is not None
    assert failed.release.by == user_and_host()


def test_undeploy_keeps_objects_of_others_in_the_namespace(
    cluster: Cluster, first: Built, project: Path, name: str
) -> None:
    scaffold.deploy(project, image=first.image, pace=PACE)
    theirs = {"name": "theirs", "namespace": f"{name}-staging"}
    cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": theirs}, field_manager="test")
    removal = scaffold.undeploy(project)
    assert removal.left == (f"Namespace/{name}-staging: it holds ConfigMap/theirs",)
    assert cluster.get(f"/api/v1/namespaces/{name}-staging/configmaps/theirs") is not None
