"""The scoring server of MLflow: what `mlflow models serve` takes."""

from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from pydantic import BaseModel

from app.protocols.core import RECORD, Core, json_response, media_type, read_json
from app.protocols.tables import read_csv, rows_of_frame

PATHS = ("/invocations", "/ping", "/health", "/version")
VERSION = "2.0.0"  # of MLflow: since then the bodies have this form
FORMATS = ("dataframe_split", "dataframe_records", "instances", "inputs")
CODES = {401: "UNAUTHENTICATED", 404: "NOT_FOUND", 500: "INTERNAL_ERROR"}
CODES |= {503: "TEMPORARILY_UNAVAILABLE", 504: "DEADLINE_EXCEEDED"}


LIST: dict[str, Any] = {"type": "array", "items": {}}
SPLIT = {"type": "object", "properties": {"columns": LIST, "data": LIST, "index": LIST}}
FORMS: dict[str, Any] = {
    "dataframe_split": SPLIT,
    "dataframe_records": {"type": "array", **RECORD},
    "instances": {"type": "array", **RECORD},
    "inputs": {"anyOf": [LIST, {"type": "object"}]},
    "params": {"type": "object", "description": "Ignored: the model takes none"},
}
BODY = {
    "application/json": {"schema": {"type": "object", "properties": FORMS}},
    "text/csv": {"schema": {"type": "string", "description": "With a header"}},
}


class Predictions(BaseModel):
    """The answers, in order."""

    predictions: list[Any]


class Refusal(BaseModel):
    """The body of an error response."""

    error_code: str
    message: str


def refusal(status: int, message: str) -> dict[str, Any]:
    """Return the body of an error response."""
    return {"error_code": CODES.get(status, "BAD_REQUEST"), "message": message}


def values_of(body: Any) -> list[Any]:
    """Return the records of a body, or their values alone.

    Raises:
        HTTPException: 400 for a body of another form.
    """
    formats = [name for name in FORMATS if isinstance(body, dict) and name in body]
    if len(formats) != 1:
        raise HTTPException(400, f"Send an object with exactly one of {', '.join(FORMATS)}.")
    return rows_of_frame(body[formats[0]])


def add_routes(app: FastAPI, core: Core) -> None:
    """Add the routes of the protocol."""
    about: dict[str, Any] = {
        "tags": ["MLflow"],
        "responses": {"4XX": {"model": Refusal}, "5XX": {"model": Refusal}},
    }

    @app.get("/ping", **about)
    @app.get("/health", **about)
    async def ping() -> Response:
        """Readiness."""
        return Response(b"\n", 200 if core.is_ready else 503, media_type="application/json")

    @app.get("/version", **about)
    async def version() -> Response:
        """The version of MLflow whose bodies the service takes."""
        return Response(VERSION, media_type="application/json")

    about["responses"][200] = {"model": Predictions}

    @app.post(
        "/invocations", openapi_extra={"requestBody": {"content": BODY, "required": True}}, **about
    )
    async def invocations(request: Request) -> Response:
        """Score records."""
        body = await request.body()
        match media_type(request):
            case "application/json":
                values = values_of(read_json(body))
            case "text/csv":
                values = read_csv(body, has_header=True)
            case _:
                raise HTTPException(415, "Send application/json or text/csv.")
        return json_response({"predictions": await core.predict(values)})
