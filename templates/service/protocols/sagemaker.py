"""SageMaker, the contract of its containers: /ping and /invocations. Set PORT=8080 there."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

from app.protocols.core import RECORD, Core, json_response, media_type, read_json
from app.protocols.tables import read_csv, read_lines, write_csv, write_lines

PATHS = ("/invocations", "/ping")
JSON, CSV = "application/json", "text/csv"
LINES = ("application/jsonlines", "application/x-jsonlines")
BODY = {
    JSON: {"schema": {"type": "object", "properties": {"instances": {"type": "array", **RECORD}}}},
    CSV: {"schema": {"type": "string", "description": "Cells in the order of the fields"}},
    LINES[0]: {"schema": {"type": "string", "description": "A record in each line"}},
}
Endpoint = Callable[[Request], Awaitable[Response]]
ANSWERS: dict[str, Any] = {JSON: {}, CSV: {}, LINES[0]: {}}


class Refusal(BaseModel):
    """The body of an error response."""

    code: int
    message: str


def refusal(status: int, message: str) -> dict[str, Any]:
    """Return the body of an error response."""
    return {"code": status, "message": message}


def values_of(body: bytes, media: str) -> list[Any]:
    """Return the records of a body, or their values alone.

    Raises:
        HTTPException: 400 for a body of another form, 415 for another media type.
    """
    if media == CSV:
        return read_csv(body, has_header=False)
    if media in LINES:
        return read_lines(body)
    if media != JSON:
        raise HTTPException(415, f"Send {JSON}, {LINES[0]} or {CSV}.")
    match read_json(body):
        case {"instances": [*values]}:
            return values
    raise HTTPException(400, "Send an object with the list 'instances'.")


def write_response(answers: list[Any], media: str) -> Response:
    """Return the response with the answers in this media type."""
    if media == CSV:
        return Response(write_csv(answers), media_type=CSV)
    if media in LINES:
        return Response(write_lines(answers), media_type=media)
    return json_response({"predictions": answers})


def add_routes(app: FastAPI, core: Core) -> None:
    """Add the routes of the protocol."""

    async def invocations(request: Request) -> Response:
        """Score records, and answer in the media type of `Accept`, else of the request."""
        media, accepted = media_type(request), media_type(request, "accept")
        answers = await core.predict(values_of(await request.body(), media))
        return write_response(answers, accepted if accepted in {JSON, CSV, *LINES} else media)

    async def ping(response: Response) -> dict[str, bool]:
        """Readiness."""
        response.status_code = 200 if core.is_ready else 503
        return {"ready": core.is_ready}

    for route in app.routes:
        if isinstance(route, APIRoute) and route.path == "/invocations":
            add_lines(app, route, invocations)
            return
    errors: dict[int | str, dict[str, Any]] = {"4XX": {"model": Refusal}, "5XX": {"model": Refusal}}
    app.get("/ping", tags=["SageMaker"], responses=errors)(ping)
    app.post(
        "/invocations",
        tags=["SageMaker"],
        responses={200: {"content": ANSWERS}, **errors},
        openapi_extra={"requestBody": {"content": BODY, "required": True}},
    )(invocations)


def add_lines(app: FastAPI, mlflow: APIRoute, invocations: Endpoint) -> None:
    """Let MLflow's route, at the same path, take JSON lines; it reads JSON and CSV as before."""
    app.routes.remove(mlflow)
    extra: Any = mlflow.openapi_extra
    content = {**extra["requestBody"]["content"], LINES[0]: BODY[LINES[0]]}
    answer = {**mlflow.responses[200], "content": {LINES[0]: {}}}

    @app.post(
        mlflow.path,
        tags=mlflow.tags,
        responses={**mlflow.responses, 200: answer},
        openapi_extra={"requestBody": {"content": content, "required": True}},
    )
    async def invocations_or_lines(request: Request) -> Response:
        """Score records."""
        score: Endpoint = invocations if media_type(request) in LINES else mlflow.endpoint
        return await score(request)
