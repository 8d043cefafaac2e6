"""What HTTP costs: FastAPI with the schemas of a service, which are on the path, and one fixed answer."""

from app.schemas import ModelInput, ModelOutput
from fastapi import FastAPI

app = FastAPI()
ANSWER = ModelOutput(prediction=0)


@app.get("/readyz")
async def readyz() -> str:
    return "ok"


@app.post("/score")
async def score_one(record: ModelInput) -> ModelOutput:  # noqa: ARG001  # it is validated
    return ANSWER
