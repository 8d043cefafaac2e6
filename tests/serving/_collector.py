"""A collector of OpenTelemetry that takes log records over HTTP."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.http_server import serving

# Modules of namespaces that many distributions share.
JSON = import_module("google.protobuf.json_format")
SERVICE = import_module("opentelemetry.proto.collector.logs.v1.logs_service_pb2")


class Collector:
    """What was sent to a collector, and where it listens."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 200
        self.messages: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def add(self, body: bytes) -> None:
        request = SERVICE.ExportLogsServiceRequest.FromString(body)
        with self._lock:
            self.messages.append(JSON.MessageToDict(request))

    @property
    def records(self) -> list[dict[str, Any]]:
        """The log records of the predictions."""
        return [
            record
            for message in self.messages
            for resource in message["resourceLogs"]
            for scope in resource["scopeLogs"]
            if scope["scope"]["name"] == "app.prediction_log"
            for record in scope["logRecords"]
        ]

    def write(self, path: Path) -> None:
        """Write what the file exporter of a collector writes."""
        path.write_text("".join(json.dumps(each) + "\n" for each in self.messages))


def hexadecimal(text: str) -> str:
    """Return an id, which the JSON of protobuf has in base64."""
    return base64.b64decode(text).hex()


@contextlib.contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector until the block ends."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            if self.path == "/v1/logs" and collector.status == 200:
                collector.add(body)
            self.send_response(collector.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with serving(Handler) as port:
        collector.url = f"http://127.0.0.1:{port}"
        yield collector
