"""How far a run is: a bar on a terminal, a line every half minute elsewhere."""

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

LINE_S = 30.0


class Shown:
    """Shows rows a second, rejected rows and the time that is left."""

    def __init__(self, total: int, done: int) -> None:
        self._console = Console(stderr=True)
        self._bar = Progress(
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rows]:,} rows"),
            TextColumn("{task.fields[speed]:,} a second"),
            TextColumn("{task.fields[rejected]:,} rejected"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task(
            "", total=total, completed=done, rows=0, speed=0, rejected=0
        )
        self._start = self._line = time.monotonic()
        self._rows = self._rejected = 0
        self._total = total

    def __enter__(self) -> "Shown":
        """Show it."""
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the bar as it is."""
        self._bar.stop()

    def advance(self, rows: int, rejected: int, size: int) -> None:
        """Add a part."""
        self._rows, self._rejected = self._rows + rows, self._rejected + rejected
        now = time.monotonic()
        speed = round(self._rows / max(now - self._start, 1e-9))
        self._bar.update(
            self._task, advance=size, rows=self._rows, speed=speed, rejected=self._rejected
        )
        if not self._console.is_terminal and now - self._line > LINE_S:
            self._line = now
            share = round(100 * self._bar.tasks[0].completed / max(1, self._total))
            print(
                f"{share} %: {self._rows:,} rows, {speed:,} a second", file=sys.stderr, flush=True
            )
