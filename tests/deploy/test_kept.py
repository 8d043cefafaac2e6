"""Projects whose deploy/ folder was changed by its owner, and targets that others changed."""

from __future__ import annotations

import dataclasses

import pytest

from scaffold.cluster import stream_logs
from scaffold.errors import DeployError, ManifestError, NotDeployedError, PromotionRefusedError
from tests.deploy._deploys import RELEASE, Deploys, image
from tests.deploy._fake_api import KINDS, Manifest

SELECTED = {"app.kubernetes.io/name": "titanic"}


def add_resource(deploys: Deploys, file: str, text: str) -> None:
    (deploys.project / "deploy/base" / file).write_text(text)
    deploys.edit_manifest("kustomization.yaml", "resources:\n", f"resources:\n  - {file}\n", target="base")


def test_the_namespace_of_the_kustomization_is_created(deploys: Deploys) -> None:
    deploys.edit_manifest("kustomization.yaml", "namespace: titanic-staging", "namespace: science")
    assert deploys.deploy(1).namespace == "science"
    assert [one["metadata"]["name"] for one in deploys.cluster.api.all("Namespace")] == ["science"]


def test_each_container_of_the_image_runs_the_build_that_is_deployed(deploys: Deploys) -> None:
    """The tag names it only after the live proof: until then a pod that names the tag runs another one."""
    first = "      initContainers:\n        - name: warm\n          image: titanic\n      containers:\n"
    deploys.edit_manifest("deployment.yaml", "      containers:\n", first)
    add_resource(
        deploys,
        "other.yaml",
        "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: nightly}\nspec: {template: {metadata: "
        "{labels: {}}, spec: {containers: [{name: a, image: titanic}, {name: b, image: redis}]}}}\n",
    )
    deploys.deploy(1)
    pods = deploys.cluster.api.find("Deployment")["spec"]["template"]["spec"]
    assert [one["image"] for one in (*pods["initContainers"], *pods["containers"])] == [image(1)] * 2
    pods = deploys.cluster.api.find("ReplicaSet", "nightly")["spec"]["template"]["spec"]
    assert [one["image"] for one in pods["containers"]] == [image(1), "redis"]


def test_a_prefix_of_names_leaves_the_labels_by_which_a_service_is_found(deploys: Deploys) -> None:
    """As the selector of a ServiceMonitor does."""
    deploys.edit_manifest("kustomization.yaml", "resources:\n", "namePrefix: acme-\nresources:\n")
    deploys.deploy(1)
    service = deploys.cluster.api.find("Service", "acme-titanic")
    assert SELECTED.items() <= service["metadata"]["labels"].items()
    assert "Service/acme-titanic" in deploys.undeploy().removed
    assert not deploys.cluster.api.all("Namespace")


@pytest.mark.parametrize("made", ["by us", "by hand"])
def test_undeploy_removes_what_the_project_no_longer_has(deploys: Deploys, made: str) -> None:
    """A deploy without a new revision leaves no record of it where the namespace is not ours."""
    api = deploys.cluster.api
    if made == "by hand":
        api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "titanic-staging"}})
    add_resource(deploys, "own.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: own}\n")
    deploys.deploy(1)
    for file in ("own.yaml", "disruption.yaml"):
        deploys.edit_manifest("kustomization.yaml", f"  - {file}\n", "")
    deploys.deploy(1 if made == "by us" else 2)
    removed = deploys.undeploy().removed
    assert {"ConfigMap/own", "PodDisruptionBudget/titanic"} <= set(removed)
    assert {one["kind"] for one in api.objects.values()} == ({"Namespace"} if made == "by hand" else set())


def test_undeploy_works_where_the_cluster_has_lost_a_kind(
    deploys: Deploys, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploys.deploy(1)
    text = "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: titanic}\nspec: {}\n"
    add_resource(deploys, "route.yaml", text)
    monkeypatch.delitem(KINDS, "gateway.networking.k8s.io/v1")
    assert "Deployment/titanic" in deploys.undeploy().removed


def test_undeploy_keeps_a_secret_that_another_service_wrote(deploys: Deploys) -> None:
    """Two services of a namespace may share one login to the registry."""
    deploys.deploy(1, docker_config='{"auths": {}}')
    secret = deploys.cluster.api.find("Secret")
    secret["metadata"]["labels"]["app.kubernetes.io/name"] = "other"
    deploys.undeploy()
    assert deploys.cluster.api.all("Secret") == [secret]


def test_a_target_does_not_replace_what_another_target_deployed(deploys: Deploys) -> None:
    deploys.deploy(1)
    folder = deploys.project / "deploy/production"
    for name in ("kustomization.yaml", "namespace.yaml"):
        text = (folder / name).read_text()
        (folder / name).write_text(text.replace("titanic-production", "titanic-staging"))
    with pytest.raises(ManifestError, match="is that of the target 'staging'") as caught:
        deploys.deploy(2, target="production")
    assert "deploy/production/kustomization.yaml" in caught.value.fix
    assert deploys.status().image == image(1)


def test_a_renamed_target_goes_on_with_its_deployment(deploys: Deploys) -> None:
    deploys.deploy(1)
    (deploys.project / "deploy/staging").rename(deploys.project / "deploy/test")
    assert deploys.deploy(2, target="test").image == image(2)


def test_a_rollback_to_what_runs_says_that_it_runs(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.deploy(2)
    with pytest.raises(NotDeployedError, match="'staging' runs revision 2 already"):
        deploys.roll_back(to=2)


@pytest.mark.parametrize("change", ["deleted", "elsewhere"])
def test_status_says_that_no_service_leads_to_the_pods_now(deploys: Deploys, change: str) -> None:
    deploys.deploy(1)
    api = deploys.cluster.api
    path = api.path_of(api.find("Service"))
    if change == "deleted":
        api.delete(path)
    else:
        api.edit(path, "kubectl-edit", {"spec": {"selector": {"app": "other"}}})
    assert deploys.status().live == "not known: no Service of the cluster leads to its pods now"
    release = dataclasses.replace(RELEASE, approved_by="bob", reason="JIRA-1")
    with pytest.raises(PromotionRefusedError, match="not proven"):
        deploys.promoted(release)


def test_the_log_is_that_of_the_container_that_scores(deploys: Deploys) -> None:
    """A container that its owner renamed, beside which the log of a sidecar is not asked for."""
    deploys.edit_manifest("deployment.yaml", "- name: service\n", "- name: app\n")
    deploys.deploy(1)
    asked: list[str] = []
    deploys.cluster.api.log_container = asked.append
    list(stream_logs(deploys.project, target="staging", access=deploys.access))
    assert set(asked) == {"app"}


def test_an_object_of_the_whole_cluster_has_no_namespace(deploys: Deploys) -> None:
    add_resource(deploys, "own.yaml", "apiVersion: v1\nkind: Node\nmetadata: {name: own}\n")
    deploys.deploy(1)
    metadata: Manifest = deploys.cluster.api.find("Node", "own")["metadata"]
    assert "namespace" not in metadata


@pytest.mark.parametrize("digest", ["sha256:12", "sha256:" + "A" * 64, "sha512:" + "a" * 64, ""])
def test_an_image_without_a_whole_digest_is_refused(deploys: Deploys, digest: str) -> None:
    with pytest.raises(DeployError, match="The image has no digest"):
        deploys.deploy(image=f"registry.example.org/titanic@{digest}")
    assert deploys.cluster.api.objects == {}
