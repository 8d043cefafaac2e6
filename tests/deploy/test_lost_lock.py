"""A deploy that lost its lock, because its machine was suspended, changes nothing more."""

from __future__ import annotations

import dataclasses

import pytest

from scaffold.cluster import _lock
from scaffold.cluster._kubeconfig import connect
from scaffold.cluster._manifests import read_target
from scaffold.errors import DeployBusyError, DeployError
from scaffold.events import Event, Finished
from tests.deploy._deploys import RELEASE, Deploys, image, lease_of
from tests.deploy._fake_api import Manifest
from tests.deploy.test_deploy import container_of


@pytest.fixture(autouse=True)
def always_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each write renews the lease first, for no time passes in these tests."""
    monkeypatch.setattr(_lock, "FRESH_S", 0)


def expire(deploys: Deploys) -> None:
    deploys.cluster.api.find("Lease")["spec"]["renewTime"] = "2026-01-01T00:00:00.000000Z"


class Suspended(list[Event]):
    """Events of a deploy whose machine is suspended after a stage; somebody else deploys meanwhile."""

    def __init__(self, deploys: Deploys, stage: str, other: Deploys) -> None:
        self.deploys, self.stage, self.other, self.is_over = deploys, stage, other, False

    def append(self, event: Event) -> None:
        super().append(event)
        if isinstance(event, Finished) and event.stage == self.stage and not self.is_over:
            self.is_over = True
            expire(self.deploys)
            self.other.deploy(3, release=dataclasses.replace(RELEASE, by="bob@desk"))


@pytest.mark.parametrize("stage", ["candidate", "apply", "address", "replay"])
def test_a_deploy_that_lost_its_lock_leaves_what_the_other_one_deployed(deploys: Deploys, stage: str) -> None:
    deploys.deploy(1)
    other = Deploys(deploys.project, deploys.cluster, deploys.kubeconfig)
    deploys.events = Suspended(deploys, stage, other)
    with pytest.raises(DeployBusyError, match=r"took over the lock, which this one had not renewed"):
        deploys.deploy(2)
    found = deploys.status()
    assert (found.image, found.live) == (image(3), "passed")
    assert found.release is not None
    assert found.release.by == "bob@desk"


def test_a_failed_deploy_that_lost_its_lock_takes_nothing_back(deploys: Deploys) -> None:
    deploys.deploy(1)
    other = Deploys(deploys.project, deploys.cluster, deploys.kubeconfig)
    deploys.events = Suspended(deploys, "address", other)
    deploys.cluster.factors[image(2)] = 9.0
    deploys.cluster.factors[image(3)] = 2.0
    with pytest.raises(DeployError):
        deploys.deploy(2, candidate=False)
    assert (deploys.status().image, deploys.status().live) == (image(3), "passed")


def test_the_candidate_of_the_deploy_that_took_over_is_not_removed(deploys: Deploys) -> None:
    deploys.deploy(1)
    api = deploys.cluster.api

    class TakenOver(list[Event]):
        def append(self, event: Event) -> None:
            if isinstance(event, Finished) and event.stage == "candidate":
                lease = api.find("Lease")
                own = {"resourceVersion": lease["metadata"]["resourceVersion"]}
                taken = lease_of("bob@desk")
                api.replace(api.path_of(lease), {**taken, "metadata": {**taken["metadata"], **own}})

    deploys.events = TakenOver()
    with pytest.raises(DeployBusyError, match="bob@desk deploys now"):
        deploys.deploy(2)
    assert api.find("Deployment", "titanic-candidate")
    assert [lease["spec"]["holderIdentity"] for lease in api.all("Lease")] == ["bob@desk"]
    assert container_of(deploys)["image"] == image(1)


def test_the_end_of_a_deploy_leaves_the_lease_that_another_one_took_over(deploys: Deploys) -> None:
    deploys.deploy(1)
    target = read_target(deploys.project, "staging")
    with _lock.deploy_lock(connect(deploys.access), target, "ada@lab"):
        expire(deploys)
        other = _lock.deploy_lock(connect(deploys.access), target, "bob@desk")
        other.__enter__()
    assert [lease["spec"]["holderIdentity"] for lease in deploys.cluster.api.all("Lease")] == ["bob@desk"]
    other.__exit__(None, None, None)
    assert deploys.cluster.api.all("Lease") == []


def test_a_lease_that_only_got_an_annotation_is_not_lost(deploys: Deploys) -> None:
    """So is one whose renewal was sent twice: the second request is a conflict with the first."""
    deploys.deploy(1)
    api = deploys.cluster.api

    class Annotating(list[Event]):
        def append(self, event: Event) -> None:
            if isinstance(event, Finished):
                note = {"metadata": {"annotations": {"note": event.stage}}}
                for lease in api.all("Lease"):
                    api.edit(api.path_of(lease), "kubectl", note)

    deploys.events = Annotating()
    assert deploys.deploy(2).live == "passed"
    assert api.all("Lease") == []


def test_a_rollback_goes_back_from_what_runs_once_it_has_the_lock(deploys: Deploys) -> None:
    """Another deploy ends between the first look of the rollback and its lock."""
    for number in (1, 2):
        deploys.deploy(number)
    api = deploys.cluster.api
    other = Deploys(deploys.project, deploys.cluster, deploys.kubeconfig)
    holders: list[str] = []

    def deploy_first(verb: str, manifest: Manifest) -> None:
        if (verb, manifest["kind"]) == ("create", "Lease") and not holders:
            holders.append("bob@desk")
            api.lock.release()
            other.deploy(3)
            api.lock.acquire()

    api.refusals.append(deploy_first)
    assert deploys.roll_back().image == image(2)
