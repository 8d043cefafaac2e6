"""schemathesis against our three services. Usage: python -m benchmarks.serving.contract [EXAMPLES]"""

from __future__ import annotations

import subprocess
import sys

from benchmarks.serving._client import service
from benchmarks.serving._environments import ensure_environment
from benchmarks.serving._places import WORK, python
from benchmarks.serving._process import adopt_orphans


def main() -> int:
    """Run all of its checks; 1 if one failed on one of the services."""
    examples = sys.argv[1] if len(sys.argv) > 1 else "10000"
    adopt_orphans()
    ensure_environment("schemathesis")
    failed = 0
    for model in "ABC":
        with service(model) as (port, _):
            url = f"http://127.0.0.1:{port}/openapi.json"
            tool = python("schemathesis").replace("bin/python", "bin/schemathesis")
            options = [
                "--checks",
                "all",
                "--max-examples",
                examples,
                "--max-response-time",
                "2",
                "--seed",
                "1",
            ]
            ended = subprocess.run([tool, "run", url, *options], cwd=WORK, check=False)
            failed |= ended.returncode
    return min(1, failed)


if __name__ == "__main__":
    sys.exit(main())
