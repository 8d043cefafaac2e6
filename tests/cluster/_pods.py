"""Pods that a test runs next to the service: Python programs in the service's image."""

from __future__ import annotations

import time
from typing import Any

from scaffold.cluster._client import Cluster
from scaffold.cluster._refusal import ApiError


def program(name: str, namespace: str, image: str, code: str, **spec: Any) -> dict[str, Any]:
    """A pod that runs `code` once."""
    context = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {
        "name": "program",
        "image": image,
        "command": ["python", "-u", "-c", code],
        "securityContext": context,
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"test": name}},
        "spec": {"restartPolicy": "Never", "containers": [container], **spec},
    }


def log_of(cluster: Cluster, name: str, namespace: str) -> str:
    """Return the output of the program so far."""
    try:
        return str(cluster.request("GET", f"/api/v1/namespaces/{namespace}/pods/{name}/log"))
    except ApiError:
        return ""


def wait_for_phase(cluster: Cluster, name: str, namespace: str, *phases: str, timeout_s: float = 300) -> str:
    """Wait until the pod is in one of the phases; return that phase."""
    end = time.monotonic() + timeout_s
    while True:
        pod = cluster.get(f"/api/v1/namespaces/{namespace}/pods/{name}") or {}
        phase = str((pod.get("status") or {}).get("phase", ""))
        if phase in phases:
            return phase
        assert time.monotonic() < end, f"{name} is {phase}: {log_of(cluster, name, namespace)}"
        time.sleep(1)
