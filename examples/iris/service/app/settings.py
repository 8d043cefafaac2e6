"""Every limit and switch, from the environment: `PORT=9000 python -m app`."""

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

NAME = "iris-service"
MODEL_VERSION = "1.0.0"
MODEL_SHA256 = "ca9a31a50f90e7d78458f1cf9056121731b4b4ade3e4d8fa4ace81746659ebd4"
# Whether spans, numbers and logs go to OTEL_EXPORTER_OTLP_ENDPOINT, where that is set.
OPENTELEMETRY = False


class Settings(BaseModel):
    """The values to run with; the ones here are what holds when the environment says nothing."""

    model_config = ConfigDict(frozen=True)

    # Where it listens; plain `uvicorn app.main:app` has options of its own for these.
    bind_host: str = "0.0.0.0"  # noqa: S104  # a container's port is reached from outside of it
    port: int = Field(8000, ge=0, le=65535)
    # The prefix that a proxy leaves on every path, as in /titanic; the routes work without it too.
    root_path: str = Field("", pattern=r"^(/[^/]+)*$")
    tls_cert: Path | None = None
    tls_key: Path | None = None
    # Processes. One is right where replicas scale it; more share the model's memory.
    workers: int = Field(1, ge=1)
    # Seconds for which a stopped service goes on answering before it closes its port.
    drain_s: float = Field(0, ge=0)
    # Seconds that it then gives to the answers that are under way.
    shutdown_s: int = Field(30, ge=0)

    # What a request may weigh; more is refused with 413, or with 422 for the records of a batch.
    max_body_bytes: int = Field(1_048_576, ge=1)
    max_records: int = Field(1000, ge=1)
    # Seconds for the head of a request to arrive (400), and for its body (408).
    body_timeout_s: float = Field(10, gt=0)
    # Seconds in which a client has to take something of its answer; then its connection is cut off.
    answer_timeout_s: float = Field(10, gt=0)
    # Connections that may be open; with one more, the one on which nothing moved longest is closed.
    max_connections: int = Field(4096, ge=1)

    # Records that may wait for the model; the next one is refused at once with 503.
    max_waiting: int = Field(1024, ge=1)
    # Seconds that a record may wait for its turn, and that a prediction may take (504).
    queue_timeout_s: float = Field(10, gt=0)
    score_timeout_s: float = Field(30, gt=0)
    # Records predicted in one call.
    max_batch: int = Field(256, ge=1)
    # Threads that predict. More than one pays only for a model that works outside the GIL, and
    # must be allowed by it: it is then called from several threads at once.
    worker_threads: int = Field(1, ge=1)
    # Milliseconds for which the event loop stands still for a prediction; see batching.py.
    patience_ms: float = Field(10, ge=0)

    # sha256, in hex, of the keys that open the service, a comma between them: two while one
    # replaces the other, none to let everyone in. A new key and its hash: python -c "import
    # hashlib as h, secrets; k = secrets.token_hex(32); print(k, h.sha256(k.encode()).hexdigest())"
    api_key_hashes: str = Field("", pattern=r"^(\s*[0-9a-f]{64}\s*(,|$))*$")
    # The API page with its description, and the numbers for Prometheus.
    docs: bool = True
    metrics: bool = True
    # A port of its own for the numbers, that only the cluster reaches; 0: they are at /metrics.
    metrics_port: int = Field(0, ge=0, le=65535)

    log_level: str = Field("info", pattern="^(debug|info|warning|error|critical)$")
    # A line for each request; those that fail inside are logged in any case.
    access_log: bool = False
    # Whether what the model says of a record may stand in the log: it may name values.
    log_values: bool = False


def _from_environment() -> Settings:
    given = {name: os.environ.get(name.upper(), "") for name in Settings.model_fields}
    try:
        return Settings.model_validate({name: value for name, value in given.items() if value})
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]).upper()
        raise SystemExit(f"{name}={first['input']!r} cannot be used: {first['msg']}.") from None


settings = _from_environment()
