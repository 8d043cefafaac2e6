"""Folders as teams keep them are built as `kubectl kustomize` builds them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from scaffold.cluster._kustomize import build_kustomization
from scaffold.cluster._manifests import read_target
from scaffold.errors import ManifestError
from scaffold.render._deploy import deploy_files
from scaffold.spec import JSONValue
from tests.deploy._deploys import edit_manifest
from tests.deploy._specs import project_spec
from tests.deploy.test_manifests import write

BINDING = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: KIND
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects:
  - {kind: ServiceAccount, name: titanic}
  - {kind: ServiceAccount, name: titanic, namespace: elsewhere}
  - {kind: ServiceAccount, name: default, namespace: elsewhere}
  - {kind: ServiceAccount, name: another}
  - {kind: User, name: ada}
"""
RESOURCES = {
    "a role binding": BINDING.replace("KIND", "RoleBinding"),
    "a cluster role binding": BINDING.replace("KIND", "ClusterRoleBinding"),
    "a volume": "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: disk}\nspec: {}\n",
    "a class": "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: high}\nvalue: 3\n",
    "a list": "apiVersion: v1\nkind: List\nitems:\n"
    "  - {apiVersion: v1, kind: ConfigMap, metadata: {name: one}}\n"
    "  - {apiVersion: v1, kind: ConfigMap, metadata: {name: two}}\n",
}
POD = """\
patches:
  - patch: |
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: titanic}
      spec:
        template:
          spec:
            initContainers: [{name: first, image: busybox}]
            containers:
              - {name: proxy, image: envoy}
              - name: service
                env: [{name: B, value: "2"}, {name: SHUTDOWN_S, value: "3"}, {name: A, value: "1"}]
                ports: [{containerPort: 9090, name: admin}]
"""
ACCOUNT = """\
patches:
  - patch: |
      apiVersion: v1
      kind: ServiceAccount
      metadata: {name: titanic}
      imagePullSecrets: [{name: theirs}]
"""


@pytest.fixture
def kubectl() -> str:
    found = shutil.which("kubectl")
    if found is None:
        pytest.skip("kubectl is not installed, so there is nothing to compare with")
    return found


def by_name(manifests: list[Any]) -> dict[tuple[str, str], Any]:
    return {(one["kind"], one["metadata"]["name"]): one for one in manifests}


def require_same(root: Path, kubectl: str) -> None:
    folder = root / "deploy/staging"
    built = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=True).stdout
    assert by_name(build_kustomization(folder, root)) == by_name(list(yaml.safe_load_all(built)))


@pytest.mark.parametrize("folder", ["base", "staging"])
@pytest.mark.parametrize("text", RESOURCES.values(), ids=RESOURCES)
def test_a_resource_gets_the_namespace_that_kustomize_gives_it(
    project: Path, kubectl: str, folder: str, text: str
) -> None:
    path = project / "deploy" / folder / "kustomization.yaml"
    path.with_name("own.yaml").write_text(text)
    path.write_text(path.read_text().replace("resources:\n", "resources:\n  - own.yaml\n"))
    require_same(project, kubectl)


@pytest.mark.parametrize("patch", [POD, ACCOUNT], ids=["pods", "account"])
def test_a_patch_gives_lists_in_the_order_of_kustomize(project: Path, kubectl: str, patch: str) -> None:
    path = project / "deploy/staging/kustomization.yaml"
    path.write_text(path.read_text() + patch)
    require_same(project, kubectl)


def test_an_object_that_is_listed_twice_is_refused_as_kustomize_does(project: Path) -> None:
    path = project / "deploy/base/own.yaml"
    path.write_text("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: titanic}\n")
    edit_manifest(project, "kustomization.yaml", "  - network.yaml\n", "  - network.yaml\n  - own.yaml\n")
    with pytest.raises(ManifestError, match="has ServiceAccount/titanic twice"):
        read_target(project, "staging")


def test_the_namespace_file_follows_the_namespace_of_the_kustomization(project: Path) -> None:
    edit_manifest(project, "kustomization.yaml", "namespace: titanic-staging", "namespace: science")
    target = read_target(project, "staging")
    namespace = target.one("Namespace")
    assert namespace is not None
    assert (target.namespace, namespace["metadata"]["name"]) == ("science", "science")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


NUMBERS = ("1e3", "7e12345", "0123", "0o17", "1.10", "+5", ".5", "true", "null", "2024-01-01", "1:30", "")
"""Texts that YAML 1.1 or 1.2 takes for something else unless they are quoted, as a short commit may be."""


def test_a_text_that_looks_like_a_number_stays_a_text(tmp_path: Path, kubectl: str) -> None:
    pairs = {f"k{place}": text for place, text in enumerate(NUMBERS)}
    answers: dict[str, JSONValue] = {
        "annotations": {**pairs},
        "route": "gateway",
        "host": "a.example.org",
        "gateway": "1e3",
        "gateway_namespace": "12",
        "per_target": {"staging": {"node_selector": {"commit": "1e3"}, "host": "b.example.org"}},
    }
    root = write(deploy_files(project_spec(answers)), tmp_path)
    require_same(root, kubectl)
    found = by_name(build_kustomization(root / "deploy/staging", root))
    assert found["Deployment", "titanic"]["metadata"]["annotations"].items() >= pairs.items()
    assert found["Deployment", "titanic"]["spec"]["template"]["spec"]["nodeSelector"] == {"commit": "1e3"}
    assert found["HTTPRoute", "titanic"]["spec"]["parentRefs"][0]["name"] == "1e3"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('newTag: "1.0.0"', "newTag: 1.10", "`newTag` is no text"),
        ('newTag: "1.0.0"', "newTag: feature/x", "`newTag` is no tag of an image"),
        ("newName: titanic", "newName: 12", "`newName` is no text"),
        ("namespace: titanic-staging", "namespace: 2024", "`namespace` is no text"),
    ],
)
def test_what_kustomize_takes_for_no_text_is_refused(project: Path, old: str, new: str, problem: str) -> None:
    """`1.10` without quotes is the number 1.1."""
    edit_manifest(project, "kustomization.yaml", old, new)
    with pytest.raises(ManifestError, match=problem):
        read_target(project, "staging")
