"""The sample, replayed against the live service: its answers must be the model's."""

from __future__ import annotations

import http.client
import json
import os
import time
from collections.abc import Callable
from typing import Any, Protocol

from scaffold.deploy._address import Answer, Channel
from scaffold.deploy._rollout import Pace
from scaffold.errors import LiveAnswersDifferError, RolloutFailedError
from scaffold.spec import JSONValue, Recording

MOST_ROWS = 100
"""Rows that are sent one by one; the proof has replayed them all already."""
KEY_VARIABLE = "SCAFFOLD_API_KEY"


class Difference(Protocol):
    """Where two answers differ."""

    @property
    def path(self) -> str: ...
    @property
    def got(self) -> JSONValue: ...
    @property
    def wanted(self) -> JSONValue: ...


FirstDifference = Callable[[Any, Any], "Difference | None"]


def replay_sample(
    channel: Channel,
    recording: Recording,
    first_difference: FirstDifference,
    pace: Pace,
) -> int:
    """Send the sample to the live service, row by row and as a batch; return how many rows were sent.

    Raises:
        LiveAnswersDifferError: An answer is not the model's.
        RolloutFailedError: The address does not answer.
    """
    _wait_until_ready(channel, pace)
    rows = list(zip(recording.requests, recording.answers, strict=True))[:MOST_ROWS]
    for index, (request, wanted) in enumerate(rows):
        _compare(channel, "/score", request, wanted, f"row {index}", first_difference, pace)
    if rows:
        batch, wanted_batch = [row[0] for row in rows], [row[1] for row in rows]
        _compare(channel, "/score/batch", batch, wanted_batch, "the batch", first_difference, pace)
    return len(rows)


def _wait_until_ready(channel: Channel, pace: Pace) -> None:
    """A new address needs a while: names spread, load balancers look for healthy pods."""
    start = time.monotonic()
    while True:
        try:
            said = str(channel.ask("GET", "/readyz").status)
            if said == "200":
                return
        except (OSError, http.client.HTTPException) as error:
            said = str(error) or type(error).__name__
        waited_s = time.monotonic() - start
        if waited_s > pace.address_s:
            raise RolloutFailedError(
                "The pods are ready, but the service cannot be reached under its address.",
                (f"GET {channel.url}/readyz: {said}", f"tried for {waited_s:.0f} s"),
                "Does the name resolve to the address, and may this machine reach it?",
            )
        time.sleep(pace.poll_s)


def _compare(
    channel: Channel,
    path: str,
    request: JSONValue,
    wanted: JSONValue,
    what: str,
    first_difference: FirstDifference,
    pace: Pace,
) -> None:
    answer = _ask(channel, path, request, pace)
    if answer.status == 401:
        raise RolloutFailedError(
            "The service asks for an API key, and none that it knows was sent.",
            (f"POST {channel.url}{path}: 401",),
            f"Set one for the replay: export {KEY_VARIABLE}=...",
        )
    if answer.status != 200:
        found = (f"POST {channel.url}{path}, {what}: {answer.status} {str(answer.body)[:300]}",)
        raise LiveAnswersDifferError("The live service refuses its own sample.", found, "scaffold verify")
    difference = first_difference(answer.body, wanted)
    if difference is not None:
        where = difference.path.lstrip(".") or "the answer"
        values = f"{json.dumps(difference.got)} from it, {json.dumps(difference.wanted)} from the model"
        fix = "Is it the image of this project? scaffold verify proves it, scaffold deploy builds anew."
        found = (f"{channel.url}{path}, {what}, {where}: {values}",)
        raise LiveAnswersDifferError("The live service answers, but not as the model does.", found, fix)


def _ask(channel: Channel, path: str, request: JSONValue, pace: Pace) -> Answer:
    """One request; a service that is busy, or a connection that was closed while idle, gets a few more."""
    key = os.environ.get(KEY_VARIABLE)
    headers = {"X-API-Key": key} if key else {}
    for attempt in range(5):
        try:
            answer = channel.ask("POST", path, request, headers)
        except (OSError, http.client.HTTPException) as error:
            if attempt == 4:
                found = (f"POST {channel.url}{path}: {error or type(error).__name__}",)
                raise RolloutFailedError("The service stopped to answer during the replay.", found) from error
            time.sleep(pace.poll_s)
            continue
        if answer.status != 503 or attempt == 4:
            return answer
        time.sleep(max(pace.poll_s, answer.retry_after_s))
    raise AssertionError("the last attempt returns or raises")
