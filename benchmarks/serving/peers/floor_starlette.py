"""As little as there can be around the model: Starlette and msgspec."""

import os
import pickle
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

model = pickle.loads(Path(os.environ["MODEL"]).read_bytes())


class Passenger(msgspec.Struct):
    Pclass: int
    Sex: str
    Age: float | None
    SibSp: int
    Parch: int
    Fare: float
    Embarked: str


class Flower(msgspec.Struct):
    data: list[float]


def route(path: str, body: Any, frame: Any) -> Route:
    decoder = msgspec.json.Decoder(body)

    async def score(request: Request) -> Response:
        rows = decoder.decode(await request.body())
        many = isinstance(rows, list)
        answers = model.predict(frame(rows if many else [rows])).tolist()
        answer = msgspec.json.encode({"prediction": answers if many else answers[0]})
        return Response(answer, media_type="application/json")

    return Route(path, score, methods=["POST"])


def table(rows: list[Passenger]) -> pd.DataFrame:
    return pd.DataFrame([msgspec.structs.asdict(row) for row in rows])


def array(rows: list[Flower]) -> Any:
    return np.array([row.data for row in rows])


app = Starlette(
    routes=[
        route("/passenger", Passenger, table),
        route("/passengers", list[Passenger], table),
        route("/flower", Flower, array),
        route("/flowers", list[Flower], array),
    ]
)
