"""An admission policy changes the registry of the image in each Deployment, as Kyverno can."""

from __future__ import annotations

import pytest

from scaffold.errors import LiveAnswersDifferError
from tests.deploy._deploys import Deploys, image
from tests.deploy._fake_api import Manifest
from tests.deploy.test_verbs import APPROVED


def mirrored(number: int) -> str:
    return image(number).replace("registry.example.org", "mirror.example.org")


@pytest.fixture
def rewriting(deploys: Deploys) -> Deploys:
    def rewrite(_verb: str, manifest: Manifest) -> None:
        if manifest["kind"] == "Deployment" and "template" in manifest.get("spec", {}):
            container = manifest["spec"]["template"]["spec"]["containers"][0]
            container["image"] = container["image"].replace("registry.example.org", "mirror.example.org")

    deploys.cluster.api.refusals.append(rewrite)
    return deploys


def test_the_image_that_is_stored_is_the_one_that_is_recorded(rewriting: Deploys) -> None:
    deployed = rewriting.deploy(1)
    assert (deployed.image, deployed.live) == (mirrored(1), "passed")
    assert deployed.release is not None
    assert rewriting.promoted(APPROVED)[0] == mirrored(1)


def test_a_failed_deploy_is_rolled_back(rewriting: Deploys) -> None:
    rewriting.deploy(1)
    rewriting.cluster.factors[mirrored(2)] = 9.0
    with pytest.raises(LiveAnswersDifferError, match="Rolled back to revision 1"):
        rewriting.deploy(2, candidate=False)
    assert (rewriting.status().image, rewriting.status().live) == (mirrored(1), "passed")


def test_a_rollback_restores_what_was_applied_with_the_revision(rewriting: Deploys) -> None:
    rewriting.deploy(1)
    rewriting.edit_manifest("autoscaler.yaml", "minReplicas: 2", "minReplicas: 4")
    rewriting.deploy(2)
    back = rewriting.roll_back()
    assert (back.image, back.live) == (mirrored(1), "passed")
    assert rewriting.cluster.api.find("HorizontalPodAutoscaler")["spec"]["minReplicas"] == 2
