"""Vertex AI, the contract of its containers: instances to predictions."""

import os
from typing import Any

from fastapi import FastAPI, HTTPException, Response
from pydantic import BaseModel

from app.protocols.core import Core, Values, as_sent, is_validated, json_response

# Vertex AI sets these, and AIP_HTTP_PORT for the port: see app/settings.py.
PREDICT = os.environ.get("AIP_PREDICT_ROUTE", "/predict")
HEALTH = os.environ.get("AIP_HEALTH_ROUTE", "/health")
PATHS = (PREDICT, HEALTH)


class Instances(BaseModel):
    """Records, or their values alone in the order of the fields."""

    instances: Values
    parameters: dict[str, Any] | None = None


class Predictions(BaseModel):
    """The answers, in the order of the instances."""

    predictions: list[Any]


class Refusal(BaseModel):
    """The body of an error response."""

    error: str


def refusal(status: int, message: str) -> dict[str, Any]:
    """Return the body of an error response."""
    return {"error": message}


def add_routes(app: FastAPI, core: Core) -> None:
    """Add the routes of the protocol."""
    about: dict[str, Any] = {
        "tags": ["Vertex AI"],
        "responses": {"4XX": {"model": Refusal}, "5XX": {"model": Refusal}},
    }

    async def health(response: Response) -> dict[str, bool]:
        """Readiness."""
        response.status_code = 200 if core.is_ready else 503
        return {"ready": core.is_ready}

    if not any(getattr(route, "path", "") == HEALTH for route in app.routes):  # as MLflow's may be
        app.get(HEALTH, **about)(health)

    @app.post(PREDICT, response_model=Predictions, **about)
    async def predict(request: Instances) -> Response:
        """Score the instances."""
        if request.parameters:
            raise HTTPException(400, "The model takes no parameters.")
        values = request.instances
        if not is_validated(values):
            values = [plain(value) for value in as_sent("instances", values)]
        return json_response({"predictions": await core.predict(values)})


def plain(value: Any) -> Any:
    """Return a value with the text of each `{"b64": "..."}`, in which Vertex AI wraps bytes."""
    match value:
        case {"b64": text} if len(value) == 1:
            return text
        case dict():
            return {name: plain(each) for name, each in value.items()}
        case list() if any(isinstance(each, dict | list) for each in value):
            return [plain(each) for each in value]
    return value
