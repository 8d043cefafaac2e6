"""`python -m benchmarks.serving`: everything, from the environments to the table. Needs wrk and taskset."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.serving._environments import ensure_environment
from benchmarks.serving._measure import Plan, measure, prepare
from benchmarks.serving._places import HERE, MODELS, ROOT, SERVICES, WORK, python
from benchmarks.serving._process import adopt_orphans
from benchmarks.serving._report import line_to_meet, table
from benchmarks.serving._systems import System, systems


def main() -> int:
    """Run, print and write the table; 1 if our service does not meet its line."""
    options = _options()
    for tool in ("wrk", "taskset"):
        if not shutil.which(tool):
            sys.exit(f"The benchmark needs {tool}: apt-get install wrk util-linux")
    adopt_orphans()
    ensure_environment("lab")
    make_models()
    make_services()
    wanted = options.only.split(",") if options.only else None
    chosen = {
        model: [system for system in systems(model) if not wanted or system.name in wanted]
        for model in options.models
    }
    for environment in dict.fromkeys(system.environment for group in chosen.values() for system in group):
        ensure_environment(environment)
    WORK.mkdir(parents=True, exist_ok=True)
    results = WORK / "results.jsonl"
    results.unlink(missing_ok=True)
    seconds = options.seconds
    for repetition in range(options.repetitions):
        for model, group in chosen.items():
            plan = Plan(connections=options.connections, seconds=seconds, warm_s=max(1.0, seconds / 4))
            for system in group:
                found = {"repetition": repetition, **_measured(system, model, plan)}
                with results.open("a") as file:
                    file.write(json.dumps(found) + "\n")
                _show(found)
    return _report(results, Path(options.out))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--only", help="names of systems, a comma between them")
    parser.add_argument("--models", default="ABC")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6, help="of each level")
    parser.add_argument("--connections", default="1,8,64", type=lambda text: tuple(map(int, text.split(","))))
    parser.add_argument("--out", default=str(WORK / "report"), help="folder of the table and the plots")
    return parser.parse_args()


def make_models() -> None:
    """Train the models, once."""
    if not (MODELS / "E.pkl").exists():
        passengers = ROOT / "examples" / "titanic" / "titanic.csv"
        subprocess.run([python("lab"), HERE / "train.py", passengers, MODELS], check=True)


def make_services() -> None:
    """Generate our service for each model, anew: it is what is measured."""
    for model in "ABCDE":
        shutil.rmtree(SERVICES / model, ignore_errors=True)
        files = [f"{MODELS / model}.pkl", "--input", f"{MODELS / model}-input.pkl"]
        files += ["--output", f"{MODELS / model}-output.pkl", "--name", "scored", "--no-verify"]
        command = [python("lab"), "-m", "scaffold", "new", *files, str(SERVICES / model)]
        ended = subprocess.run(command, cwd=HERE, capture_output=True, text=True)
        if ended.returncode:
            sys.exit(f"no service for model {model}:\n{ended.stdout}{ended.stderr}")


def _measured(system: System, model: str, plan: Plan) -> dict[str, object]:
    try:
        prepare(system)
        return measure(system, model, plan)
    except (RuntimeError, subprocess.CalledProcessError, OSError) as error:
        return {"system": system.name, "label": system.label, "model": model, "failed": str(error)}


def _show(found: dict[str, object]) -> None:
    load = found.get("load", {})
    assert isinstance(load, dict)
    rates = "  ".join(
        f"{level}: {run['rps']:,.0f}/s p99 {run['p99_ms']:.0f} ms"
        + (" (disturbed)" if run["others_cpu"] > 0.3 else "")
        for level, run in load.items()
    )
    print(
        f"{found['repetition']} {found['model']} {found['system']:18} {found.get('failed') or rates}",
        flush=True,
    )


def _report(results: Path, folder: Path) -> int:
    found = [json.loads(line) for line in results.read_text().splitlines()]
    models = sorted({result["model"] for result in found})
    parts = [table(found, model) for model in models]
    lines = line_to_meet(found)
    parts.append(
        "\n".join(
            ["| the line to meet | found | |", "| --- | ---: | --- |"]
            + [f"| {what} | {ratio:.2f} | {'met' if met else 'NOT MET'} |" for what, ratio, met in lines]
        )
    )
    text = "\n\n".join(parts) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "table.md").write_text(text)
    subprocess.run([python("lab"), HERE / "plot.py", results, folder], check=True)
    print(text)
    print(f"table.md and the plots are in {folder}")
    return 0 if all(met for _, _, met in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
