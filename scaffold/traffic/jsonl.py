"""JSON lines: the log of predictions that a service writes, and other objects, one a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from scaffold.errors import TrafficUnreadableError
from scaffold.spec import JSONValue
from scaffold.traffic._otlp import is_otlp, log_lines
from scaffold.traffic._rows import WHOLE_INPUT, WHOLE_OUTPUT, Row, by_name, key_of, moment_of
from scaffold.traffic._source import STDIN, RowSource, opened


class JSONLines(RowSource):
    """`{"at": ..., "input": {...}, "output": {...}}` on a line; other lines of a log are skipped.

    A line of the file that an OpenTelemetry collector writes has several of these.
    """

    suffixes = (".jsonl", ".ndjson", ".json", ".log")

    def recognises(self, written: str) -> bool:
        """Whether the name of a file has one of the suffixes; standard input is such a log too."""
        return written == STDIN or super().recognises(written)

    def objects(self, path: str) -> Iterator[tuple[int, Mapping[str, JSONValue]]]:
        """Yield the objects of a file; a line that is none is skipped: a log may have others."""
        with opened(path) as file:
            for number, line in enumerate(file, 1):
                try:
                    value = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(value, dict):
                    yield from ((number, each) for each in _lines_of(value, path, number))

    def row_of(self, number: int, values: Mapping[str, JSONValue], key: str) -> Row | None:
        """Return the request and the answer in a line."""
        if "input" not in values or "output" not in values:
            return None
        inputs, outputs = by_name(values["input"], WHOLE_INPUT), by_name(values["output"], WHOLE_OUTPUT)
        named, model = values.get(key, inputs.get(key)), values.get("model")
        return Row(
            number=number,
            inputs=inputs,
            outputs=outputs,
            at=moment_of(values["at"]) if values.get("at") is not None else None,
            key=key_of(named),
            model=model if isinstance(model, str) else "",
        )


def _lines_of(value: Mapping[str, JSONValue], path: str, number: int) -> Iterator[Mapping[str, JSONValue]]:
    if not is_otlp(value):
        yield value
        return
    try:
        yield from log_lines(value)
    except ValueError as error:
        raise TrafficUnreadableError(path, number, str(error)) from error
