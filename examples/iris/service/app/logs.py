"""Logs: one JSON object a line, on standard error, with the id of the request that it is about."""

import json
import logging
import traceback
import warnings
from contextvars import ContextVar
from datetime import datetime, timezone
from typing import Any, TextIO, cast

from app.settings import settings

# The request's id and its `traceparent`, for what is logged or called on its behalf.
request_context: ContextVar[tuple[bytes, bytes]] = ContextVar("request_context", default=(b"", b""))


class JSONFormatter(logging.Formatter):
    """A log record as JSON. What an exception says may name values, so it takes `LOG_VALUES`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        request_id, trace = request_context.get()
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(
                timespec="milliseconds"
            ),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id:
            line["request_id"] = request_id.decode("latin-1")
        if trace:
            line["traceparent"] = trace.decode("latin-1")
        line |= getattr(record, "facts", {})
        if record.exc_info and record.exc_info[1]:
            line |= describe(record.exc_info[1])
        return json.dumps(line, default=str)


def describe(error: BaseException) -> dict[str, object]:
    """What may be logged of an exception: its type and where it was raised."""
    found: dict[str, object] = {
        "error": f"{type(error).__module__}.{type(error).__qualname__}",
        "at": [
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)
        ],
    }
    return found | {"says": str(error)} if settings.log_values else found


def set_up(*names: str) -> None:
    """Send what these loggers, and those below them, are told through the formatter."""
    handler = logging.StreamHandler()
    handler.setFormatter(JSONFormatter())
    for name in names:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(settings.log_level.upper())


def log_warnings() -> None:
    """Log what libraries warn of: once for each place, and not in words, which may name values."""
    log = logging.getLogger("app.warnings")
    seen: set[tuple[type[Warning], str, int]] = set()

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if (category, filename, lineno) not in seen:
            seen.add((category, filename, lineno))
            facts = {"warning": category.__name__, "at": f"{filename}:{lineno}"}
            facts |= {"says": str(message)} if settings.log_values else {}
            log.warning("a library warns", extra={"facts": facts})

    warnings.showwarning = show
    # scikit-learn sets each filter again for every tree of a forest, so there is one. What makes
    # errors of warnings stays: a model may rely on it.
    filters = cast("list[Any]", warnings.filters)
    filters[:] = [given for given in filters if given[0] == "error"]
    warnings.simplefilter("default", append=True)


set_up("app")
