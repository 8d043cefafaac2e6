"""From a project folder to a live service: built as layers, pushed to a registry, deployed by digest."""

from __future__ import annotations

from pathlib import Path

import pytest

import scaffold
from scaffold.events import Advanced, Event, Finished, Started
from scaffold.store import open_store
from tests.deploy._deploys import QUICK, Deploys
from tests.image._fake_registry import FakeRegistry, serving
from tests.image._projects import make_wheel, put_base, write_project


@pytest.fixture
def quiet_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use only the registry login, index, store and cache of the test; return the folder of wheels."""
    for name in ("SCAFFOLD_REGISTRY_USERNAME", "SCAFFOLD_REGISTRY_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("SCAFFOLD_STORE", f"sqlite:///{tmp_path}/store.db")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "wheels"))
    (tmp_path / "wheels").mkdir()
    return tmp_path / "wheels"


def test_what_runs_is_what_was_built_by_its_digest(
    deploys: Deploys, quiet_environment: Path, tmp_path: Path
) -> None:
    root = write_project(tmp_path / "churn", lock=make_wheel(quiet_environment))
    (deploys.project / "deploy").rename(root / "deploy")
    (deploys.project / "tests/recorded.json").rename(root / "tests/recorded.json")
    events: list[Event] = []
    with serving(FakeRegistry()) as registry:
        deployed = scaffold.deploy(
            root,
            access=deploys.access,
            registry=f"{registry.address}/team",
            builder="layers",
            base=put_base(registry),
            platforms=("linux/amd64",),
            pace=QUICK,
            on_event=events.append,
        )
        name, _, digest = deployed.image.partition("@")
        assert name == f"{registry.address}/team/titanic"
        assert registry.manifest("team/titanic", "1.0.0") == registry.manifest("team/titanic", digest)
    assert deployed.live == "passed"
    assert events[0] == Started("build", f"{registry.address}/team/titanic:1.0.0, by layers")
    assert any(isinstance(event, Advanced) and event.stage == "push" for event in events)
    assert next(event for event in events if isinstance(event, Finished)).stage == "image"
    entry = open_store().history("titanic")[0]
    assert (entry.action, entry.deployment.image) == ("deploy", deployed.image)
