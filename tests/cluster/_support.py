"""Helpers for the tests of a real cluster: a service with a tiny model, its image, and manifest edits."""

from __future__ import annotations

import base64
import contextlib
import functools
import json
import os
import re
import ssl
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from sklearn.linear_model import LinearRegression

import scaffold
from scaffold.base import base_image as base_base_image
from scaffold.cluster._client import Cluster
from scaffold.cluster._refusal import ApiError
from scaffold.errors import ImageError
from scaffold.image.registry._credentials import explicit_credentials, stored_credentials
from scaffold.image.registry._reference import parse_reference
from scaffold.image.registry._repository import Repository
from scaffold.spec import JSONValue
from scaffold.verbs.build import build

REGISTRY = os.environ.get("SCAFFOLD_TEST_REGISTRY", "")


@dataclass(frozen=True)
class Built:
    """A project on disk and its image by digest."""

    root: Path
    image: str


def make(name: str, factor: float, root: Path, **more: JSONValue) -> Built:
    """Write, prove, build and push a service for a line through the origin.

    Args:
        name: The name of the service.
        factor: The slope of the line.
        root: Where the project is written.
        more: Answers beside those that every test has.
    """
    sample = np.array([[1.0], [2.5], [-3.0]])
    model = LinearRegression().fit([[0.0], [1.0]], [0.0, factor])
    answers: dict[str, JSONValue] = {"registry": REGISTRY, "cpu": "50m", **more}
    answers |= {"memory": "128Mi", "memory_limit": "512Mi"}
    if base := base_image():
        answers["base_image"] = base
    scaffold.new(model, sample, model.predict(sample), root, name=name, answers=answers)
    image = build(root, builder="layers", push=True, registry=REGISTRY, insecure=insecure())
    return Built(root=root, image=f"{REGISTRY}/{name}@{image.digest}")


@functools.cache
def insecure() -> bool:
    """Whether the registry uses plain HTTP."""
    try:
        urllib.request.urlopen(f"https://{_host()}/v2/", timeout=10).close()
    except urllib.error.HTTPError:
        return False  # it answers: it wants a login
    except OSError as error:
        is_distrusted = isinstance(getattr(error, "reason", None), ssl.SSLCertVerificationError)
        return not is_distrusted
    return False


def base_image() -> str:
    """Return the base image: `SCAFFOLD_TEST_BASE`, else the Python image of the registry, if it has one."""
    if given := os.environ.get("SCAFFOLD_TEST_BASE"):
        return given
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    tag = base_base_image.base_image(python).rpartition(":")[2]
    own = parse_reference(f"{_host()}/library/python:{tag}")
    login = explicit_credentials(None) or stored_credentials(own.registry)
    repository = Repository(own, login, insecure=insecure())
    try:
        return f"{_host()}/library/python:{tag}" if repository.has_manifest(tag) else ""
    except ImageError:
        return ""


def _host() -> str:
    return REGISTRY.partition("/")[0]


def grant_documented_role(cluster: Cluster, namespace: str) -> str:
    """Create a namespace and an account with the permissions of docs/deploy.md; return its kubeconfig."""
    document = Path(__file__).parents[2] / "docs" / "deploy.md"
    [text] = re.findall(
        r"```yaml\n(apiVersion: [^`]*?kind: Role\n.*?)```", document.read_text("utf-8"), re.DOTALL
    )
    place = {"name": "scaffold-deploy", "namespace": namespace}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": place}
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": place,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": place["name"]},
        "subjects": [{"kind": "ServiceAccount", **place}],
    }
    role = yaml.safe_load(text) | {"metadata": place}
    for one in (
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        account,
        role,
        binding,
    ):
        cluster.apply(one, field_manager="test")
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{place['name']}/token"
    token = cluster.request("POST", path, body={"spec": {"expirationSeconds": 3600}})["status"]["token"]
    return _kubeconfig_with(cluster, token)


def _kubeconfig_with(cluster: Cluster, token: str) -> str:
    """Return a kubeconfig of the same cluster for the account of the token."""
    server: dict[str, object] = {"server": cluster.server}
    if cluster.configuration.ssl_ca_cert:
        authority = Path(cluster.configuration.ssl_ca_cert).read_bytes()
        server["certificate-authority-data"] = base64.b64encode(authority).decode()
    if not cluster.configuration.verify_ssl:
        server["insecure-skip-tls-verify"] = True
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "one", "cluster": server}],
            "users": [{"name": "one", "user": {"token": token}}],
            "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}],
            "current-context": "one",
        }
    )


def wait_until_gone(cluster: Cluster, names: list[str], timeout_s: float = 180) -> None:
    """Delete namespaces and wait until they are gone."""
    for one in names:
        with contextlib.suppress(ApiError):
            cluster.delete(f"/api/v1/namespaces/{one}")
    end = time.monotonic() + timeout_s
    while any(cluster.get(f"/api/v1/namespaces/{one}") for one in names):
        assert time.monotonic() < end, f"a namespace did not end: {names}"
        time.sleep(1)
