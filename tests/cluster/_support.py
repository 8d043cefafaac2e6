"""What the tests of a real cluster share: a service of a tiny model, its image, and manifest edits."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LinearRegression

import scaffold
from scaffold._building import build
from scaffold.deploy._client import ApiError, Cluster
from scaffold.errors import ImageError
from scaffold.image._credentials import given_credentials, stored_credentials
from scaffold.image._reference import parse_reference
from scaffold.image._registry import Repository

REGISTRY = os.environ.get("SCAFFOLD_TEST_REGISTRY", "")


@dataclass(frozen=True)
class Built:
    """A project on disk and its image by digest."""

    root: Path
    image: str


def make(name: str, factor: float, root: Path) -> Built:
    """Write, prove, build and push a service for a line through the origin."""
    sample = np.array([[1.0], [2.5], [-3.0]])
    model = LinearRegression().fit([[0.0], [1.0]], [0.0, factor])
    answers = {"registry": REGISTRY, "memory": "128Mi", "memory_limit": "512Mi", "cpu": "50m"}
    if base := base_image():
        answers["base_image"] = base
    scaffold.new(model, sample, model.predict(sample), root, name=name, answers=answers)
    image = build(root, builder="layers", push=True, registry=REGISTRY, insecure=insecure())
    return Built(root=root, image=f"{REGISTRY}/{name}@{image.digest}")


@functools.cache
def insecure() -> bool:
    """Whether the registry speaks plain HTTP."""
    try:
        urllib.request.urlopen(f"https://{_host()}/v2/", timeout=10).close()
    except urllib.error.HTTPError:
        return False  # it answers: it wants a login
    except OSError:
        return True
    return False


def base_image() -> str:
    """The Python image to build on: `SCAFFOLD_TEST_BASE`, else the registry's own, where it has one."""
    if given := os.environ.get("SCAFFOLD_TEST_BASE"):
        return given
    tag = f"{sys.version_info.major}.{sys.version_info.minor}-slim-bookworm"
    own = parse_reference(f"{_host()}/library/python:{tag}")
    login = given_credentials(None) or stored_credentials(own.registry)
    repository = Repository(own, login, insecure=insecure())
    try:
        return f"{_host()}/library/python:{tag}" if repository.has_manifest(tag) else ""
    except ImageError:
        return ""


def _host() -> str:
    return REGISTRY.partition("/")[0]


def edit(project: Path, file: str, old: str, new: str, target: str = "staging") -> None:
    """What an owner does with a manifest of theirs."""
    path = project / "deploy" / target / file
    text = path.read_text()
    assert old in text, f"{file} has no {old!r}"
    path.write_text(text.replace(old, new))


def wait_until_gone(cluster: Cluster, names: list[str], timeout_s: float = 180) -> None:
    """Delete namespaces and wait for their end."""
    for one in names:
        with contextlib.suppress(ApiError):
            cluster.delete(f"/api/v1/namespaces/{one}")
    end = time.monotonic() + timeout_s
    while any(cluster.get(f"/api/v1/namespaces/{one}") for one in names):
        assert time.monotonic() < end, f"a namespace did not end: {names}"
        time.sleep(1)
