"""Requests that wait together are predicted together.

While the model predicts one batch, the next one gathers. A free model gets what is there as soon as
a few turns of the event loop have added nothing: there is no timer, so a lone request pays nothing.

The model runs in a thread, and the event loop waits for it for up to `patience_s`: a quick model is
done by then, and two threads never fought over the interpreter's lock. A slower one goes on while
the loop answers probes and takes in what comes next.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent import futures
from time import perf_counter
from typing import Any, Generic, NamedTuple, TypeVar

Record = TypeVar("Record")
Answer = TypeVar("Answer")

QUIET_TURNS = 2  # from the bytes of a request to its records here the loop turns twice
MAX_HANGING = 4  # predictions that may hang before only a restart helps


class Overloaded(Exception):
    """Too many records wait already."""


class TooSlow(Exception):
    """A record waited, or its prediction took, for too long."""


class ModelFault(Exception):
    """The model raised `error` on the record at `index` of a request."""

    def __init__(self, index: int, error: BaseException) -> None:
        super().__init__(index)
        self.index, self.error = index, error


class _Job(NamedTuple):
    """Records of one request, at most a batch."""

    records: Sequence[Any]
    answer: "asyncio.Future[list[Any]]"
    since: float


Call = futures.Future[list[Any]]


class Batcher(Generic[Record, Answer]):
    """Gathers records, has them predicted and hands out the answers in order."""

    def __init__(
        self,
        run: Callable[[list[Record]], Sequence[Answer]],
        *,
        max_batch: int,
        max_waiting: int,
        queue_timeout_s: float,
        score_timeout_s: float,
        patience_s: float,
        threads: int,
        observe: Callable[[int, float, float], None],  # records, seconds waited and predicted
    ) -> None:
        self._run, self._observe = run, observe
        self._max_batch, self._max_waiting, self._threads = max_batch, max_waiting, threads
        self._queue_timeout_s, self._score_timeout_s = queue_timeout_s, score_timeout_s
        self._patience_s = patience_s if threads == 1 else 0.0
        self._waiting: deque[_Job] = deque()
        self._count = 0  # records in it
        self._running: dict[Call, tuple[list[_Job], float]] = {}
        self._hanging: list[Call] = []
        self._settling = self._watching = False

    def start(self) -> None:
        """Start, in the event loop that this is called from."""
        self._loop = asyncio.get_running_loop()
        self._pool = futures.ThreadPoolExecutor(self._threads)

    def stop(self) -> None:
        """Let the threads end after what they have in hand."""
        self._pool.shutdown(wait=False)

    @property
    def full(self) -> bool:
        """Whether a record would be turned away."""
        return self._count >= self._max_waiting

    @property
    def hanging(self) -> int:
        """How many predictions were given up and still go on."""
        return sum(not call.done() for call in self._hanging)

    @property
    def broken(self) -> bool:
        """Whether so many hang that only a restart helps."""
        return self.hanging >= MAX_HANGING

    async def predict(self, records: Sequence[Record]) -> list[Answer]:
        """The answers to `records`, in order; a part at a time where they are more than a batch.

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
            job = _Job(part, self._loop.create_future(), perf_counter())
            self._waiting.append(job)
            self._count += len(part)
            self._gather()
            for index, answer in enumerate(await job.answer, start):
                if isinstance(answer, BaseException):
                    raise ModelFault(index, answer)
                answers.append(answer)
        return answers

    def _gather(self) -> None:
        if not self._watching and (self._waiting or self._running):
            self._watching = True
            pause_s = min(self._queue_timeout_s, self._score_timeout_s) / 4
            self._loop.call_later(pause_s, self._watch)
        if not self._settling and self._waiting and len(self._running) < self._threads:
            self._settling = True
            self._loop.call_soon(self._settle, self._count, QUIET_TURNS)

    def _settle(self, seen: int, turns: int) -> None:
        """Have the waiting records predicted once `turns` turns of the loop have added none."""
        turns = turns - 1 if self._count == seen else QUIET_TURNS
        if turns and self._count < self._max_batch:
            self._loop.call_soon(self._settle, self._count, turns)
            return
        self._settling = False
        jobs, room = [], self._max_batch
        while self._waiting and len(self._waiting[0].records) <= room:
            jobs.append(self._take())
            room -= len(jobs[-1].records)
        if jobs:
            self._call(jobs)
        self._gather()

    def _take(self) -> _Job:
        job = self._waiting.popleft()
        self._count -= len(job.records)
        return job

    def _call(self, jobs: list[_Job]) -> None:
        call = self._pool.submit(self._score, [record for job in jobs for record in job.records])
        self._running[call] = jobs, perf_counter()
        try:
            call.result(self._patience_s)
        except futures.TimeoutError:
            call.add_done_callback(lambda _: self._loop.call_soon_threadsafe(self._deliver, call))
        else:
            self._deliver(call)

    def _score(self, records: list[Record]) -> list[Answer | BaseException]:
        """An answer or an exception for each record: if a batch raises, its halves are tried."""
        try:
            answers = list(self._run(records))
            if len(answers) != len(records):
                raise ValueError(f"{len(answers)} answers to {len(records)} records")
            return [*answers]
        except BaseException as error:  # noqa: BLE001  # not even `sys.exit()` ends the service
            if len(records) == 1:
                return [error]
            middle = len(records) // 2
            return self._score(records[:middle]) + self._score(records[middle:])

    def _deliver(self, call: Call) -> None:
        if call not in self._running:  # given up
            return
        jobs, began = self._running.pop(call)
        answers = iter(call.result())
        for job in jobs:
            mine = [next(answers) for _ in job.records]
            if not job.answer.done():  # or else whoever asked has gone
                job.answer.set_result(mine)
        self._observe(len(call.result()), began - jobs[0].since, perf_counter() - began)
        self._gather()

    def _watch(self) -> None:
        """Turn away those whose time is over; runs only while there is somebody to look after."""
        now = perf_counter()
        late = []
        while self._waiting and now - self._waiting[0].since >= self._queue_timeout_s:
            late.append(self._take())
        for call, (_, began) in list(self._running.items()):
            if now - began >= self._score_timeout_s:
                # A thread cannot be ended from outside: others take its place.
                late += self._running.pop(call)[0]
                self._hanging = [*(other for other in self._hanging if not other.done()), call]
                if not self.broken:
                    self._pool.shutdown(wait=False)
                    self._pool = futures.ThreadPoolExecutor(self._threads)
        for job in late:
            if not job.answer.done():
                job.answer.set_exception(TooSlow())
        self._watching = False
        self._gather()
