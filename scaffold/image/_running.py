"""Run an image with the restrictions of a cluster, replay the sample against it, and remove the container."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scaffold.base.client import Client, free_port, is_refusal
from scaffold.base.replay import replay
from scaffold.base.routes import await_routes, possible_prefixes
from scaffold.errors import (
    ImageCheckError,
    ImageNotRunnableError,
    NoReadinessError,
    SampleRefusedError,
    ServiceFailedError,
)
from scaffold.events import Advanced, Noted, OnEvent
from scaffold.spec import SCORE_PROTOCOL, Check, Recording

_READY_S = 90
_POLL_S = 0.2
_STOPPED = "It stopped during its start"
_PORT = 8000
_USERS = range(10_000, 60_000)
"""User ids that no image defines; a rootless engine and a pod with a user namespace have some 65,536 ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccess:
    """The routes and headers for requests to the service in an image."""

    root: Path
    """The project; the prefix of the routes is searched in its code."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def any_user() -> int:
    """Return the id of a user to run an image as."""
    return random.choice(_USERS)  # noqa: S311  # any will do


@contextlib.contextmanager
def run_container(
    client: Any, image_id: str, reference: str, access: ServiceAccess, *, host_network: bool
) -> Iterator[Client]:
    """Run the image read-only with an arbitrary user id, yield a client, and remove the container.

    Args:
        client: The client of the Docker Engine.
        image_id: The image.
        reference: The name of the image.
        access: The routes and headers of the service.
        host_network: Whether the container is in the network of the machine.

    Raises:
        ImageCheckError: The container does not start, or is not ready in time.
        ImageNotRunnableError: The service is ready, but not reachable from this machine.
    """
    from docker.errors import DockerException

    port = free_port() if host_network else _PORT
    try:
        container = client.containers.run(
            image_id,
            detach=True,
            read_only=True,
            tmpfs={"/tmp": ""},  # noqa: S108  # inside the container
            user=f"{any_user()}:0",
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            environment={"PORT": str(port)},
            **(
                {"network_mode": "host"} if host_network else {"ports": {f"{_PORT}/tcp": ("127.0.0.1", None)}}
            ),
        )
    except DockerException as error:
        raise ImageCheckError(reference, f"  {error}") from error
    try:

        def stopped() -> bool:
            container.reload()
            return bool(container.status not in ("created", "running"))

        def log() -> str:
            return str(container.logs(tail=30).decode("utf-8", "replace"))

        if not host_network:
            container.reload()
            # A container that has ended has no ports.
            published = container.ports.get(f"{_PORT}/tcp")
            if not published:
                raise ImageCheckError(reference, _describe_failure(_STOPPED, log()))
            port = int(published[0]["HostPort"])
        url = f"http://127.0.0.1:{port}"
        try:
            service = await_service(url, reference, access, stopped, log)
        except ImageCheckError:
            if not stopped():
                _raise_if_ready_inside(container, reference, access, port if host_network else _PORT)
            raise
        with contextlib.closing(service):
            yield service
    finally:
        container.remove(force=True)


_ASK_INSIDE = """
import sys, urllib.request
for path in sys.argv[2:]:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}{path}", timeout=5)
    except OSError:
        continue
    sys.exit(print(path))
sys.exit(1)
"""
"""Prints the first path that answers with success."""


def _raise_if_ready_inside(container: Any, reference: str, access: ServiceAccess, port: int) -> None:
    """Raise an error that says so if the container itself sees its service as ready.

    Raises:
        ImageNotRunnableError: The service is ready, but not reachable from this machine.
    """
    paths = [f"{prefix}{SCORE_PROTOCOL.ready}" for prefix in ("", *possible_prefixes(access.root))]
    result = container.exec_run(["python", "-c", _ASK_INSIDE, str(port), *paths])
    if result.exit_code != 0:
        return
    path = result.output.decode().strip()
    moved = "" if path == SCORE_PROTOCOL.ready else f"it answers {path} in the container, but "
    why = f"its port {port} cannot be reached from here; the engine may run on another machine"
    raise ImageNotRunnableError(reference, f"{moved}{why}") from None


def _describe_failure(problem: str, log: str) -> str:
    return f"{problem}. The end of its log:\n{log}"


def await_service(
    url: str, reference: str, access: ServiceAccess, stopped: Callable[[], bool], log: Callable[[], str]
) -> Client:
    """Wait until the service in the image is ready, and return a client of it.

    Args:
        url: The service's URL without a prefix of its routes.
        reference: The name of the image.
        access: The routes and headers of the service.
        stopped: Returns whether the container has stopped.
        log: Returns the end of the container's output.

    Raises:
        ImageCheckError: The service stopped, took too long or refuses `/readyz`; with the end of its log.
    """
    client = Client(url, headers=access.headers)
    ready = await_routes(client, access.root, timeout_s=_READY_S, poll_s=_POLL_S, is_over=stopped)
    if ready.is_ready:
        return client
    if stopped():
        problem = _STOPPED
    elif is_refusal(ready.last):
        problem = str(NoReadinessError(client.protocol.ready, ready.last)).rstrip(".")
    else:
        problem = f"It was not ready after {_READY_S} s"
    raise ImageCheckError(reference, _describe_failure(problem, log()))


def check_image(
    running: AbstractContextManager[Client],
    reference: str,
    recording: Recording,
    on_event: OnEvent,
    *,
    if_possible: bool,
) -> bool:
    """Run an image and replay the sample; False if this machine cannot run it and `if_possible`.

    Args:
        running: Starts the image, gives a client of its service, and removes it.
        reference: The name of the image.
        recording: The sample.
        on_event: Called with each event.
        if_possible: Whether the check is left out if this machine cannot run the image.

    Raises:
        ImageNotRunnableError: This machine cannot run it.
        ImageError: As for `check_answers`.
    """
    on_event(Advanced("check", "running the image"))
    try:
        with running as client:
            check_answers(client, reference, recording, on_event)
    except ImageNotRunnableError as error:
        if not if_possible:
            raise
        on_event(Noted(f"the image is not checked before its push: {error.why}"))
        return False
    return True


def check_answers(client: Client, reference: str, recording: Recording, on_event: OnEvent) -> None:
    """Replay the sample against the running image, as the proof does for the project.

    Raises:
        AnswersDifferError: A prediction differs from the model's.
        RowsDependError: The prediction for a row depends on other rows, or on concurrent clients.
        AnswerChangedError: A row gets another prediction than before.
        ImageCheckError: The image refuses a row, or closes the connection.
    """

    def show(check: Check) -> None:
        on_event(Advanced("check", f"{check.name}: {check.detail}"))

    try:
        replay(client, recording, on_check=show)
    except SampleRefusedError as error:
        body = error.body if isinstance(error.body, str) else json.dumps(error.body)
        how = "with a body that is not JSON" if error.status == 200 else f"with status {error.status}"
        detail = f"It answers {error.what} of the sample {how}:\n  {body[:500]}"
        if error.status == 401:
            detail += "\nIf the service requires a token: --header 'Authorization: Bearer ...'"
        raise ImageCheckError(reference, detail) from error
    except ServiceFailedError as error:
        raise ImageCheckError(reference, f"  {error}") from error
