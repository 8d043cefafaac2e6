"""Startup, readiness, liveness and graceful shutdown."""

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI

from app.serving import install
from app.serving.middleware import RequestMiddleware
from app.serving.settings import ServingSettings
from tests.serving.toy import Answer, Record, Toy, started


def test_readiness_follows_the_startup_and_the_shutdown() -> None:
    loaded: list[bool] = []
    toy = Toy(example=Record(value=1), load=lambda: loaded.append(True))

    async def ready() -> int:
        return (await toy.get("/readyz")).status

    async def whole_life() -> list[int]:
        before = await ready()
        async with started(toy.app):
            during = await ready()
        return [before, during, await ready()]

    assert asyncio.run(whole_life()) == [503, 200, 503]
    assert loaded == [True]


@pytest.mark.parametrize(
    ("example", "message"),
    [
        (None, "The model cannot be loaded: KeyError: 'no model'"),
        (
            Record(value=1, act="fail"),
            "The model cannot score EXAMPLE of schemas.py: ValueError: secret 1.0",
        ),
    ],
)
def test_a_broken_model_ends_the_startup_with_its_message(
    example: Record | None, message: str
) -> None:
    def fail() -> None:
        raise KeyError("no model")

    toy = Toy(example=example, load=fail if example is None else lambda: None)
    with pytest.raises(SystemExit) as raised:
        toy.ask()
    assert str(raised.value) == message


@pytest.mark.parametrize("answers", [[1.5], [{"value": "x"}], [None]])
def test_answers_of_another_type_end_the_startup(answers: list[Any]) -> None:
    def run(records: list[Record]) -> list[Answer]:
        return answers

    toy = Toy(example=Record(value=1))
    toy.batcher.run = run  # type: ignore[method-assign]
    with pytest.raises(SystemExit, match=r"TypeError: run does not return list\[.*Answer\]: 0"):
        toy.ask()


def test_while_it_drains_readiness_is_off_and_requests_are_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(RequestMiddleware, "draining", True)
    toy = Toy()
    probe, alive, answer = toy.ask(
        toy.get("/readyz"), toy.get("/healthz"), toy.post("/score", {"value": 1})
    )
    assert (probe.status, alive.status, answer.status) == (503, 200, 200)
    assert answer.headers["connection"] == "close"


def test_liveness_is_off_once_too_many_predictions_hang() -> None:
    toy = Toy(score_timeout_s=0.02, patience_ms=0, max_batch=1)

    async def hang() -> tuple[int, int]:
        async with started(toy.app):
            for _ in range(4):
                await toy.post("/score", {"value": 1, "act": "hang"})
            return (await toy.get("/healthz")).status, (await toy.get("/readyz")).status

    assert asyncio.run(hang()) == (503, 503)


def test_install_comes_before_the_routes() -> None:
    app, toy = FastAPI(), Toy()
    app.get("/early")(lambda: None)
    with pytest.raises(RuntimeError, match="before the routes"):
        install(app, toy.batcher, ServingSettings(), load=lambda: None, example=None)
