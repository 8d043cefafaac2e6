"""Records as CSV and as JSON lines."""

import csv
import io
from typing import Any

from fastapi import HTTPException
from pydantic_core import from_json, to_json

from app.protocols.core import FIELDS, read_json

BOOLEANS = {"true": True, "false": False}


def read_lines(body: bytes) -> list[Any]:
    """Return the value of each line of JSON lines.

    Raises:
        HTTPException: 400 for a line that is not JSON.
    """
    return [read_json(line) for line in body.splitlines() if line.strip()]


def write_lines(answers: list[Any]) -> bytes:
    """Return the answers, each in a line."""
    return b"".join(to_json(answer) + b"\n" for answer in answers)


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
                is_array = len(FIELDS) == 1 and not {*FIELDS} & {*names}
                return rows if is_array else [dict(zip(names, row, strict=True)) for row in rows]
        case dict() if all(isinstance(each, list) for each in value.values()):
            if len({len(each) for each in value.values()}) == 1:
                return [
                    dict(zip(value, row, strict=True)) for row in zip(*value.values(), strict=True)
                ]
    raise HTTPException(400, "Send a list, a split frame or columns of the same length.")


def read_csv(body: bytes, *, has_header: bool) -> list[Any]:
    """Return a record for each row. Without a header, cells are in the order of the fields.

    Raises:
        HTTPException: 400 if the body is not CSV.
    """
    try:
        rows = [row for row in csv.reader(io.StringIO(body.decode())) if row]
    except (UnicodeDecodeError, csv.Error):
        raise HTTPException(400, "The body is not CSV in UTF-8.") from None
    names = list(FIELDS)
    if rows and (has_header or sorted(rows[0]) == sorted(names)):
        names, *rows = rows
    [only, *others] = FIELDS
    if FIELDS[only].get("type") == "array" and not others:
        item = FIELDS[only].get("items", {})
        return [{only: [value_of(cell, item) for cell in row]} for row in rows]
    if any(len(row) != len(names) for row in rows):
        raise HTTPException(400, f"Each row needs {len(names)} cells: {', '.join(names)}.")
    return [
        {name: value_of(cell, FIELDS.get(name, {})) for name, cell in zip(names, row, strict=True)}
        for row in rows
    ]


def value_of(cell: str, field: dict[str, Any]) -> Any:
    """Return a cell as a JSON value; an invalid cell stays text, which validation refuses."""
    if not cell and field.get("nullable"):
        return None
    try:
        match field.get("type"):
            case "integer" | "number":
                return from_json(cell.strip().removeprefix("+").encode(), allow_inf_nan=False)
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
        rows.writerow(values if isinstance(values, list) else [values])
    return text.getvalue().encode()
