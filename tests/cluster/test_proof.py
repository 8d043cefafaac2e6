"""What the word proven stands for in a real cluster: callers, Services, tags, images that others set."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import scaffold
from scaffold.cluster import Pace
from scaffold.cluster._client import Cluster, Manifest
from scaffold.cluster._manifests import read_target
from scaffold.errors import (
    ClusterRefusedError,
    LiveAnswersDifferError,
    ManifestError,
    NoEndpointError,
    PromotionRefusedError,
    RolloutFailedError,
)
from scaffold.image.registry._credentials import explicit_credentials, stored_credentials
from scaffold.image.registry._reference import parse_reference
from scaffold.image.registry._repository import Repository
from tests.cluster._support import REGISTRY, Built, grant_documented_role, insecure
from tests.deploy._deploys import edit_manifest

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
PACE = Pace(rollout_s=300, address_s=60)
KILLED_DURING_THE_CANDIDATE = """
import os, sys, scaffold
root, image = sys.argv[1:]
def end(event):
    if getattr(event, "stage", "") == "candidate":
        os._exit(9)
scaffold.deploy(root, image=image, on_event=end)
"""


def digest_of_tag(name: str, tag: str) -> str:
    """The digest that a tag of a service's image names at the registry; empty where there is no such tag."""
    reference = parse_reference(f"{REGISTRY}/{name}:{tag}")
    login = explicit_credentials(None) or stored_credentials(reference.registry)
    repository = Repository(reference, login, insecure=insecure())
    return repository.manifest(tag)[2] if repository.has_manifest(tag) else ""


def set_image(cluster: Cluster, name: str, image: str) -> None:
    """Change the image as `kubectl set image` does."""
    patch_pods(cluster, name, {"spec": {"containers": [{"name": "service", "image": image}]}})


def patch_pods(cluster: Cluster, name: str, template: Manifest) -> None:
    """Change the pod template as the commands of `kubectl` do."""
    cluster.request(
        "PATCH",
        f"/apis/apps/v1/namespaces/{name}-staging/deployments/{name}",
        query={"fieldManager": "kubectl-set"},
        body={"spec": {"template": template}},
        content_type="application/strategic-merge-patch+json",
    )


def of_candidate(cluster: Cluster, name: str) -> list[str]:
    selector = f"model-scaffold/candidate-of={name}"
    groups = ("/apis/apps/v1", "/apis/networking.k8s.io/v1", "/api/v1")
    kinds = ("deployments", "networkpolicies", "pods")
    return [
        f"{kind}/{one['metadata']['name']}"
        for group, kind in zip(groups, kinds, strict=True)
        for one in cluster.list(f"{group}/namespaces/{name}-staging/{kind}", selector)
        if "deletionTimestamp" not in one["metadata"]
    ]


def test_a_service_with_a_wrong_selector_or_port_name_fails_before_anything_is_applied(
    cluster: Cluster, first: Built, project: Path, name: str
) -> None:
    scaffold.deploy(project, image=first.image, pace=PACE)
    selector = f"  selector:\n    app.kubernetes.io/name: {name}"
    edit_manifest(project, "service.yaml", selector, f"{selector}-other")
    with pytest.raises(ManifestError, match="does not select the pods of the Deployment"):
        scaffold.deploy(project, image=first.image, pace=PACE)
    edit_manifest(project, "service.yaml", f"{selector}-other", selector)
    edit_manifest(project, "service.yaml", "targetPort: http", "targetPort: web")
    with pytest.raises(ManifestError, match="leads to a port that the pods do not have"):
        scaffold.deploy(project, image=first.image, pace=PACE)
    assert scaffold.status(project).live == "passed"


def test_a_target_port_where_nothing_listens_fails_the_deploy(
    cluster: Cluster, first: Built, second: Built, project: Path, name: str
) -> None:
    edit_manifest(project, "service.yaml", "targetPort: http", "targetPort: 9000")
    with pytest.raises(NoEndpointError, match="nothing answers on port 9000"):
        scaffold.deploy(project, image=first.image, pace=PACE)
    edit_manifest(project, "service.yaml", "targetPort: 9000", "targetPort: http")
    scaffold.deploy(project, image=first.image, pace=PACE)
    edit_manifest(project, "service.yaml", "targetPort: http", "targetPort: 9000")
    for image in (first.image, second.image):  # without a rollout, and with one
        with pytest.raises(ManifestError, match="would not lead to the former pods"):
            scaffold.deploy(project, image=image, pace=PACE)
    service = cluster.get(f"/api/v1/namespaces/{name}-staging/services/{name}")
    assert service is not None
    assert service["spec"]["ports"][0]["targetPort"] == "http"
    assert scaffold.status(project).live == "passed"


