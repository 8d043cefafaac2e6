"""Azure Machine Learning: its scoring route, liveness and swagger, for `inference_config`."""

from typing import Any

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from app.protocols.core import Core, Values
from app.protocols.tables import rows_of_frame

SCORE = "/azureml/score"
PATHS = (SCORE,)


class Split(BaseModel):
    """A frame as `DataFrame.to_dict(orient="split")` gives it."""

    columns: list[Any]
    data: list[list[Any]]
    index: list[Any] | None = None


class Data(BaseModel):
    """Records or their values alone, as `data`; the same or a frame as `input_data`."""

    data: Values | dict[str, list[Any]] | None = None
    input_data: Split | Values | dict[str, list[Any]] | None = None


class Refusal(BaseModel):
    """The body of an error response."""

    message: str


def refusal(status: int, message: str) -> dict[str, Any]:
    """Return the body of an error response."""
    return {"message": message}


def add_routes(app: FastAPI, core: Core) -> None:
    """Add the routes of the protocol."""
    about: dict[str, Any] = {
        "tags": ["Azure Machine Learning"],
        "responses": {"4XX": {"model": Refusal}, "5XX": {"model": Refusal}},
    }

    @app.get("/", **about)
    async def live() -> str:
        """Liveness."""
        return "Healthy"

    @app.get("/swagger.json", include_in_schema=False)
    async def swagger() -> dict[str, Any]:
        return app.openapi()

    @app.post(SCORE, **about)
    async def score(request: Data) -> list[Any]:
        """Score records. The answers are a list, in order."""
        values = [each for each in (request.data, request.input_data) if each is not None]
        if len(values) != 1:
            raise HTTPException(400, "Send an object with either 'data' or 'input_data'.")
        value = values[0].model_dump() if isinstance(values[0], Split) else values[0]
        return await core.predict(rows_of_frame(value))
