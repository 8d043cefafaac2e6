"""Objects that `kubectl apply` takes are not too large for the annotations of a deploy."""

from __future__ import annotations

import json

import pytest

from tests.deploy._deploys import Deploys, image
from tests.deploy._fake_api import Manifest
from tests.deploy.test_deploy import container_of

LINE = 'a: "b", ü\n'


def add_config(deploys: Deploys, name: str, size: int, text: str = LINE) -> None:
    data = json.dumps(text * (size // len(text)))
    manifest = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{text: {data}}}\n"
    if not (deploys.project / f"deploy/staging/{name}.yaml").exists():
        deploys.edit_manifest("kustomization.yaml", "resources:\n", f"resources:\n  - {name}.yaml\n")
    (deploys.project / f"deploy/staging/{name}.yaml").write_text(manifest)


def notes_of(deploys: Deploys, kind: str, name: str) -> Manifest:
    notes: Manifest = deploys.cluster.api.find(kind, name)["metadata"]["annotations"]
    return notes


def test_a_config_map_that_leaves_no_room_for_its_copy_is_deployed_without_one(deploys: Deploys) -> None:
    add_config(deploys, "large", 230_000)
    add_config(deploys, "small", 1_000)
    assert deploys.deploy(1).live == "passed"
    assert "model-scaffold/applied" not in notes_of(deploys, "ConfigMap", "large")
    assert "model-scaffold/applied" in notes_of(deploys, "ConfigMap", "small")


@pytest.mark.parametrize("count", [5, 12])
def test_many_config_maps_are_deployed_and_the_first_of_them_rolled_back(
    deploys: Deploys, count: int
) -> None:
    for number in range(count):
        add_config(deploys, f"c{number}", 15_000)
    deploys.deploy(1)
    for number in range(count):
        add_config(deploys, f"c{number}", 15_000, "new\n")
    assert deploys.deploy(2).live == "passed"
    assert "model-scaffold/beside" not in notes_of(deploys, "Deployment", "titanic")["model-scaffold/applied"]
    assert deploys.roll_back().live == "passed"
    texts = [
        deploys.cluster.api.find("ConfigMap", f"c{number}")["data"]["text"][:3] for number in range(count)
    ]
    restored = texts.count(LINE[:3])
    assert 0 < restored < count
    assert container_of(deploys)["image"] == image(1)
    beside = json.loads(notes_of(deploys, "Deployment", "titanic")["model-scaffold/beside"])
    assert [one["kind"] for one in beside].count("ConfigMap") == restored


def test_what_kubectl_recorded_leaves_less_room_for_a_copy(deploys: Deploys) -> None:
    add_config(deploys, "large", 100_000)
    deploys.deploy(1)
    api = deploys.cluster.api
    path = api.path_of(api.find("ConfigMap", "large"))
    last = {"kubectl.kubernetes.io/last-applied-configuration": "x" * 120_000}
    del api.objects[path]["metadata"]["annotations"]["model-scaffold/applied"]
    api.edit(path, "kubectl-client-side-apply", {"metadata": {"annotations": last}})
    assert deploys.deploy(2).live == "passed"
    assert "model-scaffold/applied" not in notes_of(deploys, "ConfigMap", "large")
