"""The settings of the serving code. Each is read from the environment variable of its name."""

import sys
from pathlib import Path
from typing import Any

from pydantic import Field, FilePath, ValidationError, field_validator, model_validator
from pydantic_core.core_schema import ValidationInfo
from pydantic_settings import BaseSettings, SettingsConfigDict
from typing_extensions import Self

CORS_ORIGINS = r"^(\s*(\*|https?://[^\s/,]+)\s*(,|$))*$"


class ServingSettings(BaseSettings):
    """The defaults below hold where the environment says nothing."""

    model_config = SettingsConfigDict(frozen=True)

    # Address and port. `uvicorn app.main:app` has options of its own for these.
    bind_host: str = "0.0.0.0"  # noqa: S104  # the port of a container is reached from outside
    port: int = Field(default=8000, ge=0, le=65535)
    # The path prefix that a reverse proxy adds, such as /titanic. The routes work without it too.
    root_path: str = Field(default="", pattern=r"^(/[^/]+)*$")
    tls_cert: FilePath | None = None
    tls_key: FilePath | None = None
    # Worker processes. They share the memory of the model. Keep 1 where replicas scale the service.
    workers: int = Field(default=1, ge=1)
    # Graceful shutdown: seconds to go on accepting requests after SIGTERM, then seconds to finish
    # the requests in progress.
    drain_s: float = Field(default=0, ge=0)
    shutdown_s: int = Field(default=30, ge=0)

    # Limits of a request: its body (413), and the records of a batch (422).
    max_body_bytes: int = Field(default=1 << 20, ge=1)
    max_records: int = Field(default=1000, ge=1)
    # Seconds for the headers of a request to arrive (400), and for its body (408).
    body_timeout_s: float = Field(default=10, gt=0)
    # Seconds in which a client must read some of its response, or its connection is closed.
    answer_timeout_s: float = Field(default=10, gt=0)
    # Open connections. For one more, the connection that was idle longest is closed.
    max_connections: int = Field(default=4096, ge=1)

    # Backpressure: records that may wait for the model. The next request is answered 503.
    max_waiting: int = Field(default=1024, ge=1)
    # Seconds that a record may wait, and that a prediction may take (504).
    queue_timeout_s: float = Field(default=10, gt=0)
    score_timeout_s: float = Field(default=30, gt=0)
    # Records in one call of the model.
    max_batch: int = Field(default=256, ge=1)
    # Prediction threads. More than one helps only a model that releases the GIL and is thread-safe.
    worker_threads: int = Field(default=1, ge=1)
    # Milliseconds for which the event loop waits for a prediction before it does other work.
    patience_ms: float = Field(default=10, ge=0)

    # API keys: their sha256 in hex, separated by commas; unset means no authentication. A new key
    # and its hash: python -c "import hashlib, secrets; key = secrets.token_hex(32);
    # print(key, hashlib.sha256(key.encode()).hexdigest())"
    api_key_hashes: str | None = Field(default=None, pattern=r"^(\s*[0-9a-f]{64}\s*(,|$))+$")
    # Paths that need no API key, besides the probes: scrapers and browsers have none. With
    # "/metrics" the API page needs a key, and so the schema is not shown to all.
    public_paths: str = "/metrics,/docs,/openapi.json"
    # Origins whose pages may call the service from a browser, such as https://www.example.com,
    # separated by commas; * means any.
    cors_origins: str = Field(default="", pattern=CORS_ORIGINS)
    # The API page with openapi.json, and the Prometheus metrics.
    docs: bool = True
    metrics: bool = True
    # A separate port for the metrics; 0 means /metrics on the port of the service.
    metrics_port: int = Field(default=0, ge=0, le=65535)
    # A shorter way through FastAPI for the plain routes: fast_routes.py.
    fast_routes: bool = True
    # Whether traces, metrics and logs go to OTEL_EXPORTER_OTLP_ENDPOINT. The requirement for it:
    # fastapi[opentelemetry].
    opentelemetry: bool = False

    log_level: str = Field(default="info", pattern="^(debug|info|warning|error|critical)$")
    # One log line for each request. Errors are logged in any case.
    access_log: bool = False
    # Whether the messages of exceptions and warnings are logged: they may contain input values.
    # On a terminal they are, but not in the image: its Dockerfile has LOG_VALUES=0.
    log_values: bool = Field(default_factory=lambda: sys.stderr.isatty())

    @model_validator(mode="before")
    @classmethod
    def _ignore_empty(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Take the default for an empty variable, except where that would open what was closed."""
        kept = {"api_key_hashes", "public_paths"}
        return {name: value for name, value in values.items() if value != "" or name in kept}

    @field_validator("tls_key")
    @classmethod
    def _require_certificate(cls, key: Path | None, others: ValidationInfo) -> Path | None:
        if key and not others.data.get("tls_cert"):
            raise ValueError("it needs TLS_CERT")
        return key

    @classmethod
    def from_environment(cls) -> Self:
        """Read the environment. A wrong value, not shown, ends the process with one line."""
        try:
            return cls()
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0]).upper()
            raise SystemExit(f"{name} is not a valid setting: {first['msg']}.") from None

    @property
    def cors_options(self) -> dict[str, Any]:
        """The keyword arguments for `CORSMiddleware`."""
        return {
            "allow_origins": self.cors_origins.replace(" ", "").split(","),
            "allow_methods": ["GET", "POST"],
            "allow_headers": ["*"],
            "expose_headers": ["*"],
        }

    @property
    def fastapi_options(self) -> dict[str, Any]:
        """The keyword arguments for `FastAPI` that follow from the settings."""
        signals = ("tracing", "metrics", "logs", "auto_configure")
        return {
            "root_path": self.root_path,
            "openapi_url": "/openapi.json" if self.docs else None,
            "docs_url": None,  # docs.py has a page that loads nothing from other hosts
            "redoc_url": None,
            "redirect_slashes": False,
            "telemetry": dict.fromkeys(signals, self.opentelemetry),
        }
