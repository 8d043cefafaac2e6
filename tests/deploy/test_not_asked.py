"""A replay that could not ask the service says nothing of it: the record stays."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scaffold.errors import (
    ClusterRefusedError,
    DeployError,
    LiveAnswersDifferError,
    ServiceNotAskedError,
)
from tests.deploy._deploys import Deploys, image
from tests.deploy.test_deploy import container_of
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
