"""The layers builder: fetch the base, write the layers, check the image, write or push it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from scaffold.base.client import Client
from scaffold.base.process import Runner
from scaffold.events import Advanced, OnEvent
from scaffold.image._dependencies import largest_packages
from scaffold.image._disk import needs_room
from scaffold.image._oci import Document, PlatformImage, make_index, write_output
from scaffold.image._options import BuildOptions
from scaffold.image._push import push_layered, push_referrer
from scaffold.image._running import ServiceAccess, check_image
from scaffold.image._sbom import make_referrer, make_sbom
from scaffold.image._store import Store
from scaffold.image.layers._build import LayerBuilder, Layered
from scaffold.image.layers._unpacked import run_unpacked
from scaffold.image.registry._credentials import explicit_credentials, stored_credentials
from scaffold.image.registry._reference import Reference
from scaffold.image.registry._repository import Repository
from scaffold.spec import Image, Layer


def build_layers(
    root: Path,
    reference: Reference,
    arguments: Mapping[str, str],
    labels: Mapping[str, str],
    options: BuildOptions,
    *,
    on_event: OnEvent,
    run: Runner,
    store: Path | None,
) -> Image:
    """Assemble the image and write or push it, as the options say.

    Args:
        root: The project.
        reference: The image's name and tag.
        arguments: Build arguments, in place of the Dockerfile's `ARG` defaults.
        labels: Labels of the image besides those of the Dockerfile.
        options: The build options.
        on_event: Called with each event.
        run: Runs commands.
        store: Where layers are kept between builds; in the cache of the user where it is None.
    """
    cache = Store(store)
    with cache.folder() as work:
        builder = LayerBuilder(
            root,
            arguments=arguments,
            labels=labels,
            index=options.index,
            store=cache,
            work=work,
            run=run,
            on_event=on_event,
        )
        target = _repository(reference, reference, options)
        source = _repository(builder.base, reference, options)
        layered = builder.build(source, options.target_platforms)
        top = layered.images[0].manifest if len(layered.images) == 1 else make_index(layered.images)
        if options.output or options.check:
            images = layered.complete(cache, on_event)
        name = reference.familiar
        checked = options.check is not None and check_image(
            _run_image(images[0], name, ServiceAccess(root=root, headers=options.headers), cache),
            name,
            options.check,
            on_event,
            if_possible=options.check_if_possible,
        )
        if options.output:
            on_event(Advanced(stage="write", detail=str(options.output)))
            with needs_room(options.output.parent):
                write_output(options.output, top, images, reference.familiar)
        pushed = frozenset[str]()
        if options.push:
            reference = replace(reference, tag=options.pushed_tag(reference.tag, top.digest))
            pushed = push_layered(layered, top, target, reference.tag, cache, on_event)
            _attach_sboms(layered, target, cache, on_event)
    cache.tidy()
    return replace(_image(reference, top, layered, pushed), checked=checked)


@contextlib.contextmanager
def _run_image(image: PlatformImage, name: str, access: ServiceAccess, store: Store) -> Iterator[Client]:
    """Unpack the image and run it."""
    with store.folder() as folder, run_unpacked(image, folder, name, access) as service:
        yield service


def _repository(reference: Reference, target: Reference, options: BuildOptions) -> Repository:
    """Return the repository of an image. An explicit login is sent to the target's registry only.

    Plain HTTP is allowed for the target's registry, and for that of the base if nothing is pushed.
    """
    is_target = reference.registry == target.registry
    login = explicit_credentials(options.credentials) if is_target else None
    return Repository(
        reference,
        login or stored_credentials(reference.registry),
        insecure=options.insecure and (is_target or not options.push),
        ca_bundle=options.ca_bundle,
    )


def _attach_sboms(layered: Layered, target: Repository, store: Store, on_event: OnEvent) -> None:
    for image in layered.images:
        sbom = make_sbom(image.manifest.digest, str(layered.base), layered.packages, image.labels)
        referrer = make_referrer(image.manifest.descriptor(), sbom)
        push_referrer(image.manifest.digest, referrer, sbom, target, store, on_event)


def _image(reference: Reference, top: Document, layered: Layered, pushed: frozenset[str]) -> Image:
    layers = tuple(
        Layer(
            digest=part.blob.digest,
            size_bytes=part.blob.size_bytes,
            part=part.part,
            pushed=part.blob.digest in pushed,
        )
        for part in layered.images[0].parts
    )
    return Image(
        reference=reference.familiar,
        digest=top.digest,
        layers=layers,
        largest=largest_packages(layered.packages),
    )