def test_a_service_of_somebody_else_without_an_endpoint_is_named(
    cluster: Cluster, first: Built, project: Path, name: str
) -> None:
    edit_manifest(project, "kustomization.yaml", "  - service.yaml\n", "")
    metadata = {"name": name, "namespace": f"{name}-staging"}
    spec = {"selector": {"app": "other"}, "ports": [{"name": "http", "port": 80, "targetPort": 8000}]}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"{name}-staging"}})
    cluster.apply(
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}, field_manager="test"
    )
    with pytest.raises(NoEndpointError, match=f"Service/{name} has no endpoint: every caller is refused"):
        scaffold.deploy(project, image=first.image, pace=PACE)


def test_wrong_answers_are_found_in_the_candidate_and_leave_the_deployment_alone(
    cluster: Cluster, first: Built, second: Built, name: str
) -> None:
    scaffold.deploy(first.root, image=first.image, pace=PACE)
    with pytest.raises(LiveAnswersDifferError, match="No caller reached the new pods"):
        scaffold.deploy(first.root, image=second.image, pace=PACE)
    found = scaffold.status(first.root)
    assert (found.image, found.revision, found.live) == (first.image, 1, "passed")
    assert of_candidate(cluster, name) == []


def test_what_a_killed_deploy_left_is_removed_by_the_next_one(
    cluster: Cluster, first: Built, second: Built, name: str
) -> None:
    scaffold.deploy(first.root, image=first.image, pace=PACE)
    command = [sys.executable, "-c", KILLED_DURING_THE_CANDIDATE, str(second.root), second.image]
    assert subprocess.run(command, capture_output=True).returncode == 9
    assert len(of_candidate(cluster, name)) == 3
    time.sleep(61)  # the lock of the killed deploy runs out
    assert scaffold.deploy(first.root, image=first.image, pace=PACE).revision == 1
    assert of_candidate(cluster, name) == []


def test_the_versions_tag_stays_where_it_is_if_a_deploy_fails(
    cluster: Cluster, first: Built, project: Path, name: str
) -> None:
    deployed = scaffold.deploy(project, builder="layers", insecure=insecure(), pin=True, pace=PACE)
    digest = deployed.image.partition("@")[2]
    version = scaffold.Project.open(project).spec.version
    assert digest_of_tag(name, version) == digest
    kustomization = (project / "deploy/staging/kustomization.yaml").read_text()
    assert f"digest: {digest}" in kustomization
    score = project / "app/score.py"
    text = score.read_text()
    assert "_model.predict(inputs)" in text
    score.write_text(text.replace("_model.predict(inputs)", "2 * _model.predict(inputs)"))
    with pytest.raises(LiveAnswersDifferError):
        scaffold.deploy(project, builder="layers", insecure=insecure(), check=False, pin=True, pace=PACE)
    assert digest_of_tag(name, version) == digest
    assert (project / "deploy/staging/kustomization.yaml").read_text() == kustomization


def test_a_proof_does_not_cover_an_image_that_another_tool_set(
    cluster: Cluster, first: Built, second: Built, name: str
) -> None:
    scaffold.deploy(first.root, image=first.image, insecure=insecure(), pace=PACE)
    set_image(cluster, name, second.image)
    found = scaffold.status(first.root)
    assert (found.image, found.live) == (second.image, "not done: another tool changed the image")
    with pytest.raises(PromotionRefusedError, match="is not proven"):
        scaffold.promote(second.root, reason="tested", pace=PACE)
    with pytest.raises(LiveAnswersDifferError):
        scaffold.verify(first.root, target="staging", pace=PACE)
    assert scaffold.verify(second.root, target="staging", insecure=insecure(), pace=PACE).passed
    found = scaffold.status(second.root)
    assert found.live == "passed"
    assert found.release is not None
    assert found.release.proof == "passed"


def test_a_proof_does_not_cover_a_pod_template_that_another_tool_changed(
    cluster: Cluster, first: Built, name: str
) -> None:
    scaffold.deploy(first.root, image=first.image, insecure=insecure(), pace=PACE)
    restarted = {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}
    patch_pods(cluster, name, {"metadata": {"annotations": restarted}})
    assert scaffold.status(first.root).live == "passed"
    environment = [{"name": "ADDED", "value": "1"}]
    patch_pods(cluster, name, {"spec": {"containers": [{"name": "service", "env": environment}]}})
    found = scaffold.status(first.root)
    assert (found.image, found.live) == (first.image, "not done: another tool changed the pod template")
    with pytest.raises(PromotionRefusedError, match="is not proven"):
        scaffold.promote(first.root, reason="tested", pace=PACE)
    assert scaffold.verify(first.root, target="staging", insecure=insecure(), pace=PACE).passed
    assert scaffold.status(first.root).live == "passed"


