"""The replay of a project's sample against its running service: one for every place where a service runs.

The proof, the image check and the live check send the same requests and make the same comparison. They
raise the same errors, to which each caller adds its own facts.
"""

from __future__ import annotations

import contextlib
import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scaffold.base.client import Answer, Client
from scaffold.base.differences import first_difference
from scaffold.base.replay_orders import (
    BATCH,
    CALLERS,
    replay_again,
    replay_concurrently,
    replay_in_other_orders,
)
from scaffold.errors import AnswersDifferError, SampleRefusedError
from scaffold.spec import Check, JSONValue, Outcome, Protocol, Recording

_FEW = 3
"""How many rows are sent together in another protocol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """The extent of a replay."""

    rows: int | None = None
    """The most rows of the sample; all when absent."""
    callers: int = CALLERS
    """How many clients send rows at the same time; 0 skips that check."""


WHOLE = Extent()
FAR = Extent(rows=100, callers=0)
"""For a deployed service, which is remote and serves other clients."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """The result of a replay whose checks all passed."""

    checks: tuple[Check, ...]
    rows: int
    """How many rows of the sample were sent."""
    latency_s: float
    """The median time of a request with one row."""


def replay(
    client: Client,
    recording: Recording,
    *,
    extent: Extent = WHOLE,
    on_check: Callable[[Check], None] = lambda _check: None,
) -> ReplayResult:
    """Send the sample row by row, in batches, in other orders and from many callers; compare each answer.

    Args:
        client: A client of the running service.
        recording: The sample: at least one row.
        extent: How much of it is sent.
        on_check: Called with each check as it passes.

    Raises:
        AnswersDifferError: The service gives another answer than the model's, at a named place.
        RowsDependError: The answer to a row depends on the rows beside it, or on who else is calling.
        AnswerChangedError: The service gives another answer than it gave before.
        SampleRefusedError: The service refuses a row, or answers it with something other than JSON.
        ServiceFailedError: The service does not answer.
    """
    recording = Recording(
        requests=recording.requests[: extent.rows], answers=recording.answers[: extent.rows]
    )
    rows = len(recording.requests)
    checks: list[Check] = []

    def passed(name: str, detail: str) -> None:
        checks.append(Check(name=name, outcome=Outcome.PASSED, detail=detail))
        on_check(checks[-1])

    seconds = _replay_singly(client, recording)
    passed("one by one", f"{rows} of {rows} answered as the model does")
    _replay_in_batches(client, recording)
    passed("in batches", f"{rows} of {rows} answered as the model does")
    compared = replay_in_other_orders(client, recording)
    passed("in other orders", f"{compared} rows in reverse and random order, each with its own answer")
    latency_s = statistics.median(seconds)
    if extent.callers:
        callers = replay_concurrently(client, recording, latency_s, most=extent.callers)
        passed("at once", f"{callers} callers at once, each with its own answers")
    repeated = replay_again(client, recording)
    passed("again", f"{repeated} of {repeated} answered as at first")
    return ReplayResult(checks=tuple(checks), rows=rows, latency_s=latency_s)


def replay_protocol(client: Client, protocol: Protocol, recording: Recording) -> None:
    """Send one row, and a few in one request, in another protocol; compare the answers.

    The rows of the request have the same keys, and so do their answers: a tensor has a value for each row.

    Args:
        client: A client of the running service.
        protocol: The protocol, with the paths of this service.
        recording: The sample: at least one row.

    Raises:
        AnswersDifferError: An answer is not the recorded one.
        SampleRefusedError: The service refuses a row.
        ServiceFailedError: The service does not answer.
    """
    with contextlib.closing(client.speaking(protocol)) as other:
        single = other.score(recording.requests[0])
        _compare(single, recording.answers[0], "row 0", protocol.single.path)
        pairs = list(zip(recording.requests, recording.answers, strict=True))
        alike = [pair for pair in pairs if [*map(_keys, pair)] == [*map(_keys, pairs[0])]][:_FEW]
        batch = other.score_batch([request for request, _ in alike])
        _compare(batch, [answer for _, answer in alike], "the first rows as a batch", protocol.batch.path)


def _keys(value: JSONValue) -> set[str]:
    return {*value} if isinstance(value, dict) else set()


def collect_answers(
    client: Client, requests: Sequence[JSONValue], *, like: Sequence[JSONValue]
) -> tuple[JSONValue, ...]:
    """Return the answer to each request: None for a refused one, that of `like` if both are equal.

    Args:
        client: A client of the running service.
        requests: The requests.
        like: The known answer to each.
    """
    answers: list[JSONValue] = []
    for request, expected in zip(requests, like, strict=True):
        answer = client.score(request)
        same = answer.status == 200 and first_difference(answer.body, expected) is None
        answers.append(expected if same else answer.body if answer.status == 200 else None)
    return tuple(answers)


def _replay_singly(client: Client, recording: Recording) -> list[float]:
    """Send each row alone, the last one first; return the seconds that each took.

    The answers were recorded in the order of the rows. If a first request changes later answers (a cache, a
    value that is fitted at the first call), another order shows it.
    """
    answers: list[Answer] = []
    for request in reversed(recording.requests):
        answers.append(client.score(request))
        if answers[-1].status != 200:
            break
    first = len(recording.requests) - len(answers)
    for row, answer in enumerate(reversed(answers), start=first):
        _compare(answer, recording.answers[row], f"row {row}", client.protocol.single.path)
    return [answer.seconds for answer in answers]


def _replay_in_batches(client: Client, recording: Recording) -> None:
    for start in range(0, len(recording.requests), BATCH):
        rows = slice(start, start + BATCH)
        answer = client.score_batch(recording.requests[rows])
        expected = list(recording.answers[rows])
        batch = f"rows {start} to {start + len(expected) - 1} as a batch"
        _compare(answer, expected, batch, client.protocol.batch.path)


def _compare(answer: Answer, expected: JSONValue, subject: str, endpoint: str) -> None:
    if answer.status != 200 or not answer.is_json:
        raise SampleRefusedError(subject, answer.status, answer.body, endpoint)
    if difference := first_difference(answer.body, expected):
        values = json.dumps(difference.actual), json.dumps(difference.expected)
        raise AnswersDifferError(subject, difference.path, values, endpoint=endpoint)
