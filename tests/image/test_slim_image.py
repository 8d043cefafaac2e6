"""The image of a slim service: what it needs of its base, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import scaffold
from scaffold.image.dockerfile._plan import read_plan
from scaffold.image.dockerfile._stages import read_base
from scaffold.spec import Image
from scaffold.verbs.build import build
from tests.image.conftest import CERTIFICATES, Engine

BY_HAND = """
FROM python:3.11-slim-bookworm
RUN python3 -m venv /opt/venv
COPY ca-bundle.cr[t] ./
ARG PIP_CERT
RUN /opt/venv/bin/pip install --no-cache-dir fastapi 'uvicorn[standard]' scikit-learn pandas
"""
USES_THE_BASE = """
import bz2, ctypes, lzma, os, socket, sqlite3, ssl, threading, time, zoneinfo
zoneinfo.ZoneInfo("Europe/Berlin")
ssl.create_default_context().load_default_certs()
assert ssl.create_default_context().get_ca_certs()
socket.getaddrinfo("localhost", 80)
open("/tmp/written", "w").close()
threading.Thread(target=time.sleep, args=[60], daemon=True).start()  # ended by libgcc_s
print(sorted(os.listdir("/var/lib/dpkg/status.d")))
"""
STAGES = """
FROM python:3.11 AS build
RUN make /runtime
FROM scratch{name}
COPY --from=build {files}
COPY app app
"""


@pytest.mark.parametrize(
    ("text", "base", "copied"),
    [
        (STAGES.format(name="", files="/runtime /"), "python:3.11", ["app"]),
        (STAGES.format(name=" AS run", files="/runtime /") + "FROM run\n", "python:3.11", ["app"]),
        (STAGES.format(name="", files="/opt/venv /opt/venv"), "scratch", ["/opt/venv", "app"]),
    ],
)
def test_a_stage_that_takes_its_root_from_another_is_on_the_base_of_that(
    text: str, base: str, copied: list[str]
) -> None:
    assert read_base(text, {}) == base
    assert [copy.sources[0] for copy in read_plan(text, {}, {}).copies] == copied


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("slim") / "boxes"
    inputs = np.random.default_rng(0).normal(size=(60, 3))
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(inputs, inputs[:, 0] > 0)
    scaffold.new(model, inputs[:10], None, root, accelerate="numpy", answers={"slim": True})
    return root


@pytest.fixture(scope="module")
def image(engine: Engine, project: Path) -> Image:
    return engine.build(project, check=True)


@pytest.mark.docker
def test_a_slim_image_is_at_most_a_third_of_one_by_hand(engine: Engine, image: Image, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(BY_HAND)
    arguments = {}
    if CERTIFICATES:
        shutil.copy(CERTIFICATES, tmp_path / "ca-bundle.crt")
        arguments = {"PIP_CERT": "/ca-bundle.crt"}
    by_hand, _ = engine.client.images.build(path=str(tmp_path), network_mode="host", buildargs=arguments)
    assert 3 * _size_bytes(engine, image.reference) <= _size_bytes(engine, by_hand.id)
    assert [layer.part for layer in image.layers] == ["base", "dependencies", "code", "model"]


@pytest.mark.docker
def test_a_slim_image_has_python_with_its_libraries_and_no_shell(engine: Engine, image: Image) -> None:
    from docker.errors import APIError

    def run(*command: str) -> str:
        printed: bytes = engine.client.containers.run(
            image.reference,
            command[1:],
            entrypoint=command[0],
            read_only=True,
            remove=True,
            user="12345:0",
            tmpfs={"/tmp": ""},  # inside the container
            network_mode="none",
        )
        return printed.decode()

    packages = run("python", "-c", USES_THE_BASE)
    assert "'libc6'" in packages
    assert "'bash'" not in packages
    with pytest.raises(APIError, match="executable file not found"):
        run("sh", "-c", "true")


@pytest.mark.docker
def test_the_layers_builder_takes_the_whole_base(engine: Engine, project: Path, tmp_path: Path) -> None:
    built = build(
        project, builder="layers", base=engine.base, check=True, output=tmp_path / "image.tar", tag="boxes:1"
    )
    assert [layer.part for layer in built.layers] == ["base", "dependencies", "code", "model"]


def _size_bytes(engine: Engine, name: str) -> int:
    attributes: dict[str, Any] = engine.client.images.get(name).attrs
    return int(attributes["Size"])
