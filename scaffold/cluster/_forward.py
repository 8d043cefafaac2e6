"""A client whose connections are port-forwards through the API to a port of a pod."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from typing import Any

from scaffold.base.client import Client, wait_until_ready
from scaffold.cluster._client import Cluster
from scaffold.cluster._refusal import ApiError
from scaffold.cluster._rollout import Pace
from scaffold.cluster._service import Endpoint
from scaffold.cluster._websocket import PortForward
from scaffold.errors import ClusterRefusedError, NoEndpointError, ServiceNotAskedError
from scaffold.spec import Protocol

FindEndpoint = Callable[[], Endpoint]
_NO_FORWARD = "no port-forward through the API"
_ANSWER_S = 30
"""Seconds that a ready pod may take to answer on a port."""


class Forward(Client):
    """A client whose connections are port-forwards; each looks up its endpoint anew."""

    def __init__(
        self, url: str, cluster: Cluster, namespace: str, find_endpoint: FindEndpoint, **settings: Any
    ) -> None:
        super().__init__(url, **settings)
        self._cluster, self._namespace, self._find_endpoint = cluster, namespace, find_endpoint
        self._last: tuple[Endpoint, PortForward] | None = None

    def another(self) -> Forward:
        """Return a client of the same service with a connection of its own."""
        return self.speaking(self.protocol)

    def speaking(self, protocol: Protocol) -> Forward:
        """Return a client of the same service that speaks `protocol`."""
        settings = {"headers": self.headers, "retries": self.retries, "protocol": protocol}
        return Forward(self.url, self._cluster, self._namespace, self._find_endpoint, **settings)

    def connect(self, timeout_s: float = 120.0) -> http.client.HTTPConnection:
        """Return a new connection to a pod.

        Raises:
            ClusterRefusedError: The account may not forward ports.
        """
        endpoint = self._find_endpoint()
        try:
            forward = self._cluster.forward(self._namespace, endpoint.pod, endpoint.port)
        except ApiError as error:
            if error.status not in (401, 403):
                raise ConnectionError(f"{_NO_FORWARD}: {error.message}") from error
            problem = "Your account may not forward ports to pods, and the replay needs port-forwards."
            fix = "docs/deploy.md lists the smallest Role (pods/portforward); ask for it to be granted."
            raise ClusterRefusedError(problem, (error.message,), fix) from error
        self._last = endpoint, forward
        connection = http.client.HTTPConnection("localhost", timeout=timeout_s)
        connection.sock = forward.socket
        connection.sock.settimeout(timeout_s)
        return connection

    def wait_for_answer(self, pace: Pace, source: str) -> None:
        """Wait until the pod answers on the port.

        Args:
            pace: How long to wait.
            source: Where the port comes from: `targetPort of Service/titanic`.

        Raises:
            NoEndpointError: Nothing answers on the port.
            ServiceNotAskedError: The API opens no port-forward.
        """
        ready = wait_until_ready(self, timeout_s=_ANSWER_S * pace.patience, poll_s=pace.poll_s)
        if ready.is_ready:
            return
        if ready.last.startswith(_NO_FORWARD):
            fix = (
                "Check that the API server reaches the kubelets;"
                " `kubectl port-forward` uses the same connection."
            )
            raise ServiceNotAskedError("The API forwards no connection to the pods.", (ready.last,), fix)
        details, where = [f"GET {self.protocol.ready}: {ready.last}"], source
        if self._last is not None:
            endpoint, forward = self._last
            where = f"port {endpoint.port} of the pods ({source})"
            details = [f"pod: {endpoint.pod}", forward.error() or details[0]]
        raise NoEndpointError(
            f"The pods are ready, but nothing answers on {where}.",
            details,
            "Set `targetPort` in service.yaml to the name of the port in deployment.yaml at which the service"
            " listens.",
        )
