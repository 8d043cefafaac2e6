"""The progress display of a verb."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from typing_extensions import assert_never

from scaffold.cli._show import console, show_diff, visible
from scaffold.events import (
    Advanced,
    ChangesPlanned,
    Event,
    Finished,
    Noted,
    PodsChanged,
    RollbackStarted,
    Started,
)
from scaffold.spec import PodState


class Display:
    """Shows the events of a verb on the error stream.

    One line for each finished stage, and below these the live part: a spinner, the bars of a build, the pods
    of a deploy. With `quiet` only notes are shown.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._console = console(stderr=True)
        self._moving: Any = None
        """The live part: a spinner, bars or a table of rich, each with `stop()`."""
        self._tasks: dict[str, Any] | None = None
        """The bar of each stage, while bars are shown."""

    def __enter__(self) -> Display:
        """Begin to show."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the live part; its last state stays on the screen."""
        self._stop()

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if self._quiet and not isinstance(event, Noted):
            return
        match event:
            case Noted(text):
                self._line("[yellow]![/]", "note", text)  # above the live part
            case Started(stage, detail):
                self._stop()
                self._start(stage, detail)
            case Finished(stage, detail):
                self._stop()
                self._line("[green]✓[/]", stage, detail)
            case Advanced():
                self._advance(event)
            case PodsChanged(pods):
                self._show_pods(pods)
            case ChangesPlanned(diff):
                self._stop()
                show_diff(diff or "Nothing changes but what is recorded.", stderr=True)
            case RollbackStarted():
                self._stop()
                self._line("[red]✗[/]", "undo", "it failed; going back …")
            case _:
                assert_never(event)

    def _line(self, mark: str, stage: str, detail: str) -> None:
        self._console.print(f"{mark} [bold]{stage:<11}[/]", end=" ")
        self._console.print(detail, markup=False)

    def _start(self, stage: str, detail: str) -> None:
        if detail:
            self._line("[dim]·[/]", stage, detail)
        if self._console.is_terminal:
            self._moving = self._console.status(f"[dim]{stage} …[/]", spinner="dots")
            self._moving.start()

    def _advance(self, event: Advanced) -> None:
        if self._tasks is None:
            self._stop()
            self._moving, self._tasks = self._bars(), {}
            self._moving.start()
        if event.stage not in self._tasks:
            self._tasks[event.stage] = self._moving.add_task("", total=None, stage=event.stage)
        self._moving.update(
            self._tasks[event.stage],
            description=visible(" ".join(event.detail.split()))[:60],
            total=event.total or None,
            completed=event.done,
        )

    def _bars(self) -> Any:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        return Progress(
            TextColumn("[bold]{task.fields[stage]:<12}[/]"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
            console=self._console,
        )

    def _show_pods(self, pods: Sequence[PodState]) -> None:
        from rich.live import Live
        from rich.table import Table

        if not self._console.is_terminal:
            for pod in pods:
                self._console.print(f"  {pod.name}: {pod.state}", markup=False)
            return
        table = Table(box=None, show_header=False)
        for pod in pods:
            restarts = f"{pod.restarts} restarts" if pod.restarts else ""
            table.add_row("[green]●[/]" if pod.ready else "[yellow]○[/]", pod.name, pod.state, restarts)
        if not isinstance(self._moving, Live):
            self._stop()
            self._moving = Live(console=self._console, refresh_per_second=4)
            self._moving.start()
        self._moving.update(table)

    def _stop(self) -> None:
        if self._moving is not None:
            self._moving.stop()
        self._moving = self._tasks = None
