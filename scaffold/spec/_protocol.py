"""How a service is called over HTTP: its paths, and the form of its requests and responses."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from scaffold.spec._json import JSONValue


def _as_json(value: JSONValue) -> bytes:
    return json.dumps(value).encode()


def _unchanged(body: JSONValue) -> JSONValue:
    return body


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRoute:
    """A path that takes records by POST and answers with predictions."""

    path: str
    encode: Callable[[JSONValue], bytes] = _as_json
    """Returns the body of a request with one record, or with a list of records."""
    content_type: str = "application/json"
    """Of that body."""
    decode: Callable[[JSONValue], JSONValue] = _unchanged
    """Returns the prediction, or the list of predictions, from the JSON of a response.

    May raise `LookupError` or `TypeError` for JSON of another form.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """The paths of a service: those that score, and those that an orchestrator or a person asks."""

    single: ScoreRoute
    batch: ScoreRoute
    ready: str
    alive: str
    openapi: str


PROTOCOLS: Mapping[str, Protocol] = {
    "score": Protocol(
        single=ScoreRoute(path="/score"),
        batch=ScoreRoute(path="/score/batch"),
        ready="/readyz",
        alive="/healthz",
        openapi="/openapi.json",
    ),
}
"""Each protocol that a service speaks, by its name."""

SCORE_PROTOCOL = PROTOCOLS["score"]
"""The protocol that every service speaks: the proof uses it."""
