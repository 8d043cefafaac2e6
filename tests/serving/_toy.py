"""A service made from the templates, with a model whose records tell it what to do."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

TEMPLATE = Path(__file__).parents[2] / "templates" / "service" / "project"
VALUES = {
    "name": "toy",
    "model_version": "1.2.3",
    "model_sha256": "ab" * 32,
    "settings_first": "",
    "settings_os": "",
    "settings_imports": "",
    "settings_fields": "",
    "model_environment": "",
    "card_import": "",
    "card_added": "",
    "page_import": "",
    "page_added": "",
    "page_public": "",
    "page_setting": "",
    "page_proof": "",
    "protocols_import": "",
    "protocols_added": "",
    "shadow_import": "",
    "shadow_added": "",
    "drift_import": "",
    "drift_serving": "ERROR_RESPONSES, Batcher, install, lifespan",
    "drift_plain_batcher": "from app.serving.batching import Batcher\n",
    "score_quick_option": "",
    "drift_batcher": "Batcher",
    "drift_settings": "",
    "guard_one": "",
    "guard_all": "",
    "guard_added": "",
}

SCHEMAS = '''"""What goes in and what comes out."""

from pydantic import BaseModel, ConfigDict, Field


class ModelInput(BaseModel):
    """One record to score."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    value: float = Field(examples=[1.5])
    # What the model does with it.
    act: str = "answer"
    count: int = Field(default=1, ge=-(2**63), lt=2**63)


class ModelOutput(BaseModel):
    """The prediction for one record."""

    prediction: float
    together: int


EXAMPLE = ModelInput(value=1.5)
'''

SCORE = '''"""The model: one that does what it is told."""

import os
import sys
import time
import warnings

from app.schemas import ModelInput, ModelOutput

if "TOY_STRICT" in os.environ:
    warnings.simplefilter("error", RuntimeWarning)
BATCHED = os.environ.get("TOY_BATCHED", "1") == "1"


def load() -> None:
    """Load it, or fail to."""
    if "TOY_BROKEN" in os.environ:
        raise ValueError("the file is not\\nwhat it was")


def run(records: list[ModelInput]) -> list[ModelOutput]:
    """Score records."""
    time.sleep(float(os.environ.get("TOY_SLEEP_S", "0")))
    if "TOY_REFUSES" in os.environ:
        raise ValueError("no record\\nis good enough")
    for record in records:
        if record.act == "raise":
            raise ValueError(f"secret {record.value}")
        if record.act == "exit":
            sys.exit(7)
        if record.act == "memory":
            raise MemoryError
        if record.act == "warn":
            warnings.warn(f"secret {record.value}", RuntimeWarning, stacklevel=1)
        if record.act == "sleep":
            time.sleep(record.value)
    return [ModelOutput(prediction=record.value, together=len(records)) for record in records]
'''


def write_project(root: Path, **values: str) -> None:
    """Write the serving templates, and the generated files that they need, into `root`."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    generated = {"app/schemas.py": SCHEMAS, "app/score.py": SCORE}
    for source in [*TEMPLATE.glob("app/**/*.py*"), TEMPLATE / "pyproject.toml"]:
        path = source.relative_to(TEMPLATE).as_posix().removesuffix(".jinja")
        if path not in {*generated, "app/convert.py"}:
            generated[path] = environment.from_string(source.read_text()).render(VALUES | values)
    for path, text in generated.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Service:
    """A running service and ways to talk to it."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process, self.port, self._log = process, port, log

    def request(self, method: str, path: str, body: Any = None, headers: Any = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.request("POST", path, raw, {"Content-Type": "application/json", **headers})

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, None, headers)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def peak_mib(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) >> 10

    def metric(self, line: str) -> float:
        for found in self.get("/metrics").body.decode().splitlines():
            name, _, value = found.rpartition(" ")
            if name == line:
                return float(value)
        return 0.0

    def wait_until_ready(self) -> bool:
        """Whether it got ready; false if the process ended."""
        while self.process.poll() is None:
            with contextlib.suppress(OSError):
                if self.get("/readyz").status == 200:
                    return True
            time.sleep(0.05)
        return False

    @property
    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def start(root: Path, log: Path, settings: dict[str, str]) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "BIND_HOST": "127.0.0.1", **settings}
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "app"], cwd=root, env=environment, stdout=output, stderr=subprocess.STDOUT
        )


@contextlib.contextmanager
def running(root: Path, **settings: str) -> Iterator[Service]:
    """Run the service of a project, with settings by keyword, until the block ends."""
    port, log = free_port(), root.with_suffix(".log")
    service = Service(start(root, log, {"PORT": str(port), **settings}), port, log)
    try:
        assert service.wait_until_ready(), log.read_text()
        yield service
    finally:
        service.process.terminate()
        service.process.wait(30)
