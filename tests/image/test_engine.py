"""Images with a real Docker Engine and a real registry: `tests/image/engine.sh` starts both."""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from scaffold.base.code import code_sha256
from scaffold.errors import (
    AnswersDifferError,
    BuildStepError,
    EngineNotRunningError,
    ImageCheckError,
    ImageError,
    RepositoryNotFoundError,
    UploadError,
)
from scaffold.image import CODE_LABEL, BuildOptions, build_image, move_tag, read_labels
from scaffold.image._running import ServiceAccess, run_container
from scaffold.spec import Image, SystemPackage
from scaffold.verbs.build import build
from tests.http_server import serving
from tests.image._projects import dockerfile, make_spec, make_wheel, write_project
from tests.image.conftest import Engine

ROOT = Path(__file__).parents[2]
TITANIC = ROOT / "examples/titanic/service"
PASSWORD = "s3cr3t-of-the-index"


@pytest.fixture(scope="module")
def titanic(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Image]:
    """The Titanic service, built with both builders, checked and pushed, from a copy outside git."""
    root = shutil.copytree(TITANIC, tmp_path_factory.mktemp("projects") / "titanic")
    store = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    os.environ.setdefault("UV_CACHE_DIR", str(Path.home() / ".cache/uv"))
    try:
        return {
            "docker": engine.build(root, push=True, check=True, registry=f"{engine.registry}/docker"),
            "layers": build(
                root,
                builder="layers",
                push=True,
                check=True,
                base=engine.base,
                registry=f"{engine.registry}/layers",
                output=tmp_path_factory.mktemp("output") / "image.tar",
            ),
        }
    finally:
        if store is None:
            del os.environ["XDG_CACHE_HOME"]
        else:
            os.environ["XDG_CACHE_HOME"] = store


@pytest.mark.docker
@pytest.mark.parametrize("builder", ["docker", "layers"])
def test_a_pulled_image_runs_read_only_as_any_user_and_answers_as_the_model(
    engine: Engine, titanic: dict[str, Image], builder: str
) -> None:
    for known in engine.empty.images.list():
        engine.empty.images.remove(known.id, force=True)
    pulled = engine.empty.images.pull(titanic[builder].reference)
    recorded = json.loads((TITANIC / "tests/recorded.json").read_text())
    name, asking = titanic[builder].reference, ServiceAccess(root=TITANIC)
    with run_container(engine.empty, pulled.id, name, asking, host_network=True) as service:
        for request, wanted in zip(recorded["requests"], recorded["answers"], strict=True):
            assert _score(service.url, request) == pytest.approx(wanted)
    assert pulled.attrs["RepoDigests"] == [
        f"{titanic[builder].reference.rpartition(':')[0]}@{titanic[builder].digest}"
    ]


@pytest.mark.docker
def test_the_two_images_are_configured_alike(engine: Engine, titanic: dict[str, Image]) -> None:
    docker, layers = (
        engine.client.images.pull(titanic[name].reference).attrs["Config"] for name in ("docker", "layers")
    )
    for key in ("Entrypoint", "Cmd", "User", "WorkingDir", "Labels", "ExposedPorts", "Healthcheck"):
        assert docker.get(key) == layers.get(key), key
    assert sorted(docker["Env"]) == sorted(layers["Env"])


@pytest.mark.docker
def test_the_tag_of_the_version_moves_to_an_image_that_was_pushed_under_a_tag_of_its_own(
    engine: Engine, titanic: dict[str, Image], tmp_path: Path
) -> None:
    root = Path(shutil.copytree(TITANIC, tmp_path / "titanic"))
    registry = f"{engine.registry}/unique"
    image = engine.build(root, push=True, check=False, unique_tag=True, registry=registry)
    name, _, tag = image.reference.rpartition(":")
    version, _, digits = tag.rpartition("-")
    assert len(digits) == 12
    by_digest = f"{name}@{image.digest}"
    assert read_labels(by_digest, {})[CODE_LABEL] == code_sha256(root)
    with pytest.raises(RepositoryNotFoundError):
        read_labels(f"{name}:{version}", {})
    assert move_tag(by_digest, version, {}) == f"{name}:{version}"
    assert read_labels(f"{name}:{version}", {}) == read_labels(by_digest, {})


