"""Medians and ratios as Markdown, and the line that our service has to meet."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import Any

OURS, FLOOR, FLOORS = "ours", "floor-fastapi", "floor-"
NEAR = 0.7
TITLES = {"A": "Pipeline", "B": "Forest", "C": "Iris"}
Result = dict[str, Any]


def report(results: list[Result]) -> str:
    """All of it as Markdown: where it was measured, a table for each model, the line to meet."""
    models = sorted({result["model"] for result in results})
    rounds = 1 + max(result["repetition"] for result in results)
    where = f"One core of {_processor()} for the server, another for wrk; medians of up to {rounds} rounds."
    heads = ["| the line to meet | found | |", "| --- | ---: | --- |"]
    lines = [
        f"| {what} | {ratio:.2f} | {'met' if met else 'NOT MET'} |"
        for what, ratio, met in line_to_meet(results)
    ]
    return "\n\n".join([where, *(table(results, model) for model in models), "\n".join(heads + lines)]) + "\n"


def _processor() -> str:
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line for line in lines if line.startswith("model name")).partition(":")[2].strip()
    return "this machine"


def contenders(results: list[Result], model: str) -> list[str]:
    """Ours, the floor written by hand, and the tools that came near the best at what they are compared by."""
    mine = [run for run in results if run["model"] == model and "failed" not in run]
    *fewer, most = _levels(mine)
    measures: list[Callable[[Result], float]] = [_rate(most), lambda run: 1 / _p99(most)(run)]
    if model == "A":  # which alone has lines for fewer connections and for many rows
        measures += [_rate(level) for level in fewer[1:]] + [lambda run: run.get("rows_per_s", 0)]
    near = [FLOOR, OURS]  # one after the other, for how they start is compared
    for measure in measures:
        best = max(map(measure, _tools(mine)), default=0)
        near += [run["system"] for run in _tools(mine) if measure(run) >= NEAR * best]
    return list(dict.fromkeys(near))


def _levels(results: list[Result]) -> list[int]:
    return sorted({int(level) for result in results for level in result.get("load", {})})


def table(results: list[Result], model: str) -> str:
    """The Markdown table of one model: a row for each system, medians over the repetitions."""
    mine = [result for result in results if result["model"] == model]
    levels = _levels(mine)
    heads = [f"{level} conn." for level in levels]
    lines = [
        f"### {TITLES[model]}",
        "",
        "| requests/s | version | "
        + " | ".join(heads)
        + " | p99 at 64 | 256 rows at once | cold start | memory | answers |",
        "| --- | --- |" + " ---: |" * (len(levels) + 4) + " --- |",
    ]
    for name in dict.fromkeys(result["system"] for result in mine):
        runs = [result for result in mine if result["system"] == name]
        good = [result for result in runs if "failed" not in result]
        if not good:
            lines.append(f"| {runs[0]['label']} | {runs[0]['failed'][:80]} |" + " |" * (len(levels) + 5))
            continue
        cells = [_number(_median(good, _rate(level))) for level in levels]
        cells.append(f"{_median(good, _p99(64)):.0f} ms" if 64 in levels else "")
        rows_per_s = [run["rows_per_s"] for run in good if "rows_per_s" in run]
        cells.append(f"{_number(median(rows_per_s))} rows/s" if rows_per_s else "-")
        cells.append(f"{_median(good, lambda run: run['cold_start_s']):.1f} s")
        cells.append(f"{_median(good, lambda run: run['memory_mb']):.0f} MB")
        cells.append(_answers(good))
        lines.append(f"| {good[0]['label']} | {good[0]['version']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def line_to_meet(results: list[Result]) -> list[tuple[str, float, bool]]:
    """What was promised, the ratio that was found (median over the rounds in turns), and if it is kept."""
    found: list[tuple[str, float, bool]] = []

    def hold(what: str, model: str, ratio: Callable[[Result, list[Result]], float], least: float) -> None:
        with contextlib.suppress(KeyError, StopIteration, ValueError):  # not all of it was asked for
            ratios = [ratio(*pair) for pair in _repetitions(results, model)]
            found.append((f"{TITLES[model]}: {what}", median(ratios), median(ratios) >= least))

    for model, least in (("A", 4.5), ("B", 3.0), ("C", 5.0)):
        hold(f"at 64, at least {least} x the fastest tool", model, _times_best(64), least)
        hold("at 64, the lowest p99 of the tools at least 5 x ours", model, _p99_ratio, 5)
        hold("at 64, the slowest probe took at most a second, answered", model, _probes, 1)
    hold("at 8, at least 2 x the fastest tool", "A", _times_best(8), 2)
    hold("at 1, at least 1 x the app written by hand", "A", _times_floor, 1)
    hold("256 rows at once, at least 1.2 x the fastest tool", "A", _times_best_rows, 1.2)
    hold("cold start of the app by hand, at least 1 / 1.1 of ours", "A", _cold_ratio, 1 / 1.1)
    hold("memory of the app by hand and 20 MB, at least ours", "A", _memory_ratio, 1)
    return found


def _repetitions(results: list[Result], model: str) -> Iterable[tuple[Result, list[Result]]]:
    """Ours and the others of each repetition in which they took turns; of the first, if there is no other."""
    repetitions = sorted({result["repetition"] for result in results})
    for repetition in repetitions[1:] or repetitions:
        here = [
            result
            for result in results
            if (result["repetition"], result["model"]) == (repetition, model) and "failed" not in result
        ]
        ours = [result for result in here if result["system"] == OURS]
        others = [result for result in here if result["system"] != OURS]
        if ours and others:
            yield ours[0], others


def _rate(level: int) -> Callable[[Result], float]:
    return lambda run: float(run["load"][str(level)]["rps"])


def _p99(level: int) -> Callable[[Result], float]:
    return lambda run: float(run["load"][str(level)]["p99_ms"])


def _tools(others: list[Result]) -> list[Result]:
    """The serving tools: neither floors nor ours."""
    return [run for run in others if not run["system"].startswith((FLOORS, OURS))]


def _times_best(level: int) -> Callable[[Result, list[Result]], float]:
    rate = _rate(level)
    return lambda ours, others: rate(ours) / max(rate(run) for run in _tools(others))


def _p99_ratio(ours: Result, others: list[Result]) -> float:
    return min(_p99(64)(run) for run in _tools(others)) / _p99(64)(ours)


def _probes(ours: Result, _others: list[Result]) -> float:
    return float(1e3 / max(1e-3, ours["load"]["64"]["probe_ms"]))


def _times_best_rows(ours: Result, others: list[Result]) -> float:
    return float(ours["rows_per_s"] / max(run.get("rows_per_s", 0) for run in _tools(others)))


def _by_hand(others: list[Result]) -> Result:
    return next(run for run in others if run["system"] == FLOOR)


def _times_floor(ours: Result, others: list[Result]) -> float:
    return _rate(1)(ours) / _rate(1)(_by_hand(others))


def _cold_ratio(ours: Result, others: list[Result]) -> float:
    return float(_by_hand(others)["cold_start_s"] / ours["cold_start_s"])


def _memory_ratio(ours: Result, others: list[Result]) -> float:
    return float((_by_hand(others)["memory_mb"] + 20) / ours["memory_mb"])


def _median(runs: list[Result], value: Callable[[Result], float]) -> float:
    return median(value(run) for run in runs)


def _number(value: float) -> str:
    return f"{value:,.0f}"


def _answers(runs: list[Result]) -> str:
    wrong = sum(level["wrong"] for run in runs for level in run["load"].values())
    bad = sum(level["bad"] for run in runs for level in run["load"].values())
    if wrong or bad:
        return f"{wrong} wrong, {bad} failed"
    return (
        "all equal" if all(run["answers_equal"] and run.get("many_equal", True) for run in runs) else "differ"
    )
