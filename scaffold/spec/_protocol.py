"""How a service is called over HTTP: its paths, and the form of its requests and responses."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from scaffold.spec._json import JSONValue
from scaffold.spec._protocol_forms import (
    decode_first,
    decode_list,
    decode_tensor_row,
    decode_tensors,
    encode_list,
    encode_tensors,
)


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

    def of_model(self, name: str) -> Protocol:
        """Return the protocol of a service, in whose paths `{model}` is its name."""
        single, batch = (
            replace(route, path=route.path.replace("{model}", name)) for route in (self.single, self.batch)
        )
        return replace(self, single=single, batch=batch)


_OPENAPI = "/openapi.json"


def _listed(path: str, key: str, answers: str, *, ready: str) -> Protocol:
    """A protocol whose requests and responses have a list below a key."""
    route = ScoreRoute(path=path, encode=encode_list(key), decode=decode_list(answers))
    first = replace(route, decode=decode_first(answers))
    return Protocol(single=first, batch=route, ready=ready, alive=ready, openapi=_OPENAPI)


_INFER = "/v2/models/{model}/infer"

PROTOCOLS: Mapping[str, Protocol] = {
    "score": Protocol(
        single=ScoreRoute(path="/score"),
        batch=ScoreRoute(path="/score/batch"),
        ready="/readyz",
        alive="/healthz",
        openapi=_OPENAPI,
    ),
    "oip": Protocol(
        single=ScoreRoute(path=_INFER, encode=encode_tensors, decode=decode_tensor_row),
        batch=ScoreRoute(path=_INFER, encode=encode_tensors, decode=decode_tensors),
        ready="/v2/health/ready",
        alive="/v2/health/live",
        openapi=_OPENAPI,
    ),
    "mlflow": _listed("/invocations", "dataframe_records", "predictions", ready="/ping"),
    "sagemaker": _listed("/invocations", "instances", "predictions", ready="/ping"),
    "vertex": _listed("/predict", "instances", "predictions", ready="/health"),
    "azureml": _listed("/azureml/score", "data", "", ready="/readyz"),
}
"""Each protocol that a service can speak, by its name: `app/protocols/` has a file of that name for it."""

OTHER_PROTOCOLS = tuple(name for name in PROTOCOLS if name != "score")
"""Those that a service speaks if it is asked for."""

SCORE_PROTOCOL = PROTOCOLS["score"]
"""The protocol that every service speaks: the proof uses it."""
