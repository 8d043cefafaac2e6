"""Micro-batching: concurrent records share a call of the model, and nothing else."""

import asyncio
import threading
from typing import Any

import pytest

from app.serving import Batcher
from app.serving.errors import ModelFault
from app.serving.settings import ServingSettings
from tests.serving.toy import Answer, Record, Toy, released, run, started


def test_concurrent_records_share_a_call_and_each_gets_its_own_answer() -> None:
    toy = Toy()
    replies = toy.ask(*(toy.post("/score", {"value": n / 2}) for n in range(20)))
    assert [reply.json["value"] for reply in replies] == [n / 2 for n in range(20)]
    assert max(reply.json["together"] for reply in replies) > 1


def test_a_lone_record_waits_for_no_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ServingSettings(queue_timeout_s=50, score_timeout_s=50)
    delays: list[float] = []

    async def score() -> None:
        loop = asyncio.get_running_loop()
        later = loop.call_later

        def call_later(delay: float, *arguments: Any) -> asyncio.TimerHandle:
            delays.append(delay)
            return later(delay, *arguments)

        monkeypatch.setattr(loop, "call_later", call_later)
        await Batcher(run, settings).score([Record(value=1)])

    asyncio.run(score())
    assert all(delay > 40 for delay in delays)


def test_a_batch_gets_its_answers_in_order() -> None:
    toy = Toy(max_batch=3)
    records = [{"value": n / 2} for n in range(10)]
    [reply] = toy.ask(toy.post("/score/batch", records))
    assert [answer["value"] for answer in reply.json] == [n / 2 for n in range(10)]
    assert max(answer["together"] for answer in reply.json) == 3


def test_a_failing_record_fails_alone() -> None:
    toy = Toy()
    bodies = [{"value": 1.5}, {"value": 2.5, "act": "fail"}, {"value": 3.5}]
    replies = toy.ask(*(toy.post("/score", body) for body in bodies))
    assert [reply.status for reply in replies] == [200, 500, 200]
    assert replies[1].json["detail"] == "The model failed on the record at index 0."
    [reply] = toy.ask(toy.post("/score/batch", bodies))
    assert reply.json["detail"] == "The model failed on the record at index 1."


def test_records_are_scored_alone_if_the_model_needs_that() -> None:
    sizes: list[int] = []

    def count(records: list[Record]) -> list[Answer]:
        sizes.append(len(records))
        return run(records)

    async def score() -> None:
        batcher = Batcher(count, ServingSettings(), batched=False)
        await asyncio.gather(*(batcher.score([Record(value=n)]) for n in range(5)))

    asyncio.run(score())
    assert sizes == [1] * 5


def test_a_quick_model_needs_no_thread_for_records_that_should_take_little_time() -> None:
    in_loop: list[bool] = []

    def where(records: list[Record]) -> list[Answer]:
        in_loop.append(threading.current_thread() is threading.main_thread())
        return run(records)

    async def score() -> None:
        batcher = Batcher(where, ServingSettings(patience_ms=2000), quick=True)
        await batcher.score([Record(value=0.05, act="sleep")])  # shows how quick the model is
        await batcher.score([Record(value=0.05, act="sleep")] * 2)
        await batcher.score([Record(value=1)] * 50)  # should take 2.5 seconds
        await batcher.score([Record(value=1)] * 50)

    asyncio.run(score())
    assert in_loop == [False, True, False, True]


def test_many_records_that_wait_for_a_quick_model_are_not_scored_in_nested_calls() -> None:
    async def score() -> list[list[Answer]]:
        batcher = Batcher(run, ServingSettings(), batched=False, quick=True)
        batcher.coming = 0
        return await asyncio.gather(*(batcher.score([Record(value=n)]) for n in range(600)))

    assert len(asyncio.run(asyncio.wait_for(score(), 60))) == 600


def test_a_wrong_number_of_answers_is_a_fault() -> None:
    batcher: Batcher[Record, Answer] = Batcher(lambda _: [], ServingSettings())
    with pytest.raises(ModelFault) as raised:
        asyncio.run(batcher.score([Record(value=1)]))
    assert str(raised.value.__cause__) == "0 answers to 1 records"


def test_backpressure_too_many_waiting_records_are_a_503() -> None:
    toy = Toy(max_waiting=2, max_batch=1)
    body = {"value": 0.05, "act": "sleep"}
    replies = toy.ask(*(toy.post("/score", body) for _ in range(12)))
    assert {reply.status for reply in replies} == {200, 503}
    assert all(reply.headers["retry-after"] == "1" for reply in replies if reply.status == 503)


def test_a_prediction_that_hangs_is_a_504_and_the_next_one_is_scored() -> None:
    toy = Toy(score_timeout_s=0.05, patience_ms=0)

    async def one_after_the_other() -> list[int]:
        async with started(toy.app):
            hanging = await toy.post("/score", {"value": 1, "act": "hang"})
            return [hanging.status, (await toy.post("/score", {"value": 1})).status]

    assert asyncio.run(one_after_the_other()) == [504, 200]


def test_a_record_that_waits_too_long_is_a_504() -> None:
    toy = Toy(queue_timeout_s=0.05, max_batch=1, patience_ms=0)

    async def both() -> list[int]:
        async with started(toy.app):
            first = asyncio.create_task(toy.post("/score", {"value": 1, "act": "hang"}))
            await asyncio.sleep(0.02)
            second = await toy.post("/score", {"value": 1})
            released.set()
            return [(await first).status, second.status]

    assert asyncio.run(both()) == [200, 504]
