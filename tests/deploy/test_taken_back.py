"""A failed deploy takes back what it applied, whoever made what was there before."""

from __future__ import annotations

from typing import Any

import pytest

from scaffold.errors import DeployError, LiveAnswersDifferError, RolloutFailedError
from tests.deploy._deploys import Deploys, image
from tests.deploy.test_deploy import container_of
from tests.deploy.test_service import add_class, add_ingress
from tests.deploy.test_verbs import set_image


def fail(deploys: Deploys, **options: Any) -> str:
    """Deploy an image that answers wrongly, return the last line of the message."""
    deploys.cluster.factors[image(2)] = 9.0
    with pytest.raises(DeployError) as caught:
        deploys.deploy(2, force_conflicts=True, **options)
    return str(caught.value).splitlines()[-1]


def test_pods_that_kubectl_made_are_brought_back(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.forget()
    deployment = deploys.cluster.api.find("Deployment")
    template, notes = deployment["spec"]["template"], set(deployment["metadata"]["annotations"])
    assert fail(deploys, candidate=False) == "Rolled back to revision 1, which is revision 3 now."
    restored = deploys.cluster.api.find("Deployment")
    assert restored["spec"]["template"] == template
    assert set(restored["metadata"]["annotations"]) == notes
    assert (deploys.status().live, deploys.status().release) == ("", None)


def test_pods_that_kubectl_made_are_brought_back_after_a_failure_of_the_route(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.forget()
    add_ingress(deploys)
    add_class(deploys, "haproxy")
    with pytest.raises(RolloutFailedError) as caught:
        deploys.deploy(2, force_conflicts=True)
    assert "Rolled back to revision 1" in str(caught.value)
    assert container_of(deploys)["image"] == image(1)
    assert deploys.cluster.api.all("Ingress") == []


def test_an_image_of_another_tool_is_brought_back_although_the_deploy_before_had_failed(
    deploys: Deploys,
) -> None:
    deploys.deploy(1)
    deploys.cluster.factors[image(3)] = 9.0
    with pytest.raises(LiveAnswersDifferError):
        deploys.deploy(3, candidate=False, roll_back=False)
    set_image(deploys, 7)
    assert fail(deploys, candidate=False).startswith("Rolled back to revision 3")
    assert container_of(deploys)["image"] == image(7)
