"""The base image from its registry: configuration, layers, and its Python."""

from __future__ import annotations

import json
import posixpath
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

from scaffold.errors import BaseLayerError, BasePlatformError, NoPythonInBaseError, RegistryError
from scaffold.events import Advanced, OnEvent
from scaffold.image._dependencies import Interpreter
from scaffold.image._store import Store
from scaffold.image._tar import GZIP_LAYER, Blob
from scaffold.image.dockerfile._plan import DEFAULT_PATH
from scaffold.image.registry._reference import Reference, checked_digest
from scaffold.image.registry._repository import INDEXES, Repository

_PYTHON = re.compile(r"(?:usr/|usr/local/|opt/.*)?bin/python(3\.\d+)")
_GLIBC = re.compile(rb"GNU C Library[^\n]* version (2\.\d+)")
# tarfile copies the unread rest of its buffer at each header: a small buffer is faster
_BLOCK_BYTES = 1 << 15
LARGEST_BLOB_BYTES = 32 << 30
"""The largest accepted layer; CUDA images have layers of about 8 GB."""
_LARGEST_CONFIG_BYTES = 8 << 20
# The oldest C library of manylinux_2_28 wheels, for a base whose C library does not state its version.
_DEFAULT_LIBC = "glibc 2.28"
_CONFIG_TYPES = {"Env": list, "Labels": dict, "ExposedPorts": dict, "Shell": list}
_OCI_TYPE_BY_DOCKER_TYPE = {
    "application/vnd.docker.image.rootfs.diff.tar.gzip": GZIP_LAYER,
    "application/vnd.docker.image.rootfs.diff.tar": "application/vnd.oci.image.layer.v1.tar",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A base image for one platform."""

    reference: Reference
    """By the digest of this platform's manifest."""
    image: Mapping[str, Any]
    """The whole image configuration."""
    layers: tuple[Blob, ...]
    interpreter: Interpreter


def fetch_base(
    repository: Repository, reference: Reference, platform: str, store: Store, on_event: OnEvent
) -> Base:
    """Return the base for `platform`. Its layers are fetched only if its Python is not in the cache.

    Args:
        repository: The repository of the base image.
        reference: The base image.
        platform: Such as `linux/amd64`.
        store: The cache.
        on_event: Called with each event.

    Raises:
        RepositoryNotFoundError: The registry has no such image.
        ImageError: The image has no such platform or no Python, or a response is invalid.
    """
    on_event(Advanced(stage="base", detail=str(reference)))
    try:
        manifest, digest = _manifest(repository, reference, platform)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RegistryError(f"the base {reference}", 200, "the response is not an image manifest") from error
    config = manifest["config"]
    config_file = _fetch_blob(
        repository, store, config["digest"], most_bytes=min(config["size"], _LARGEST_CONFIG_BYTES)
    )
    try:
        image = json.loads(config_file.read_bytes())
        environment = _environment(image)
        actual_platform = f"{image.get('os')}/{image.get('architecture')}"
        layers = _layers(manifest, image, f"the base {reference}")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        problem = "its configuration blob is not an image configuration"
        raise RegistryError(f"the base {reference}", 200, problem) from error
    if actual_platform != platform:
        raise BasePlatformError(str(reference), platform, (actual_platform,), listed=False)
    interpreter = store.fact(f"interpreter {digest}")
    if not interpreter:
        for layer in layers:
            fetch_layer(repository, layer, store, on_event)
        search_path = next((item[5:] for item in environment if item.startswith("PATH=")), DEFAULT_PATH)
        interpreter = _find_interpreter(
            [(store.blob(layer.digest), layer.media_type) for layer in layers], search_path
        )
        if not interpreter:
            raise NoPythonInBaseError(str(reference))
        store.remember(f"interpreter {digest}", interpreter)
    return Base(
        reference=reference.at(digest), image=image, layers=layers, interpreter=Interpreter(**interpreter)
    )


def fetch_layer(repository: Repository, layer: Blob, store: Store, on_event: OnEvent) -> Path:
    """Return the layer's file; download it if it is not in the store."""
    return _fetch_blob(repository, store, layer.digest, on_event, most_bytes=layer.size_bytes)


def _layers(manifest: Mapping[str, Any], image: Mapping[str, Any], where: str) -> tuple[Blob, ...]:
    """Return the layers of a base, from its manifest and its configuration."""
    return tuple(
        Blob(
            digest=layer["digest"],
            size_bytes=layer["size"],
            media_type=_OCI_TYPE_BY_DOCKER_TYPE.get(layer["mediaType"], layer["mediaType"]),
            diff_id=checked_digest(diff_id, where),
        )
        for layer, diff_id in zip(manifest["layers"], image["rootfs"]["diff_ids"], strict=True)
    )


def _manifest(repository: Repository, reference: Reference, platform: str) -> tuple[dict[str, Any], str]:
    content, media_type, digest = repository.manifest(reference.version)
    document = json.loads(content)
    where = f"the base {reference}"
    if (document.get("mediaType") or media_type) not in INDEXES:
        return _require_valid_manifest(document, where), digest
    digests: dict[str, str] = {}
    for entry in document["manifests"]:
        entry_platform = entry.get("platform") or {}
        digests.setdefault(
            f"{entry_platform.get('os')}/{entry_platform.get('architecture')}", entry["digest"]
        )
    if platform not in digests:
        listed = sorted(name for name in digests if "unknown" not in name and "None" not in name)
        raise BasePlatformError(str(reference), platform, tuple(listed), listed=True)
    content, _, digest = repository.manifest(checked_digest(digests[platform], where))
    return _require_valid_manifest(json.loads(content), where), digest


def _environment(image: Mapping[str, Any]) -> list[str]:
    """Return the `Env` of an image configuration; it is optional, as is the `config` that has it.

    Raises:
        TypeError: The configuration has a value of another type than the image specification says.
    """
    config = image.get("config") or {}
    if not isinstance(image.get("history") or [], list):
        raise TypeError("history")
    for key, expected in _CONFIG_TYPES.items():
        if not isinstance(config.get(key) or expected(), expected):
            raise TypeError(key)
    environment: list[str] = config.get("Env") or []
    if not all(isinstance(item, str) for item in environment):
        raise TypeError("Env")
    return environment


def _require_valid_manifest(manifest: dict[str, Any], where: str) -> dict[str, Any]:
    """Return the manifest.

    Raises:
        KeyError: Keys are missing, as in an error page of a proxy or a schema 1 manifest.
        RegistryError: A digest or a size is invalid.
    """
    for part in (manifest["config"], *manifest["layers"]):
        checked_digest(part["digest"], where)
        size_bytes = part["size"]
        if type(size_bytes) is not int or not 0 <= size_bytes <= LARGEST_BLOB_BYTES:
            raise RegistryError(where, 200, f"{size_bytes!r} is not a valid blob size")
    return manifest


def _fetch_blob(
    repository: Repository,
    store: Store,
    digest: str,
    on_event: OnEvent = lambda _: None,
    *,
    most_bytes: int,
) -> Path:
    path = store.blob(digest)
    if path.exists():
        return path
    done = 0

    def on_bytes(count: int) -> None:
        nonlocal done
        done += count
        # A download that starts again counts its first bytes twice.
        shown = min(done, most_bytes)
        on_event(Advanced(stage="base", detail=digest[7:19], done=shown, total=most_bytes))

    with store.folder() as folder:
        repository.read_blob(digest, folder / "blob", on_bytes, most_bytes=most_bytes)
        return store.keep(folder / "blob", digest)


def _find_interpreter(layers: Iterable[tuple[Path, str]], search_path: str) -> dict[str, str] | None:
    """Return the first Python on the base's PATH, and the C library that wheels must fit."""
    versions: dict[str, str] = {}
    libc = ""
    for member, content in layer_members(layers):
        name = posixpath.normpath(member.name).lstrip("/")
        file_name = posixpath.basename(name)
        if file_name.startswith("python3.") and (match := _PYTHON.fullmatch(name)):
            versions[name.rpartition("/")[0]] = match[1]
        elif file_name.startswith("libc.so.6") and member.isfile():
            if version := _GLIBC.search(content()):
                libc = f"glibc {version[1].decode()}"
        elif file_name.startswith("ld-musl-"):
            libc = libc or "musl"
    for folder in search_path.split(":"):
        if python := versions.get(folder.strip("/")):
            return {"path": f"{folder}/python{python}", "version": python, "libc": libc or _DEFAULT_LIBC}
    return None


def layer_members(
    layers: Iterable[tuple[Path, str]],
) -> Iterator[tuple[tarfile.TarInfo, Callable[[], bytes]]]:
    """Yield each member with a function that returns its content; call it before taking the next member.

    Raises:
        ImageError: A layer is not a tar archive.
    """
    for layer, media_type in layers:
        try:
            with (
                open_layer(layer, media_type) as file,
                tarfile.open(fileobj=file, mode="r|", bufsize=_BLOCK_BYTES) as tar,
            ):
                for member in tar:
                    yield member, partial(_content, tar, member)
        except (tarfile.TarError, EOFError) as error:
            raise BaseLayerError(layer.name, str(error)) from error


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    assert file is not None
    return file.read()


def open_layer(path: Path, media_type: str) -> IO[bytes]:
    """Return the layer's tar as a stream."""
    if media_type.endswith("tar"):
        return path.open("rb")
    if not media_type.endswith("gzip"):
        raise BaseLayerError(media_type)
    from isal import igzip

    stream: IO[bytes] = igzip.open(path, "rb")
    return stream
