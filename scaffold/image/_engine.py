"""Responses of a Docker Engine: its errors become our errors, its events progress, its history layers."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scaffold.errors import (
    BuildStepError,
    DiskFullError,
    EngineIdsError,
    EngineNotRunningError,
    EngineRefusedError,
    ImageError,
    PlainHttpRegistryError,
    RegistryError,
    RegistryLoginError,
    RepositoryNotFoundError,
    UntrustedRegistryError,
    UploadError,
)
from scaffold.events import Advanced, OnEvent
from scaffold.image.dockerfile._context import is_model
from scaffold.image.registry._reference import Reference
from scaffold.spec import Layer

_STEP = re.compile(r"Step (\d+)/(\d+) : (.*)")
_BOOKKEEPING = re.compile(r" ---> |Removing intermediate container ")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_TAIL_LINES = 20
_TAIL_CHARACTERS = 8000


def connect() -> Any:
    """Return a client of the engine that DOCKER_HOST names, or the current context of the docker command.

    Raises:
        EngineNotRunningError: No engine answers.
    """
    import docker
    from docker.context import ContextAPI
    from docker.errors import DockerException

    host = os.environ.get("DOCKER_HOST")
    try:
        if host:
            client = docker.from_env(timeout=600)
        else:
            context = ContextAPI.get_current_context()
            host = context.Host if context else None
            client = docker.DockerClient(
                base_url=host, tls=context.TLSConfig if context else None, timeout=600
            )
        client.ping()
    except (DockerException, OSError) as error:
        raise EngineNotRunningError(host or "its usual place", _innermost(error)) from error
    return client


@contextlib.contextmanager
def engine_errors() -> Iterator[None]:
    """Turn errors of the Docker Engine in the block into errors of this package.

    Raises:
        ImageError: The engine refused a request.
        EngineNotRunningError: The connection to the engine broke.
    """
    from docker.errors import APIError, DockerException
    from requests import RequestException

    try:
        yield
    except APIError as error:
        raise EngineRefusedError(str(error.explanation or error)) from error
    except (DockerException, RequestException) as error:
        host = os.environ.get("DOCKER_HOST", "its usual place")
        raise EngineNotRunningError(host, f"it broke off: {_innermost(error)}") from error


def follow_build(events: Iterable[Mapping[str, Any]], on_event: OnEvent) -> str:
    """Return the id of the built image.

    Raises:
        BuildStepError: A step failed; with the end of its output.
        DiskFullError: The engine has no room.
    """
    step, printed, image_id = "", "", ""
    for event in events:
        text = _COLOUR.sub("", str(event.get("stream", "")))
        if match := _STEP.match(text):
            step, printed = match[3].strip(), ""
            on_event(Advanced(stage="build", detail=step, done=int(match[1]), total=int(match[2])))
        elif not _BOOKKEEPING.match(text):
            # A line may arrive in several pieces; only the end of a long log is kept.
            printed = (printed + text)[-_TAIL_CHARACTERS:]
        if event.get("status") and event.get("id"):
            detail = event.get("progressDetail") or {}
            on_event(
                Advanced(
                    stage="base",
                    detail=f"{event['id']} {event['status']}",
                    done=detail.get("current", 0),
                    total=detail.get("total", 0),
                )
            )
        image_id = (event.get("aux") or {}).get("ID", image_id)
        if "error" in event:
            lines = [line.rstrip() for line in printed.splitlines() if line.strip()]
            raise _step_error(step, [*lines, str(event["error"]).strip()])
    return image_id


def follow_push(
    events: Iterable[Mapping[str, Any]], reference: Reference, username: str | None, on_event: OnEvent
) -> str:
    """Return the digest of the image at the registry.

    Raises:
        ImageError: The push failed; the subclass depends on the registry's message.
    """
    digest = ""
    for event in events:
        if "error" in event:
            raise _push_error(str(event["error"]).strip(), reference, username)
        detail = event.get("progressDetail") or {}
        if detail.get("total"):
            on_event(
                Advanced(
                    stage="push", detail=str(event.get("id")), done=detail["current"], total=detail["total"]
                )
            )
        digest = (event.get("aux") or {}).get("Digest", digest)
    return digest


def _push_error(message: str, reference: Reference, username: str | None) -> ImageError:
    """Return the error for a failed push, by the registry's message."""
    if error := _tls_error(message):
        return error
    if re.search(r"no space left|quota|insufficient storage", message, re.IGNORECASE):
        return DiskFullError(f"the registry {reference.registry}", message)
    if re.search(
        r"unauthorized|denied|no basic auth|forbidden|authentication required", message, re.IGNORECASE
    ):
        return RegistryLoginError(reference.registry, username, reference.repository, message)
    if re.search(r"name unknown|not found|does not exist", message, re.IGNORECASE):
        return RepositoryNotFoundError(reference.name, message, pushed=True)
    if re.search(r"connection|EOF|timeout|broken pipe|reset|no such host", message, re.IGNORECASE):
        return UploadError(reference.registry, "a push", 5, message)
    return RegistryError(f"the push of {reference}", 0, message)


def _step_error(step: str, lines: list[str]) -> ImageError:
    message = lines[-1]
    if error := _tls_error(message):
        return error
    if re.search(r"no space left on device", "\n".join(lines)):
        return DiskFullError("the Docker Engine", message)
    if re.search(r"insufficient UIDs or GIDs|lchown .*: invalid argument", message):
        return EngineIdsError(message)
    if step.startswith("FROM ") and re.search(r"not found|denied|unknown", message):
        return RepositoryNotFoundError(step.split()[1], message)
    return BuildStepError(step, "\n".join(lines[-_TAIL_LINES:]))


def _tls_error(message: str) -> ImageError | None:
    """Return the error for a TLS failure between engine and registry, or None."""
    match = re.search(r'https://([^/"]+)/', message)
    if match and "server gave HTTP response to HTTPS client" in message:
        return PlainHttpRegistryError(match[1], engine=True)
    cause = re.search(r"x509: (.+)", message)
    return UntrustedRegistryError(match[1], cause[1], engine=True) if match and cause else None


def _innermost(error: BaseException) -> str:
    while error.__context__ is not None:
        error = error.__context__
    return str(error) or type(error).__name__


def read_layers(client: Any, image_id: str, base: Reference) -> Iterator[Layer]:
    """Yield the layers of the image with their unpacked sizes: the base as one layer, then ours.

    An image from scratch has no layer of the base; its first one has what it needs of that.
    """
    from docker.errors import ImageNotFound

    image = client.images.get(image_id)
    try:
        base_image = client.images.get(base.familiar)
    except ImageNotFound:  # BuildKit does not share the images that it pulled
        base_image = client.images.pull(base.familiar)
    digests, steps = image.attrs["RootFS"]["Layers"], image.history()
    of_base = base_image.attrs["RootFS"]["Layers"]
    if is_on_base := digests[: len(of_base)] == of_base:
        digests, steps = digests[len(of_base) :], steps[: -len(base_image.history())]
        yield Layer(digest=base_image.id, size_bytes=base_image.attrs["Size"], part="base")
    sized_steps = [step for step in reversed(steps) if step["Size"]]
    for digest, step in zip(digests[-len(sized_steps) :], sized_steps, strict=False):
        part = _part(step["CreatedBy"]) if is_on_base or step is not sized_steps[0] else "base"
        yield Layer(digest=digest, size_bytes=step["Size"], part=part)


def _part(created_by: str) -> str:
    if any(map(is_model, created_by.split())):
        return "model"
    return "code" if "COPY" in created_by and "/opt/venv" not in created_by else "dependencies"
