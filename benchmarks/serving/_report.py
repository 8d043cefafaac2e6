"""Medians and ratios as Markdown, and the line that our service has to meet."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from statistics import median
from typing import Any

OURS, FLOOR, FLOORS = "ours", "floor-fastapi", "floor-"
TITLES = {"A": "Pipeline", "B": "Forest", "C": "Iris"}
Result = dict[str, Any]


def table(results: list[Result], model: str) -> str:
    """The Markdown table of one model: a row for each system, medians over the repetitions."""
    mine = [result for result in results if result["model"] == model]
    levels = sorted({int(level) for result in mine for level in result.get("load", {})})
    heads = [f"{level} conn." for level in levels]
    lines = [
        f"### {TITLES[model]}",
        "",
        "| requests/s | "
        + " | ".join(heads)
        + " | p99 at 64 | 256 rows at once | cold start | memory | answers |",
        "| --- |" + " ---: |" * (len(levels) + 4) + " --- |",
    ]
    for name in dict.fromkeys(result["system"] for result in mine):
        runs = [result for result in mine if result["system"] == name]
        good = [result for result in runs if "failed" not in result]
        if not good:
            lines.append(f"| {runs[0]['label']} | {runs[0]['failed'][:80]} |" + " |" * (len(levels) + 4))
            continue
        cells = [_number(_median(good, _rate(level))) for level in levels]
        cells.append(f"{_median(good, _p99(64)):.0f} ms" if 64 in levels else "")
        rows_per_s = [run["rows_per_s"] for run in good if "rows_per_s" in run]
        cells.append(f"{_number(median(rows_per_s))} rows/s" if rows_per_s else "-")
        cells.append(f"{_median(good, lambda run: run['cold_start_s']):.1f} s")
        cells.append(f"{_median(good, lambda run: run['memory_mb']):.0f} MB")
        cells.append(_answers(good))
        lines.append(f"| {good[0]['label']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def line_to_meet(results: list[Result]) -> list[tuple[str, float, bool]]:
    """What was promised, the ratio that was found (median over repetitions) and whether it is kept."""
    found: list[tuple[str, float, bool]] = []

    def hold(what: str, model: str, ratio: Callable[[Result, list[Result]], float], least: float) -> None:
        with contextlib.suppress(KeyError, StopIteration, ValueError):  # not all of it was asked for
            ratios = [ratio(*pair) for pair in _repetitions(results, model)]
            found.append((f"{TITLES[model]}: {what}", median(ratios), median(ratios) >= least))

    for model, least in (("A", 4.5), ("B", 3.0), ("C", 5.0)):
        hold(f"at 64, at least {least} x the fastest tool", model, _times_best(64), least)
    hold("at 64, the lowest p99 of the tools at least 5 x ours", "A", _p99_ratio, 5)
    hold("at 8, at least 2 x the fastest tool", "A", _times_best(8), 2)
    hold("at 1, at least 1 x the app written by hand", "A", _times_floor, 1)
    hold("256 rows at once, at least 1.2 x the fastest tool", "A", _times_best_rows, 1.2)
    hold("cold start of the app by hand, at least 1 / 1.1 of ours", "A", _cold_ratio, 1 / 1.1)
    hold("memory of the app by hand and 20 MB, at least ours", "A", _memory_ratio, 1)
    return found


def _repetitions(results: list[Result], model: str) -> Iterable[tuple[Result, list[Result]]]:
    """Ours and the others of each repetition in which ours ran."""
    for repetition in sorted({result["repetition"] for result in results}):
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
    """The serving tools: what is no floor."""
    return [run for run in others if not run["system"].startswith(FLOORS)]


def _times_best(level: int) -> Callable[[Result, list[Result]], float]:
    rate = _rate(level)
    return lambda ours, others: rate(ours) / max(rate(run) for run in _tools(others))


def _p99_ratio(ours: Result, others: list[Result]) -> float:
    return min(_p99(64)(run) for run in _tools(others)) / _p99(64)(ours)


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
