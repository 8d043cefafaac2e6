"""Replay the sample in other orders and from many callers at once: each gets the answer to its own row."""

from __future__ import annotations

import contextlib
import json
import random
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from scaffold.base.client import Answer, Client
from scaffold.base.differences import Difference, first_difference
from scaffold.errors import AnswerChangedError, BatchLengthError, RowsDependError, SampleRefusedError
from scaffold.spec import JSONValue, Recording

CALLERS = 64
BATCH = 64
_EACH = 16
"""Requests of each caller; fewer where these take longer than `_CONCURRENT_S`, but at least two."""
_CONCURRENT_S = 0.6
_SLOW_S = 0.25
_AGAIN = 5
_SEED = 8_191
_TURNED_AWAY = (503, 504)
"""The statuses of a service that sheds load: such a response is not compared."""


def replay_in_other_orders(service: Client, recording: Recording) -> int:
    """Send the rows in batches in other orders, and repeated; return how many answers were compared.

    Raises:
        RowsDependError: An answer depends on the rows beside it.
        AnswerChangedError: The service no longer gives an answer that it gave before.
        SampleRefusedError: A batch is refused.
        VerificationError: A batch has more or fewer answers than rows.
    """
    compared = 0
    for words, rows in _orders(len(recording.requests)):
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            answer = service.score_batch([recording.requests[row] for row in batch])
            if answer.status != 200 or not isinstance(answer.body, list):
                path = service.protocol.batch.path
                raise SampleRefusedError(f"a batch {words}", answer.status, answer.body, path)
            if len(answer.body) != len(batch):
                raise BatchLengthError(words, len(batch), len(answer.body))
            for row, actual in zip(batch, answer.body, strict=True):
                _compare(service, recording, row, actual, f"in a batch {words}")
            compared += len(batch)
    return compared


def _orders(count: int) -> Iterator[tuple[str, list[int]]]:
    """Yield orders of the rows, each with its name."""
    chance = random.Random(_SEED)  # noqa: S311
    rows = list(range(count))
    yield "in reverse order", rows[::-1]
    yield (
        "in random order, rows repeated",
        chance.sample([*rows, *rows[: BATCH // 2]], count + len(rows[: BATCH // 2])),
    )
    yield "of the same row", [rows[0]] * 3


def replay_concurrently(
    service: Client, recording: Recording, latency_s: float, *, most: int = CALLERS
) -> int:
    """Send rows from many callers at once, each in an order of its own; return how many callers.

    Args:
        service: The running service.
        recording: The sample.
        latency_s: How long one request takes: a slow model is asked by fewer callers.
        most: How many callers there are at most.

    Raises:
        RowsDependError: A caller got another answer than that of its row.
        AnswerChangedError: The service no longer gives an answer that it gave before.
        SampleRefusedError: A row is refused.
    """
    callers = most if latency_s <= _SLOW_S else min(most, max(2, int(1 / latency_s)))
    route = service.protocol.single
    bodies = [route.encode(request) for request in recording.requests]
    failed = threading.Event()
    ends = time.monotonic() + _CONCURRENT_S

    def call(number: int) -> list[tuple[int, Answer]]:
        answers: list[tuple[int, Answer]] = []
        try:
            with contextlib.closing(service.another()) as caller:
                for row in _walk(number, _EACH, len(bodies)):
                    if failed.is_set() or (len(answers) >= 2 and time.monotonic() > ends):
                        break
                    answers.append((row, caller.send_encoded(route, bodies[row])))
        except BaseException:
            failed.set()
            raise
        return answers

    with ThreadPoolExecutor(callers) as pool:
        rows_and_answers = [pair for answers in pool.map(call, range(callers)) for pair in answers]
    _compare_all(service, recording, rows_and_answers, f"while {callers} callers asked at once")
    return callers


def _walk(number: int, length: int, rows: int) -> Sequence[int]:
    """Return the rows that one client sends: all rows in its own random order, repeated up to `length`."""
    chance = random.Random(_SEED + number)  # noqa: S311
    order = [row for _ in range(length // rows + 1) for row in chance.sample(range(rows), rows)]
    return order[:length]


def _compare_all(
    service: Client, recording: Recording, rows_and_answers: list[tuple[int, Answer]], when: str
) -> None:
    accepted = [(row, answer) for row, answer in rows_and_answers if answer.status not in _TURNED_AWAY]
    for row, answer in accepted:
        if answer.status != 200:
            path = service.protocol.single.path
            raise SampleRefusedError(f"row {row} {when}", answer.status, answer.body, path)
        _compare(service, recording, row, answer.body, when)


def replay_again(service: Client, recording: Recording) -> int:
    """Send the first rows once more, alone; return how many.

    Raises:
        AnswerChangedError: The service gives another answer than before.
    """
    rows = range(min(_AGAIN, len(recording.requests)))
    for row in rows:
        check_unchanged(service, recording, row)
    return len(rows)


def check_unchanged(service: Client, recording: Recording, row: int) -> None:
    """Send one row again, alone, and compare its answer with the recorded one.

    Args:
        service: A running service.
        recording: The sample.
        row: The number of the request in it, from 0.

    Raises:
        AnswerChangedError: The service gives another answer now.
    """
    answer = service.score(recording.requests[row])
    if difference := first_difference(answer.body, recording.answers[row]):
        raise AnswerChangedError(row, difference.path, _values_text(difference))


def _compare(service: Client, recording: Recording, row: int, actual: JSONValue, when: str) -> None:
    if difference := first_difference(actual, recording.answers[row]):
        check_unchanged(service, recording, row)
        raise RowsDependError(row, when, difference.path, _values_text(difference))


def _values_text(difference: Difference) -> tuple[str, str]:
    return json.dumps(difference.actual), json.dumps(difference.expected)