@pytest.mark.docker
@pytest.mark.parametrize(("builder", "most_bytes"), [("docker", 400e6), ("layers", 330e6)])
def test_titanic_adds_little_to_its_base(
    engine: Engine, titanic: dict[str, Image], builder: str, most_bytes: float
) -> None:
    # The Dockerfile compiles bytecode, some 60 MB, which saves CPU at each start.
    image = engine.client.images.pull(titanic[builder].reference)
    base = engine.client.images.pull(engine.base)
    assert image.attrs["Size"] - base.attrs["Size"] <= most_bytes
    assert [name for name, _ in titanic[builder].largest][:3] == ["scipy", "numpy", "pandas"]
    assert [layer.part for layer in titanic[builder].layers] == ["base", "dependencies", "code", "model"]


@pytest.mark.docker
@pytest.mark.parametrize("builder", ["docker", "layers"])
def test_the_registry_has_a_bill_of_materials(
    engine: Engine, titanic: dict[str, Image], builder: str
) -> None:
    tag = titanic[builder].digest.replace(":", "-")
    listed = _ask(engine, f"{builder}/titanic-service/manifests/{tag}")["manifests"]
    referrer = _ask(engine, f"{builder}/titanic-service/manifests/{listed[0]['digest']}")
    assert referrer["subject"]["digest"] == titanic[builder].digest
    sbom = _ask(engine, f"{builder}/titanic-service/blobs/{referrer['layers'][0]['digest']}")
    assert {"scikit-learn", "pandas", "fastapi"} < {component["name"] for component in sbom["components"]}


@pytest.mark.docker
def test_an_engine_loads_the_archive(engine: Engine, bench_project: Path, tmp_path: Path) -> None:
    output = tmp_path / "image.tar"
    image = build(bench_project, builder="layers", base=engine.base, output=output, tag="loaded:1")
    with output.open("rb") as file:
        (loaded,) = engine.client.images.load(file)
    assert loaded.tags == ["loaded:1"]
    assert image.reference == "loaded:1"
    printed = engine.client.containers.run(loaded.id, network_mode="none", read_only=True, remove=True)
    assert printed == b"serving\n"


@pytest.mark.docker
def test_debian_packages_are_there_without_an_engine(engine: Engine, bench_project: Path) -> None:
    system = [SystemPackage(name="libgomp1", reason="lightgbm loads libgomp.so.1")]
    (bench_project / "Dockerfile").write_text(dockerfile(make_spec(system=system)))
    (bench_project / "app/__main__.py").write_text(
        "import ctypes\nprint(ctypes.CDLL('libgomp.so.1')._name)\n"
    )
    image = build(
        bench_project, builder="layers", base=engine.base, push=True, registry=f"{engine.registry}/deb"
    )
    pulled = engine.client.images.pull(image.reference)
    options = {"network_mode": "none", "read_only": True, "remove": True}
    assert engine.client.containers.run(pulled.id, **options) == b"libgomp.so.1\n"
    told = engine.client.containers.run(
        pulled.id, ["--verify", "libgomp1"], entrypoint="dpkg", user="0", **options
    )
    assert told == b""


@pytest.fixture
def bench_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of one wheel, which uv finds in a folder."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return write_project(tmp_path / "churn", lock=make_wheel(wheels))


@pytest.mark.docker
def test_a_step_that_fails_is_named_with_the_end_of_its_output(engine: Engine, tmp_path: Path) -> None:
    step = "RUN echo so far >&2 && cat /nowhere"  # the engine mixes two streams in any order
    root = write_project(tmp_path / "churn", text=f"FROM {engine.base}\n{step}\n")
    with pytest.raises(BuildStepError) as caught:
        engine.build(root, tag="fails:1", registry=None, ca_bundle=None)
    message = str(caught.value)
    assert message.startswith(f"The image was not built: this step failed.\n  {step}\nso far\n")
    assert "cat: /nowhere: No such file or directory" in message


@pytest.mark.docker
def test_a_dockerfile_error_is_reported_in_the_words_of_the_engine(engine: Engine, tmp_path: Path) -> None:
    root = write_project(tmp_path / "churn", text=f"FROM {engine.base}\nFETCH it\n")
    with pytest.raises(ImageError, match="unknown instruction: FETCH"):
        engine.build(root, tag="fails:1", registry=None, ca_bundle=None)


