"""Run in a network namespace: push to a registry with plain HTTP at an address that is not loopback.

Prints a JSON list with the exit status and the messages of each `scaffold build`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.image._fake_registry import FakeRegistry, serving_registry
from tests.image._projects import make_wheel, put_base, write_project

HOST = "10.7.7.1"


def main(folder: Path) -> None:
    wheels = folder / "wheels"
    wheels.mkdir()
    root = write_project(folder / "churn", lock=make_wheel(wheels))
    environment = os.environ | {
        "UV_FIND_LINKS": str(wheels),
        "UV_NO_INDEX": "1",
        "UV_CACHE_DIR": str(folder / "uv"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "DOCKER_CONFIG": str(folder / "docker"),
    }
    results: list[list[int | str]] = []
    with serving_registry(FakeRegistry(), host=HOST) as registry:
        command = [sys.executable, "-m", "scaffold", "build", str(root), "--builder", "layers", "--push"]
        command += ["--registry", f"{registry.address}/team", "--base", put_base(registry)]
        command += ["--platform", "linux/amd64", "--no-check"]
        for options in ([], ["--insecure"]):
            done = subprocess.run([*command, *options], env=environment, capture_output=True, text=True)
            results.append([done.returncode, done.stderr.replace(registry.address, "ADDRESS")])
        results.append(sorted(registry.manifests.get("team/churn", ())))
    print(json.dumps(results))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
