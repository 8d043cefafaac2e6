"""A replay that could not ask the service says nothing of it: the record stays."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from scaffold.errors import (
    ClusterRefusedError,
    DeployBusyError,
    DeployError,
    LiveAnswersDifferError,
    ServiceNotAskedError,
)
from scaffold.events import Event, Finished
from scaffold.render._deploy import deploy_files
from scaffold.spec import JSONValue
from tests.deploy._deploys import MEASURED, Deploys, image, lease_of
from tests.deploy._specs import project_spec
from tests.deploy.test_deploy import container_of
from tests.deploy.test_ended_early import CANARY
from tests.deploy.test_verbs import APPROVED
from tests.deploy.test_verify import verify


def forbid_forwards(deploys: Deploys) -> None:
    deploys.cluster.api.forbidden.add(("create", "pods/portforward"))


def break_forwards(deploys: Deploys) -> None:
    """As an API server does that does not reach the kubelets."""
    deploys.cluster.api.broken_forward = "dial tcp 10.0.0.9:10250: i/o timeout"


def want_key(status: int) -> Callable[[Deploys], None]:
    def lock(deploys: Deploys) -> None:
        deploys.cluster.locked = status

    return lock


HINDRANCES = {
    "no right to forward": (forbid_forwards, ClusterRefusedError),
    "no way to the kubelet": (break_forwards, ServiceNotAskedError),
    "no key": (want_key(401), ServiceNotAskedError),
    "a key without rights": (want_key(403), ServiceNotAskedError),
}


@pytest.mark.parametrize("name", HINDRANCES)
def test_a_verify_that_could_not_ask_leaves_the_record(deploys: Deploys, name: str) -> None:
    hinder, error = HINDRANCES[name]
    deploys.deploy(1)
    hinder(deploys)
    with pytest.raises(error):
        verify(deploys)
    assert deploys.status().live == "passed"
    assert deploys.promoted(APPROVED)[0] == image(1)


def test_a_rollback_that_could_not_ask_keeps_the_record_of_its_revision(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.deploy(2)
    forbid_forwards(deploys)
    with pytest.raises(DeployError):
        deploys.roll_back()
    assert (deploys.status().image, deploys.status().live) == (image(1), "passed")


def test_the_deploy_after_a_verify_that_could_not_ask_is_rolled_back(deploys: Deploys) -> None:
    deploys.deploy(1)
    forbid_forwards(deploys)
    with pytest.raises(ClusterRefusedError):
        verify(deploys)
    deploys.cluster.api.forbidden.clear()
    deploys.cluster.factors[image(2)] = 9.0
    with pytest.raises(LiveAnswersDifferError, match="Rolled back to revision 1"):
        deploys.deploy(2, candidate=False)
    assert container_of(deploys)["image"] == image(1)


def deploy_and_verify(deploys: Deploys, stage: str, options: dict[str, JSONValue]) -> list[str]:
    """Verify once a stage of a second deploy is finished; return what `verify` said."""
    for path, text in deploy_files(project_spec(options), MEASURED).items():
        (deploys.project / path).write_bytes(text)
    deploys.deploy(1)
    told: list[str] = []

    class Verifying(list[Event]):
        def append(self, event: Event) -> None:
            super().append(event)
            if isinstance(event, Finished) and event.stage == stage and not told:
                told.append("")
                with pytest.raises(DeployBusyError) as caught:
                    verify(Deploys(deploys.project, deploys.cluster, deploys.kubeconfig))
                told[0] = str(caught.value)

    deploys.events = Verifying()
    deploys.deploy(2)
    return told


@pytest.mark.parametrize("stage", ["candidate", "canary", "apply"])
def test_a_verify_during_a_deploy_is_refused_and_records_nothing(deploys: Deploys, stage: str) -> None:
    (told,) = deploy_and_verify(deploys, stage, CANARY)
    assert told.startswith("Another deploy to 'staging' is under way.\n  ada@lab deploys since")
    assert deploys.status().live == "passed"


def test_a_verify_beside_the_canary_of_a_killed_deploy_is_refused(deploys: Deploys) -> None:
    deploys.deploy(1)
    api = deploys.cluster.api
    left = json.loads(json.dumps(api.find("Deployment")))
    left["metadata"] = {
        "name": "titanic-canary",
        "namespace": "titanic-staging",
        "labels": {"model-scaffold/candidate-of": "titanic"},
    }
    api.create(left)
    with pytest.raises(DeployBusyError, match=r"(?s)A candidate or canary.*Deployment/titanic-canary"):
        verify(deploys)
    assert "passed" in str(api.find("Deployment", "titanic")["metadata"]["annotations"])


def test_a_deploy_that_begins_during_a_verify_that_fails_leaves_the_record(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.cluster.factors[image(1)] = 9.0
    api = deploys.cluster.api

    class Locking(list[Event]):
        def append(self, event: Event) -> None:
            if isinstance(event, Finished) and event.stage == "address":
                api.create(lease_of("bob@desk"))

    deploys.events = Locking()
    with pytest.raises(DeployBusyError, match="bob@desk"):
        verify(deploys)
    assert deploys.status().live == "passed"
