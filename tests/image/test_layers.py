"""The layers builder: the content of each layer, reproducible bytes, and what is pushed."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest

from scaffold.base.files import sha256_file
from scaffold.errors import (
    DockerfileError,
    ImageError,
    NoModelForImageError,
    PackagesError,
    RegistryError,
    RepositoryNotFoundError,
    UsageError,
)
from scaffold.events import Advanced, Event, Noted
from scaffold.image import BuildOptions, read_labels
from scaffold.image._store import Store
from scaffold.image._tar import GZIP_LAYER, Blob
from scaffold.image.layers._base import fetch_layer
from scaffold.image.registry._repository import OCI_INDEX
from scaffold.spec import Image
from tests.image._fake_registry import FakeRegistry
from tests.image._projects import dockerfile, make_spec, make_wheel, put_base, write_project
from tests.image.conftest import Bench
from tests.image.test_registry import repository


def manifest_of(bench: Bench, name: str = "1.0.0") -> dict[str, Any]:
    return bench.registry.manifest("team/churn", name)


def config_of(bench: Bench, manifest: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads(bench.registry.blobs["team/churn"][manifest["config"]["digest"]]))


def layer_of(bench: Bench, image: Image, part: str) -> tarfile.TarFile:
    digest = next(layer.digest for layer in image.layers if layer.part == part)
    return tarfile.open(fileobj=io.BytesIO(bench.registry.blobs["team/churn"][digest]), mode="r:gz")


def pushed_parts(image: Image) -> list[str]:
    return [layer.part for layer in image.layers if layer.pushed]


def test_each_part_is_a_layer_of_its_own(bench: Bench) -> None:
    image = bench.build()
    assert [layer.part for layer in image.layers] == ["base", "dependencies", "code", "model"]
    assert image.reference == f"{bench.registry.address}/team/churn:1.0.0"
    files = {part: layer_of(bench, image, part).getnames() for part in ("code", "model")}
    assert [name for name in files["code"] if name.endswith(".py")] == [
        "service/app/__init__.py",
        "service/app/__main__.py",
        "service/app/main.py",
    ]
    assert files["model"] == ["service", "service/model", "service/model/model.pkl"]


def test_nothing_but_code_and_model_of_the_project_goes_in(bench: Bench) -> None:
    image = bench.build()
    names = [name for part in ("code", "model") for name in layer_of(bench, image, part).getnames()]
    assert not [name for name in names if "test" in name or ".env" in name or "requirements" in name]


def test_dependencies_are_the_virtual_environment_of_the_base(bench: Bench) -> None:
    layer = layer_of(bench, bench.build(), "dependencies")
    packages = "opt/venv/lib/python3.11/site-packages"
    assert layer.getmember("opt/venv/bin/python3").linkname == "/usr/local/bin/python3.11"
    assert layer.getmember(f"{packages}/tiny.py").mode == 0o644
    command = layer.extractfile("opt/venv/bin/tiny")
    assert command is not None
    text = command.read()
    assert text.startswith(b"#!/opt/venv/bin/python\n")
    assert layer.getmember("opt/venv/bin/tiny").mode == 0o755
    record = layer.extractfile(f"{packages}/tiny-1.0.dist-info/RECORD")
    assert record is not None
    lines = record.read().decode().splitlines()
    assert [
        line for line in lines if line.startswith("../../../bin/tiny,") and line.endswith(f",{len(text)}")
    ]


def test_nothing_of_this_machine_is_in_a_layer(bench: Bench) -> None:
    image = bench.build()
    for part in ("dependencies", "code", "model"):
        layer = layer_of(bench, image, part)
        for member in layer.getmembers():
            assert (member.uid, member.gid, member.uname, member.mtime) == (0, 0, "", 1)
            content = layer.extractfile(member) if member.isfile() else None
            if content:
                found = content.read()
                assert str(bench.root.parent).encode() not in found
                assert sys.prefix.encode() not in found


def test_two_builds_from_two_folders_at_two_times_have_one_digest(bench: Bench, tmp_path: Path) -> None:
    first = bench.build()
    copy = tmp_path / "elsewhere" / "deeper" / "project"
    shutil.copytree(bench.root, copy)
    for path in copy.rglob("*"):
        os.utime(path, (time.time() - 1e7, time.time() - 1e7))
        path.chmod(0o700 if path.is_dir() else 0o600)
    second = bench.build(copy, store=tmp_path / "another store")
    assert second.digest == first.digest


def test_after_only_the_model_changed_one_layer_is_pushed(bench: Bench) -> None:
    assert pushed_parts(bench.build()) == ["dependencies", "code", "model"]
    assert pushed_parts(bench.build()) == []
    (bench.root / "model/model.pkl").write_bytes(b"retrained")
    (bench.root / "Dockerfile").write_text(dockerfile(make_spec(model=b"retrained")))
    bench.told.clear()
    assert pushed_parts(bench.build()) == ["model"]
    assert not [
        event for event in bench.told if isinstance(event, Advanced) and event.stage == "dependencies"
    ]


def test_an_image_is_pushed_again_to_a_registry_with_immutable_tags(bench: Bench) -> None:
    """A deploy that failed is done again; ECR refuses a tag also for the image that has it."""
    bench.registry.immutable = True
    first = bench.build()
    bench.told.clear()
    assert bench.build().digest == first.digest
    assert [event for event in bench.told if isinstance(event, Noted)] == []
    (bench.root / "model/model.pkl").write_bytes(b"retrained")
    (bench.root / "Dockerfile").write_text(dockerfile(make_spec(model=b"retrained")))
    with pytest.raises(ImageError, match="immutable"):
        bench.build()


def test_a_base_of_the_same_registry_is_mounted_and_not_sent(bench: Bench) -> None:
    image = bench.build()
    base = image.layers[0]
    assert base.digest in bench.registry.blobs["team/churn"]
    assert not base.pushed
    assert not [
        request for request in bench.registry.asked if request == f"GET /v2/team/churn/blobs/{base.digest}"
    ]


def test_a_base_that_cannot_be_mounted_is_sent(bench: Bench) -> None:
    bench.registry.mounts = False
    assert pushed_parts(bench.build()) == ["base", "dependencies", "code", "model"]


def test_the_image_is_configured_as_the_dockerfile_says(bench: Bench) -> None:
    with (bench.root / "Dockerfile").open("a") as dockerfile:
        dockerfile.write('HEALTHCHECK --interval=10s CMD ["python", "-c", "pass"]\n')
    bench.build()
    config = config_of(bench, manifest_of(bench))["config"]
    assert config["Entrypoint"] == ["python", "-m", "app"]
    assert "Cmd" not in config
    assert config["User"] == "65532:65532"
    assert config["WorkingDir"] == "/service"
    assert config["ExposedPorts"] == {"8000/tcp": {}}
    assert "PATH=/opt/venv/bin:/usr/local/bin:/usr/bin" in config["Env"]
    assert "LANG=C.UTF-8" in config["Env"]
    assert config["Labels"]["org.opencontainers.image.title"] == "churn"
    assert config["Labels"]["model.sha256"] == sha256_file(bench.root / "model/model.pkl")
    assert config["Healthcheck"]["Interval"] == 10 * 10**9
    assert config["Healthcheck"]["Test"][:3] == ["CMD", "python", "-c"]


def test_an_edit_of_the_dockerfile_is_followed(bench: Bench) -> None:
    text = (bench.root / "Dockerfile").read_text()
    text = text.replace("EXPOSE 8000", "EXPOSE 9000\nENV WORKERS=2 MODE=${MODE:-plain}\nSTOPSIGNAL SIGINT")
    text = text.replace("COPY app app", "COPY app app\nCOPY rules rules")
    (bench.root / "Dockerfile").write_text(text)
    (bench.root / "rules").mkdir()
    (bench.root / "rules" / "churn.toml").write_text("limit = 3\n")
    image = bench.build()
    config = config_of(bench, manifest_of(bench))["config"]
    assert {"WORKERS=2", "MODE=plain"} <= set(config["Env"])
    assert config["StopSignal"] == "SIGINT"
    assert "service/rules/churn.toml" in layer_of(bench, image, "code").getnames()


def test_layers_and_configuration_have_the_stated_digests(bench: Bench) -> None:
    image = bench.build()
    manifest = manifest_of(bench)
    blobs = bench.registry.blobs["team/churn"]
    for descriptor in (manifest["config"], *manifest["layers"]):
        content = blobs[descriptor["digest"]]
        assert descriptor["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
        assert descriptor["size"] == len(content)
    config = config_of(bench, manifest)
    ours = [layer.digest for layer in image.layers if layer.part != "base"]
    assert config["rootfs"]["diff_ids"][-3:] == [
        f"sha256:{hashlib.sha256(gzip.decompress(blobs[digest])).hexdigest()}" for digest in ours
    ]
    assert len(config["history"]) == len(config["rootfs"]["diff_ids"])


def test_several_platforms_make_an_index(bench: Bench, wheels: Path) -> None:
    bench = Bench(
        bench.registry,
        bench.root,
        put_base(bench.registry, architectures=("amd64", "arm64"), repository="library/both"),
        bench.store,
        bench.told,
    )
    lines = {
        machine: make_wheel(wheels, tag=f"cp311-cp311-manylinux_2_28_{machine}", name="built")
        for machine in ("x86_64", "aarch64")
    }
    hashes = " ".join(line.split()[1] for line in lines.values())
    (bench.root / "requirements.txt").write_text(f"built==1.0 {hashes}\n")
    image = bench.build(platforms=("linux/amd64", "linux/arm64"))
    index = manifest_of(bench)
    assert [entry["platform"]["architecture"] for entry in index["manifests"]] == ["amd64", "arm64"]
    assert (
        image.digest
        == f"sha256:{hashlib.sha256(bench.registry.manifests['team/churn']['1.0.0'][0]).hexdigest()}"
    )
    amd64, arm64 = (manifest_of(bench, entry["digest"])["layers"] for entry in index["manifests"])
    assert amd64[1] != arm64[1]
    assert amd64[2:] == arm64[2:]
    for entry, machine in zip(index["manifests"], lines, strict=True):
        blob = bench.registry.blobs["team/churn"][manifest_of(bench, entry["digest"])["layers"][1]["digest"]]
        with tarfile.open(fileobj=io.BytesIO(blob), mode="r:gz") as layer:
            wheel = layer.extractfile("opt/venv/lib/python3.11/site-packages/built-1.0.dist-info/WHEEL")
            assert wheel is not None
            assert wheel.read().decode().rstrip().endswith(machine)


def test_an_archive_is_an_oci_layout_and_what_docker_loads(bench: Bench, tmp_path: Path) -> None:
    image = bench.build(push=False, output=tmp_path / "image.tar")
    with tarfile.open(tmp_path / "image.tar") as archive:
        files = {member.name: archive.extractfile(member) for member in archive if member.isfile()}
        content = {name: file.read() for name, file in files.items() if file}
    assert json.loads(content["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    top = json.loads(content["index.json"])["manifests"][0]
    assert top["digest"] == image.digest
    loadable = json.loads(content["manifest.json"])[0]
    assert loadable["RepoTags"] == [image.reference]
    assert {loadable["Config"], *loadable["Layers"]} <= set(content)
    for name, blob in content.items():
        if name.startswith("blobs/"):
            assert hashlib.sha256(blob).hexdigest() == name.rpartition("/")[2]


def test_a_folder_becomes_an_oci_layout(bench: Bench, tmp_path: Path) -> None:
    image = bench.build(push=False, output=tmp_path / "layout")
    blobs = tmp_path / "layout" / "blobs" / "sha256"
    manifest = json.loads((blobs / image.digest.removeprefix("sha256:")).read_bytes())
    for layer in manifest["layers"]:
        assert (blobs / layer["digest"].removeprefix("sha256:")).stat().st_size == layer["size"]


@pytest.mark.parametrize("referrers", [True, False], ids=["listed by the registry", "by tag"])
def test_a_bill_of_materials_is_attached(bench: Bench, referrers: bool) -> None:
    bench.registry.referrers = referrers
    image = bench.build()
    tag = image.digest.replace(":", "-")
    if referrers:
        assert tag not in bench.registry.manifests["team/churn"]
        kept = bench.registry.manifests["team/churn"].values()
        found = json.loads(next(content for content, _ in kept if b'"subject"' in content))
    else:
        bench.build()
        listed = manifest_of(bench, tag)["manifests"]
        assert [entry["artifactType"] for entry in listed] == ["application/vnd.cyclonedx+json"]
        found = manifest_of(bench, listed[0]["digest"])
    assert found["subject"]["digest"] == image.digest
    sbom = json.loads(bench.registry.blobs["team/churn"][found["layers"][0]["digest"]])
    assert (sbom["bomFormat"], sbom["specVersion"]) == ("CycloneDX", "1.6")
    components = {component["name"]: component for component in sbom["components"]}
    assert components["tiny"]["purl"] == "pkg:pypi/tiny@1.0"
    assert components["churn-model"]["hashes"][0]["content"] == sha256_file(bench.root / "model/model.pkl")
    assert components[bench.base]["type"] == "container"
    assert sbom["metadata"]["component"]["name"] == "churn"
    [graph] = sbom["dependencies"]
    assert graph["dependsOn"] == sorted(component["bom-ref"] for component in sbom["components"])


def test_a_registry_that_takes_images_only_gets_the_image(bench: Bench) -> None:
    bench.registry.images_only = True
    image = bench.build()
    assert manifest_of(bench)["config"]
    notes = [event.text for event in bench.told if isinstance(event, Noted)]
    assert len(notes) == 1
    assert "unknown artifact type" in notes[0]
    assert image.digest.replace(":", "-") not in bench.registry.manifests["team/churn"]


@pytest.mark.parametrize(
    "content", [b"<html>log in</html>", b"[]", b'{"config": {}}', b'{"schemaVersion": 1}']
)
def test_labels_of_something_else_than_an_image_are_refused(registry: FakeRegistry, content: bytes) -> None:
    registry.manifests["team/churn"] = {"1": (content, "text/html")}
    with pytest.raises(RegistryError, match="the response does not describe an image"):
        read_labels(f"{registry.address}/team/churn:1", {})


def test_a_list_of_referrers_that_cannot_be_read_is_noted(bench: Bench) -> None:
    bench.registry.referrers = False
    tag = bench.build().digest.replace(":", "-")
    for content in (b"<html>log in</html>", b'{"manifests": [5]}', b"[]"):
        bench.registry.manifests["team/churn"][tag] = (content, "text/html")
        bench.told.clear()
        bench.build()
        notes = [event.text for event in bench.told if isinstance(event, Noted)]
        assert len(notes) == 1
        assert "the response is not a list of referrers" in notes[0]


def test_a_step_that_only_a_container_can_run_is_refused(bench: Bench) -> None:
    text = (bench.root / "Dockerfile").read_text()
    (bench.root / "Dockerfile").write_text(text.replace("USER", "RUN echo 1 > /etc/one\nUSER"))
    with pytest.raises(DockerfileError) as caught:
        bench.build()
    assert str(caught.value).startswith(
        f"The layers builder cannot follow the Dockerfile, line {caught.value.line}: "
        "only a container can run that.\n  RUN echo 1 > /etc/one"
    )
    assert (bench.root / "Dockerfile").read_text().splitlines()[caught.value.line - 1].startswith("RUN echo")
    assert "--builder docker" in str(caught.value)
    assert "team/churn" not in bench.registry.manifests


def test_a_copy_of_a_file_that_is_not_there_names_its_line(bench: Bench) -> None:
    text = dockerfile(make_spec()).replace("COPY model model", "COPY model model\nCOPY gone.csv .")
    (bench.root / "Dockerfile").write_text(text)
    with pytest.raises(DockerfileError, match="no such file in the build context"):
        bench.build()


def test_a_package_without_a_wheel_for_the_platform_is_named(bench: Bench, wheels: Path) -> None:
    lock = make_wheel(wheels, tag="cp311-cp311-manylinux_2_28_aarch64", name="elsewhere")
    (bench.root / "requirements.txt").write_text(lock)
    with pytest.raises(PackagesError, match="elsewhere") as caught:
        bench.build()
    assert str(caught.value).startswith(
        "The dependencies cannot be installed for linux/amd64 and Python 3.11."
    )


def test_a_package_whose_bytes_are_not_the_locks_is_refused(bench: Bench) -> None:
    (bench.root / "requirements.txt").write_text("tiny==1.0 --hash=sha256:" + "0" * 64 + "\n")
    with pytest.raises(PackagesError, match=r"[Hh]ash"):
        bench.build()


def test_a_base_for_another_platform_is_refused(bench: Bench) -> None:
    with pytest.raises(ImageError, match="is for linux/amd64, not for linux/arm64"):
        bench.build(platforms=("linux/arm64",))


def test_a_base_without_python_is_refused(bench: Bench) -> None:
    base = put_base(bench.registry, python="usr/bin/perl", repository="library/perl")
    with pytest.raises(ImageError, match="holds no Python 3"):
        bench.build(base=base)


def test_a_base_that_is_a_proxys_page_is_refused(bench: Bench) -> None:
    bench.registry.manifests["library/python"]["3"] = (b"<html>log in</html>", "text/html")
    with pytest.raises(RegistryError, match="the response is not an image manifest"):
        bench.build()


def put_config(bench: Bench, config: object) -> None:
    """Give the base another image configuration."""
    manifest = bench.registry.manifest("library/python", "3")
    content = json.dumps(config).encode()
    digest = bench.registry.put_blob("library/python", content)
    manifest["config"] |= {"digest": digest, "size": len(content)}
    bench.registry.put_manifest("library/python", "3", manifest, str(manifest["mediaType"]))


def config_of_base(bench: Bench) -> dict[str, Any]:
    digest = bench.registry.manifest("library/python", "3")["config"]["digest"]
    config: dict[str, Any] = json.loads(bench.registry.blobs["library/python"][digest])
    return config


@pytest.mark.parametrize("config", [None, "left out", {}, {"Env": None}], ids=str)
def test_the_configuration_of_a_base_may_have_no_execution_parameters(bench: Bench, config: object) -> None:
    """`config` is optional. Source: github.com/opencontainers/image-spec, config.md."""
    base = config_of_base(bench) | {"config": config}
    if config == "left out":
        del base["config"]
    put_config(bench, base)
    image = bench.build()
    assert image.digest


@pytest.mark.parametrize(
    "config",
    [5, ["PATH=/bin"], {"Env": 5}, {"Env": [5]}, {"Labels": 5}, {"ExposedPorts": ["80"]}, {"Shell": "sh"}],
)
def test_an_invalid_configuration_of_a_base_is_refused(bench: Bench, config: object) -> None:
    put_config(bench, config_of_base(bench) | {"config": config})
    with pytest.raises(RegistryError, match="its configuration blob is not an image configuration"):
        bench.build()


def test_a_download_that_starts_again_is_not_shown_beyond_its_end(
    registry: FakeRegistry, tmp_path: Path
) -> None:
    content = os.urandom(4 << 20)
    digest = registry.put_blob("team/churn", content)
    layer = Blob(digest=digest, diff_id=digest, size_bytes=len(content), media_type=GZIP_LAYER)
    registry.stalls_downloads, registry.ignores_ranges = 1, True
    events: list[Event] = []
    path = fetch_layer(repository(registry), layer, Store(tmp_path), events.append)
    told = [event for event in events if isinstance(event, Advanced)]
    assert path.read_bytes() == content
    assert len(told) > 4, "the download was interrupted"
    assert max(event.done for event in told) == len(content)


BAD_DIGESTS = [
    "sha256:../../../../outside",
    "../../outside",
    "/etc/hostname",
    "sha256:" + "A" * 64,
    "sha256:" + "a" * 63,
    "sha512:" + "a" * 128,
    "sha256:" + "a" * 64 + "/../../x",
    "sha256:" + "a" * 64 + "?x=1",
    "sha256:" + "a" * 64 + "\n",
    "",
    5,
    None,
]


@pytest.mark.parametrize("digest", BAD_DIGESTS, ids=[f"{number}" for number in range(len(BAD_DIGESTS))])
@pytest.mark.parametrize("place", ["config", "layer", "index", "diff_id"])
def test_an_invalid_digest_does_not_become_a_path(bench: Bench, place: str, digest: object) -> None:
    registry = bench.registry
    manifest = registry.manifest("library/python", "3")
    if place == "index":
        platform = {"os": "linux", "architecture": "amd64"}
        manifest = {"mediaType": OCI_INDEX, "manifests": [{"digest": digest, "platform": platform}]}
    elif place == "diff_id":
        config = json.loads(registry.blobs["library/python"][manifest["config"]["digest"]])
        config["rootfs"]["diff_ids"][0] = digest
        content = json.dumps(config).encode()
        manifest["config"] |= {"digest": registry.put_blob("library/python", content), "size": len(content)}
    else:
        part = manifest["config"] if place == "config" else manifest["layers"][0]
        part["digest"] = digest
    registry.put_manifest("library/python", "3", manifest, str(manifest["mediaType"]))
    with pytest.raises(RegistryError, match="is no digest: sha256: and 64 hexadecimal digits"):
        bench.build()
    assert not any(".." in asked or "outside" in asked for asked in registry.asked)


@pytest.mark.parametrize("size", [-1, 1 << 60, "5", 1.5, True, None])
def test_an_invalid_size_is_refused(bench: Bench, size: object) -> None:
    manifest = bench.registry.manifest("library/python", "3")
    manifest["layers"][0]["size"] = size
    bench.registry.put_manifest("library/python", "3", manifest, manifest["mediaType"])
    with pytest.raises(RegistryError, match="is not a valid blob size"):
        bench.build()


def test_a_base_whose_layer_goes_on_beyond_its_size_is_refused(bench: Bench) -> None:
    bench.registry.endless = True
    with pytest.raises(RegistryError, match=r"more than its \d+ bytes"):
        bench.build()
    assert not list(bench.store.glob("blobs/*"))


def test_a_base_that_is_not_there_is_named(bench: Bench) -> None:
    with pytest.raises(RepositoryNotFoundError, match="library/absent"):
        bench.build(base=f"{bench.registry.address}/library/absent:1")


def test_a_base_by_digest_is_taken_by_it(bench: Bench) -> None:
    content, _ = bench.registry.manifests["library/python"]["3"]
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    bench.build(base=f"{bench.registry.address}/library/python@{digest}")
    assert manifest_of(bench)["annotations"]["org.opencontainers.image.base.digest"] == digest


def test_memory_does_not_grow_with_the_model(bench: Bench, tmp_path: Path) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("Linux tells what a process alone has needed")
    root = write_project(tmp_path / "large", lock=(bench.root / "requirements.txt").read_text())
    with (root / "model/model.pkl").open("wb") as model:
        model.truncate(1 << 30)
    text = (root / "Dockerfile").read_text()
    small, large = hashlib.sha256(b"model").hexdigest(), sha256_file(root / "model/model.pkl")
    (root / "Dockerfile").write_text(text.replace(small, large))
    code = f"""
