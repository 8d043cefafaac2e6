"""What a deploy that ends before its end takes back, and what it says of the rest."""

from __future__ import annotations

import datetime as dt
import threading
from pathlib import Path

import pytest

from scaffold.cluster import _canary, _lock
from scaffold.errors import (
    DeployBusyError,
    DeployError,
    LiveAnswersDifferError,
    ManifestError,
    PromotionRefusedError,
)
from scaffold.events import Event, Finished
from scaffold.render._deploy import deploy_files
from scaffold.spec import JSONValue
from tests.deploy._deploys import MEASURED, Deploys, image
from tests.deploy._fake_api import Manifest
from tests.deploy._specs import project_spec
from tests.deploy.test_deploy import container_of
from tests.deploy.test_verbs import APPROVED, CHANGES, OTHERS, change_template, set_image

CANARY: dict[str, JSONValue] = {"canary": "50", "canary_hold_s": 0.1, "replicas": 2, "autoscaling": False}
OPEN = "    - ports:\n        - port: http\n          protocol: TCP\n"
CLOSED = "    - from: [{podSelector: {matchLabels: {nobody: here}}}]\n" + OPEN.replace(
    "    - ports", "      ports"
)


class Ending(list[Event]):
    """Events that raise an exception once a stage has finished."""

    def __init__(self, stage: str, error: BaseException) -> None:
        self.stage, self.error = stage, error

    def append(self, event: Event) -> None:
        super().append(event)
        if isinstance(event, Finished) and event.stage == self.stage:
            raise self.error


def policy(deploys: Deploys) -> Manifest:
    """The rules of the NetworkPolicy of the running pods."""
    spec: Manifest = deploys.cluster.api.find("NetworkPolicy")["spec"]
    return spec


def test_an_interrupted_candidate_leaves_the_former_revision_as_it_was(deploys: Deploys) -> None:
    deploys.deploy(1)
    before = policy(deploys)
    deploys.edit_manifest("network.yaml", OPEN, CLOSED)
    deploys.events = Ending("candidate", KeyboardInterrupt())
    with pytest.raises(DeployError, match="The deploy was interrupted") as caught:
        deploys.deploy(2)
    assert "rollback" not in str(caught.value)
    assert "No caller reached the new pods" in str(caught.value)
    assert (policy(deploys), container_of(deploys)["image"]) == (before, image(1))
    assert deploys.status().live == "passed"


def test_an_interrupted_first_deploy_names_undeploy(deploys: Deploys) -> None:
    deploys.events = Ending("candidate", KeyboardInterrupt())
    with pytest.raises(DeployError, match="undeploy") as caught:
        deploys.deploy(1)
    assert "rollback" not in str(caught.value)


def test_callers_keep_their_access_while_the_candidate_is_proven_under_the_new_policy(
    deploys: Deploys,
) -> None:
    deploys.deploy(1)
    deploys.edit_manifest("network.yaml", OPEN, CLOSED)
    before = policy(deploys)
    seen: list[Manifest] = []
    own: list[Manifest] = []

    class Looking(list[Event]):
        def append(self, event: Event) -> None:
            super().append(event)
            if isinstance(event, Finished) and event.stage == "apply" and not seen:
                seen.append(policy(deploys))

    def note(_: str, manifest: Manifest) -> None:
        if manifest["kind"] == "NetworkPolicy" and manifest["metadata"]["name"].endswith("-candidate"):
            own.append(manifest)

    deploys.cluster.api.refusals.append(note)
    deploys.events = Looking()
    deploys.deploy(2)
    assert seen == [before]
    assert policy(deploys) != before
    assert [one["spec"]["ingress"] for one in own] == [policy(deploys)["ingress"]]


