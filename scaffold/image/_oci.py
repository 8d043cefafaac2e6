"""Images as documents: configuration, manifest, index; and as files: an OCI layout or an archive.

Source: github.com/opencontainers/image-spec, version 1.1.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scaffold.image._tar import Blob, Entry, file_entry, tar_blocks, text_entry
from scaffold.image.registry._repository import OCI_INDEX, OCI_MANIFEST

OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A JSON document that other documents refer to by its digest."""

    content: bytes
    media_type: str

    @property
    def digest(self) -> str:
        """Its digest."""
        return f"sha256:{hashlib.sha256(self.content).hexdigest()}"

    def descriptor(self) -> dict[str, Any]:
        """Return the descriptor by which other documents refer to this one."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.content)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A layer and its kind: `base`, `dependencies`, `code` or `model`; `history` is the command behind it."""

    blob: Blob
    part: str
    history: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformImage:
    """An image for one platform."""

    platform: str
    parts: tuple[Part, ...]
    config: Document
    manifest: Document
    labels: Mapping[str, str] = field(default_factory=dict)


def make_image(
    platform: str,
    base_image: Mapping[str, Any],
    config: Mapping[str, Any],
    parts: Sequence[Part],
    annotations: Mapping[str, str],
) -> PlatformImage:
    """Return the image of the layers `parts`: those of the base first, then ours.

    Args:
        platform: `linux/amd64`.
        base_image: The configuration of the base's image.
        config: What the image runs, and with which environment.
        parts: The layers, those of the base first.
        annotations: Of the manifest.
    """
    ours = [part for part in parts if part.part != "base"]
    history = [
        *(base_image.get("history") or ()),
        *({"created": EPOCH, "created_by": part.history} for part in ours),
    ]
    os_name, _, architecture = platform.partition("/")
    image = {
        **{key: base_image[key] for key in ("os.version", "os.features", "variant") if key in base_image},
        "os": os_name,
        "architecture": architecture,
        "created": EPOCH,
        "config": dict(config),
        "rootfs": {"type": "layers", "diff_ids": [part.blob.diff_id for part in parts]},
        "history": history,
    }
    config_document = document(image, OCI_CONFIG)
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": config_document.descriptor(),
        "layers": [part.blob.descriptor() for part in parts],
        "annotations": dict(annotations),
    }
    return PlatformImage(
        platform=platform,
        parts=tuple(parts),
        config=config_document,
        manifest=document(manifest, OCI_MANIFEST),
        labels=config.get("Labels") or {},
    )


def make_index(images: Sequence[PlatformImage]) -> Document:
    """Return the index of the images by platform."""
    manifests = [
        image.manifest.descriptor()
        | {"platform": dict(zip(("os", "architecture"), image.platform.split("/"), strict=True))}
        for image in images
    ]
    return document({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}, OCI_INDEX)


def document(content: Mapping[str, Any], media_type: str) -> Document:
    """Return `content` as canonical JSON."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Document(content=text.encode(), media_type=media_type)


def write_output(target: Path, top: Document, images: Sequence[PlatformImage], reference: str) -> None:
    """Write an OCI layout: a folder, or one tar file when `target` ends in `.tar`.

    `docker load` reads the archive too, by the `manifest.json` in it.
    """
    entries = list(_layout(top, images, reference))
    if target.suffix == ".tar":
        partial = target.with_name(f".{target.name}.partial")
        try:
            with partial.open("wb") as file:
                file.writelines(tar_blocks(entries))
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
        return
    for entry in entries:
        path = target / entry.name
        path.parent.mkdir(parents=True, exist_ok=True)
        if entry.source:
            shutil.copyfile(entry.source, path)
        else:
            path.write_bytes(entry.content)


def _layout(top: Document, images: Sequence[PlatformImage], reference: str) -> Iterator[Entry]:
    name = {"org.opencontainers.image.ref.name": reference, "io.containerd.image.name": reference}
    index = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [top.descriptor() | {"annotations": name}],
    }
    yield text_entry("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
    yield text_entry("index.json", document(index, OCI_INDEX).content)
    documents = {doc.digest: doc for image in images for doc in (image.config, image.manifest)}
    for digest, doc in (documents | {top.digest: top}).items():
        yield text_entry(_path(digest), doc.content)
    for digest, path in {p.blob.digest: p.blob.path for image in images for p in image.parts}.items():
        assert path is not None
        yield file_entry(path, _path(digest))
    first = images[0]
    loadable = {
        "Config": _path(first.config.digest),
        "RepoTags": [reference],
        "Layers": [_path(part.blob.digest) for part in first.parts],
    }
    yield text_entry("manifest.json", json.dumps([loadable]).encode())


def _path(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"
