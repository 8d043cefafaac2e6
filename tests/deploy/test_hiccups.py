"""An API that fails for a moment: requests that may be sent twice are, and a deploy goes on."""

from __future__ import annotations

import pytest

from scaffold.errors import ClusterRefusedError
from tests.deploy._deploys import Deploys, image
from tests.deploy._fake_api import Manifest, Refused


@pytest.mark.parametrize(("verb", "status"), [("get", 500), ("get", 503), ("patch", 503), ("create", 429)])
def test_a_deploy_goes_on_if_a_request_fails_once(deploys: Deploys, verb: str, status: int) -> None:
    deploys.deploy(1)
    failed: set[str] = set()

    def failure(now: str, path: str) -> int:
        is_first = now == verb and path not in failed and not path.endswith("/portforward")
        failed.update([path] if is_first else [])
        return status if is_first else 0

    deploys.cluster.api.failure = failure
    assert (deploys.deploy(2).live, deploys.deploy(2).image) == ("passed", image(2))
    assert failed


def test_a_change_that_fails_on_its_way_is_not_sent_again(deploys: Deploys) -> None:
    deploys.deploy(1)
    calls: list[str] = []

    def failure(verb: str, path: str) -> int:
        calls.extend([path] if verb == "create" else [])
        return 500 if verb == "create" else 0

    deploys.cluster.api.failure = failure
    with pytest.raises(ClusterRefusedError, match="leader changed") as caught:
        deploys.deploy(2)
    assert len(calls) == 1
    assert caught.value.fix.startswith("Try again")


@pytest.mark.parametrize(
    ("message", "fix"),
    [
        ("exceeded quota: objects, requested: count/leases.coordination.k8s.io=1", "ResourceQuota"),
        ("unable to create new content in namespace titanic-staging: it is being terminated", "deleted"),
        ('User "ada" cannot create resource "leases"', "Role"),
    ],
)
def test_a_target_that_cannot_be_locked(deploys: Deploys, message: str, fix: str) -> None:
    deploys.deploy(1)

    def refuse(_: str, manifest: Manifest) -> Refused | None:
        return Refused(403, "Forbidden", message) if manifest["kind"] == "Lease" else None

    deploys.cluster.api.refusals.append(refuse)
    with pytest.raises(ClusterRefusedError, match="cannot be locked") as caught:
        deploys.deploy(2)
    assert fix in caught.value.fix
