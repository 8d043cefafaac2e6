"""The guard: a record with a value that the baseline never saw is refused (422)."""

from collections.abc import Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError

from app.baseline import INPUT, Field
from app.schemas import ModelInput


def check(record: ModelInput) -> None:
    """Refuse a record with a value that `model/baseline.json` has not seen."""
    if outside := INPUT.outside([record]):
        raise RequestValidationError([_fault(field) for _, field in outside])


def check_all(records: Sequence[ModelInput]) -> None:
    """Refuse a batch with such a record."""
    if outside := INPUT.outside(records):
        raise RequestValidationError([_fault(field, index) for index, field in outside])


def _fault(field: Field, *index: int) -> dict[str, Any]:
    place = ("body", *index, *INPUT.path(field))
    return {"type": "out_of_range", "loc": place, "msg": f"Input should be {field.expected}"}
