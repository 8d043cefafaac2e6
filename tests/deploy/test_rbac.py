"""The documented Role allows exactly the calls that are made."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from scaffold.cluster import stream_logs
from scaffold.errors import RolloutFailedError
from tests.deploy._deploys import Deploys, image
from tests.deploy._fake_pods import waiting

DOCUMENT = Path(__file__).parents[2] / "docs" / "deploy.md"
CRASHED: dict[str, Any] = {"restartCount": 2, "lastState": {"terminated": {"exitCode": 1}}}
INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: titanic}
spec: {rules: [{host: a.example.org, http: {paths: []}}]}
"""
Rule = tuple[str, str, str]


def documented(name: str) -> set[Rule]:
    """(verb, group, resource) of the Role or ClusterRole `name` in the documentation."""
    blocks = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
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


def test_permissions_outside_the_namespace_are_documented_separately(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.undeploy()
    beyond = {(verb, group, resource) for verb, group, resource, _ in deploys.cluster.api.calls}
    allowed = documented("scaffold-deploy") | documented("scaffold-namespaces")
    assert {one for one in beyond - allowed if (one[0], "*", "*") not in allowed} == set()
    assert {("create", "", "namespaces"), ("delete", "", "namespaces")} <= beyond
