"""MLflow's own package in a process of its own: for a database without a server, and to log models."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from subprocess import Popen
from typing import Any

from scaffold.base.facts import one_line
from scaffold.base.http import NoAnswerError, RefusedError
from scaffold.base.process import end_process, start_peer
from scaffold.base.urls import without_credentials

_PROGRAM = Path(__file__).with_name("_mlflow_child.py")
_TIMEOUT_S = 600.0
"""The longest wait for an answer: a model is copied meanwhile."""
_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}
_OK = 200


def is_mlflow_installed(*, with_server: bool) -> bool:
    """Return whether MLflow is installed in this environment. It is not imported.

    Args:
        with_server: Whether with its server, which mlflow-skinny does not have.
    """
    modules = ("mlflow", "flask") if with_server else ("mlflow",)
    return all(importlib.util.find_spec(module) is not None for module in modules)


class LocalMlflow:
    """MLflow in a process that is started by the first request, with the requests of a server."""

    def __init__(self, uri: str) -> None:
        """Take what `MLFLOW_TRACKING_URI` would name: `sqlite:///mlflow.db`, or a server to log models to."""
        self._uri = uri
        self._process: Popen[bytes] | None = None
        self.url = without_credentials(uri)
        """Without credentials."""

    def json(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        """Return the object that a server would answer a GET with.

        Raises:
            RefusedError: The answer is an error.
            NoAnswerError: MLflow ends, or does not answer.
        """
        return self._send({"path": path, "query": dict(query)})

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the object that a server would answer a POST with.

        Raises:
            RefusedError, NoAnswerError: As for `json`.
        """
        return self._send({"path": path, "body": dict(body)})

    def log(self, job: Mapping[str, Any]) -> str:
        """Log a model, register it, and return its version.

        Raises:
            RefusedError, NoAnswerError: As for `json`.
        """
        return str(self._send({"log": dict(job)}).get("version"))

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            end_process(self._process)
            for stream in (self._process.stdin, self._process.stdout):
                with contextlib.suppress(OSError):
                    stream.close()  # type: ignore[union-attr]
            self._log.close()
            self._process = None

    def _send(self, request: Mapping[str, Any]) -> dict[str, Any]:
        process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        watch = threading.Timer(_TIMEOUT_S, process.kill)
        watch.start()
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            status, body = int(answer["status"]), answer["body"]
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise NoAnswerError(self._last_line()) from error
        finally:
            watch.cancel()
        if status == _OK and isinstance(body, dict):
            return body
        message = body.get("message") if isinstance(body, dict) else None
        text = without_credentials(str(message or "no answer").strip())
        raise RefusedError(status, one_line((text.splitlines() or [""])[0]))

    def _start(self) -> Popen[bytes]:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        variables = {**_PATIENCE, **os.environ, "MLFLOW_TRACKING_URI": self._uri}
        command = [sys.executable, str(_PROGRAM)]
        self._process = start_peer(command, cwd=Path.cwd(), env=variables, log=self._log)
        return self._process

    def _last_line(self) -> str:
        """Return the last line of the output of the process: the reason why it ended."""
        self._log.seek(0)
        lines = self._log.read().decode("utf-8", "replace").strip().splitlines()
        return one_line(without_credentials(lines[-1])) if lines else "mlflow ended without a message"
