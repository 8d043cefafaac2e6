"""Log records as an OpenTelemetry collector writes them to a file: OTLP in JSON.

Source: opentelemetry.io/docs/specs/otlp, "JSON Protobuf Encoding"; opentelemetry/proto/logs/v1/logs.proto.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from scaffold.spec import JSONValue

_RESOURCES = "resourceLogs"


def is_otlp(value: Mapping[str, JSONValue]) -> bool:
    """Whether an object is a message with log records."""
    return _RESOURCES in value


def log_lines(message: Mapping[str, Any]) -> Iterator[dict[str, JSONValue]]:
    """Yield the body of each log record as the service would write it on a line; others are left out.

    Raises:
        ValueError: The message is not of that form.
    """
    try:
        for resource in message[_RESOURCES]:
            for scope in resource.get("scopeLogs", []):
                for record in scope.get("logRecords", []):
                    body = _value(record.get("body") or {})
                    if isinstance(body, dict):
                        yield {"at": _time(record["timeUnixNano"]), **body}
    except (LookupError, TypeError, AttributeError, OverflowError, OSError) as error:
        raise ValueError("it is no OTLP message of log records") from error


def _value(value: Mapping[str, Any]) -> JSONValue:
    """Return an `AnyValue`; integers of 64 bits are texts there."""
    for kind, content in value.items():
        match kind:
            case "intValue":
                return int(content)
            case "doubleValue":
                return float(content)
            case "arrayValue":
                return [_value(each) for each in content.get("values", [])]
            case "kvlistValue":
                return {each["key"]: _value(each.get("value") or {}) for each in content.get("values", [])}
            case "stringValue" | "boolValue":
                return content  # type: ignore[no-any-return]
    return None


def _time(nanoseconds: str) -> str:
    return datetime.fromtimestamp(int(nanoseconds) / 1e9, timezone.utc).isoformat()
