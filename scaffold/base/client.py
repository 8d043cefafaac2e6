"""One HTTP client for services, and the wait until a service is ready. Standard library only."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import select
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast
from urllib.parse import urlsplit

from scaffold.errors import ServiceBrokeOffError
from scaffold.spec import SCORE_PROTOCOL, JSONValue, Protocol, ScoreRoute

KEY_VARIABLE = "SCAFFOLD_API_KEY"
_PROBE_S = 5.0
_TRANSIENT = ("408", "425", "429")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer of a service to one request."""

    status: int
    body: JSONValue
    """The parsed JSON, or the text of a body that is not JSON."""
    seconds: float
    is_json: bool = True
    retry_after_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often a request is sent again after no response, or a 503."""

    attempts: int = 1
    pause_s: float = 1.0
    """Between two attempts; longer if the response has a larger `Retry-After`."""


class Client:
    """Requests to one service, over a connection that stays open; for one thread."""

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        retries: Retries | None = None,
        protocol: Protocol = SCORE_PROTOCOL,
    ) -> None:
        self.url, self.protocol = url.rstrip("/"), protocol
        self.headers, self.retries = dict(headers or {}), retries or Retries()
        self._connection: http.client.HTTPConnection | None = None

    def another(self) -> Client:
        """Return a client of the same service with a connection of its own."""
        return Client(self.url, headers=self.headers, retries=self.retries, protocol=self.protocol)

    def speaking(self, protocol: Protocol) -> Client:
        """Return a client of the same service that speaks `protocol`."""
        return Client(self.url, headers=self.headers, retries=self.retries, protocol=protocol)

    def get(self, path: str) -> Answer:
        """Return the answer to a GET request.

        Raises:
            ServiceFailedError: There is none.
        """
        return self._send("GET", path, None)

    def post(self, path: str, body: JSONValue) -> Answer:
        """Send `body` as JSON and return the answer.

        Raises:
            ServiceFailedError: There is none.
        """
        return self._send("POST", path, json.dumps(body).encode())

    def score(self, record: JSONValue) -> Answer:
        """Send one record; the body of the answer is its prediction where the status is 200.

        Raises:
            ServiceFailedError: There is none.
        """
        return self.send_encoded(self.protocol.single, self.protocol.single.encode(record))

    def score_batch(self, records: Sequence[JSONValue]) -> Answer:
        """Send records in one request; the body of the answer is the list of their predictions.

        Raises:
            ServiceFailedError: There is none.
        """
        return self.send_encoded(self.protocol.batch, self.protocol.batch.encode(list(records)))

    def send_encoded(self, route: ScoreRoute, body: bytes) -> Answer:
        """Send what `route.encode` returned, and return the answer with its predictions as the body.

        A body of another form than the protocol's stays as it is.

        Raises:
            ServiceFailedError: There is none.
        """
        answer = self._send("POST", route.path, body, route.content_type)
        if answer.status != 200 or not answer.is_json:
            return answer
        try:
            return replace(answer, body=route.decode(answer.body))
        except (LookupError, TypeError):
            return answer

    def probe(self) -> str:
        """Request the readiness route; return the status of the answer, or why there is none."""
        connection: http.client.HTTPConnection | None = None
        try:
            connection = self.connect(_PROBE_S)
            path = urlsplit(self.url).path + self.protocol.ready
            connection.request("GET", path, headers=self._all_headers())
            response = connection.getresponse()
            response.read()
            return str(response.status)
        except (OSError, http.client.HTTPException) as error:
            return str(error) or type(error).__name__
        finally:
            if connection is not None:
                connection.close()

    def connect(self, timeout_s: float = 120.0) -> http.client.HTTPConnection:
        """Return a new connection to the service."""
        parts = urlsplit(self.url)
        if parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(parts.netloc, timeout=timeout_s, context=context)
        return http.client.HTTPConnection(parts.netloc, timeout=timeout_s)

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _send(
        self, method: str, path: str, body: bytes | None, content_type: str = "application/json"
    ) -> Answer:
        for attempt in range(1, self.retries.attempts + 1):
            is_last = attempt == self.retries.attempts
            try:
                answer = self._send_once(method, path, body, content_type)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                if is_last:
                    where = f"{method} {self.url}{path}"
                    raise ServiceBrokeOffError(where, repr(error)) from error
                time.sleep(self.retries.pause_s)
                continue
            if is_last or answer.status != 503:
                return answer
            time.sleep(max(self.retries.pause_s, answer.retry_after_s))
        raise AssertionError("the last attempt returns or raises")

    def _send_once(self, method: str, path: str, body: bytes | None, content_type: str) -> Answer:
        if self._connection is not None and _is_dropped(self._connection):
            self.close()
        connection = self._connection = self._connection or self.connect()
        began = time.perf_counter()
        connection.request(method, urlsplit(self.url).path + path, body, self._all_headers(content_type))
        response = connection.getresponse()
        content = response.read()
        seconds = time.perf_counter() - began
        if response.will_close:
            self.close()
        body_text = content.decode("utf-8", "replace")
        retry_after = response.headers.get("Retry-After", "")
        waits = float(retry_after) if retry_after.isdigit() else 0.0
        try:
            parsed = cast("JSONValue", json.loads(content))
        except ValueError:
            return Answer(
                status=response.status,
                body=body_text,
                seconds=seconds,
                is_json=False,
                retry_after_s=waits,
            )
        return Answer(status=response.status, body=parsed, seconds=seconds, retry_after_s=waits)

    def _all_headers(self, content_type: str = "application/json") -> dict[str, str]:
        host = urlsplit(self.url).netloc  # also for a connection through a proxy
        return {"Content-Type": content_type, "Host": host, **self.headers}


def _is_dropped(connection: http.client.HTTPConnection) -> bool:
    """Whether the server closed an idle connection: only then is the socket readable between requests."""
    return connection.sock is None or bool(select.select([connection.sock], [], [], 0)[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """The result of waiting for a service."""

    is_ready: bool
    waited_s: float
    last: str = field(default="")
    """The result of the last probe."""


def wait_until_ready(
    client: Client,
    *,
    timeout_s: float,
    poll_s: float,
    is_over: Callable[[], bool] = lambda: False,
    most_refusals: int | None = None,
) -> Readiness:
    """Wait until the service is ready, has ended, or `timeout_s` seconds have passed.

    Args:
        client: A client of the service.
        timeout_s: How long to wait.
        poll_s: Seconds between two probes.
        is_over: Whether the service has ended, so that the wait is pointless.
        most_refusals: After how many refusals and redirects in a row the wait is pointless, too.
    """
    start = time.monotonic()
    last = ""
    refusals = 0
    while not is_over() and (most_refusals is None or refusals < most_refusals):
        last = client.probe()
        refusals = refusals + 1 if is_refusal(last) else 0
        waited_s = time.monotonic() - start
        if last == "200" or waited_s > timeout_s:
            return Readiness(is_ready=last == "200", waited_s=waited_s, last=last)
        time.sleep(poll_s)
    return Readiness(is_ready=False, waited_s=time.monotonic() - start, last=last)


def is_refusal(last: str) -> bool:
    """Whether the result of a probe is a status that waiting does not change: a redirect or a refusal."""
    return last.isdigit() and 300 <= int(last) < 500 and last not in _TRANSIENT


def key_headers() -> dict[str, str]:
    """Return the header with the API key of `SCAFFOLD_API_KEY`; empty without a key."""
    key = os.environ.get(KEY_VARIABLE)
    return {"X-API-Key": key} if key else {}


def free_port() -> int:
    """Return a port of this machine that nothing listens on."""
    with contextlib.closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
