"""Micro-batching: the records of concurrent requests are scored in one call of the model.

While the model scores one batch, the next one collects. A free model gets the records that wait as
soon as the event loop turned twice without a new one. There is no timer, so a lone request does not
wait.

The model runs in a thread. The event loop waits for it for up to `patience_ms`: most models are
done by then, and the two threads do not compete for the GIL. A slower model goes on in its thread,
while the event loop answers probes and reads the next requests. A quick model is called in the
event loop itself if it should be done by then: the way to a thread and back takes longer.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent import futures
from dataclasses import dataclass
from itertools import islice
from math import inf
from time import perf_counter
from typing import Any, Generic, TypeVar

from app.serving import metrics
from app.serving.errors import ModelFault, Overloaded, TooSlow
from app.serving.logs import request_context
from app.serving.settings import ServingSettings

QUIET_TURNS = 2  # turns of the event loop from the bytes of a request to its records
MAX_HANGING = 4  # predictions that may hang before the process must be restarted

Record = TypeVar("Record")
Answer = TypeVar("Answer")
Answers = list[Any]  # an answer or an exception for each record
Call = futures.Future[Answers]


@dataclass(eq=False)
class Job:
    """Records of one request, at most one batch."""

    records: Sequence[Any]
    answers: "asyncio.Future[Answers]"
    since: float  # when it began to wait, by `perf_counter`
    context: tuple[bytes, bytes]  # of the request, for the log


class Batcher(Generic[Record, Answer]):
    """Collects records, scores them in batches, and returns each answer to its request."""

    def __init__(
        self,
        run: Callable[[list[Record]], Sequence[Answer]],
        settings: ServingSettings,
        *,
        batched: bool = True,
        quick: bool = False,
        name: str = "model",
    ) -> None:
        """Score by `run`.

        Args:
            run: Returns one answer for each record, in order; called in another thread.
            settings: Limits on the records that wait and on the time that they take.
            batched: Whether one call of `run` may get the records of several requests.
            quick: Whether `run` never waits for anything. It is called in the event loop if it
                should take less than `patience_ms`, by the time of the last call for each record.
            name: The label `model` of the metrics.
        """
        self.run, self._settings, self._name = run, settings, name
        self._max_batch = settings.max_batch if batched else 1
        self._patience_s = settings.patience_ms / 1000
        self._quick, self._record_s = quick, inf  # of the last call of a quick model
        self._pool = futures.ThreadPoolExecutor(settings.worker_threads)
        self._waiting: deque[Job] = deque()
        self._count = 0  # records in it
        # Accepted requests whose records arrive in the next turn of the loop, if that is known.
        self.coming: int | None = None
        self._running: dict[Call, tuple[list[Job], float]] = {}
        self._hanging: list[Call] = []
        self._collecting = False
        self._watching = False

    @property
    def room(self) -> int:
        """How many more records may wait."""
        return self._settings.max_waiting - self._count

    @property
    def hanging(self) -> int:
        """How many predictions timed out and still run."""
        return sum(not call.done() for call in self._hanging)

    @property
    def busy(self) -> bool:
        """Whether a prediction runs, hanging or not."""
        return bool(self._running or self.hanging)

    @property
    def broken(self) -> bool:
        """Whether so many predictions hang that only a restart helps."""
        return self.hanging >= MAX_HANGING

    async def score(self, records: Sequence[Record]) -> list[Answer]:
        """Return the answers to `records`, in order.

        Raises:
            Overloaded: Too many records wait already.
            TooSlow: A record waited too long, or its prediction took too long.
            ModelFault: The model raised an exception, which is the cause of this one.
        """
        found: list[Answer] = []
        for start in range(0, len(records), self._max_batch):
            for answer in await self._put(records[start : start + self._max_batch]):
                if isinstance(answer, BaseException):
                    raise ModelFault(len(found)) from answer
                found.append(answer)
        return found

    def _put(self, records: Sequence[Record]) -> "asyncio.Future[Answers]":
        if self._count and self._count + len(records) > self._settings.max_waiting:
            raise Overloaded
        self._loop = loop = asyncio.get_running_loop()
        job = Job(records, loop.create_future(), perf_counter(), request_context.get())
        self._waiting.append(job)
        self._count += len(records)
        self._start_batch(at_once=True)
        if not self._watching:
            self._watch()
        return job.answers

    def _start_batch(self, *, at_once: bool = False) -> None:
        free = len(self._running) < self._settings.worker_threads
        if self._waiting and not self._collecting and free:
            self._collecting = True
            is_alone = at_once and self.coming is not None and self.coming <= 1
            # Never from `_answer`: each would be a call in a call.
            if is_alone and self._is_quick(self._count):
                self._collect(self._count, 1)
            else:
                self._loop.call_soon(self._collect, self._count, QUIET_TURNS)

    def _collect(self, seen: int, turns: int) -> None:
        """Score the waiting records once `turns` turns of the loop have added none."""
        turns = turns - 1 if self._count == seen else QUIET_TURNS
        if turns and self._count < self._max_batch:
            self._loop.call_soon(self._collect, self._count, turns)
            return
        self._collecting = False
        jobs: list[Job] = []
        room = self._max_batch
        while self._waiting and len(self._waiting[0].records) <= room:
            jobs.append(self._waiting.popleft())
            room -= len(jobs[-1].records)
        self._count -= self._max_batch - room
        if jobs:
            self._predict(jobs)
        self._start_batch()

    def _predict(self, jobs: list[Job]) -> None:
        if self._is_quick(sum([len(job.records) for job in jobs])):
            began = perf_counter()
            self._answer(jobs, began, self._score_jobs(jobs))
            return
        call = self._pool.submit(self._score_jobs, jobs)
        self._running[call] = jobs, perf_counter()
        try:
            call.result(self._patience_s if self._settings.worker_threads == 1 else 0)
        except futures.TimeoutError:
            timer = self._loop.call_later(self._settings.score_timeout_s, self._give_up, call)
            call.add_done_callback(
                lambda _: self._loop.call_soon_threadsafe(self._deliver, call, timer)
            )
        else:
            self._deliver(call)

    def _is_quick(self, records: int) -> bool:
        """Whether a call for so many records should take less than `patience_ms`."""
        return records * self._record_s < self._patience_s

    def _deliver(self, call: Call, timer: asyncio.TimerHandle | None = None) -> None:
        if timer:
            timer.cancel()
        if call in self._running:  # or else it timed out
            self._answer(*self._running.pop(call), call.result())

    def _answer(self, jobs: list[Job], began: float, answers: Answers) -> None:
        """Give each job its answers, of a call that began at a time by `perf_counter`."""
        rest = iter(answers)
        for job in jobs:
            mine = list(islice(rest, len(job.records)))
            if not job.answers.done():  # or else its request was cancelled
                job.answers.set_result(mine)
        waited_s, took_s = began - jobs[0].since, perf_counter() - began
        if self._quick:
            self._record_s = took_s / len(answers)
        metrics.count_batch(self._name, len(answers), waited_s, took_s)
        self._start_batch()

    def _give_up(self, call: Call) -> None:
        """Answer 504 for a prediction that hangs. A new thread replaces its thread."""
        jobs, _ = self._running.pop(call)
        self._hanging = [*(other for other in self._hanging if not other.done()), call]
        if not self.broken:
            self._pool.shutdown(wait=False)
            self._pool = futures.ThreadPoolExecutor(self._settings.worker_threads)
        for job in jobs:
            time_out(job)
        self._start_batch()

    def _watch(self) -> None:
        """Answer 504 to records that waited too long; look again when the next may have."""
        last = perf_counter() - self._settings.queue_timeout_s
        while self._waiting and self._waiting[0].since <= last:
            job = self._waiting.popleft()
            self._count -= len(job.records)
            time_out(job)
        self._watching = bool(self._waiting)
        if self._waiting:
            self._loop.call_later(self._waiting[0].since - last, self._watch)

    def _score_jobs(self, jobs: list[Job]) -> Answers:
        """Run in the thread or a callback. `run` logs with the ids of all requests in the batch."""
        ids = b",".join([job.context[0] for job in jobs])
        request_context.set((ids, jobs[0].context[1] if len(jobs) == 1 else b""))
        return self._score_each([record for job in jobs for record in job.records])

    def _score_each(self, records: list[Record]) -> Answers:
        """An answer or an exception for each record: if a batch raises, its halves are tried."""
        try:
            answers = self.run(records)
            if len(answers) != len(records):
                raise ValueError(f"{len(answers)} answers to {len(records)} records")
            return [*answers]
        except BaseException as error:  # noqa: BLE001  # not even `sys.exit()` ends the service
            if len(records) == 1:
                return [error]
            middle = len(records) // 2
            return self._score_each(records[:middle]) + self._score_each(records[middle:])


def time_out(job: Job) -> None:
    """Answer 504."""
    if not job.answers.done():
        job.answers.set_exception(TooSlow())