@pytest.mark.docker
def test_a_missing_base_is_named(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(RepositoryNotFoundError, match="absent"):
        engine.build(write_project(tmp_path / "churn"), base=f"{engine.registry}/absent:1")


@pytest.mark.docker
def test_a_registry_that_does_not_answer_is_named(engine: Engine, tmp_path: Path) -> None:
    root = write_project(tmp_path / "churn", text=f"FROM {engine.base}\nCOPY app app\n")
    with pytest.raises(UploadError, match=r"127\.0\.0\.1:9"):
        engine.build(root, tag="127.0.0.1:9/churn:1", registry=None, push=True, ca_bundle=None)


@pytest.mark.docker
def test_a_service_that_does_not_start_is_shown_with_its_log(engine: Engine, bench_project: Path) -> None:
    (bench_project / "app/__main__.py").write_text("raise SystemExit('the model is gone')\n")
    recorded = {"requests": [{"data": 1}], "answers": [{"prediction": 1}]}
    (bench_project / "tests/recorded.json").write_text(json.dumps(recorded))
    with pytest.raises(ImageCheckError, match="the model is gone"):
        build(
            bench_project,
            builder="layers",
            base=engine.base,
            output=bench_project.parent / "image.tar",
            check=True,
        )
    assert not (bench_project.parent / "image.tar").exists()


@pytest.mark.docker
def test_answers_that_are_not_the_models_are_shown_before_anything_is_pushed(
    engine: Engine, bench_project: Path
) -> None:
    serve = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def do_POST(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b'{"prediction": 2}')
http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), Handler).serve_forever()
"""
    (bench_project / "app/__main__.py").write_text(serve)
    recorded = {"requests": [{"data": 1}], "answers": [{"prediction": 1}]}
    (bench_project / "tests/recorded.json").write_text(json.dumps(recorded))
    name = f"{engine.registry}/wrong{random.randrange(10**9)}"
    with pytest.raises(AnswersDifferError, match="2 from the service, 1 in the sample's output"):
        build(bench_project, builder="layers", base=engine.base, push=True, check=True, registry=name)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        _ask(engine, f"{name.partition('/')[2]}/churn/manifests/1.0.0")


@pytest.mark.docker
def test_a_password_of_the_index_leaves_no_trace(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "index" / "tiny").mkdir(parents=True)
    root = write_project(tmp_path / "churn", lock=make_wheel(tmp_path / "index" / "tiny"))
    (root / "Dockerfile").write_text(dockerfile(make_spec()))
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login ada password {PASSWORD}\n")
    with _private_index(tmp_path / "index") as url:
        image = engine.build(root, tag="secret:1", registry=None, index_url=url, netrc=netrc)
    built = engine.client.images.get(image.reference)
    assert PASSWORD not in json.dumps(built.history()) + json.dumps(built.attrs)
    before = b""
    for block in built.save():
        assert PASSWORD.encode() not in before + block
        before = block[-len(PASSWORD) :]
    assert [name for name, _ in image.largest] == ["tiny"]


def test_an_engine_that_does_not_run_is_named_with_the_way_around(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    with pytest.raises(EngineNotRunningError) as caught:
        build_image(write_project(tmp_path / "churn"), BuildOptions())
    assert str(caught.value).startswith(f"No Docker Engine answers at unix://{tmp_path}/docker.sock: ")
    assert "scaffold build ... --builder layers" in str(caught.value)


@contextmanager
def _private_index(folder: Path) -> Iterator[str]:
    """Serve a folder of wheels with a password."""
    wanted = "Basic " + base64.b64encode(f"ada:{PASSWORD}".encode()).decode()

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.headers.get("Authorization") == wanted:
                return super().do_GET()
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="index"')
            self.end_headers()
            return None

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with serving(partial(Handler, directory=str(folder))) as port:
        yield f"http://127.0.0.1:{port}/"


def _score(url: str, request: object) -> Any:
    sent = urllib.request.Request(
        f"{url}/score", json.dumps(request).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(sent, timeout=60) as response:
        return json.loads(response.read())


def _ask(engine: Engine, path: str) -> Any:
    accept = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json"
    sent = urllib.request.Request(f"http://{engine.registry}/v2/{path}", headers={"Accept": accept})
    with urllib.request.urlopen(sent, timeout=60) as response:
        return json.loads(response.read())
