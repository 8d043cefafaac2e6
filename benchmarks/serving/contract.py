"""schemathesis with all its checks. Usage: python -m benchmarks.serving.contract [EXAMPLES]"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.serving._client import service, verdict
from benchmarks.serving._environments import ensure_environment
from benchmarks.serving._places import python

MODELS = {"A": "a pipeline on a table", "D": "a forest on an array", "E": "a class on nested JSON"}
# It would take a field that must be there for one that must not be blank, from FastAPI's own words.
CONFIGURATION = "[phases.fuzzing.error-feedback]\nenabled = false\n"


def main() -> int:
    """Run and say what was found; 1 if a check failed on one of the services."""
    examples = sys.argv[1] if len(sys.argv) > 1 else "10000"
    ensure_environment("schemathesis")
    tool = python("schemathesis").replace("bin/python", "bin/schemathesis")
    options = ["--checks", "all", "--max-examples", examples, "--max-response-time", "2", "--seed", "1"]
    lines = []
    for model, what in MODELS.items():
        with service(model) as (port, process), tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "schemathesis.toml").write_text(CONFIGURATION)
            url = f"http://127.0.0.1:{port}/openapi.json"
            ended = subprocess.run([tool, "run", url, *options], cwd=folder, check=False)
            held = ended.returncode == 0 and process.poll() is None
        lines.append((f"{what}, {examples} examples: no 5xx, nothing undocumented, nothing slow", held))
    return verdict(lines)


if __name__ == "__main__":
    sys.exit(main())
