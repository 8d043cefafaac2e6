"""The answers in a response, or the error that it stands for."""

import re
from typing import Any, NoReturn, TypedDict

import httpx

from .errors import (
    Fault,
    InvalidRecordError,
    ModelFailedError,
    RefusedError,
    TimedOutError,
    UnauthorizedError,
    UnexpectedAnswerError,
)
from .schemas import ModelOutput

SHOWN_FAULTS = 5
FIELDS: frozenset[str] = getattr(ModelOutput, "__required_keys__", frozenset())


class Place(TypedDict):
    """Where a response comes from, for errors."""

    status: int
    request_id: str | None


def is_too_large(response: httpx.Response) -> bool:
    """Whether the service takes smaller batches only."""
    if response.status_code == 422:
        detail = _detail(response)
        return isinstance(detail, list) and any(
            isinstance(each, dict)
            and each.get("type") == "too_long"
            and each.get("loc") == ["body"]
            for each in detail
        )
    return response.status_code == 413


def read_one(response: httpx.Response) -> Any:
    """Return the answer to one record.

    Raises:
        ServiceError: There is none.
    """
    if response.status_code != 200:
        _refuse(response, 0, is_batch=False)
    answer = _json(response)
    if not isinstance(answer, dict):
        raise UnexpectedAnswerError(f"{response.request.url} gave no answer.", **_place(response))
    _require_fields(answer, response)
    return answer


def read_batch(response: httpx.Response, start: int, count: int) -> list[Any]:
    """Return the answers to `count` records, of which the first is at `start` in the whole list.

    Raises:
        ServiceError: There are none.
    """
    if response.status_code != 200:
        _refuse(response, start, is_batch=True)
    answers = _json(response)
    if not isinstance(answers, list) or len(answers) != count:
        found = len(answers) if isinstance(answers, list) else "no"
        message = f"{response.request.url} gave {found} answers to {count} records."
        raise UnexpectedAnswerError(message, **_place(response))
    for answer in answers:
        _require_fields(answer, response)
    return answers


def _require_fields(answer: Any, response: httpx.Response) -> None:
    """Refuse an answer that has no field of the schema: a service with another schema gave it."""
    if FIELDS and not (isinstance(answer, dict) and FIELDS & answer.keys()):
        message = f"{response.request.url} gave an answer without {', '.join(sorted(FIELDS))}."
        raise UnexpectedAnswerError(message, **_place(response))


def _refuse(response: httpx.Response, start: int, *, is_batch: bool) -> NoReturn:
    status, place = response.status_code, _place(response)
    detail = _detail(response)
    words = f"{response.request.url} answered {status}"
    words += f": {detail}" if isinstance(detail, str) else "."
    match status:
        case 422:
            faults = _faults(detail, start, is_batch=is_batch)
            lines = [str(fault) for fault in faults[:SHOWN_FAULTS]]
            more = len(faults) - SHOWN_FAULTS
            lines += [f"and {more} more"] if more > 0 else []
            raise InvalidRecordError("\n".join(lines) or words, faults=faults, **place)
        case 401 | 403:
            raise UnauthorizedError(words, **place)
        case 408 | 504:
            raise TimedOutError(words, **place)
        case 500:
            found = re.search(r"at index (\d+)", words)
            index = start + int(found[1]) if found else None
            message = words if index is None else f"The model failed on record {index}."
            raise ModelFailedError(message, index=index, **place)
    if 400 <= status < 500:
        raise RefusedError(words, **place)
    raise UnexpectedAnswerError(words, **place)


def _faults(detail: Any, start: int, *, is_batch: bool) -> list[Fault]:
    """Return the faults in FastAPI's own form of them, each with its place in the whole list."""
    faults = []
    for each in detail if isinstance(detail, list) else ():
        _, *path = each.get("loc") or [""]
        index = start
        if is_batch and path and isinstance(path[0], int) and each.get("type") != "json_invalid":
            index += path.pop(0)
        faults.append(Fault(index, ".".join(map(str, path)), str(each.get("msg", ""))))
    return faults


def _detail(response: httpx.Response) -> Any:
    try:
        body = response.json()
    except ValueError:
        return None
    return body.get("detail") if isinstance(body, dict) else None


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        message = f"{response.request.url} did not answer with JSON."
    raise UnexpectedAnswerError(message, **_place(response))


def _place(response: httpx.Response) -> Place:
    return {
        "status": response.status_code,
        "request_id": response.headers.get("x-request-id"),
    }