def test_pods_that_cannot_be_removed_are_named(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.cluster.factors[image(2)] = 9.0
    deploys.cluster.api.forbidden.add(("delete", "deployments"))
    with pytest.raises(LiveAnswersDifferError) as caught:
        deploys.deploy(2)
    text = str(caught.value)
    assert "Deployment/titanic-candidate could not be removed" in text
    assert "-l model-scaffold/candidate-of=titanic" in text
    assert "are removed" not in text


def test_an_unexpected_error_takes_the_deploy_back(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.events = Ending("address", OSError("no space left on device"))
    with pytest.raises(OSError, match="no space"):
        deploys.deploy(2)
    assert container_of(deploys)["image"] == image(1)
    assert deploys.status().live == "passed"


def test_labels_that_leave_the_service_without_pods_are_refused(deploys: Deploys, project: Path) -> None:
    places = {"deployment.yaml": ("\n      labels:\n", 8), "service.yaml": ("\n  selector:\n", 4)}
    texts = {name: (project / "deploy/base" / name).read_text() for name in places}

    def label(tier: str) -> None:
        for name, (head, indent) in places.items():
            text = texts[name].replace(head, f"{head}{' ' * indent}tier: {tier}\n", 1)
            (project / "deploy/base" / name).write_text(text)

    label("api")
    deploys.deploy(1)
    label("scoring")
    with pytest.raises(ManifestError, match="tier: api on the former pods, scoring on the new ones"):
        deploys.deploy(2)
    assert container_of(deploys)["image"] == image(1)


def test_a_lock_is_not_taken_from_a_machine_whose_clock_is_slow(
    deploys: Deploys, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploys.deploy(1)
    monkeypatch.setattr(_lock, "WATCH_S", 5)
    api = deploys.cluster.api
    metadata = {"name": "titanic-deploy", "namespace": "titanic-staging"}
    began = dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc)

    def lease(seconds: int) -> Manifest:
        renewed = (began + dt.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {"holderIdentity": "ada@slow", "leaseDurationSeconds": 60, "renewTime": renewed}
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}

    api.create(lease(0))
    path = api.path_of(api.find("Lease"))
    renewal = threading.Timer(0.5, api.edit, args=(path, "scaffold", lease(20)))
    renewal.start()
    with pytest.raises(DeployBusyError, match="ada@slow"):
        deploys.deploy(2)
    renewal.join()
    assert container_of(deploys)["image"] == image(1)


def test_the_canary_of_a_killed_deploy_is_told_and_removed_by_a_rollback(
    deploys: Deploys, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(BaseException):
        """The process ends, and removes nothing."""

    for path, text in deploy_files(project_spec(CANARY), MEASURED).items():
        (project / path).write_bytes(text)
    deploys.deploy(1)
    deploys.deploy(2)
    deploys.events = Ending("canary", KilledError())
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(_canary, "remove_canary", lambda *_: None)
        deploys.deploy(3)
    deploys.events = []
    assert "a candidate or canary is there too" in deploys.status().live
    with pytest.raises(PromotionRefusedError, match="a candidate or canary is there too"):
        deploys.promoted(APPROVED)
    assert deploys.roll_back().image == image(1)
    assert "titanic-canary" not in str(deploys.cluster.api.objects)
    assert deploys.status().live == "passed"


def test_a_failed_deploy_over_the_image_of_another_tool_brings_that_image_back(deploys: Deploys) -> None:
    deploys.deploy(1)
    set_image(deploys, 9)
    deploys.cluster.factors[image(2)] = 9.0
    with pytest.raises(LiveAnswersDifferError, match="Rolled back to revision 2, which is revision 4 now"):
        deploys.deploy(2, candidate=False, force_conflicts=True)
    assert container_of(deploys)["image"] == image(9)
    assert deploys.status().live == "not done: another tool changed the image"


def test_a_failed_deploy_over_the_pod_template_of_another_tool_brings_that_back(deploys: Deploys) -> None:
    """Fields that the manifests do not set stay as the other tool left them, and the others come back."""
    deploys.deploy(1)
    change_template(deploys, CHANGES[0])
    deploys.cluster.factors[image(2)] = 9.0
    with pytest.raises(LiveAnswersDifferError) as caught:
        deploys.deploy(2, candidate=False)
    assert "Rolled back to revision 2, which is revision 4 now." in str(caught.value)
    assert deploys.status().live == OTHERS
    change_template(deploys, {"spec": {"terminationGracePeriodSeconds": 1}})
    with pytest.raises(LiveAnswersDifferError, match="Rolled back to revision 5, which is revision 7 now"):
        deploys.deploy(2, candidate=False, force_conflicts=True)
    spec = deploys.cluster.api.find("Deployment")["spec"]["template"]["spec"]
    assert spec["terminationGracePeriodSeconds"] == 1


def test_a_failed_deploy_without_a_rollback_says_who_answers(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.cluster.factors[image(2)] = 9.0
    with pytest.raises(
        LiveAnswersDifferError, match=r"the new pods answer all callers\. Go back: .*rollback"
    ):
        deploys.deploy(2, candidate=False, roll_back=False)
    assert container_of(deploys)["image"] == image(2)


def test_an_interrupted_rollback_is_recorded(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.deploy(2)
    deploys.events = Ending("replay", KeyboardInterrupt())
    with pytest.raises(DeployError, match="The rollback was interrupted") as caught:
        deploys.roll_back()
    assert str(caught.value).endswith("What was restored goes on in the cluster.")
    found = deploys.status()
    assert (found.image, found.live) == (image(1), "interrupted")
    assert deploys.cluster.api.all("Lease") == []
