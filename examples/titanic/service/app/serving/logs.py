"""Structured logs: one JSON object a line on standard error, with the id of the request."""

import logging
import traceback
import warnings
from contextvars import ContextVar
from typing import Any, cast

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from app.serving.settings import ServingSettings

HIDDEN = "hidden, for it may contain input values: LOG_VALUES=1 shows it"

# The request id and the `traceparent` header, for the log and for calls to other services.
request_context: ContextVar[tuple[bytes, bytes]] = ContextVar("request_context", default=(b"", b""))


class ServiceFormatter(JsonFormatter):
    """JSON with the id of the request, and for an exception its type, message and stack."""

    def __init__(self, *, log_values: bool) -> None:
        super().__init__(
            ["levelname", "name", "message"],
            rename_fields={"levelname": "level", "name": "logger"},
            timestamp="time",
            json_default=str,
            reserved_attrs=[*RESERVED_ATTRS, "color_message"],  # of uvicorn
        )
        self._log_values = log_values

    def formatException(self, ei: Any) -> Any:  # noqa: N802
        """Return the fields that describe an exception."""
        _, error, trace = ei
        return {
            "error.type": f"{type(error).__module__}.{type(error).__qualname__}",
            "error.message": str(error) if self._log_values else HIDDEN,
            "stack": [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(trace)],
        }

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Add the context of the request, and the fields of an exception."""
        for name, value in zip(("request_id", "traceparent"), request_context.get(), strict=True):
            if value:
                log_data[name] = value.decode("latin-1")
        return log_data | log_data.pop("exc_info", {})


def set_up(settings: ServingSettings, *names: str) -> None:
    """Format what is logged by these loggers and those below them."""
    handler = logging.StreamHandler()
    handler.setFormatter(ServiceFormatter(log_values=settings.log_values))
    for name in names:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(settings.log_level.upper())


def log_warnings(settings: ServingSettings) -> None:
    """Log the warnings of libraries, each place once: they are raised for every record."""
    seen: set[tuple[Any, ...]] = set()

    def show(message: Any, category: Any, filename: Any, lineno: Any, *_: Any) -> None:
        if (category, filename, lineno) not in seen:
            seen.add((category, filename, lineno))
            text = str(message) if settings.log_values else HIDDEN
            facts = {"warning.type": category.__name__, "warning.message": text}
            facts["stack"] = [f"{filename}:{lineno}"]
            logging.getLogger("app.warnings").warning("a library warns", extra=facts)

    warnings.showwarning = show  # type: ignore[assignment]
    # scikit-learn adds a filter for every tree of a forest, so only one is kept. The filters that
    # make errors of warnings stay, for a model may rely on them.
    filters = cast("list[Any]", warnings.filters)
    filters[:] = [given for given in filters if given[0] == "error"]
    warnings.simplefilter("default", append=True)
