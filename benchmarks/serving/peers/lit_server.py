"""LitServe on one worker; with TOGETHER its batching, with the best window that was found: none."""

import os
import pickle
from pathlib import Path
from typing import Any

import litserve
import numpy as np
import pandas as pd

FLOWERS = os.environ["MODEL"].endswith("C.pkl")
TOGETHER = "TOGETHER" in os.environ


class Scored(litserve.LitAPI):
    def setup(self, _device: str) -> None:
        self.model = pickle.loads(Path(os.environ["MODEL"]).read_bytes())

    def decode_request(self, request):  # type: ignore[no-untyped-def]  # a type would change the route
        return request

    def predict(self, rows: Any) -> list[int]:
        if not TOGETHER:
            rows = rows if isinstance(rows, list) else [rows]
        frame = np.array([row["data"] for row in rows]) if FLOWERS else pd.DataFrame(list(rows))
        return self.model.predict(frame).tolist()

    def encode_response(self, output: Any) -> dict[str, Any]:
        return {"prediction": output}


class ScoredTogether(Scored):
    def batch(self, inputs: list[Any]) -> list[Any]:
        return inputs

    def unbatch(self, output: list[int]) -> list[int]:
        return output


if __name__ == "__main__":
    api = ScoredTogether(max_batch_size=64, batch_timeout=0.0) if TOGETHER else Scored()
    server = litserve.LitServer(api, accelerator="cpu")
    server.run(
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        num_api_servers=1,
        generate_client_file=False,
        log_level="warning",
    )
