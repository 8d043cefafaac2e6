"""`doctor` says what is there and what mends the rest; it never hangs and needs no extra."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scaffold.cluster import ClusterAccess
from scaffold.render._deploy import deploy_files
from scaffold.spec import Prerequisite, State
from scaffold.store import open_store
from scaffold.verbs import _machine
from scaffold.verbs.doctor import doctor as run_doctor
from tests.deploy._fake_api import FakeApi, running
from tests.deploy._specs import project_spec
from tests.image._fake_registry import FakeRegistry, serving_registry


@pytest.fixture(autouse=True)
def nothing_configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without a kubeconfig, an engine, a login or a store, and an index that is closed."""
    cache = os.environ.get("UV_CACHE_DIR") or str(Path.home() / ".cache/uv")
    monkeypatch.setenv("UV_CACHE_DIR", cache)  # uv keeps there what it knows of each Python
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{closed_port()}/simple")
    for name in ("KUBECONFIG", "SCAFFOLD_STORE", "SCAFFOLD_REGISTRY_USERNAME", "UV_INDEX", "UV_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)


def closed_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def by_name(found: tuple[Prerequisite, ...]) -> dict[str, Prerequisite]:
    return {each.name: each for each in found}


def test_what_is_missing_comes_with_the_line_that_mends_it() -> None:
    found = by_name(run_doctor(registry="127.0.0.1:1"))
    assert {name for name, each in found.items() if each.state is State.OK} >= {"python", "uv", "store"}
    for name in ("index", "engine", "registry 127.0.0.1:1", "cluster"):
        each = found[name]
        assert each.state is not State.OK
        assert shlex.split(each.fix), name
        assert "\n" not in each.found + each.fix, name
    assert found["index"].needed
    assert "127.0.0.1" in found["index"].found
    assert found["engine"].fix == "unset DOCKER_HOST"
    assert found["registry 127.0.0.1:1"].fix == "docker run -d -p 1:5000 registry:2"
    assert found["cluster"].fix == "export KUBECONFIG=/path/to/kubeconfig"
    assert "created when it is first used" in found["store"].found
    assert not (Path.home() / "data").exists()


def test_what_answers_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SCAFFOLD_REGISTRY_USERNAME", "ada")
    monkeypatch.setenv("SCAFFOLD_REGISTRY_PASSWORD", "lovelace")
    url = f"sqlite:///{tmp_path}/store.db"
    open_store(url)
    with serving_registry(FakeRegistry(token="t")) as registry, running(FakeApi()) as kubeconfig:
        access = ClusterAccess(kubeconfig=kubeconfig)
        found = by_name(run_doctor(registry=registry.address, access=access, store=url))
    assert found[f"registry {registry.address}"].found == "login of ada"
    assert found["cluster"].found.startswith("Kubernetes v1.36.0, context the current one, http://127.0.0.1:")
    assert found["store"] == Prerequisite(name="store", state=State.OK, found=url)


def test_a_registry_without_its_login_wants_docker_login() -> None:
    with serving_registry(FakeRegistry(basic=True)) as registry:
        found = by_name(run_doctor(registry=registry.address))[f"registry {registry.address}"]
    assert (found.state, found.fix) == (State.MISSING, f"docker login {registry.address}")


def test_servers_that_say_nothing_are_not_waited_for(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://{silent}/simple")
    monkeypatch.setenv("DOCKER_HOST", f"tcp://{silent}")
    kubeconfig = {
        "clusters": [{"name": "a", "cluster": {"server": f"http://{silent}"}}],
        "users": [{"name": "a", "user": {"token": "t"}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "current-context": "a",
    }
    begun = time.monotonic()
    access = ClusterAccess(kubeconfig=json.dumps(kubeconfig))
    found = by_name(run_doctor(registry=silent, access=access, timeout_s=2))
    assert time.monotonic() - begun < 20  # it is 2 s; other work may hold the machine up
    for name in ("index", "engine", f"registry {silent}", "cluster"):
        assert found[name].state is State.UNREACHABLE, name
        assert found[name].fix, name


def test_an_extra_that_is_not_installed_is_a_line(tmp_path: Path) -> None:
    """In a process whose path has none of the modules of the extras."""
    hidden = ("docker", "isal", "requests", "kubernetes", "urllib3", "sqlalchemy", "alembic")
    code = f"import sys; sys.modules.update(dict.fromkeys({hidden})); from scaffold.cli import main; main()"
    command = [sys.executable, "-c", code, "doctor", str(tmp_path), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr  # the index is closed
    found = {each["name"]: each for each in json.loads(done.stdout)}
    for name, extra in (("engine", "image"), ("registry docker.io", "image"), ("cluster", "kubernetes")):
        assert found[name]["fix"] == f"pip install 'model-scaffold[{extra}]'", name
    assert found["store"]["fix"] == "pip install 'model-scaffold[store]'"
    assert found["uv"]["state"] == "ok"


def test_a_driver_that_is_not_installed_is_a_line() -> None:
    found = by_name(run_doctor(registry="127.0.0.1:1", store="mssql+pyodbc://user:secret@host/models"))
    assert found["store"].state is State.MISSING
    assert found["store"].fix == "pip install pyodbc"
    assert "secret" not in found["store"].found


def test_the_registry_is_that_of_the_project(tmp_path: Path) -> None:
    answers = {"registry": "127.0.0.1:1/team"}
    for path, text in deploy_files(project_spec(answers)).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(text)
    found = [each.name for each in run_doctor(tmp_path) if each.name.startswith("registry")]
    assert found == ["registry 127.0.0.1:1"]


def test_certificates_that_are_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    found = _machine.check_certificates()
    assert (found.state, found.fix) == (State.MISSING, "unset SSL_CERT_FILE")


def test_a_password_of_the_index_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://ada:secret@127.0.0.1:{closed_port()}/simple")
    assert "secret" not in str(run_doctor())
