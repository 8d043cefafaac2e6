"""Medians and ratios as Markdown, and the line that our service has to meet."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

OURS, PLAIN, COMPILED = "ours", "ours-plain", "ours-compiled"
FLOOR, FLOORS = "floor-fastapi", "floor-"
NEAR = 0.7
TITLES = {"A": "Pipeline", "B": "Forest", "C": "Iris"}
Result = dict[str, Any]
Measure = Callable[[Result], float]
Near = dict[str, list[str]]


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


def contenders(results: list[Result], model: str) -> Near:
    """Who takes part in what has a line to meet, by number of connections, as `rows` and as `starts`.

    Ours in each form, and the floor written by hand or the tools that came near the best at it.
    """
    mine = [run for run in results if run["model"] == model and "failed" not in run]
    *fewer, most = _levels(mine)
    near: Near = {level: [] for level in (*map(str, fewer), "rows", "starts")}
    near[str(most)] = _near(mine, [_rate(most), lambda run: 1 / _p99(most)(run)])
    near |= {str(level): [FLOOR, *_near(mine, [_rate(level)])] for level in fewer[:1]}
    near |= {"rows": _near(mine, [_rows_per_s]), "starts": [FLOOR, OURS, PLAIN, COMPILED]}
    if model == "A":  # which alone has lines between the fewest and the most connections
        near |= {str(level): _near(mine, [_rate(level)]) for level in fewer[1:]}
    return near


def _near(runs: list[Result], measures: list[Measure]) -> list[str]:
    near = [OURS, PLAIN, COMPILED]
    tools = sorted({run["system"] for run in runs if _is_tool(run)})
    for measure in measures:
        found = {tool: _values([run for run in runs if run["system"] == tool], measure) for tool in tools}
        medians = {tool: median(values) for tool, values in found.items() if values}
        near += [tool for tool, value in medians.items() if value >= NEAR * max(medians.values())]
    return list(dict.fromkeys(near))


def _levels(results: list[Result]) -> list[int]:
    return sorted({int(level) for result in results for level in result.get("load", {})})


def table(results: list[Result], model: str) -> str:
    """The Markdown table of one model: a row for each system, medians over all that was measured."""
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
        rows_per_s = _values(good, _rows_per_s)
        cells.append(f"{_number(median(rows_per_s))} rows/s" if rows_per_s else "-")
        cells.append(f"{_median(good, lambda run: run['cold_start_s']):.1f} s")
        cells.append(f"{_median(good, lambda run: run['memory_mb']):.0f} MB")
        cells.append(_answers(good))
        lines.append(f"| {good[0]['label']} | {good[0]['version']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def line_to_meet(results: list[Result]) -> list[tuple[str, float, bool]]:
    """What was promised, the ratio that was found, and if it is kept.

    The ratio to one other is the median over the turns that both took; to several, the lowest of those.
    """
    found: list[tuple[str, float, bool]] = []

    def hold(
        what: str,
        model: str,
        ratio: Callable[[Result, Result], float],
        least: float,
        *,
        floor: bool = False,
        system: str = OURS,
    ) -> None:
        ratios: dict[str, list[float]] = {}
        for ours, other in _pairs(results, model, system):
            if other["system"] == FLOOR if floor else _is_tool(other):
                with contextlib.suppress(KeyError):  # one of them had no part in it
                    here = ratio(ours, other)
                    ratios.setdefault(other["system"], []).append(here)
        if ratios:
            lowest = min(map(median, ratios.values()))
            found.append((f"{TITLES[model]}: {what}", lowest, lowest >= least))

    for model, least in (("A", 4.5), ("B", 3.0), ("C", 5.0)):
        hold(f"at 64, at least {least} x the fastest tool", model, _times(_rate(64)), least)
        hold("at 64, the lowest p99 of the tools at least 5 x ours", model, _p99_ratio, 5)
        probes = _values([run for run in results if (run["system"], run["model"]) == (OURS, model)], _probe_s)
        if probes:
            what = f"{TITLES[model]}: at 64, the slowest probe took at most a second, answered"
            found.append((what, 1 / max(probes), max(probes) <= 1))
    hold("at 8, at least 2 x the fastest tool", "A", _times(_rate(8)), 2)
    hold("at 1, at least 1 x the app written by hand", "A", _times(_rate(1)), 1, floor=True)
    hold("256 rows at once, at least 1.2 x the fastest tool", "A", _times(_rows_per_s), 1.2)
    hold("cold start of the app by hand, at least 1 / 1.1 of ours", "A", _cold_ratio, 1 / 1.1, floor=True)
    hold("memory of the app by hand and 20 MB, at least ours", "A", _memory_ratio, 1, floor=True)
    for model, at_1, at_64, rows in (("A", 20, 9, 4), ("B", 30, 8, 4), ("C", 3.5, 7, 0.7)):
        by_tools: list[tuple[str, Callable[[Result, Result], float], float]] = [
            (f"at 1, at least {at_1} x the fastest tool", _times(_rate(1)), at_1),
            (f"at 64, at least {at_64} x the fastest tool", _times(_rate(64)), at_64),
            ("at 64, the lowest p99", _p99_ratio, 1),
            (f"256 rows at once, at least {rows} x the fastest tool", _times(_rows_per_s), rows),
        ]
        for what, ratio, least in by_tools:
            hold(f"compiled, {what}", model, ratio, least, system=COMPILED)
        by_hand: list[tuple[str, Callable[[Result, Result], float], float]] = [
            ("cold start", _cold_ratio, 2),
            ("memory", _memory_times, 2),
        ]
        for what, ratio, least in by_hand:
            words = f"compiled, {what} of the app by hand, at least {least} x ours"
            hold(words, model, ratio, least, floor=True, system=COMPILED)
    return found


def _pairs(results: list[Result], model: str, system: str) -> Iterator[tuple[Result, Result]]:
    """Ours and another, of each turn in a round in turns; of the first round, if there is no other."""
    good = [run for run in results if run["model"] == model and "failed" not in run]
    good = [run for run in good if run["repetition"]] or good
    for ours in good:
        for other in good if ours["system"] == system else []:
            if all(ours[key] == other[key] for key in ("repetition", "turn")) and other is not ours:
                yield ours, other


def _rate(level: int) -> Measure:
    return lambda run: float(_answered(run, level)["rps"])


def _p99(level: int) -> Measure:
    return lambda run: float(_answered(run, level)["p99_ms"])


def _answered(run: Result, level: int) -> dict[str, float]:
    """Return what was measured with so many connections; a tool that answered nothing had no part in it.

    Raises:
        KeyError: It had no part in it.
    """
    load: dict[str, float] = run["load"][str(level)]
    if not load["requests"]:
        raise KeyError(level)
    return load


def _rows_per_s(run: Result) -> float:
    return float(run["rows_per_s"])


def _probe_s(run: Result) -> float:
    return max(1e-6, float(run["load"]["64"]["probe_ms"]) / 1e3)


def _is_tool(run: Result) -> bool:
    """Whether it is a serving tool: neither a floor nor ours."""
    return not run["system"].startswith((FLOORS, OURS))


def _times(measure: Measure) -> Callable[[Result, Result], float]:
    return lambda ours, other: measure(ours) / measure(other)


def _p99_ratio(ours: Result, other: Result) -> float:
    return _p99(64)(other) / _p99(64)(ours)


def _cold_ratio(ours: Result, other: Result) -> float:
    return float(other["cold_start_s"] / ours["cold_start_s"])


def _memory_ratio(ours: Result, other: Result) -> float:
    return float((other["memory_mb"] + 20) / ours["memory_mb"])


def _memory_times(ours: Result, other: Result) -> float:
    return float(other["memory_mb"] / ours["memory_mb"])


def _values(runs: list[Result], value: Measure) -> list[float]:
    """Of those runs that have it."""
    found = []
    for run in runs:
        with contextlib.suppress(KeyError):
            found.append(value(run))
    return found


def _median(runs: list[Result], value: Measure) -> float:
    return median(_values(runs, value))


def _number(value: float) -> str:
    return f"{value:,.0f}"


def _answers(runs: list[Result]) -> str:
    wrong = sum(level["wrong"] for run in runs for level in run.get("load", {}).values())
    bad = sum(level["bad"] for run in runs for level in run.get("load", {}).values())
    if wrong or bad:
        return f"{wrong} wrong, {bad} failed"
    return (
        "all equal" if all(run["answers_equal"] and run.get("many_equal", True) for run in runs) else "differ"
    )
