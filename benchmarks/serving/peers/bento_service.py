"""BentoML, with and without its batching. A batched call with a frame hangs today; with records it works."""

import bentoml
import numpy as np
import pandas as pd
from pydantic import BaseModel


class Passenger(BaseModel):
    Pclass: int
    Sex: str
    Age: float | None
    SibSp: int
    Parch: int
    Fare: float
    Embarked: str


class _Loaded:
    def __init__(self) -> None:
        self.model = bentoml.sklearn.load_model("scored:latest")


@bentoml.service
class Passengers(_Loaded):
    @bentoml.api
    def predict(self, rows: pd.DataFrame) -> list[int]:
        return self.model.predict(rows).tolist()


@bentoml.service
class PassengersTogether(_Loaded):
    @bentoml.api(batchable=True, max_batch_size=64, max_latency_ms=1000)
    def predict(self, rows: list[Passenger]) -> list[int]:
        return self.model.predict(pd.DataFrame([row.model_dump() for row in rows])).tolist()


@bentoml.service
class Flowers(_Loaded):
    @bentoml.api
    def predict(self, rows: np.ndarray) -> list[int]:
        return self.model.predict(rows).tolist()


@bentoml.service
class FlowersTogether(_Loaded):
    @bentoml.api(batchable=True, max_batch_size=64, max_latency_ms=1000)
    def predict(self, rows: np.ndarray) -> list[int]:
        return self.model.predict(rows).tolist()
