"""Records as CSV and as JSON lines."""

import csv
import io
import math
from typing import Any

from fastapi import HTTPException
from pydantic_core import from_json, to_json

from app.protocols.core import FIELDS, read_json
from app.settings import settings

BOOLEANS = {"true": True, "false": False}
MISSING = {"nan", "na", "n/a", "null", "none"}  # as a number or a boolean
csv.field_size_limit(settings.max_body_bytes)  # Python's own limit is less than an image


def read_lines(body: bytes) -> list[Any]:
    """Return the value of each line of JSON lines.

    Raises:
        HTTPException: 400 for a line that is not JSON.
    """
    return [read_json(line) for line in body.splitlines() if line.strip()]


def write_lines(answers: list[Any]) -> bytes:
    """Return the answers, each in a line."""
    return b"".join(to_json(answer, inf_nan_mode="null") + b"\n" for answer in answers)


def rows_of_frame(value: Any) -> list[Any]:
    """Return the records, or their values alone, of a list, a split frame or an object of columns.

    Raises:
        HTTPException: 400 for another form.
    """
    match value:
        case [*values]:
            return values
        case {"columns": [*columns], "data": [*rows], **more} if more.keys() <= {"index"}:
            if all(isinstance(row, list) and len(row) == len(columns) for row in rows):
                names = [str(name) for name in columns]
                if len(FIELDS) == 1 and not {*FIELDS} & {*names}:  # the columns of an array
                    return rows
                require_distinct(names)
                return [dict(zip(names, row, strict=True)) for row in rows]
        case dict() if all(isinstance(each, list) for each in value.values()):
            if len({len(each) for each in value.values()}) == 1:
                return [
                    dict(zip(value, row, strict=True)) for row in zip(*value.values(), strict=True)
                ]
    raise HTTPException(400, "Send a list, a split frame or columns of the same length.")


def require_distinct(names: list[str]) -> None:
    """Refuse columns of one name: all but the last would be lost."""
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise HTTPException(400, f"More than one column is called {twice!r}.")


def read_csv(body: bytes, *, has_header: bool) -> list[Any]:
    """Return a record for each row. Without a header, cells are in the order of the fields.

    Raises:
        HTTPException: 400 if the body is not CSV.
    """
    try:
        text = io.StringIO(body.decode("utf-8-sig"))
        rows = [row for row in csv.reader(text, strict=True) if row]
    except (UnicodeDecodeError, csv.Error):
        raise HTTPException(400, "The body is not CSV in UTF-8.") from None
    names = list(FIELDS)
    if rows and (has_header or sorted(rows[0]) == sorted(names)):
        names, *rows = rows
    elif has_header:
        raise HTTPException(400, "The CSV has no header.")
    if len(FIELDS) == 1 and FIELDS[only := next(iter(FIELDS))].get("type") == "array":
        item = FIELDS[only].get("items", {})
        return [{only: [value_of(cell, item) for cell in row]} for row in rows]
    require_distinct(names)
    if not rows and (unknown := [name for name in names if name not in FIELDS]):
        raise HTTPException(400, f"There is no field {unknown[0]!r}.")
    if any(len(row) != len(names) for row in rows):
        raise HTTPException(400, f"Each row needs {len(names)} cells: {', '.join(names)}.")
    return [
        {name: value_of(cell, FIELDS.get(name, {})) for name, cell in zip(names, row, strict=True)}
        for row in rows
    ]


def value_of(cell: str, field: dict[str, Any]) -> Any:
    """Return a cell as a JSON value; an invalid cell stays text, which validation refuses."""
    is_text = field.get("type") not in {"integer", "number", "boolean"}
    if field.get("nullable") and (not cell or (not is_text and cell.strip().lower() in MISSING)):
        return None
    try:
        match field.get("type"):
            case "integer" | "number":
                digits = cell.strip().removeprefix("+")
                number = from_json(digits.encode(), allow_inf_nan=False)
                # A decimal may be text, which keeps the digits of 1.10.
                return cell if field.get("takes_text") and str(number) != digits else number
            case "boolean":
                return BOOLEANS[cell.strip().lower()]
    except (ValueError, LookupError):
        pass
    return cell


def write_csv(answers: list[Any]) -> bytes:
    """Return the answers, each in a row."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    for answer in answers:
        values = [*answer.values()] if isinstance(answer, dict) else answer
        rows.writerow(map(cell_of, values if isinstance(values, list) else [values]))
    return text.getvalue().encode()


def cell_of(value: Any) -> Any:
    """Return a value as a cell: lists and objects as JSON, nothing for NaN."""
    if isinstance(value, list | dict):
        return to_json(value, inf_nan_mode="null").decode()
    return None if isinstance(value, float) and not math.isfinite(value) else value
