"""A proven project, its images in a registry that the nodes can pull from, and temporary namespaces."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from scaffold.cluster._client import Cluster
from scaffold.cluster._kubeconfig import connect
from scaffold.errors import ScaffoldError
from tests.cluster._support import REGISTRY, Built, make, wait_until_gone


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The cluster that `KUBECONFIG` names."""
    if not os.environ.get("KUBECONFIG"):
        pytest.skip("KUBECONFIG names no cluster; docs/deploy.md shows one command for each kind")
    if not REGISTRY:
        pytest.skip("SCAFFOLD_TEST_REGISTRY names no registry that the nodes pull from")
    found = connect()
    try:
        found.request("GET", "/version", timeout_s=10)
    except ScaffoldError as error:
        pytest.skip(f"the cluster does not answer: {error}")
    return found


@pytest.fixture(scope="session")
def name() -> str:
    """Return a name that no other run has, so that its namespaces are unique."""
    return f"line-{uuid.uuid4().hex[:6]}"


@pytest.fixture(scope="session")
def first(cluster: Cluster, name: str, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A proven service whose model doubles."""
    return make(name, 2.0, tmp_path_factory.mktemp("first") / name)


@pytest.fixture(scope="session")
def second(first: Built, name: str, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The same service with the next model, which triples."""
    return make(name, 3.0, tmp_path_factory.mktemp("second") / name)


@pytest.fixture
def project(first: Built, tmp_path: Path) -> Path:
    """A copy of the first project whose manifests a test may edit."""
    return Path(shutil.copytree(first.root, tmp_path / "project"))


@pytest.fixture(autouse=True)
def namespaces(cluster: Cluster, name: str) -> Iterator[None]:
    """Delete the namespaces of the test with all their contents, and wait until they are gone."""
    yield
    wait_until_gone(cluster, [f"{name}-staging", f"{name}-production"])
