"""The score service. Run it with `python -m app`; `uvicorn app.main:app` works too."""

from typing import Annotated

from fastapi import FastAPI
from pydantic import Field

from app import score
from app.schemas import EXAMPLE, ModelInput, ModelOutput
from app.serving import ERROR_RESPONSES, Batcher, install, lifespan
from app.settings import MODEL_SHA256, MODEL_VERSION, NAME, settings

app = FastAPI(title=NAME, version=MODEL_VERSION, lifespan=lifespan, **settings.fastapi_options)
batcher = Batcher(score.run, settings, batched=score.BATCHED)
install(app, batcher, settings, load=score.load, example=EXAMPLE, model_sha256=MODEL_SHA256)


@app.post("/score", responses=ERROR_RESPONSES)
async def score_one(record: ModelInput) -> ModelOutput:
    """Score one record."""
    # Records of concurrent requests are scored in one call of the model: see serving/README.md.
    [answer] = await batcher.score([record])
    return answer


@app.post("/score/batch", responses=ERROR_RESPONSES)
async def score_batch(
    records: Annotated[list[ModelInput], Field(max_length=settings.max_records)],
) -> list[ModelOutput]:
    """Score many records. The answers are in the order of the records."""
    return await batcher.score(records)
