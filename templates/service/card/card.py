"""`GET /v1/model`: the model card as JSON."""

import json
import re
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, TypeAdapter

from app.schemas import ModelInput, ModelOutput

FOLDER = Path(__file__).parents[1] / "model"
QUESTION = "Question to the owner:"


class Reason(BaseModel):
    """A requirement, a package or a file of the model, and why the model needs it."""

    name: str
    reason: str


class Call(BaseModel):
    """How the model is called, and why so."""

    method: str
    reason: str


class Proof(BaseModel):
    """What the answers of the service were compared with."""

    rows: int
    compared: list[str]
    recorded: str
    test: str


class ModelCard(BaseModel):
    """What the model is, where it comes from, what it needs, and what it is meant for."""

    model_config = ConfigDict(extra="allow")  # what you add to model/card.json

    name: str
    version: str
    intended_use: str | None  # null: model/README.md still asks
    license: str | None
    format: str
    compression: str | None
    size_bytes: int
    sha256: str
    made_from: str
    written: str | None
    python: str
    call: Call
    source: dict[str, str]
    parameters: dict[str, Any]
    metrics: dict[str, Any]
    tags: dict[str, Any]
    proof: Proof
    requirements: list[Reason]
    system_packages: list[Reason]
    code: list[Reason]
    notes: list[str]
    input: dict[str, Any]  # JSON Schema
    output: dict[str, Any]


def add_card(app: FastAPI) -> None:
    """Serve the card at `/v1/model`: its files in `model/`, and the schemas of the code."""
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    card = ModelCard(
        **json.loads((FOLDER / "card.json").read_text(encoding="utf-8")),
        intended_use=answer(text, "Intended use"),
        license=answer(text, "Licen[cs]e"),
        input=TypeAdapter(ModelInput).json_schema(),
        output=TypeAdapter(ModelOutput).json_schema(mode="serialization"),
    )

    @app.head("/v1/model", include_in_schema=False)
    @app.get("/v1/model", tags=["model"])
    async def model_card() -> ModelCard:
        """Return the model card."""
        return card


def answer(text: str, heading: str) -> str | None:
    """Return what the owner wrote below a heading of the card; `None` for the question alone."""
    section = re.search(rf"^## {heading}\s*$(.*?)(?=^#{{1,2}} |\Z)", text, re.MULTILINE | re.DOTALL)
    lines = section[1].splitlines() if section else []
    return "\n".join(line for line in lines if not line.startswith(QUESTION)).strip() or None
