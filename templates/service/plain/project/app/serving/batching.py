"""Micro-batching: the records of concurrent requests are scored in one call of the model.

While the model scores in its thread, the next batch collects. No timer: a lone request never waits.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from time import monotonic
from uuid import uuid4

from fastapi import HTTPException
from prometheus_client import Histogram

from app.schemas import ModelInput, ModelOutput
from app.settings import settings

log = logging.getLogger(__name__)
sizes = Histogram("model_batch_records", "Records in one call.", buckets=(1, 4, 16, 64, 256))

Records = Sequence[ModelInput]
Answers = list[ModelOutput] | BaseException
Job = tuple[Records, "asyncio.Future[Answers]"]


class Batcher:
    """Scores by `run`, with records of several requests in one call if `batched`."""

    def __init__(self, run: Callable[..., list[ModelOutput]], *, batched: bool) -> None:
        self._run, self._max_batch = run, settings.max_batch if batched else 1
        self._pool = ThreadPoolExecutor(1)
        self._waiting: deque[Job] = deque()
        self._count = 0  # records in it
        self._worker: asyncio.Task[None] | None = None
        self._began: float | None = None  # the present call of the model

    @property
    def hanging(self) -> bool:
        """Whether the model takes too long: only a restart ends its thread."""
        return self._began is not None and monotonic() - self._began > settings.score_timeout_s

    async def score(self, records: Records) -> list[ModelOutput]:
        """Return the answers to `records`, in order."""
        answers: list[ModelOutput] = []
        for start in range(0, len(records), self._max_batch):
            answers += await self._put(records[start : start + self._max_batch])
        return answers

    async def _put(self, records: Records) -> list[ModelOutput]:
        if self._count and self._count + len(records) > settings.max_waiting:
            raise HTTPException(503, "Too many records wait.", {"Retry-After": "1"})
        job: Job = (records, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        self._count += len(records)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        try:
            timeout_s = settings.queue_timeout_s + settings.score_timeout_s
            answers = await asyncio.wait_for(job[1], timeout_s)
        except asyncio.TimeoutError:
            raise HTTPException(504, "The prediction took too long.") from None
        if isinstance(answers, BaseException):
            error_id = uuid4().hex
            log.error("the model failed", exc_info=answers, extra={"error_id": error_id})
            raise HTTPException(500, f"The model failed. The log has more, by the id {error_id}.")
        return answers

    async def _work(self) -> None:
        while self._waiting:
            await asyncio.sleep(0)  # requests that arrive together go into one batch
            jobs, room = [], self._max_batch
            while self._waiting and len(self._waiting[0][0]) <= room:
                jobs.append(self._waiting.popleft())
                room -= len(jobs[-1][0])
            self._count -= self._max_batch - room
            jobs = [job for job in jobs if not job[1].done()]  # the others waited too long
            self._began = monotonic()
            loop = asyncio.get_running_loop()
            found = await loop.run_in_executor(self._pool, self._score, [job[0] for job in jobs])
            self._began = None
            for (_, future), answers in zip(jobs, found, strict=True):
                if not future.done():
                    future.set_result(answers)

    def _score(self, jobs: list[Records]) -> list[Answers]:
        """Return the answers to each request. If the model raises, each is scored alone."""
        records = [record for job in jobs for record in job]
        sizes.observe(len(records))
        try:
            answers = self._run(records) if records else []
            if len(answers) != len(records):
                raise ValueError(f"{len(answers)} answers to {len(records)} records")
            each = iter(answers)
            return [list(islice(each, len(job))) for job in jobs]
        except BaseException as error:  # noqa: BLE001  # not even `sys.exit()` ends the service
            return [error] if len(jobs) == 1 else [self._score([job])[0] for job in jobs]
