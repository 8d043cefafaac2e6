"""Processes that score parts, one for each core."""

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from multiprocessing.connection import Connection, wait
from typing import Any, cast

from batch.files import BatchError, Folder
from batch.values import Done, Part, Task


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
    score = _ready(task)
    for part in parts:
        yield score(part)


def _ready(task: Task) -> Callable[[Part], Done]:
    """Load the model; return what scores a part."""
    from batch import parts, scoring  # the model's libraries: the process that hands out needs none

    scoring.load()
    return partial(parts.score_part, task=task, out=Folder(task.out))


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
    try:
        score = _ready(task)
        while True:
            connection.send(score(connection.recv()))
    except (EOFError, ConnectionError, KeyboardInterrupt):
        return
    except BatchError as error:
        connection.send(error)
    except Exception as error:
        connection.send(BatchError(f"{type(error).__name__}: {error}"))
        raise


def _ended(process: Any) -> BatchError:
    process.join(1)
    return BatchError(
        f"A worker process ended (exit status {process.exitcode}), perhaps for want of memory.\n"
        "The same command goes on where it stopped; --workers gives a smaller number."
    )