from pathlib import Path
from scaffold.image import BuildOptions, build_image
build_image(Path({str(root)!r}), BuildOptions(builder='layers', output=Path({str(tmp_path / "large.tar")!r}),
    base={bench.base!r}, platforms=('linux/amd64',)), store=Path({str(bench.store)!r}))
print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 300 * 1024


def test_a_project_without_a_dockerfile_is_refused(tmp_path: Path, bench: Bench) -> None:
    with pytest.raises(ImageError, match="holds no Dockerfile"):
        bench.build(tmp_path)


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"builder": "buildpack"}, "There is no builder 'buildpack'"),
        ({"builder": "layers"}, "say where it goes"),
        ({"platforms": ("windows/amd64",)}, "'windows/amd64' is no platform"),
        ({"platforms": ("linux/amd64", "linux/arm64")}, "one platform at a time"),
        ({"output": Path("image.tar")}, "--output is for --builder layers"),
        ({"ca_bundle": Path("/nowhere.pem")}, "/nowhere.pem is not there"),
        ({"index_url": "https://ada:lovelace@pypi.example.com/simple"}, "--index-url holds a password"),
    ],
)
def test_exclusive_options_are_refused(choices: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        BuildOptions(**choices)
    assert "lovelace" not in str(caught.value)


def test_a_push_without_a_registry_asks_for_one(bench: Bench) -> None:
    with pytest.raises(UsageError, match=r"Where should 'churn:1\.0\.0' be pushed to\?"):
        bench.build(registry=None)


def test_a_tag_names_the_whole_image_or_only_its_end(bench: Bench) -> None:
    assert bench.build(tag="candidate").reference.endswith("/team/churn:candidate")
    whole = f"{bench.registry.address}/other/name:7"
    assert bench.build(tag=whole, registry=None).reference == whole


def test_a_model_that_is_left_out_of_the_build_is_no_image(bench: Bench) -> None:
    ignore = bench.root / ".dockerignore"
    ignore.write_text(ignore.read_text() + "*.pkl\n**/*.pkl\n")
    with pytest.raises(NoModelForImageError) as caught:
        bench.build()
    assert "model/model.pkl has it, and .dockerignore leaves that out." in str(caught.value)
    assert "team/churn" not in bench.registry.blobs
    ignore.write_text(ignore.read_text() + str(caught.value).rpartition("Add a line to .dockerignore: ")[2])
    assert bench.build().digest


@pytest.mark.parametrize("builder", ["layers", "docker"])
def test_a_model_that_no_line_of_the_dockerfile_copies_is_no_image(bench: Bench, builder: str) -> None:
    dockerfile = bench.root / "Dockerfile"
    text = dockerfile.read_text()
    [line] = [line for line in text.splitlines() if line.startswith("COPY model ")]
    dockerfile.write_text(text.replace(f"{line}\n", ""))
    with pytest.raises(
        NoModelForImageError, match="no COPY line of the Dockerfile copies that file"
    ) as caught:
        bench.build(builder=builder)
    assert str(caught.value).endswith("COPY model model")
    assert "team/churn" not in bench.registry.blobs
    if builder == "layers":
        dockerfile.write_text(text.replace(line, str(caught.value).rpartition("Dockerfile: ")[2]))
        assert bench.build().digest


def test_a_copy_of_the_model_outside_of_the_image_does_not_count(bench: Bench) -> None:
    (bench.root / "model/README.md").write_text("about\n")
    (bench.root / "notebooks").mkdir()
    shutil.copy(bench.root / "model/model.pkl", bench.root / "notebooks/old.pkl")
    ignore = bench.root / ".dockerignore"
    ignore.write_text("model/*.pkl\n")
    with pytest.raises(NoModelForImageError, match=r"model/model\.pkl has it, and \.dockerignore"):
        bench.build()


@pytest.mark.parametrize("model", [b"another one", None])
def test_a_model_that_is_not_there_or_another_one_is_no_image(bench: Bench, model: bytes | None) -> None:
    path = bench.root / "model" / "model.pkl"
    path.unlink()
    if model:
        path.write_bytes(model)
    held = "model/model.pkl" if model else "nothing"
    with pytest.raises(NoModelForImageError, match=f"The folder of the model holds {held}"):
        bench.build()
