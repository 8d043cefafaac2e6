"""`python -m benchmarks.serving`: everything, from the environments to the table and the plots.

The first round measures all systems on all models, one after the other. The rounds after it, for as long as
the time allows, repeat both of our profiles, the floor and those tools that came near the best at anything,
for they alone decide: all of them run at once, and take turns at each thing that is measured.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.serving._environments import ensure_environment, ensure_load_generator, ensure_services
from benchmarks.serving._measure import Plan, measure
from benchmarks.serving._places import HERE, WORK, python
from benchmarks.serving._process import adopt_orphans, leave_server_core
from benchmarks.serving._report import FLOOR, OURS, Near, contenders, line_to_meet, report
from benchmarks.serving._systems import System, systems

Result = dict[str, Any]


def main() -> int:
    """Run, print and write the table; 1 if our service does not meet its line."""
    options = _options()
    ensure_load_generator()
    adopt_orphans()
    for model in options.models:
        ensure_services(model)
    wanted = options.only.split(",") if options.only else None
    chosen = {
        model: [system for system in systems(model) if not wanted or system.name in wanted]
        for model in options.models
    }
    missing = _missing({system.environment for group in chosen.values() for system in group})
    leave_server_core()
    results: list[Result] = []
    began = time.monotonic()
    for repetition in range(options.repetitions):
        round_began = time.monotonic()
        for model, group in chosen.items():
            near = contenders(results, model) if repetition else None
            for together in [_together(group, near)] if near else [[system] for system in group]:
                for found in _measured(together, model, options, missing, near):
                    results.append({"repetition": repetition, **found})
                    _show(results[-1])
        # The next round is no longer than this one; of the first it is less than half.
        expected = (time.monotonic() - round_began) * (1 if repetition else 0.5)
        if time.monotonic() - began + expected > 60 * options.minutes:
            break
    return _write(results, Path(options.out))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--only", help="names of systems, a comma between them")
    parser.add_argument("--models", default="ABC")
    parser.add_argument("--repetitions", type=int, default=5, help="at most")
    parser.add_argument("--minutes", type=float, default=23, help="after which no round begins")
    parser.add_argument("--turns", type=int, default=5, help="in each round after the first, of a second")
    parser.add_argument("--seconds", type=float, default=2, help="of each level in the first round")
    parser.add_argument("--connections", default="1,8,64", type=lambda text: tuple(map(int, text.split(","))))
    parser.add_argument("--out", default=str(HERE / "results"), help="folder of the table and the plots")
    return parser.parse_args()


def _missing(environments: set[str]) -> dict[str, str]:
    """Make the environments; why not, of those that cannot be made."""
    found = {}
    for environment in sorted(environments):
        if environment.startswith("ours"):  # it is there, or else this had ended
            continue
        try:
            ensure_environment(environment)
        except subprocess.CalledProcessError as error:
            found[environment] = f"cannot be installed: exit status {error.returncode}"
    return found


def _together(group: list[System], near: Near) -> list[System]:
    """Those that are near at anything; ours after the floor, for how the two start is compared."""
    names = dict.fromkeys([FLOOR, OURS, *(name for names in near.values() for name in names)])
    return [system for name in names for system in group if system.name == name]


def _measured(
    group: list[System],
    model: str,
    options: argparse.Namespace,
    missing: dict[str, str],
    near: Near | None,
) -> list[Result]:
    plan = Plan(connections=options.connections, seconds=1 if near else options.seconds, warm_s=1)
    there = [system for system in group if system.environment not in missing]
    absent = [system for system in group if system.environment in missing]
    return measure(there, model, plan, options.turns if near else 1, near) + [
        {"system": one.name, "label": one.label, "model": model, "failed": missing[one.environment]}
        for one in absent
    ]


def _show(found: Result) -> None:
    rates = "  ".join(
        f"{level}: {run['rps']:,.0f}/s p99 {run['p99_ms']:.0f} ms"
        + (" (disturbed)" if run["others_cpu"] > 0.3 else "")
        for level, run in found.get("load", {}).items()
    )
    rates += f"  many: {found['rows_per_s']:,.0f} rows/s" if "rows_per_s" in found else ""
    print(
        f"{found['repetition']} {found['model']} {found['system']:18} {found.get('failed', rates)}",
        flush=True,
    )


def _write(results: list[Result], folder: Path) -> int:
    raw = WORK / "results.jsonl"
    raw.write_text("".join(json.dumps(found) + "\n" for found in results))
    text = report(results)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "table.md").write_text(text)
    subprocess.run([python("lab"), HERE / "plot.py", raw, folder], check=True)
    print(f"\n{text}\ntable.md and the plots are in {folder}")
    lines = line_to_meet(results)
    lines += [
        (f"{run['model']}: ours: {run['failed']}", 0.0, False)
        for run in results
        if run["system"] == "ours" and "failed" in run
    ]
    for what, ratio, met in lines:
        print(f"{'PASS' if met else 'FAIL'}  {what}: {ratio:.2f}")
    return 0 if all(met for _, _, met in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
