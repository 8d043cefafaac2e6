"""LOG_PREDICTIONS_TO=otlp: the lines of the log as log records of OpenTelemetry.

FastAPI sets up the exporter to OTEL_EXPORTER_OTLP_ENDPOINT when the service starts. A log record
has the time and the trace of the request, and the keys of the line in its body.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from opentelemetry._logs import LogRecord, SeverityNumber, get_logger_provider
from opentelemetry.context import Context

NAME = "app.prediction_log"
EVENT = "prediction"
SEND_AT_ONCE = 500  # more than that would be dropped by the exporter, whose queue is 2048 long


def send(lines: Sequence[tuple[datetime, Context, bytes]]) -> None:
    """Hand lines to the exporter; of many, wait until they are sent.

    Raises:
        OSError: OpenTelemetry has no exporter.
    """
    provider: Any = get_logger_provider()
    if not hasattr(provider, "force_flush"):
        raise OSError("OpenTelemetry has no exporter: is OTEL_EXPORTER_OTLP_ENDPOINT set?")
    logger = provider.get_logger(NAME)
    for at, trace, line in lines:
        body = json.loads(line)
        del body["at"]
        logger.emit(
            LogRecord(
                timestamp=int(at.timestamp() * 1e6) * 1000,
                context=trace,
                severity_number=SeverityNumber.INFO,
                severity_text="INFO",
                event_name=EVENT,
                body=value_of(body),
            )
        )
    if len(lines) >= SEND_AT_ONCE:
        provider.force_flush()


def value_of(value: Any) -> Any:
    """Return a value as OTLP has it: an integer of more than 64 bits goes as text."""
    match value:
        case dict():
            return {key: value_of(each) for key, each in value.items()}
        case list():
            return [value_of(each) for each in value]
        case int() if not -(2**63) <= value < 2**63:
            return str(value)
    return value


def flush(timeout_s: float) -> None:
    """Send what waits in the exporter."""
    with suppress(AttributeError):  # there is no exporter
        get_logger_provider().force_flush(int(timeout_s * 1000))  # type: ignore[attr-defined]