def test_what_another_tool_applied_is_proven(
    cluster: Cluster, first: Built, project: Path, name: str
) -> None:
    text = (project / "deploy/base/deployment.yaml").read_text()
    line = next(line for line in text.splitlines() if line.strip().startswith("image: "))
    edit_manifest(project, "deployment.yaml", line, line.partition("image: ")[0] + f"image: {first.image}")
    for manifest in read_target(project, "staging").manifests:
        cluster.apply(manifest, field_manager="argocd-controller")
    assert scaffold.verify(project, target="staging", pace=PACE).passed
    assert scaffold.status(project).live == "passed"


def test_status_names_the_pod_that_is_not_ready(cluster: Cluster, first: Built, name: str) -> None:
    scaffold.deploy(first.root, image=first.image, pace=PACE)
    set_image(cluster, name, f"{first.image.partition('@')[0]}@sha256:{'0' * 64}")
    end = time.monotonic() + 60
    found = scaffold.status(first.root)
    while not any("Image" in pod.state for pod in found.unready):
        assert time.monotonic() < end, found
        time.sleep(1)
        found = scaffold.status(first.root)
    assert (found.replicas, found.wanted) == (2, 2)


def test_an_account_without_port_forward_is_told_so_at_once(
    cluster: Cluster, first: Built, name: str
) -> None:
    namespace = f"{name}-staging"
    access = scaffold.ClusterAccess(kubeconfig=grant_documented_role(cluster, namespace))
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles/scaffold-deploy"
    role = cluster.get(path)
    assert role is not None
    rules = [rule for rule in role["rules"] if rule["resources"] != ["pods/portforward"]]
    patch = "application/merge-patch+json"
    cluster.request("PATCH", path, body={"rules": rules}, content_type=patch)
    with pytest.raises(ClusterRefusedError) as caught:
        scaffold.deploy(first.root, image=first.image, access=access, pace=PACE)
    assert str(caught.value).startswith("Your account may not forward ports to pods")
    assert "-+-+-" not in str(caught.value)


def test_a_source_without_a_ready_pod_is_not_promoted(cluster: Cluster, first: Built, name: str) -> None:
    scaffold.deploy(first.root, image=first.image, insecure=insecure(), pace=PACE)
    path = f"/apis/apps/v1/namespaces/{name}-staging/deployments/{name}"
    patch = "application/merge-patch+json"
    cluster.request("PATCH", path, body={"spec": {"replicas": 0}}, content_type=patch)
    end = time.monotonic() + 60
    while scaffold.status(first.root).replicas:
        assert time.monotonic() < end
        time.sleep(1)
    with pytest.raises(PromotionRefusedError, match=r"No pod of 'staging' is ready\."):
        scaffold.promote(first.root, reason="tested", pace=PACE)


def test_a_missing_key_secret_is_made_by_the_command_that_is_printed(
    cluster: Cluster, first: Built, project: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = "          env:\n"
    reference = f"secretKeyRef: {{name: {name}-api-keys, key: hashes}}"
    entry = f"            - name: API_KEY_HASHES\n              valueFrom: {{{reference}}}\n"
    edit_manifest(project, "deployment.yaml", env, env + entry)
    with pytest.raises(RolloutFailedError) as caught:
        scaffold.deploy(project, image=first.image, pace=PACE)
    fix = next(line for line in str(caught.value).splitlines() if line.startswith("Create it: "))
    assert f"kubectl -n {name}-staging create secret generic {name}-api-keys --from-literal=hashes=" in fix
    if shutil.which("kubectl") is None or not Path(os.environ["KUBECONFIG"]).is_file():
        pytest.skip("no kubectl, or no file in KUBECONFIG: the printed command cannot run here")
    monkeypatch.setenv("KEY", "a key of the test")
    subprocess.run(["bash", "-c", fix.removeprefix("Create it: ")], check=True)
    monkeypatch.setenv("SCAFFOLD_API_KEY", "a key of the test")
    assert scaffold.deploy(project, image=first.image, pace=PACE).live == "passed"


def test_a_wrong_container_port_is_named_with_both_ports(
    cluster: Cluster, first: Built, project: Path
) -> None:
    edit_manifest(project, "deployment.yaml", "containerPort: 8000", "containerPort: 9000")
    with pytest.raises(RolloutFailedError) as caught:
        scaffold.deploy(project, image=first.image, pace=Pace(rollout_s=90))
    problem = "The service listens on port 8000, and the pods are probed at port 9000."
    assert str(caught.value).startswith(problem)
