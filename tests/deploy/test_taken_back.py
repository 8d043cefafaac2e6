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


def add_manifest(deploys: Deploys, text: str) -> None:
    """Write an object of the project, and name it in the kustomization."""
    path = deploys.project / "deploy/staging/settings.yaml"
    if not path.exists():
        deploys.edit_manifest("kustomization.yaml", "resources:\n", "resources:\n  - settings.yaml\n")
    path.write_text(text)


def settings(kind: str, field: str, **values: str) -> str:
    pairs = ", ".join(f"{name}: {value}" for name, value in values.items())
    return f"{{apiVersion: v1, kind: {kind}, metadata: {{name: settings}}, {field}: {{{pairs}}}}}"


@pytest.mark.parametrize("candidate", [True, False], ids=["before the rollout", "after the rollout"])
@pytest.mark.parametrize(
    ("kind", "field"), [("ConfigMap", "data"), ("Secret", "data"), ("Secret", "stringData")]
)
@pytest.mark.parametrize("is_ours", [True, False], ids=["of a deploy", "of kubectl"])
def test_config_maps_and_secrets_get_their_values_back(
    deploys: Deploys, kind: str, field: str, is_ours: bool, candidate: bool
) -> None:
    add_manifest(deploys, settings(kind, field, level="b2xk", gone="Z29uZQ=="))
    deploys.deploy(1)
    if not is_ours:
        deploys.forget()
    before = deploys.cluster.api.find(kind, "settings")["data"]
    add_manifest(deploys, settings(kind, field, level="bmV3"))
    fail(deploys, candidate=candidate)
    assert deploys.cluster.api.find(kind, "settings")["data"] == before
    assert container_of(deploys)["image"] == image(1)


def test_a_selector_gets_its_value_back_as_a_whole(deploys: Deploys) -> None:
    deploys.deploy(1)
    service = deploys.cluster.api.find("Service")
    selector = dict(service["spec"]["selector"])
    deploys.forget()
    text = "\n  selector:\n"
    deploys.edit_manifest("service.yaml", text, f"{text}    tier: api\n")
    deploys.edit_manifest("deployment.yaml", "\n      labels:\n", "\n      labels:\n        tier: api\n")
    fail(deploys, candidate=False)
    assert deploys.cluster.api.find("Service")["spec"]["selector"] == selector


def test_what_another_tool_added_stays_its_own(deploys: Deploys) -> None:
    add_manifest(deploys, settings("ConfigMap", "data", level="old"))
    deploys.deploy(1)
    api = deploys.cluster.api
    path = api.path_of(api.find("ConfigMap", "settings"))
    api.edit(path, "kubectl", {"data": {"theirs": "kept"}})
    add_manifest(deploys, settings("ConfigMap", "data", level="new"))
    fail(deploys)
    assert api.find("ConfigMap", "settings")["data"] == {"level": "old", "theirs": "kept"}
    assert ("data", "theirs") not in api.owners[path]["model-scaffold"]
