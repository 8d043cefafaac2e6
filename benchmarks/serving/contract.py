"""schemathesis with all its checks. Usage: python -m benchmarks.serving.contract [EXAMPLES]"""

from __future__ import annotations

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

MODELS = {"A": "a pipeline on a table", "D": "a forest on an array", "E": "a class on nested JSON"}
# It would take a field that must be there for one that must not be blank, from FastAPI's own words.
CONFIGURATION = "[phases.fuzzing.error-feedback]\nenabled = false\n"


def main() -> int:
    """Ask the three services at once and say what was found; 1 if a check failed on one of them."""
    examples = sys.argv[1] if len(sys.argv) > 1 else "10000"
    ensure_environment("schemathesis")
    with ExitStack() as services, ThreadPoolExecutor() as pool:
        running = [services.enter_context(service(model)) for model in MODELS]
        held = list(pool.map(lambda model, started: _holds(model, *started, examples), MODELS, running))
    return verdict(
        [
            (f"{what}, {examples} examples: no 5xx, nothing undocumented, nothing slow", it_held)
            for what, it_held in zip(MODELS.values(), held, strict=True)
        ]
    )


def _holds(model: str, port: int, process: Any, examples: str) -> bool:
    tool = python("schemathesis").replace("bin/python", "bin/schemathesis")
    options = ["--checks", "all", "--max-examples", examples, "--max-response-time", "2", "--seed", "1"]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "schemathesis.toml").write_text(CONFIGURATION)
        url = f"http://127.0.0.1:{port}/openapi.json"
        asked = subprocess.run(
            [tool, "run", url, *options], cwd=folder, check=False, capture_output=True, text=True
        )
    sys.stdout.write(f"\n{MODELS[model]}\n\n{asked.stdout}{asked.stderr}")
    sys.stdout.flush()
    return asked.returncode == 0 and process.poll() is None


if __name__ == "__main__":
    sys.exit(main())
