"""What sets the number of pods: a HorizontalPodAutoscaler, or a ScaledObject of KEDA that scales to zero."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import scaffold
from scaffold.cli._deploy import _readiness
from scaffold.cluster._explain import find_failure
from scaffold.cluster._kubeconfig import connect
from scaffold.cluster._scene import Scene
from scaffold.errors import DeployError, NoEndpointError, PromotionRefusedError, RolloutFailedError
from scaffold.render._deploy import deploy_files
from scaffold.spec import JSONValue, Release
from tests.deploy._deploys import MEASURED, QUICK, RELEASE, Deploys, image
from tests.deploy._fake_api import KINDS, Manifest, Refused
from tests.deploy._fake_pods import unschedulable as no_room
from tests.deploy._fake_pods import waiting
from tests.deploy._specs import project_spec
from tests.deploy.test_manifests import CRON, write

KEDA: dict[str, JSONValue] = {"autoscaler": "keda", "min_replicas": 0, "triggers": [CRON]}


def answer(project: Path, answers: dict[str, JSONValue]) -> None:
    """Render the manifests of a project by other answers."""
    shutil.rmtree(project / "deploy")
    write(deploy_files(project_spec(answers), MEASURED), project)


@pytest.fixture
def sleepy(deploys: Deploys) -> Deploys:
    """A target that sleeps after each deploy, for no trigger is active; KEDA refuses a second autoscaler."""
    api = deploys.cluster.api

    def refuse(verb: str, manifest: Manifest) -> Refused | None:
        if manifest["kind"] == "ScaledObject" and api.all("HorizontalPodAutoscaler"):
            return Refused(403, "Forbidden", "the workload 'titanic' is already managed by the hpa 'titanic'")
        return None

    api.refusals.append(refuse)
    answer(deploys.project, KEDA)
    return deploys


def replicas(deploys: Deploys) -> int:
    found = deploys.cluster.api.find("Deployment")["spec"]["replicas"]
    assert isinstance(found, int)
    return found


def kinds(deploys: Deploys) -> set[str]:
    scalers = {"HorizontalPodAutoscaler", "ScaledObject"}
    return scalers & {one["kind"] for one in deploys.cluster.api.objects.values()}


def test_a_deploy_keeps_a_pod_until_the_sample_is_answered(sleepy: Deploys) -> None:
    for number in (1, 2):
        assert sleepy.deploy(number).live == "passed"
        assert replicas(sleepy) == 0
        assert sleepy.cluster.api.find("ScaledObject")["spec"]["minReplicaCount"] == 0
    assert sleepy.plan(2).diff == ""


def test_a_service_that_answers_wrongly_is_found_although_the_target_sleeps(sleepy: Deploys) -> None:
    sleepy.deploy(1)
    sleepy.cluster.factors[image(2)] = 3.0
    for candidate in (True, False):
        with pytest.raises(DeployError, match="answers, but not as the model does"):
            sleepy.deploy(2, candidate=candidate)
        container = sleepy.cluster.api.find("Deployment")["spec"]["template"]["spec"]["containers"][0]
        assert container["image"] == image(1)
        assert sleepy.cluster.api.find("ScaledObject")["spec"]["minReplicaCount"] == 0


def test_a_rollback_of_a_sleeping_target_is_proven(sleepy: Deploys) -> None:
    sleepy.deploy(1)
    sleepy.deploy(2)
    assert sleepy.roll_back().live == "passed"
    assert replicas(sleepy) == 0


def test_a_sleeping_target_has_a_state_and_is_promoted(sleepy: Deploys) -> None:
    sleepy.deploy(1)
    assert _readiness(sleepy.status()) == "none: scaled to zero"
    approved = Release(model_sha256=RELEASE.model_sha256, proof="", approved_by="eve", reason="ticket 7")
    assert sleepy.promoted(approved)[0] == image(1)
    answer(sleepy.project, {})
    with pytest.raises(PromotionRefusedError, match="No pod of 'staging' is ready"):
        sleepy.promoted(approved)


def test_verify_says_that_a_sleeping_target_has_no_pod(sleepy: Deploys) -> None:
    sleepy.deploy(1)
    with pytest.raises(NoEndpointError) as caught:
        scaffold.verify(sleepy.project, target="staging", access=sleepy.access, pace=QUICK)
    assert str(caught.value) == (
        "Deployment/titanic is scaled to zero: no pod answers.\n"
        "Start one by a request, if an autoscaler does that, or: "
        "kubectl -n titanic-staging scale deployment/titanic --replicas=1"
    )
    # What was known of its answers still holds, so a rollback may go back to it.
    assert sleepy.status().live == "passed"


def test_an_autoscaler_takes_the_place_of_the_other_and_a_failed_deploy_brings_it_back(
    sleepy: Deploys,
) -> None:
    answer(sleepy.project, {})
    sleepy.deploy(1)
    answer(sleepy.project, KEDA)
    sleepy.cluster.behaviours[image(3)] = waiting("CrashLoopBackOff", restartCount=2)
    with pytest.raises(RolloutFailedError):
        sleepy.deploy(3, candidate=False)
    assert kinds(sleepy) == {"HorizontalPodAutoscaler"}
    sleepy.deploy(2)
    assert kinds(sleepy) == {"ScaledObject"}
    sleepy.roll_back()
    assert kinds(sleepy) == {"HorizontalPodAutoscaler"}
    sleepy.roll_back()
    assert kinds(sleepy) == {"ScaledObject"}
    answer(sleepy.project, {"autoscaling": False, "replicas": 3})
    assert sleepy.deploy(4, force_conflicts=True).replicas == 3
    assert kinds(sleepy) == set()


def test_an_autoscaler_of_somebody_else_stays(sleepy: Deploys) -> None:
    answer(sleepy.project, {})
    api = sleepy.cluster.api
    sleepy.deploy(1)
    scaler = api.find("HorizontalPodAutoscaler")
    scaler["metadata"]["annotations"].pop("model-scaffold/made")
    answer(sleepy.project, {"autoscaling": False, "replicas": 3})
    sleepy.deploy(2, force_conflicts=True)
    assert kinds(sleepy) == {"HorizontalPodAutoscaler"}


def test_undeploy_removes_the_scaled_object(sleepy: Deploys) -> None:
    sleepy.deploy(1)
    assert "ScaledObject/titanic" in sleepy.undeploy().removed
    assert kinds(sleepy) == set()


def test_a_cluster_without_keda_is_named(sleepy: Deploys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(KINDS, "keda.sh/v1alpha1")
    with pytest.raises(DeployError, match=r"The cluster does not know ScaledObject \(keda.sh/v1alpha1\)"):
        sleepy.deploy(1)


@pytest.mark.parametrize(
    ("reason", "patience_s"), [("TriggeredScaleUp", 600), ("Nominated", 600), ("FailedScheduling", 45)]
)
def test_a_node_that_an_autoscaler_of_nodes_starts_is_waited_for(
    deploys: Deploys, reason: str, patience_s: float
) -> None:
    """The cluster autoscaler and Karpenter report it as an event about the pod."""
    deploys.deploy(1)
    pod, cluster = deploys.cluster.api.find("Pod"), connect(deploys.access)
    no_room("0/3 nodes are available: 3 Insufficient cpu.")(pod)
    deploys.cluster.event(pod["metadata"]["name"], reason, "a node comes", "titanic-staging")
    events, deployment = deploys.cluster.api.all("Event"), deploys.cluster.api.find("Deployment")
    scene = Scene(cluster=cluster, target="staging", deployment=deployment, pods=[pod], events=events)
    failure = find_failure(scene)
    assert failure is not None
    assert (failure.problem, failure.patience_s) == ("No node has room for the pods.", patience_s)
