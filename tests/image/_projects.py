"""A small project with the real Dockerfile, a base image of three files, and a wheel of one file."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import jinja2

from scaffold.render._image import image_values
from scaffold.spec import (
    Artifact,
    Batching,
    Dependencies,
    LocalSource,
    ModelFormat,
    ProjectSpec,
    PythonCall,
    Recording,
    Scalar,
    ScalarType,
    Signature,
    SystemPackage,
)
from tests.image._fake_registry import FakeRegistry

TEMPLATE = Path(__file__).parents[2] / "templates/service/project"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"


def make_spec(
    *,
    system: Sequence[SystemPackage] = (),
    sources: Sequence[LocalSource] = (),
    version: str = "1.0.0",
    model: bytes = b"model",
) -> ProjectSpec:
    number = Scalar(type=ScalarType.NUMBER)
    sha256 = hashlib.sha256(model).hexdigest()
    return ProjectSpec(
        name="churn",
        version=version,
        artifact=Artifact(path=Path("model.pkl"), sha256=sha256, size_bytes=5, format=ModelFormat.PICKLE),
        signature=Signature(
            input=number, output=number, call=PythonCall(method="predict", batching=Batching.TOGETHER)
        ),
        dependencies=Dependencies(
            python="3.11", requirements=(), lock="", system=tuple(system), sources=tuple(sources)
        ),
        recording=Recording(requests=(), answers=()),
    )


def dockerfile(spec: ProjectSpec) -> str:
    """Return the template, filled in as the renderer does."""
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True
    )
    text = (TEMPLATE / "Dockerfile.jinja").read_text()
    values = {
        "name": spec.name,
        "model_version": spec.version,
        "profile": spec.profile.value,
        "slim": False,
        "compiled_label": "",
    }
    return environment.from_string(text).render(values | image_values(spec))


def write_project(root: Path, *, lock: str = "", model: bytes = b"model", text: str | None = None) -> Path:
    for folder in ("app", "model"):
        (root / folder).mkdir(parents=True)
    (root / "tests").mkdir()
    (root / "app" / "__init__.py").touch()
    (root / "app" / "main.py").write_text("app = None\n")
    (root / "app" / "__main__.py").write_text("print('serving')\n")
    (root / "model" / "model.pkl").write_bytes(model)
    (root / "tests" / "test_service.py").write_text("# not for the image\n")
    (root / ".env").write_text("SECRET=1\n")
    (root / "requirements.txt").write_text(lock)
    (root / "Dockerfile").write_text(text or dockerfile(make_spec(model=model)))
    (root / ".dockerignore").write_bytes((TEMPLATE / ".dockerignore").read_bytes())
    return root


def make_wheel(folder: Path, *, tag: str = "py3-none-any", name: str = "tiny") -> str:
    """Write a wheel with a module and a command; return its line for a lock."""
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": "def main():\n    print('tiny')\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,{len(text)}\n" for path, text in files.items())
    path = folder / f"{name}-1.0-{tag}.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for member, text in files.items():
            wheel.writestr(zipfile.ZipInfo(member), text)
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


def put_base(
    registry: FakeRegistry,
    *,
    architectures: Sequence[str] = ("amd64",),
    python: str = "usr/local/bin/python3.11",
    repository: str = "library/python",
    files: Mapping[str, bytes] | None = None,
) -> str:
    """Store a base image with only the files that a builder reads; return its reference."""
    entries = []
    for architecture in architectures:
        layer = _tar(
            {
                python: b"\x7fELF",
                "lib/libc.so.6": b"GNU C Library stable release version 2.36.\n",
                **(files or {}),
            }
        )
        config = {
            "os": "linux",
            "architecture": architecture,
            "config": {"Env": ["PATH=/usr/local/bin:/usr/bin", "LANG=C.UTF-8"], "Cmd": ["python3"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
            "history": [{"created_by": "base"}],
        }
        text = json.dumps(config).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": DOCKER_MANIFEST,
            "config": {"mediaType": "x", "digest": registry.put_blob(repository, text), "size": len(text)},
            "layers": [
                {
                    "mediaType": OCI_LAYER,
                    "digest": registry.put_blob(repository, layer),
                    "size": len(layer),
                }
            ],
        }
        digest = registry.put_manifest(repository, "3", manifest, DOCKER_MANIFEST)
        entries.append({"digest": digest, "platform": {"os": "linux", "architecture": architecture}})
    if len(architectures) > 1:
        index = {"schemaVersion": 2, "mediaType": DOCKER_INDEX, "manifests": entries}
        registry.put_manifest(repository, "3", index, DOCKER_INDEX)
    return f"{registry.address}/{repository}:3"


def _tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
