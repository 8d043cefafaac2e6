"""`python -m app.shadow`: score the records of each line by both models, and print what differs."""

import json
import math
import os
import sys
from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter

from app import score
from app.convert import from_model
from app.schemas import ModelInput
from app.shadow.compiled_input import to_model as compiled_input
from app.shadow.model import METHOD, load_model
from app.shadow.model_input import to_model as model_input

RELATIVE = 1e-9
RELATIVE_32 = 1e-6  # of the largest number in an answer, for floats of 32 bits
SMALLEST = 1e-300
NICE = 10  # it gets the CPU that the service does not need

_input, _output = TypeAdapter(list[ModelInput]), TypeAdapter(Any)


def main() -> None:
    """Answer each line of standard input by a line on standard output: nothing else is there."""
    results = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    os.nice(NICE)
    model = load_model()
    score.load()
    for line in sys.stdin.buffer:
        found = compare(model, score._model, _input.validate_json(line))
        print(json.dumps(found), file=results, flush=True)


def compare(model: Any, compiled: Any, records: list[ModelInput]) -> dict[str, Any]:
    """Return the number of records of each result, and what differs."""
    expected = answers_to(model_input, model, records)
    found = answers_to(compiled_input, compiled, records)
    counts = {"equal": 0, "different": 0, "failed": 0}
    facts = []
    for record, (own, _), (usual, slack) in zip(records, found, expected, strict=True):
        if isinstance(own, str) and isinstance(usual, str):  # both refuse it
            counts["failed"] += 1
        elif difference := first_difference(own, usual, slack):
            counts["different"] += 1
            facts.append({**difference, "record": record.model_dump_json(by_alias=True)})
        else:
            counts["equal"] += 1
    return {**counts, "facts": facts}


def answers_to(
    convert: Callable[[Any], Any], model: Any, records: list[ModelInput]
) -> list[tuple[Any, float]]:
    """Return the answer to each record, as callers get it, and by how much another may differ.

    The answer is a text where the model refuses the record.
    """
    try:
        predictions = getattr(model, METHOD)(convert(records))
        answers = [_output.dump_python(each, mode="json") for each in from_model(predictions)]
    except Exception as error:  # noqa: BLE001 - one of them is refused: which one?
        if len(records) == 1:
            return [(f"{type(error).__name__}: {error}", 0.0)]
        return [answers_to(convert, model, [record])[0] for record in records]
    relative = RELATIVE_32 if getattr(predictions, "dtype", None) == "float32" else 0.0
    return [(answer, relative * largest(answer)) for answer in answers]


def largest(answer: Any) -> float:
    """Return the largest number in an answer, without its sign; 0 if it has none."""
    if isinstance(answer, dict | list):
        return max(map(largest, answer.values() if isinstance(answer, dict) else answer), default=0)
    return abs(answer) if isinstance(answer, float) and math.isfinite(answer) else 0


def first_difference(own: Any, usual: Any, slack: float = 0, field: str = "") -> dict[str, str]:
    """Return the first field that differs, with both values; empty if all are equal.

    Args:
        own: The answer of the compiled model.
        usual: The answer of the model.
        slack: By how much a number may differ.
        field: Where both stand in the answers.
    """
    if isinstance(own, dict) and isinstance(usual, dict) and own.keys() == usual.keys():
        parts = [(f"{field}.{name}" if field else name, own[name], usual[name]) for name in own]
    elif isinstance(own, list) and isinstance(usual, list) and len(own) == len(usual):
        parts = [(f"{field}[{i}]", own[i], usual[i]) for i in range(len(own))]
    elif same(own, usual, slack):
        return {}
    else:
        return {"field": field, "compiled": str(own), "model": str(usual)}
    for name, mine, other in parts:
        if found := first_difference(mine, other, slack, name):
            return found
    return {}


def same(own: Any, usual: Any, slack: float) -> bool:
    """Whether both are equal: floats to some digits, everything else exactly."""
    if isinstance(own, float) and isinstance(usual, float):
        both_missing = math.isnan(own) and math.isnan(usual)
        least = max(SMALLEST, slack)
        return both_missing or math.isclose(own, usual, rel_tol=RELATIVE, abs_tol=least)
    return type(own) is type(usual) and bool(own == usual)


if __name__ == "__main__":
    main()
