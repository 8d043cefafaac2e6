"""schemathesis, all of its checks, on three services. Usage: python -m benchmarks.serving.contract [EXAMPLES]"""

from __future__ import annotations

import subprocess
import sys

from benchmarks.serving._client import print_lines, ready_service
from benchmarks.serving._environments import ensure_environment
from benchmarks.serving._places import WORK, python

MODELS = {"A": "a pipeline on a table", "D": "a forest on an array", "E": "a class on nested JSON"}


def main() -> int:
    """Run and say what was found; 1 if a check failed on one of the services."""
    examples = sys.argv[1] if len(sys.argv) > 1 else "10000"
    ensure_environment("schemathesis")
    tool = python("schemathesis").replace("bin/python", "bin/schemathesis")
    options = ["--checks", "all", "--max-examples", examples, "--max-response-time", "2", "--seed", "1"]
    lines = []
    for model, what in MODELS.items():
        with ready_service(model) as (port, process):
            url = f"http://127.0.0.1:{port}/openapi.json"
            ended = subprocess.run([tool, "run", url, *options], cwd=WORK, check=False)
            held = ended.returncode == 0 and process.poll() is None
            lines.append((f"{what}: {examples} examples, no check of schemathesis failed", held))
    return print_lines(lines)


if __name__ == "__main__":
    sys.exit(main())
