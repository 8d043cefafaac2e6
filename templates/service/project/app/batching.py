"""Requests that wait together are predicted together.

While a worker predicts one batch, the next one gathers. A free worker takes what is there as soon as a few turns
of the event loop have added nothing: there is no timer, so a request that is alone pays nothing.

The model runs in a thread, and the event loop waits for it for up to `patience_s`: a quick model is done by
then, and two threads never fought over the interpreter's lock. A slower one goes on while the loop answers
probes and takes in what comes next.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from time import perf_counter
from typing import Generic, TypeVar

Record = TypeVar("Record")
Answer = TypeVar("Answer")

QUIET_TURNS = 2  # from the bytes of a request to its record here the loop turns twice
MAX_STUCK = 4  # predictions that may hang before only a restart helps


class Overloaded(Exception):
    """Too many records wait already."""


class TooSlow(Exception):
    """The record waited, or its prediction took, for too long."""


class ModelFault(Exception):
    """The model raised `error` on the record at `index` of a request."""

    def __init__(self, index: int, error: BaseException) -> None:
        super().__init__(index)
        self.index, self.error = index, error


class _Job(Generic[Record, Answer]):
    """The records of one request."""

    def __init__(self, records: Sequence[Record], future: "asyncio.Future[list[Answer]]") -> None:
        self.records, self.future, self.since = records, future, perf_counter()

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class _Batch(Generic[Record, Answer]):
    """The jobs that one call of the model answers."""

    def __init__(self, jobs: list[_Job[Record, Answer]]) -> None:
        self.jobs, self.since = jobs, perf_counter()
        self.results: list[Answer | BaseException] = []
        self.done = threading.Lock()  # free when the results are there
        self.done.acquire()
        self.late = False  # whether the loop went on without them
        self.replaced = False  # whether another worker took over meanwhile


class Batcher(Generic[Record, Answer]):
    """Gathers records, has workers predict them and hands out the answers in order."""

    def __init__(
        self,
        run: Callable[[list[Record]], Sequence[Answer]],
        *,
        max_batch: int,
        max_waiting: int,
        queue_timeout_s: float,
        score_timeout_s: float,
        patience_s: float,
        threads: int = 1,
        observe: Callable[[int, float, float], None] = lambda records, waited_s, took_s: None,
    ) -> None:
        self._run, self._observe = run, observe
        self._max_batch, self._max_waiting, self._threads = max_batch, max_waiting, threads
        self._queue_timeout_s, self._score_timeout_s = queue_timeout_s, score_timeout_s
        self._patience_s = patience_s if threads == 1 else 0.0
        self._waiting: deque[_Job[Record, Answer]] = deque()
        self._count = 0  # records in it
        self._running: set[_Batch[Record, Answer]] = set()
        self._inbox: SimpleQueue[_Batch[Record, Answer] | None] = SimpleQueue()
        self._stuck = 0
        self._settling = self._watching = False

    def start(self) -> None:
        """Start the workers, for the event loop that calls this."""
        self._loop = asyncio.get_running_loop()
        for _ in range(self._threads):
            self._hire()

    def stop(self) -> None:
        """Let the workers end after what they have in hand."""
        for _ in range(self._threads):
            self._inbox.put(None)

    @property
    def full(self) -> bool:
        """Whether no record would be taken now."""
        return self._count >= self._max_waiting

    @property
    def broken(self) -> bool:
        """Whether so many predictions hang that only a restart helps."""
        return self._stuck >= MAX_STUCK

    async def predict(self, records: Sequence[Record]) -> list[Answer]:
        """The answers to `records`, in their order; a part at a time where they are more than a batch.

        Raises:
            Overloaded: Too many records wait.
            TooSlow: No answer in time.
            ModelFault: The model raised on one of them.
        """
        answers: list[Answer] = []
        for start in range(0, len(records), self._max_batch):
            part = records[start : start + self._max_batch]
            if self._count and self._count + len(part) > self._max_waiting:
                raise Overloaded
            job: _Job[Record, Answer] = _Job(part, self._loop.create_future())
            self._waiting.append(job)
            self._count += len(part)
            self._gather()
            try:
                answers += await job.future
            except ModelFault as fault:
                raise ModelFault(start + fault.index, fault.error) from None
        return answers

    def _gather(self) -> None:
        if not self._watching and (self._waiting or self._running):
            self._watching = True
            self._loop.call_later(
                min(self._queue_timeout_s, self._score_timeout_s) / 4, self._watch
            )
        if not self._settling and self._waiting and len(self._running) < self._threads:
            self._settling = True
            self._loop.call_soon(self._settle, self._count, QUIET_TURNS)

    def _settle(self, seen: int, turns: int) -> None:
        """Give the waiting records to a worker if `turns` turns of the loop have added none."""
        turns = turns - 1 if self._count == seen else QUIET_TURNS
        if turns and self._count < self._max_batch:
            self._loop.call_soon(self._settle, self._count, turns)
            return
        self._settling = False
        jobs, room = [], self._max_batch
        while self._waiting and len(self._waiting[0].records) <= room:
            job = self._take()
            if not job.future.done():  # else whoever asked has gone
                jobs.append(job)
                room -= len(job.records)
        if jobs:
            self._start(_Batch(jobs))
        self._gather()

    def _take(self) -> _Job[Record, Answer]:
        job = self._waiting.popleft()
        self._count -= len(job.records)
        return job

    def _start(self, batch: _Batch[Record, Answer]) -> None:
        self._running.add(batch)
        self._inbox.put(batch)
        if self._patience_s and batch.done.acquire(timeout=self._patience_s):
            self._deliver(batch)
            return
        batch.late = True  # from now on the worker calls back
        if batch.done.acquire(blocking=False):  # it had ended just before
            self._deliver(batch)

    def _deliver(self, batch: _Batch[Record, Answer]) -> None:
        if batch not in self._running:  # given up, or delivered by both ways of `_start`
            return
        self._running.remove(batch)
        start = 0
        for job in batch.jobs:
            answers = []
            for index, result in enumerate(batch.results[start : start + len(job.records)]):
                if isinstance(result, BaseException):
                    job.fail(ModelFault(index, result))
                    break
                answers.append(result)
            else:
                if not job.future.done():
                    job.future.set_result(answers)
            start += len(job.records)
        self._observe(start, batch.since - batch.jobs[0].since, perf_counter() - batch.since)
        self._gather()

    def _watch(self) -> None:
        """Answer those whose time is over; runs only while there is somebody to look after."""
        now = perf_counter()
        while self._waiting and now - self._waiting[0].since >= self._queue_timeout_s:
            self._take().fail(TooSlow())
        for batch in [
            batch for batch in self._running if now - batch.since >= self._score_timeout_s
        ]:
            self._running.remove(batch)
            for job in batch.jobs:
                job.fail(TooSlow())
            # A thread cannot be ended from outside: another takes its place.
            self._stuck += 1
            if not self.broken:
                batch.replaced = True
                self._hire()
        self._watching = False
        self._gather()

    def _hire(self) -> None:
        threading.Thread(target=self._work, name="predict", daemon=True).start()

    def _work(self) -> None:
        while (batch := self._inbox.get()) is not None:
            batch.results = self._score([record for job in batch.jobs for record in job.records])
            batch.done.release()
            if batch.late:
                self._loop.call_soon_threadsafe(self._return, batch)
            if batch.replaced:
                return

    def _return(self, batch: _Batch[Record, Answer]) -> None:
        if batch not in self._running and not batch.done.locked():
            self._stuck -= 1
        self._deliver(batch)

    def _score(self, records: list[Record]) -> list[Answer | BaseException]:
        """An answer or an exception for each record: where a batch raises, its halves are tried alone."""
        try:
            answers = list(self._run(records))
            if len(answers) != len(records):
                raise ValueError(f"{len(answers)} answers to {len(records)} records")
            return [*answers]
        except BaseException as error:  # noqa: BLE001  # `sys.exit()` in a model must not end the worker
            if len(records) == 1:
                return [error]
            middle = len(records) // 2
            return self._score(records[:middle]) + self._score(records[middle:])
