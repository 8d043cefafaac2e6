"""A connection to a port of a pod: a websocket to the API, which the client library makes into a socket."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from scaffold.cluster._refusal import handshake_error


@dataclass(frozen=True, slots=True, kw_only=True)
class PortForward:
    """A connection to a port of a pod through the API."""

    socket: Any
    error: Callable[[], str]
    """Returns the error that the node reports; empty if there is none."""


def open_forward(configuration: Any, url: str, port: int, headers: Mapping[str, str]) -> PortForward:
    """Return a connection to a port of the pod at `url`.

    Raises:
        ApiError: The API refuses the port-forward, or does not answer.
    """
    from kubernetes.stream.ws_client import create_websocket, get_websocket_url
    from websocket import WebSocketException

    try:
        websocket = create_websocket(configuration, get_websocket_url(url, [("ports", str(port))]), headers)
    except (WebSocketException, OSError) as error:
        raise handshake_error(str(error)) from error
    forward = _forward_class()(websocket, [port])
    way = forward.socket(port)
    way.settimeout(60)
    return PortForward(socket=way, error=lambda: str(forward.error(port) or "").strip())


@functools.cache
def _forward_class() -> Any:
    """Return the library's class, whose thread would leave its reader waiting when the connection breaks."""
    from kubernetes.stream.ws_client import PortForward as LibraryForward
    from websocket import WebSocketException

    class Forward(LibraryForward):  # type: ignore[misc]
        def _proxy(self) -> None:
            try:
                super()._proxy()
            except (OSError, RuntimeError, ValueError, WebSocketException) as error:
                for port in self.local_ports.values():
                    port.error = port.error or str(error)
                    port.python.close()

    return Forward
