"""Requests that wait together are predicted together.

While the model predicts one batch, the next one gathers. A free model gets what is there as soon as
a few turns of the event loop have added nothing: there is no timer, so a lone request pays nothing.

The model runs in a thread, and the event loop waits for it for up to `patience_ms`: a quick model
is done by then, and two threads never fought over the interpreter's lock. A slower one goes on
while the loop answers probes and takes in what comes next.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent import futures
from dataclasses import dataclass
from itertools import islice
from time import perf_counter

from app import metrics, score
from app.errors import ModelFault, Overloaded, TooSlow
from app.schemas import ModelInput, ModelOutput
from app.settings import settings

MAX_BATCH = settings.max_batch if score.BATCHED else 1
QUIET_TURNS = 2  # from the bytes of a request to its records here the loop turns twice
MAX_HANGING = 4  # predictions that may hang before only a restart helps

Answers = list[ModelOutput | BaseException]
Call = futures.Future[Answers]


@dataclass(eq=False)
class Job:
    """Records of one request, at most a batch, and since when they wait."""

    records: Sequence[ModelInput]
    answers: "asyncio.Future[Answers]"
    since: float


class Batcher:
    """Gathers records, has them predicted and hands out the answers in order."""

    def __init__(self) -> None:
        self._pool = futures.ThreadPoolExecutor(settings.worker_threads)
        self._waiting: deque[Job] = deque()
        self._count = 0  # records in it
        self.coming = 0  # requests let in, whose records are here after the loop's next turn
        self._running: dict[Call, tuple[list[Job], float]] = {}
        self._hanging: list[Call] = []
        self._settling = False
        self._watching = False

    @property
    def room(self) -> int:
        """How many more records may wait."""
        return settings.max_waiting - self._count

    @property
    def full(self) -> bool:
        """Whether a record would be turned away."""
        return self.room <= 0

    @property
    def hanging(self) -> int:
        """How many predictions were given up and still go on."""
        return sum(not call.done() for call in self._hanging)

    async def predict(self, records: Sequence[ModelInput]) -> list[ModelOutput]:
        """The answers to `records`, in order; a part at a time where they are more than a batch."""
        found: list[ModelOutput] = []
        for start in range(0, len(records), MAX_BATCH):
            for answer in await self._put(records[start : start + MAX_BATCH]):
                if isinstance(answer, BaseException):
                    raise ModelFault(len(found), answer)
                found.append(answer)
        return found

    def _put(self, records: Sequence[ModelInput]) -> "asyncio.Future[Answers]":
        if self._count and self._count + len(records) > settings.max_waiting:
            raise Overloaded
        self._loop = loop = asyncio.get_running_loop()
        job = Job(records, loop.create_future(), perf_counter())
        self._waiting.append(job)
        self._count += len(records)
        self._gather()
        if not self._watching:
            self._watch()
        return job.answers

    def _gather(self) -> None:
        if self._waiting and not self._settling and len(self._running) < settings.worker_threads:
            self._settling = True
            self._loop.call_soon(self._settle, self._count, QUIET_TURNS)

    def _settle(self, seen: int, turns: int) -> None:
        """Have the waiting records predicted once `turns` turns of the loop have added none."""
        turns = turns - 1 if self._count == seen else QUIET_TURNS
        if turns and self._count < MAX_BATCH:
            self._loop.call_soon(self._settle, self._count, turns)
            return
        self._settling = False
        jobs: list[Job] = []
        room = MAX_BATCH
        while self._waiting and len(self._waiting[0].records) <= room:
            jobs.append(self._waiting.popleft())
            room -= len(jobs[-1].records)
        self._count -= MAX_BATCH - room
        if jobs:
            self._predict(jobs)
        self._gather()

    def _predict(self, jobs: list[Job]) -> None:
        call = self._pool.submit(predict_each, [record for job in jobs for record in job.records])
        self._running[call] = jobs, perf_counter()
        try:
            call.result(settings.patience_ms / 1000 if settings.worker_threads == 1 else 0)
        except futures.TimeoutError:
            timer = self._loop.call_later(settings.score_timeout_s, self._give_up, call)
            call.add_done_callback(
                lambda _: self._loop.call_soon_threadsafe(self._deliver, call, timer)
            )
        else:
            self._deliver(call)

    def _deliver(self, call: Call, timer: asyncio.TimerHandle | None = None) -> None:
        if timer:
            timer.cancel()
        if call in self._running:  # or else it was given up
            jobs, began = self._running.pop(call)
            answers = iter(call.result())
            for job in jobs:
                mine = list(islice(answers, len(job.records)))
                if not job.answers.done():  # or else whoever asked has gone
                    job.answers.set_result(mine)
            took_s = perf_counter() - began
            metrics.count_batch(len(call.result()), began - jobs[0].since, took_s)
            self._gather()

    def _give_up(self, call: Call) -> None:
        """Go on without a prediction that hangs. Its thread cannot be ended; others take over."""
        jobs, _ = self._running.pop(call)
        self._hanging = [*(other for other in self._hanging if not other.done()), call]
        if self.hanging < MAX_HANGING:
            self._pool.shutdown(wait=False)
            self._pool = futures.ThreadPoolExecutor(settings.worker_threads)
        for job in jobs:
            fail(job)
        self._gather()

    def _watch(self) -> None:
        """Fail what has waited for too long, and look again when the next may have."""
        last = perf_counter() - settings.queue_timeout_s
        while self._waiting and self._waiting[0].since <= last:
            job = self._waiting.popleft()
            self._count -= len(job.records)
            fail(job)
        self._watching = bool(self._waiting)
        if self._waiting:
            self._loop.call_later(self._waiting[0].since - last, self._watch)


def fail(job: Job) -> None:
    """Tell whoever asked that it took too long."""
    if not job.answers.done():
        job.answers.set_exception(TooSlow())


def predict_each(records: list[ModelInput]) -> Answers:
    """An answer or an exception for each record: if a batch raises, its halves are tried."""
    try:
        answers = score.run(records)
        if len(answers) != len(records):
            raise ValueError(f"{len(answers)} answers to {len(records)} records")
        return [*answers]
    except BaseException as error:  # noqa: BLE001  # not even `sys.exit()` ends the service
        if len(records) == 1:
            return [error]
        middle = len(records) // 2
        return predict_each(records[:middle]) + predict_each(records[middle:])
