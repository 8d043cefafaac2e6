"""Processes that score parts, one for each core."""

import contextlib
import multiprocessing
import signal
import traceback
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from multiprocessing.connection import Connection, wait
from typing import Any, cast

from batch.database import is_table
from batch.files import BatchError
from batch.values import Done, Output, Part, Task


def score_parts(parts: Iterable[Part], task: Task, workers: int) -> Iterator[Done]:
    """Score parts in as many processes, and yield each that is written, in any order."""
    if workers == 1:
        yield from _score_here(parts, task)
        return
    # A process of its own knows nothing of this one: not its threads, and not its open files.
    context = multiprocessing.get_context("spawn")
    processes = {}
    for _ in range(workers):
        here, there = context.Pipe()
        process = context.Process(target=_work, args=(there, task), daemon=True)
        process.start()
        there.close()
        processes[here] = process
    try:
        yield from _hand_out(iter(parts), processes)
    finally:
        for connection, process in processes.items():
            connection.close()
            process.join(1)
            if process.is_alive():
                process.terminate()
                process.join()


def _score_here(parts: Iterable[Part], task: Task) -> Iterator[Done]:
    try:
        score = _ready(task)
    except Exception as error:
        raise _fault(error) from error
    for part in parts:
        try:
            done = score(part)
        except Exception as error:
            raise _fault(error) from error
        yield done


def _ready(task: Task) -> Callable[[Part], Done]:
    """Load the model; return what scores a part."""
    from batch import parts, scoring  # the model's libraries: the process that hands out needs none

    scoring.load()
    return partial(parts.score_part, task=task, output=_output(task))


def _output(task: Task) -> Output:
    if is_table(task.out):
        from batch.tables import TableOutput

        return TableOutput(task)
    from batch.outputs import FolderOutput

    return FolderOutput(task)


def _hand_out(parts: Iterator[Part], processes: dict[Connection, Any]) -> Iterator[Done]:
    """Give each process a part, and another one when it is done."""
    busy: dict[Any, Part] = {}
    idle: list[Any] = list(processes)
    next_part = next(parts, None)
    while busy or next_part is not None:
        while idle and next_part is not None:
            connection = idle.pop()
            try:
                connection.send(next_part)
            except OSError:
                raise _ended(processes[connection]) from None
            busy[connection] = next_part
            next_part = next(parts, None)
        for connection in cast("list[Connection]", wait(list(busy))):
            try:
                result = connection.recv()
            except (EOFError, OSError):
                raise _ended(processes[connection]) from None
            if isinstance(result, BaseException):
                raise result
            del busy[connection]
            idle.append(connection)
            yield result


def _work(connection: Connection, task: Task) -> None:
    """Score parts until the other end is closed: it also is when that process was killed."""
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        try:
            score = _ready(task)
        except Exception as error:  # noqa: BLE001 - raised by the process that hands out
            connection.send(_fault(error))
            return
        while True:
            part = connection.recv()
            done: Done | BatchError
            try:
                done = score(part)
            except Exception as error:  # noqa: BLE001 - likewise
                done = _fault(error)
            connection.send(done)


def _fault(error: Exception) -> BatchError:
    """Return what went wrong and where, in one message."""
    if isinstance(error, BatchError):
        return error
    where = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{where.filename}, line {where.lineno}, in {where.name}"
    return BatchError(f"{type(error).__name__}: {error}\n  {place}")


def _ended(process: Any) -> BatchError:
    process.join(1)
    return BatchError(
        f"A worker process ended ({_status(process.exitcode)}), perhaps for want of memory.\n"
        "The same command goes on where it stopped; --workers gives a smaller number."
    )


def _status(code: int | None) -> str:
    if code is not None and code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit status {code}"
