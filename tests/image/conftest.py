"""A Docker Engine, a registry with a base image, a folder of wheels instead of an index, and a project."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from scaffold.events import Event
from scaffold.image import BuildOptions, build_image
from scaffold.spec import Image
from scaffold.verbs.build import build
from tests.image._fake_registry import FakeRegistry, serving_registry
from tests.image._projects import make_wheel, put_base, write_project

CERTIFICATES = os.environ.get("SSL_CERT_FILE")


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with serving_registry(FakeRegistry()) as running:
        yield running


@dataclass(frozen=True)
class Bench:
    """Builds as a user would, with every file that a build reads or caches below one folder."""

    registry: FakeRegistry
    root: Path
    base: str
    store: Path
    told: list[Event]

    def build(self, root: Path | None = None, *, store: Path | None = None, **choices: object) -> Image:
        given = {"registry": f"{self.registry.address}/team", "base": self.base, "push": True, **choices}
        options = replace(BuildOptions(builder="layers", push=True, platforms=("linux/amd64",)), **given)  # type: ignore[arg-type]
        return build_image(root or self.root, options, on_event=self.told.append, store=store or self.store)


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which uv finds packages."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    return folder


@pytest.fixture
def bench(registry: FakeRegistry, wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    for name in ("SCAFFOLD_REGISTRY_USERNAME", "SCAFFOLD_REGISTRY_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    root = write_project(tmp_path / "churn", lock=make_wheel(wheels))
    return Bench(registry, root, put_base(registry), tmp_path / "store", [])


@dataclass(frozen=True)
class Engine:
    """The engine, the registry and the base of the tests."""

    client: Any
    empty: Any
    """A second engine, which has pulled and built nothing."""
    registry: str
    base: str

    def build(self, root: Path, **choices: Any) -> Image:
        """Build with the engine, which has only the network of the host."""
        bundle = Path(CERTIFICATES) if CERTIFICATES else None
        return build(root, **{"network": "host", "ca_bundle": bundle, "registry": self.registry, **choices})


@pytest.fixture(scope="session")
def engine() -> Engine:
    keys = ("DOCKER_HOST", "SCAFFOLD_TEST_EMPTY", "SCAFFOLD_TEST_REGISTRY", "SCAFFOLD_TEST_BASE")
    host, empty, registry, base = (os.environ.get(key, "") for key in keys)
    if not all((host, empty, registry, base)):
        reason = "no Docker Engine and registry: . DIR/env after tests/image/engine.sh start DIR"
        if os.environ.get("SCAFFOLD_REQUIRE_DOCKER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    import docker

    client, empty_client = (docker.DockerClient(base_url=url, timeout=300) for url in (host, empty))
    return Engine(client, empty_client, registry, base)
