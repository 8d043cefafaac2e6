"""Push an image: its missing blobs, and the bill of materials."""

from __future__ import annotations

import json
from dataclasses import replace

from scaffold.errors import RegistryError
from scaffold.events import Advanced, Noted, OnEvent
from scaffold.image._oci import Document, Part, document
from scaffold.image._store import Store
from scaffold.image._tar import Blob
from scaffold.image.layers._base import fetch_layer
from scaffold.image.layers._build import Layered
from scaffold.image.registry._repository import OCI_INDEX, Repository


def push_layered(
    layered: Layered, top: Document, target: Repository, tag: str, store: Store, on_event: OnEvent
) -> frozenset[str]:
    """Push the images and the tag; return the digests of the layers that were uploaded.

    Args:
        layered: The images with their layers.
        top: The manifest, or the index of several, that the tag names.
        target: The repository to push to.
        tag: The tag.
        store: Where layers are kept; a layer of the base that the registry lacks is fetched into it.
        on_event: Called with each event.
    """
    pushed: set[str] = set()
    for image in layered.images:
        for part in image.parts:
            if part.blob.digest not in pushed and _push_part(layered, part, target, store, on_event):
                pushed.add(part.blob.digest)
        _push_document(image.config, target, store)
        target.put_manifest(image.manifest.digest, image.manifest.content, image.manifest.media_type)
    target.set_tag(tag, top.content, top.media_type)
    return frozenset(pushed)


def push_referrer(
    digest: str,
    referrer: Document,
    content: Document,
    target: Repository,
    store: Store,
    on_event: OnEvent,
) -> None:
    """Attach `referrer`, a manifest over `content`, to the image of that digest.

    If the registry accepts images only, an event reports this and the image stays.

    Args:
        digest: The digest of the image.
        referrer: The manifest.
        content: The content of the referrer, such as a bill of materials.
        target: The repository of the image.
        store: Where blobs are kept.
        on_event: Called with each event.
    """
    try:
        _push_document(content, target, store)
        _push_document(EMPTY, target, store)
        if not target.put_manifest(referrer.digest, referrer.content, referrer.media_type):
            _list_referrer(digest, referrer, target)
    except RegistryError as error:
        on_event(Noted(f"no bill of materials is attached. {error}"))


def _list_referrer(digest: str, referrer: Document, target: Repository) -> None:
    """Add the referrer to the list that clients maintain at registries without the referrers API.

    The list is an index under a tag made from the image's digest. Source: the distribution specification 1.1,
    "Referrers Tag Schema".
    """
    tag = digest.replace(":", "-")
    manifests = []
    if target.has_manifest(tag):
        try:
            listed = json.loads(target.manifest(tag)[0]).get("manifests", ())
            manifests = [manifest for manifest in listed if manifest["digest"] != referrer.digest]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise RegistryError(
                f"{target.name}:{tag}", 200, "the response is not a list of referrers"
            ) from error
    kind = json.loads(referrer.content)["artifactType"]
    manifests.append(referrer.descriptor() | {"artifactType": kind})
    index = document({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}, OCI_INDEX)
    target.set_tag(tag, index.content, index.media_type)


EMPTY = Document(content=b"{}", media_type="application/vnd.oci.empty.v1+json")


def _push_part(layered: Layered, part: Part, target: Repository, store: Store, on_event: OnEvent) -> bool:
    """Push one layer; return whether it was uploaded."""
    blob = part.blob
    if target.has_blob(blob.digest):
        return False
    source = layered.source
    if part.part == "base":
        if source.registry == target.registry and target.mount_blob(blob.digest, source.name):
            return False
        blob = replace(blob, path=fetch_layer(source, blob, store, on_event))
    done = 0

    def on_bytes(count: int) -> None:
        nonlocal done
        done += count
        on_event(Advanced(stage="push", detail=part.part, done=done, total=blob.size_bytes))

    target.push_blob(blob, on_bytes)
    return True


def _push_document(doc: Document, target: Repository, store: Store) -> None:
    if target.has_blob(doc.digest):
        return
    with store.folder() as folder:
        path = folder / "document"
        path.write_bytes(doc.content)
        blob = Blob(digest=doc.digest, size_bytes=len(doc.content), media_type=doc.media_type, path=path)
        target.push_blob(blob, lambda _: None)
