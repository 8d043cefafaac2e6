"""Ray Serve with a FastAPI ingress; with TOGETHER its batching."""

import os
import pickle
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from fastapi import FastAPI
from ray import serve

FLOWERS = os.environ["MODEL"].endswith("C.pkl")
TOGETHER = "TOGETHER" in os.environ
api = FastAPI()


@serve.deployment(max_ongoing_requests=128)
@serve.ingress(api)
class Scored:
    def __init__(self) -> None:
        self.model = pickle.loads(Path(os.environ["MODEL"]).read_bytes())

    def answers(self, rows: list[Any]) -> list[int]:
        frame = np.array([row["data"] for row in rows]) if FLOWERS else pd.DataFrame(rows)
        return self.model.predict(frame).tolist()

    @serve.batch(max_batch_size=64, batch_wait_timeout_s=0.005)
    async def together(self, rows: list[Any]) -> list[int]:
        return self.answers(rows)

    @api.post("/one")
    async def one(self, row: dict[str, Any]) -> dict[str, int]:
        return {"prediction": await self.together(row) if TOGETHER else self.answers([row])[0]}

    @api.post("/many")
    async def many(self, rows: list[dict[str, Any]]) -> dict[str, list[int]]:
        return {"prediction": self.answers(rows)}


if __name__ == "__main__":
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
    serve.run(Scored.bind())
    while True:
        time.sleep(3600)
