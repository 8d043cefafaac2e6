"""The documented Role allows exactly the calls that are made."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

import scaffold
from scaffold.cli._app import app
from scaffold.cluster import stream_logs
from scaffold.errors import ClusterRefusedError, RolloutFailedError
from tests.deploy._deploys import QUICK, Deploys, image
from tests.deploy._fake_pods import waiting
from tests.deploy._policies import problems

DOCUMENT = Path(__file__).parents[2] / "docs" / "deploy.md"
CRASHED: dict[str, Any] = {"restartCount": 2, "lastState": {"terminated": {"exitCode": 1}}}
INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: titanic}
spec:
  rules:
    - host: a.example.org
      http:
        paths:
          - path: /
            pathType: Prefix
            backend: {service: {name: titanic, port: {name: http}}}
"""
Rule = tuple[str, str, str]


def documented(name: str, document: Path = DOCUMENT) -> set[Rule]:
    """(verb, group, resource) of the Role or ClusterRole `name` in the documentation."""
    blocks = re.findall(r"```yaml\n(.*?)```", document.read_text("utf-8"), re.DOTALL)
    roles: list[dict[str, Any]] = [one for block in blocks for one in yaml.safe_load_all(block) if one]
    role = next(one for one in roles if one.get("rules") and one["metadata"]["name"] == name)
    return {
        (verb, group, resource)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_in_an_existing_namespace_the_calls_are_those_of_the_documented_role(
    deploys: Deploys,
) -> None:
    """Take over a lease, deploy, add an ingress, fail, roll back, read history and logs, undeploy."""
    api = deploys.cluster.api
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "titanic-staging"}})
    api.create(
        {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": "titanic-deploy", "namespace": "titanic-staging"},
            "spec": {"holderIdentity": "killed", "renewTime": "2020-01-01T00:00:00.000000Z"},
        }
    )
    deploys.cluster.behaviours[image(3)] = waiting("CrashLoopBackOff", **CRASHED)
    deploys.deploy(1, docker_config='{"auths": {}}')
    (deploys.project / "deploy/staging/ingress.yaml").write_text(INGRESS)
    deploys.edit_manifest("kustomization.yaml", "resources:\n", "resources:\n  - ingress.yaml\n")
    for candidate in (True, False):
        with pytest.raises(RolloutFailedError, match="The service ends"):
            deploys.deploy(3, candidate=candidate)
    deploys.edit_manifest("kustomization.yaml", "  - ingress.yaml\n", "")
    deploys.deploy(2)
    deploys.roll_back()
    deploys.history()
    list(stream_logs(deploys.project, target="staging", access=deploys.access))
    deploys.undeploy()
    called = {(verb, group, resource) for verb, group, resource, namespace in api.calls if namespace}
    assert called == documented("scaffold-deploy")


@pytest.mark.parametrize("made", ["by a deploy", "by hand", "by a deploy of another project"])
def test_the_role_is_enough_in_a_namespace_that_an_administrator_made(deploys: Deploys, made: str) -> None:
    api = deploys.cluster.api
    if made == "by hand":
        api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "titanic-staging"}})
    else:
        deploys.deploy(1)
    if made == "by a deploy of another project":  # version 0.1 wrote the name of its service there
        labels = api.find("Namespace")["metadata"]["labels"]
        assert "app.kubernetes.io/name" not in labels
        labels["app.kubernetes.io/name"] = "churn"
    api.role = documented("scaffold-deploy")
    assert deploys.deploy(2).live == "passed"
    assert deploys.deploy(3).live == "passed"
    assert deploys.roll_back().image == image(2)
    scaffold.verify(deploys.project, target="staging", access=deploys.access, pace=QUICK)
    assert deploys.status().live == "passed"
    list(stream_logs(deploys.project, target="staging", access=deploys.access))
    removal = deploys.undeploy()
    assert "Deployment/titanic" in removal.removed
    assert [one.partition(":")[0] for one in removal.left] == ["Namespace/titanic-staging"]


def test_a_namespace_that_differs_from_its_manifest_needs_the_right_to_change_it(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.cluster.api.role = documented("scaffold-deploy")
    deploys.edit_manifest("namespace.yaml", "warn: restricted", "warn: baseline")
    with pytest.raises(ClusterRefusedError, match='cannot patch resource "namespaces"'):
        deploys.deploy(2)


def test_the_hooks_of_the_docs_are_valid_jobs_that_prove_the_target(deploys: Deploys) -> None:
    """One for Argo CD, one for Flux."""
    blocks = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    jobs = [one for block in blocks for one in yaml.safe_load_all(block) if one.get("kind") == "Job"]
    assert [problems(job) for job in jobs] == [[], []]
    assert "generateName" in jobs[0]["metadata"]
    assert jobs[1]["metadata"]["name"] == "titanic-verify"  # Flux applies no `generateName`
    containers = [job["spec"]["template"]["spec"]["containers"] for job in jobs]
    assert containers[0] == containers[1]
    program, *words = containers[0][0]["command"]
    deploys.deploy(1)
    kubeconfig = deploys.project / "kubeconfig"
    kubeconfig.write_text(deploys.kubeconfig)
    line = [str(deploys.project) if word == "/project" else word for word in words]
    result = CliRunner().invoke(app, [*line, "--kubeconfig", str(kubeconfig)])
    assert (program, result.exit_code) == ("scaffold", 0), result.output


def test_permissions_outside_the_namespace_are_documented_separately(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.undeploy()
    beyond = {(verb, group, resource) for verb, group, resource, _ in deploys.cluster.api.calls}
    allowed = documented("scaffold-deploy") | documented("scaffold-namespaces")
    assert {one for one in beyond - allowed if (one[0], "*", "*") not in allowed} == set()
    assert {("create", "", "namespaces"), ("delete", "", "namespaces")} <= beyond
