"""The docker builder: a Docker Engine builds the Dockerfile, by the Docker SDK."""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from scaffold.base.client import Client
from scaffold.base.layout import DOCKERFILE
from scaffold.base.process import Runner
from scaffold.errors import BuildStepError, CommandError, ImageNotRunnableError, ImagePythonError
from scaffold.errors.wording import option
from scaffold.events import Advanced, OnEvent
from scaffold.image._dependencies import Package, largest_packages
from scaffold.image._engine import connect, engine_errors, follow_build, follow_push, read_layers
from scaffold.image._options import BuildOptions
from scaffold.image._push import push_referrer
from scaffold.image._running import ServiceAccess, check_image, run_container
from scaffold.image._sbom import make_referrer, make_sbom
from scaffold.image._store import Store
from scaffold.image._tar import file_entry, tar_blocks
from scaffold.image.dockerfile._context import context_entries, read_dockerfile
from scaffold.image.dockerfile._instructions import instructions
from scaffold.image.dockerfile._stages import read_base
from scaffold.image.registry._credentials import Credentials, explicit_credentials, stored_credentials
from scaffold.image.registry._reference import Reference, parse_reference
from scaffold.image.registry._repository import Repository
from scaffold.spec import Image, Layer

_CERTIFICATES = "ca-bundle.crt"
_LIST_PACKAGES = """
import importlib.metadata as m, json
print(json.dumps([
    (d.metadata['Name'], d.version, sum(f.size or 0 for f in d.files or ())) for d in m.distributions()
]))
"""


