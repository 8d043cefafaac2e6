"""Projects with a full copy of the manifests for each target get a base and overlays, with their edits."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scaffold.cluster._manifests import read_target
from scaffold.errors import MergeConflictError
from scaffold.spec import JSONValue
from scaffold.verbs.undo import undo
from scaffold.verbs.update import update
from tests.upgrade._edits import edit
from tests.upgrade.test_layout import snapshot

OldProject = Callable[[str], Path]
BOTH = ("staging", "production")


def objects(root: Path, target: str) -> dict[str, dict[str, Any]]:
    return {one["kind"]: one for one in read_target(root, target).manifests}


def container(root: Path, target: str) -> dict[str, Any]:
    found: dict[str, Any] = objects(root, target)["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    return found


def files(root: Path, target: str) -> set[str]:
    return {path.name for path in (root / "deploy" / target).iterdir()}


def test_an_untouched_project_gets_a_base_and_goes_back(old_project: OldProject) -> None:
    root = old_project("titanic")
    before = snapshot(root)
    done = update(root, verify=False)
    assert done.files["deploy/staging/deployment.yaml"] == "moved to deploy/base/deployment.yaml"
    assert files(root, "base") >= {"kustomization.yaml", "deployment.yaml", "service.yaml"}
    for target in BOTH:
        assert files(root, target) == {"kustomization.yaml", "namespace.yaml"}
    assert update(root, verify=False).is_empty
    undo(root)
    assert snapshot(root) == before


@pytest.mark.slow
def test_the_edits_of_an_owner_are_in_the_base_or_in_a_patch(old_project: OldProject) -> None:
    root = old_project("titanic")
    extra = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: extra\n"
    (root / "deploy/staging/extra.yaml").write_text(extra)
    for target in BOTH:
        deployment = f"deploy/{target}/deployment.yaml"
        edit(
            root,
            deployment,
            ("cpu: 250m", "cpu: 300m"),
            ("revisionHistoryLimit: 10", "revisionHistoryLimit: 5"),
        )
        edit(root, f"deploy/{target}/kustomization.yaml", ("  - disruption.yaml\n", ""))
        (root / f"deploy/{target}/disruption.yaml").unlink()
    edit(
        root,
        "deploy/staging/kustomization.yaml",
        ("  - autoscaler.yaml\n", ""),
        ("resources:\n", "resources:\n  - extra.yaml\n"),
        ("newName: ", "newName: registry.example.org/"),
    )
    edit(root, "deploy/production/autoscaler.yaml", ("minReplicas: 2", "minReplicas: 4"))
    edit(
        root,
        "deploy/production/network.yaml",
        ("        - port: 53\n          protocol: TCP\n", "        - port: 5432\n          protocol: TCP\n"),
    )
    update(root, verify=False)

    for target in BOTH:
        assert container(root, target)["resources"]["requests"]["cpu"] == "300m"
        assert objects(root, target)["Deployment"]["spec"]["revisionHistoryLimit"] == 5
        assert "PodDisruptionBudget" not in objects(root, target)
    assert "cpu: 300m" in (root / "deploy/base/deployment.yaml").read_text()
    assert not (root / "deploy/base/disruption.yaml").exists()
    assert files(root, "staging") == {"kustomization.yaml", "namespace.yaml", "extra.yaml", "autoscaler.yaml"}
    assert "HorizontalPodAutoscaler" not in objects(root, "staging")
    assert "ConfigMap" in objects(root, "staging")
    assert container(root, "staging")["image"].startswith("registry.example.org/")
    assert files(root, "production") == {
        "kustomization.yaml",
        "namespace.yaml",
        "autoscaler.yaml",
        "network.yaml",
    }
    assert objects(root, "production")["HorizontalPodAutoscaler"]["spec"]["minReplicas"] == 4
    ports = [
        one["port"] for one in objects(root, "production")["NetworkPolicy"]["spec"]["egress"][0]["ports"]
    ]
    assert ports == [53, 5432]
    assert update(root, verify=False).is_empty


@pytest.mark.slow
def test_an_edit_stands_in_the_patch_that_the_answers_of_a_target_give(old_project: OldProject) -> None:
    root = old_project("titanic")
    edit(root, "deploy/production/autoscaler.yaml", ("maxReplicas: 6", "maxReplicas: 8"))
    edit(root, "deploy/production/deployment.yaml", ("              cpu: 1\n", "              cpu: 2\n"))
    own: JSONValue = {"production": {"min_replicas": 3, "access_log": True}}
    update(root, answers={"per_target": own}, verify=False)
    scaler = objects(root, "production")["HorizontalPodAutoscaler"]["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (3, 8)
    found = container(root, "production")
    assert found["resources"]["limits"]["cpu"] == 2
    assert {"name": "ACCESS_LOG", "value": "true"} in found["env"]
    assert objects(root, "staging")["HorizontalPodAutoscaler"]["spec"]["maxReplicas"] == 6


def test_what_cannot_be_a_patch_is_a_conflict_and_is_kept(old_project: OldProject) -> None:
    root = old_project("titanic")
    second = "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: extra\n"
    path = root / "deploy/staging/service.yaml"
    path.write_text(path.read_text() + second)
    edit(root, "deploy/production/service.yaml", ("spec:\n", "spec: # ask Ada before you change this\n"))
    with pytest.raises(MergeConflictError) as caught:
        update(root, verify=False)
    assert dict(caught.value.conflicts) == {
        "deploy/staging/service.yaml": (
            "it is not one object, so it cannot be a patch of deploy/base/service.yaml"
        ),
        "deploy/production/service.yaml": (
            "only its comments differ from deploy/base/service.yaml: take over what you need"
        ),
    }
    assert second in path.read_text()
    assert "ask Ada" in (root / "deploy/production/service.yaml").read_text()


def test_keda_takes_the_place_of_the_autoscaler_and_the_edits_of_an_owner_stay(project: Path) -> None:
    edit(project, "deploy/base/deployment.yaml", ("cpu: 250m", "cpu: 300m"))
    edit(project, "deploy/staging/kustomization.yaml", ("newName: ", "newName: registry.example.org/"))
    answers: dict[str, JSONValue] = {"autoscaler": "keda", "prometheus_url": "http://prometheus:9090"}
    update(project, answers=answers, verify=False)
    for target in BOTH:
        found = objects(project, target)
        assert "HorizontalPodAutoscaler" not in found
        assert f'namespace="titanic-{target}"' in str(found["ScaledObject"]["spec"]["triggers"])
        assert container(project, target)["resources"]["requests"]["cpu"] == "300m"
    assert container(project, "staging")["image"].startswith("registry.example.org/")
    edit(project, "deploy/staging/scaledobject.yaml", ("maxReplicaCount: 6", "maxReplicaCount: 9"))
    update(project, answers={"chart": True, "min_replicas": 1, "max_replicas": 6}, verify=False)
    spec = objects(project, "staging")["ScaledObject"]["spec"]
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (1, 9)


def in_a_row(text: str) -> str:
    """A kustomization with its resources in one line."""
    names = re.findall(r"^  - ([\w.]+\.yaml)$", text, re.MULTILINE)
    return re.sub(r"resources:\n(  - .*\n)+", f"resources: [{', '.join(names)}]\n", text)


STYLES: dict[str, Callable[[str], str]] = {
    "quoted": lambda text: re.sub(r"  - ([\w.]+\.yaml)\n", r"  - '\1'\n", text),
    "commented": lambda text: re.sub(r"  - ([\w.]+\.yaml)\n", r"  - ./\1 # ours\n", text),
    "in a row": in_a_row,
}


@pytest.mark.slow
@pytest.mark.parametrize("style", STYLES)
def test_a_list_of_manifests_in_any_style_gets_the_base(old_project: OldProject, style: str) -> None:
    root = old_project("titanic")
    for target in BOTH:
        path = root / "deploy" / target / "kustomization.yaml"
        path.write_text(STYLES[style](path.read_text()))
        edit(root, f"deploy/{target}/deployment.yaml", ("cpu: 250m", "cpu: 300m"))
    update(root, verify=False)
    for target in BOTH:
        assert container(root, target)["resources"]["requests"]["cpu"] == "300m"
        assert files(root, target) == {"kustomization.yaml", "namespace.yaml"}


@pytest.mark.slow
def test_a_kustomization_and_a_manifest_that_their_owner_renamed_keep_their_edits(
    old_project: OldProject,
) -> None:
    root = old_project("titanic")
    for target in BOTH:
        edit(root, f"deploy/{target}/deployment.yaml", ("cpu: 250m", "cpu: 300m"))
        folder = root / "deploy" / target
        (folder / "kustomization.yaml").rename(folder / "kustomization.yml")
    edit(root, "deploy/staging/kustomization.yml", ("  - deployment.yaml\n", "  - app.yaml\n"))
    (root / "deploy/staging/deployment.yaml").rename(root / "deploy/staging/app.yaml")
    update(root, verify=False)
    for target in BOTH:
        assert container(root, target)["resources"]["requests"]["cpu"] == "300m"
        assert files(root, target) == {"kustomization.yml", "namespace.yaml"}
    assert update(root, verify=False).is_empty
