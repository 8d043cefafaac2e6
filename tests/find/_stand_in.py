"""A tracking server that answers as MLflow 3.17 did: `answers/mlflow.json` holds what that server said.

The registered model `churn` has three versions; `champion` is the second. The files of the models are
recorded too, but the pickles are made here.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.http_server import serving

RECORDED = Path(__file__).parent / "answers" / "mlflow.json"
FILES = "/api/2.0/mlflow-artifacts/artifacts/"


@dataclass
class StandIn:
    """What the server answers with; a test changes it."""

    answers: dict[str, tuple[int, Any]]
    files: dict[str, bytes]
    models: list[tuple[str, str]]
    """The id and the run of each version."""
    login: str = ""
    """The header that is asked for."""
    asked: list[str] = field(default_factory=list)
    posted: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    replies: dict[str, Any] = field(default_factory=dict)
    """What is answered to a POST."""
    logins: list[str] = field(default_factory=list)
    url: str = ""

    def root(self, version: int) -> str:
        """The folder of a version."""
        uri = self.answers[f"api/2.0/mlflow/logged-models/{self.models[version - 1][0]}"][1]
        return str(uri["model"]["info"]["artifact_uri"]).removeprefix("mlflow-artifacts:/")

    def replace(self, old: str, new: str, *, version: int) -> None:
        """Change the `MLmodel` of a version."""
        name = f"{self.root(version)}/MLmodel"
        assert old.encode() in self.files[name]
        self.files[name] = self.files[name].replace(old.encode(), new.encode())


@contextlib.contextmanager
def stand_in(model: bytes) -> Iterator[StandIn]:
    """Run the server, with `model` for each pickle."""
    recorded = json.loads(RECORDED.read_text())
    files = {name: model if text is None else text.encode() for name, text in recorded["files"].items()}
    server = StandIn(
        answers={key: (status, body) for key, (status, body) in recorded["answers"].items()},
        files=files,
        models=[(model_id, run) for model_id, run in recorded["models"]],
    )

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked.append(self.path)
            server.logins.append(self.headers.get("Authorization", ""))
            status, body = answer_of(server, self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            server.posted.append((self.path, json.loads(self.rfile.read(length))))
            body = json.dumps(server.replies.get(self.path.lstrip("/"), {})).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with serving(Handler) as port:
        server.url = f"http://127.0.0.1:{port}"
        yield server


def answer_of(server: StandIn, path: str) -> tuple[int, bytes]:
    """The status and the body for a request."""
    if server.login and server.logins[-1] != server.login:
        return 401, b"You are not authenticated."
    parts = urlsplit(path)
    if parts.path.startswith(FILES):
        content = server.files.get(parts.path.removeprefix(FILES))
        return (404, b"{}") if content is None else (200, content)
    query = urlencode(parse_qsl(parts.query))
    key = parts.path.lstrip("/") + (f"?{query}" if query else "")
    status, body = server.answers.get(key, (404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": key}))
    return status, json.dumps(body).encode()