def build_with_engine(
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
    """Build the image in the engine, check it, and push it if the options say so.

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
    client = connect()
    with engine_errors():
        return _build_and_push(
            client, root, reference, arguments, labels, options, on_event=on_event, run=run, store=store
        )


def _build_and_push(
    client: Any,
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
    name = reference.familiar
    if options.netrc:
        _build_with_secret(root, name, arguments, labels, options, run, on_event)
        image_id = client.images.get(name).id
    else:
        image_id = _build(client, root, name, arguments, labels, options, on_event)
    base = parse_reference(read_base(read_dockerfile(root), arguments))
    layers = tuple(read_layers(client, image_id, base))
    packages = _packages(client, image_id, layers, cache := Store(store))
    checked = options.check is not None and check_image(
        _run_image(client, image_id, name, ServiceAccess(root=root, headers=options.headers), options),
        name,
        options.check,
        on_event,
        if_possible=options.check_if_possible,
    )
    digest = image_id
    if options.push:
        unique = replace(reference, tag=options.pushed_tag(reference.tag, image_id))
        if unique != reference:
            client.images.get(image_id).tag(unique.name, unique.tag)
        digest = _push(client, unique, base, packages, options, on_event, cache)
        name = unique.familiar
    return Image(
        reference=name, digest=digest, layers=layers, largest=largest_packages(packages), checked=checked
    )


@contextlib.contextmanager
def _run_image(
    client: Any, image_id: str, name: str, access: ServiceAccess, options: BuildOptions
) -> Iterator[Client]:
    """Run the image, if it is for the platform of this machine."""
    host = replace(options, platforms=()).target_platforms
    if options.platforms and options.platforms != host:
        raise ImageNotRunnableError(name, f"it is for {options.platforms[0]}, and this machine is {host[0]}")
    with run_container(client, image_id, name, access, host_network=options.network == "host") as service:
        yield service


def _build(
    client: Any,
    root: Path,
    name: str,
    arguments: Mapping[str, str],
    labels: Mapping[str, str],
    options: BuildOptions,
    on_event: OnEvent,
) -> str:
    """Stream the context to the engine, which follows the Dockerfile in it; return the image's id."""
    entries = {entry.name: entry for entry in context_entries(root)}
    entries[DOCKERFILE] = file_entry(root / DOCKERFILE, DOCKERFILE)
    build_arguments = dict(arguments)
    if options.index_url:
        build_arguments["PIP_INDEX_URL"] = options.index_url
    if options.ca_bundle:
        entries[_CERTIFICATES] = file_entry(options.ca_bundle.resolve(), _CERTIFICATES)
        build_arguments["PIP_CERT"] = f"/build/{_CERTIFICATES}"
    events = client.api.build(
        fileobj=tar_blocks(entries.values()),
        custom_context=True,
        tag=name,
        buildargs=build_arguments,
        labels=dict(labels),
        network_mode=options.network,
        platform=options.platforms[0] if options.platforms else None,
        rm=True,
        forcerm=True,
        decode=True,
    )
    return follow_build(events, on_event)


def _build_with_secret(
    root: Path,
    name: str,
    arguments: Mapping[str, str],
    labels: Mapping[str, str],
    options: BuildOptions,
    run: Runner,
    on_event: OnEvent,
) -> None:
    """Build with BuildKit, which can mount a secret file into a step without storing it.

    The Docker SDK does not speak BuildKit's protocol, so this is the docker command's work. The secret is a
    file on its command line, and a mount of the step that installs packages; no layer and no history has it.

    Raises:
        BuildStepError: The build failed, or the command cannot use BuildKit.
    """
    assert options.netrc is not None
    on_event(Advanced(stage="build", detail="with BuildKit, for the secret"))
    secrets = {"netrc": options.netrc}
    build_arguments = dict(arguments)
    if options.index_url:
        build_arguments["PIP_INDEX_URL"] = options.index_url
    if options.ca_bundle:
        secrets["ca_bundle"] = options.ca_bundle
        build_arguments["PIP_CERT"] = "/run/secrets/ca_bundle"
    with tempfile.TemporaryDirectory() as folder:
        dockerfile = Path(folder) / DOCKERFILE
        dockerfile.write_text(_with_secrets(read_dockerfile(root), bool(options.ca_bundle)), "utf-8")
        command = ["docker", "build", "--progress=plain", "--file", str(dockerfile), "--tag", name]
        for key, path in secrets.items():
            command += ["--secret", f"id={key},src={path.absolute()}"]
        for key, value in build_arguments.items():
            command += ["--build-arg", f"{key}={value}"]
        for key, value in labels.items():
            command += ["--label", f"{key}={value}"]
        for flag, chosen in (("--network", options.network), ("--platform", (*options.platforms, "")[0])):
            command += [flag, chosen] if chosen else []
        try:
            run([*command, str(root)], env={**os.environ, "DOCKER_BUILDKIT": "1"})
        except CommandError as error:
            another = option("builder", "layers")
            hint = f"\nThe layers builder keeps a secret without BuildKit: {another}"
            tail = error.tail + (hint if "buildx" in error.tail else "")
            raise BuildStepError("docker build, with a secret", tail) from error


def _with_secrets(text: str, certificates: bool) -> str:
    """The Dockerfile with the secrets mounted in each step that calls pip."""
    lines = text.splitlines()
    mounts = "--mount=type=secret,id=netrc,target=/root/.netrc "
    if certificates:
        mounts += "--mount=type=secret,id=ca_bundle "
    for step in instructions(text):
        if step.keyword == "RUN" and re.search(r"\bpip\b.*\binstall\b", step.value):
            place = step.line - 1
            lines[place] = re.sub(r"^(\s*RUN\s+)", rf"\g<1>{mounts}", lines[place], flags=re.IGNORECASE)
    return "\n".join(lines) + "\n"


def _packages(client: Any, image_id: str, layers: Sequence[Layer], store: Store) -> tuple[Package, ...]:
    """Return the packages that the image's Python lists; cached by the base and dependency layers."""
    from docker.errors import DockerException

    installed = (layer.digest for layer in layers if layer.part in ("base", "dependencies"))
    key = " ".join(["packages", *installed])
    if cached := store.fact(key):
        return tuple(Package(**package) for package in cached)
    try:
        printed = client.containers.run(
            image_id,
            ["-c", _LIST_PACKAGES],
            entrypoint="python3",
            network_mode="none",
            read_only=True,
            remove=True,
        )
    except DockerException as error:
        raise ImagePythonError(str(error)) from error
    packages = tuple(
        Package(name=name.lower().replace("_", "-"), version=version, size_bytes=size_bytes)
        for name, version, size_bytes in json.loads(printed)
    )
    store.remember(key, [asdict(package) for package in packages])
    return packages


def _push(
    client: Any,
    reference: Reference,
    base: Reference,
    packages: tuple[Package, ...],
    options: BuildOptions,
    on_event: OnEvent,
    store: Store,
) -> str:
    """Push through the engine, then attach the bill of materials; return the digest."""
    credentials = explicit_credentials(options.credentials) or stored_credentials(reference.registry)
    events = client.api.push(
        reference.name, tag=reference.tag, stream=True, decode=True, auth_config=_auth_config(credentials)
    )
    digest = follow_push(events, reference, credentials.username if credentials else None, on_event)
    target = Repository(reference, credentials, insecure=options.insecure, ca_bundle=options.ca_bundle)
    content, media_type, digest = target.manifest(digest or reference.tag)
    labels = client.images.get(reference.familiar).labels
    sbom = make_sbom(digest, str(base), packages, labels)
    subject = {"mediaType": media_type, "digest": digest, "size": len(content)}
    push_referrer(digest, make_referrer(subject, sbom), sbom, target, store, on_event)
    return digest


def _auth_config(credentials: Credentials | None) -> dict[str, str]:
    if credentials is None:
        return {}
    if credentials.identity_token:
        return {"identitytoken": credentials.identity_token}
    return {"username": credentials.username, "password": credentials.password}
