"""schemathesis with all its checks. Usage: python -m benchmarks.serving.contract [EXAMPLES]"""

from __future__ import annotations

import math
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.serving._client import service, verdict
from benchmarks.serving._environments import ensure_environment
from benchmarks.serving._places import python

ROUND = 100  # examples for each operation in one run: of more, the later ones take ever longer to make up
MODELS = {"A": "a pipeline on a table", "D": "a forest on an array", "E": "a class on nested JSON"}
CONFIGURATION = """
# It would take a field that must be there for one that must not be blank, from FastAPI's own words.
[phases.fuzzing.error-feedback]
enabled = false

# How we refuse. Its own list lacks 413: a batch of too many records may be too large a body as well.
[checks.negative_data_rejection]
expected-statuses = [400, 405, 413, 415, 422]
"""


def main() -> int:
    """Ask the three services at once and say what was found; 1 if a check failed on one of them."""
    rounds = math.ceil(int(sys.argv[1] if len(sys.argv) > 1 else "10000") / ROUND)
    ensure_environment("schemathesis")
    with ExitStack() as services, ThreadPoolExecutor() as pool:
        running = [services.enter_context(service(model)) for model in MODELS]
        ports, processes = zip(*running, strict=True)
        asked = list(pool.map(_ask, MODELS, ports, processes, [rounds] * len(MODELS)))
    return verdict(
        [
            (f"{what}, {count:,} requests: no 5xx, nothing undocumented, nothing slow", held)
            for what, (count, held) in zip(MODELS.values(), asked, strict=True)
        ]
    )


def _ask(model: str, port: int, process: Any, rounds: int) -> tuple[int, bool]:
    """How many requests were made in so many rounds, each with its own seed, and whether all checks held."""
    tool = python("schemathesis").replace("bin/python", "bin/schemathesis")
    command = [tool, "run", f"http://127.0.0.1:{port}/openapi.json", "--checks", "all"]
    command += ["--max-examples", str(ROUND), "--max-response-time", "2", "--seed"]
    count, held = 0, True
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "schemathesis.toml").write_text(CONFIGURATION)
        for seed in range(1, rounds + 1):
            # The edge cases that it derives from the schema are the same in each round: once is enough.
            phases = "examples,coverage,fuzzing,stateful" if seed == 1 else "fuzzing,stateful"
            asked = [*command, str(seed), "--phases", phases]
            run = subprocess.run(asked, cwd=folder, check=False, capture_output=True, text=True)
            if run.returncode != 0:
                held = False
                print(f"\n{MODELS[model]}\n\n{run.stdout}{run.stderr}", flush=True)
            count += sum(int(found) for found in re.findall(r"(\d+) generated", run.stdout))
    return count, held and count >= rounds * ROUND and process.poll() is None


if __name__ == "__main__":
    sys.exit(main())
