"""An image at work: started as strictly as a cluster would, asked, and ended."""

from __future__ import annotations

import contextlib
import random
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

from scaffold.errors import ImageCheckError

_READY_S = 90
_PORT = 8000


@contextlib.contextmanager
def run_container(client: Any, image_id: str, reference: str, *, host_network: bool) -> Iterator[str]:
    """Start the image read-only as a user that it does not know; give its URL; end it.

    Raises:
        ImageCheckError: It does not start, or is not ready in time.
    """
    from docker.errors import DockerException

    user = random.randrange(100_000, 1_000_000)  # noqa: S311  # any will do
    port = free_port() if host_network else _PORT
    try:
        container = client.containers.run(
            image_id,
            detach=True,
            read_only=True,
            tmpfs={"/tmp": ""},  # noqa: S108  # inside the container
            user=f"{user}:0",
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
        if not host_network:
            container.reload()
            port = int(container.ports[f"{_PORT}/tcp"][0]["HostPort"])
        url = f"http://127.0.0.1:{port}"

        def stopped() -> bool:
            container.reload()
            return bool(container.status not in ("created", "running"))

        wait_until_ready(url, reference, stopped, lambda: container.logs(tail=30).decode("utf-8", "replace"))
        yield url
    finally:
        container.remove(force=True)


def wait_until_ready(url: str, reference: str, stopped: Callable[[], bool], log: Callable[[], str]) -> None:
    """Return when the service says that it is ready.

    Raises:
        ImageCheckError: It stopped, or took too long; with the end of its log.
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + _READY_S
    while time.monotonic() < end:
        with contextlib.suppress(urllib.error.URLError, OSError), opener.open(f"{url}/readyz", timeout=2):
            return
        if stopped():
            raise ImageCheckError(reference, f"It stopped at its start. The end of its log:\n{log()}")
        time.sleep(0.2)
    raise ImageCheckError(reference, f"It was not ready after {_READY_S} s. The end of its log:\n{log()}")


def free_port() -> int:
    """Return a port of this machine that nothing listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
