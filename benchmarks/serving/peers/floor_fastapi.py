"""What a person writes by hand in ten minutes: FastAPI, a pydantic model, one prediction a request."""

import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
from fastapi import FastAPI
from pydantic import BaseModel

model = pickle.loads(Path(os.environ["MODEL"]).read_bytes())
app = FastAPI()


class Passenger(BaseModel):
    Pclass: int
    Sex: str
    Age: float | None
    SibSp: int
    Parch: int
    Fare: float
    Embarked: str


class Flower(BaseModel):
    data: list[float]


@app.post("/passenger")
def passenger(row: Passenger) -> dict[str, int]:
    return {"prediction": int(model.predict(pd.DataFrame([row.model_dump()]))[0])}


@app.post("/passengers")
def passengers(rows: list[Passenger]) -> dict[str, list[int]]:
    return {"prediction": model.predict(pd.DataFrame([row.model_dump() for row in rows])).tolist()}


@app.post("/flower")
def flower(row: Flower) -> dict[str, int]:
    return {"prediction": int(model.predict(np.array([row.data]))[0])}


@app.post("/flowers")
def flowers(rows: list[Flower]) -> dict[str, list[int]]:
    return {"prediction": model.predict(np.array([row.data for row in rows])).tolist()}
