"""The API of a cluster accepts what answers are rendered to, and its Pod Security admits the pods."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scaffold.cluster._client import Cluster
from scaffold.cluster._manifests import read_target
from scaffold.cluster._refusal import ApiError
from tests.deploy._policies import CUSTOM_KINDS
from tests.deploy.test_manifests import random_projects, write

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
PROJECTS = 300
OF_THE_CLUSTER = ("priorityClassName", "runtimeClassName", "serviceAccountName")
"""What a pod names that this cluster need not have."""


@pytest.fixture
def restricted(cluster: Cluster, name: str) -> str:
    """A namespace that admits only pods of the restricted standard."""
    namespace = f"{name}-staging"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    metadata = {"name": namespace, "labels": labels}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}, field_manager="test")
    end = time.monotonic() + 30
    while cluster.get(f"/api/v1/namespaces/{namespace}/serviceaccounts/default") is None:
        assert time.monotonic() < end, "the namespace got no service account"
        time.sleep(0.2)
    return namespace


def rendered(tmp_path: Path, namespace: str) -> Iterator[dict[str, Any]]:
    """What `deploy` applies for each target of projects with random answers, in one namespace."""
    for number, (files, targets) in enumerate(random_projects(PROJECTS, seed=36)):
        root = write(files, tmp_path / str(number))
        for target in targets[:2]:
            for manifest in read_target(root, target).manifests:
                if manifest["kind"] != "Namespace":
                    yield manifest | {"metadata": manifest["metadata"] | {"namespace": namespace}}


def pod_of(deployment: dict[str, Any]) -> dict[str, Any]:
    """The pod of a Deployment's template, as the namespace's default account may create it."""
    template = json.loads(json.dumps(deployment["spec"]["template"]))
    for field in OF_THE_CLUSTER:
        template["spec"].pop(field, None)
    return {"apiVersion": "v1", "kind": "Pod", **template, "metadata": template["metadata"] | {"name": "one"}}


def test_the_manifests_of_random_answers_are_accepted(
    cluster: Cluster, restricted: str, tmp_path: Path
) -> None:
    pods = f"/api/v1/namespaces/{restricted}/pods"
    seen: set[str] = set()
    custom = {*CUSTOM_KINDS, "ScaledObject"}
    kinds: dict[str, int] = {}
    refused: list[str] = []
    for manifest in rendered(tmp_path, restricted):
        kind, text = manifest["kind"], json.dumps(manifest, sort_keys=True)
        if text in seen or (kind in custom and not cluster.kinds(manifest["apiVersion"])):
            continue
        seen.add(text)
        kinds[kind] = kinds.get(kind, 0) + 1
        try:
            cluster.apply(manifest, field_manager="test", dry_run=True)
            if kind == "Deployment":
                query = {"dryRun": "All", "fieldValidation": "Strict"}
                cluster.request("POST", pods, query=query, body=pod_of(manifest))
        except ApiError as error:
            refused.append(f"{error.message}\n{text}")
    assert not refused, "\n".join(refused[:5])
    wanted = {"Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy"}
    assert wanted | {"ServiceAccount", "Ingress"} <= kinds.keys()
    assert kinds["Deployment"] > PROJECTS / 2
