"""What a failed deploy takes back in a real cluster, whoever made what was there before."""

from __future__ import annotations

from pathlib import Path

import pytest

import scaffold
from scaffold.cluster import Pace
from scaffold.cluster._client import Cluster, Manifest
from scaffold.cluster._fill_in import fill_in
from scaffold.cluster._manifests import read_target
from scaffold.cluster._rollout import live_deployment, wait_for_rollout
from scaffold.errors import LiveAnswersDifferError
from tests.cluster._support import Built
from tests.deploy._deploys import edit_manifest

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
PACE = Pace(rollout_s=300, address_s=60)


def template_of(cluster: Cluster, project: Path) -> Manifest:
    template: Manifest = live_deployment(cluster, read_target(project, "staging"))["spec"]["template"]
    return template


def test_pods_that_another_tool_made_are_brought_back(
    cluster: Cluster, first: Built, second: Built, project: Path
) -> None:
    target = read_target(project, "staging")
    for manifest in fill_in(target, first.image):
        manifest["metadata"].pop("annotations", None)
        cluster.apply(manifest, field_manager="test")
    wait_for_rollout(cluster, target, PACE, lambda _: None)
    before = template_of(cluster, project)
    with pytest.raises(LiveAnswersDifferError, match="Rolled back to revision 1"):
        scaffold.deploy(project, image=second.image, candidate=False, force_conflicts=True, pace=PACE)
    assert template_of(cluster, project) == before
    assert scaffold.status(project).live == ""


def test_config_maps_and_secrets_get_their_values_back(
    cluster: Cluster, first: Built, second: Built, project: Path, name: str
) -> None:
    """A Secret by `stringData`, whose values the server stores as `data`; neither has a copy of its own."""

    def write(level: str) -> None:
        head = "apiVersion: v1\nkind: {}\nmetadata: {{name: settings}}\n{}: {{level: {}}}\n"
        texts = head.format("ConfigMap", "data", level), head.format("Secret", "stringData", level)
        (project / "deploy/staging/settings.yaml").write_text("---\n".join(texts))

    def values() -> list[Manifest]:
        root = f"/api/v1/namespaces/{name}-staging"
        found = (cluster.get(f"{root}/{kind}/settings") for kind in ("configmaps", "secrets"))
        return [one["data"] for one in found if one is not None]

    edit_manifest(project, "kustomization.yaml", "resources:\n", "resources:\n  - settings.yaml\n")
    write("former")
    scaffold.deploy(project, image=first.image, pace=PACE)
    assert values() == [{"level": "former"}, {"level": "Zm9ybWVy"}]
    write("later")
    with pytest.raises(LiveAnswersDifferError):
        scaffold.deploy(project, image=second.image, pace=PACE)
    assert values() == [{"level": "former"}, {"level": "Zm9ybWVy"}]
