"""How long an image takes, both ways, as ratios of one run.

    tests/image/engine.sh start DIR && . DIR/env
    python benchmarks/image/measure.py [--large 2048]
    tests/image/engine.sh stop DIR

Each way is run once before it is timed, so that both have the base at hand and uv has its wheels. "Cold" is a
build for which nothing else is kept; "new model" is one before which only the model's bytes changed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVICE = ROOT / "examples/titanic/service"
REGISTRY, BASE = (os.environ.get(f"SCAFFOLD_TEST_{name}", "") for name in ("REGISTRY", "BASE"))


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", type=int, default=2048, help="MiB of the large model")
    large_mib = parser.parse_args().large
    if not REGISTRY:
        sys.exit("First: tests/image/engine.sh start DIR && . DIR/env")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = shutil.copytree(SERVICE, folder / "titanic")
        rows = [*_speed(project, folder), ("peak memory, large model", _memory(project, folder, large_mib))]
    for label, value in rows:
        print(f"{label:<44} {value}")


def _speed(project: Path, folder: Path) -> list[tuple[str, str]]:
    ways: dict[str, Callable[[Path], None]] = {"docker": _docker, "layers": _layers}
    seconds: dict[str, list[float]] = {}
    for way, build in ways.items():
        _forget(project)
        build(folder / "store")
        _forget(project)
        cold = _timed(build, folder / "store")
        (project / "app/model/model.pkl").write_bytes(os.urandom(4096))
        seconds[way] = [cold, _timed(build, folder / "store")]
    (docker, docker_model), (layers, layers_model) = seconds["docker"], seconds["layers"]
    return [
        ("docker, cold", f"{docker:.1f} s"),
        ("layers, cold, pushed", f"{layers:.1f} s"),
        ("docker / layers, cold", f"{docker / layers:.1f} x"),
        ("docker, new model", f"{docker_model:.2f} s"),
        ("layers, new model, pushed", f"{layers_model:.2f} s"),
    ]


def _forget(project: Path) -> None:
    """Make the next build a cold one: neither way has seen this lock before."""
    with (project / "requirements.txt").open("a") as lock:
        lock.write(f"# {time.time_ns()}\n")


def _docker(store: Path) -> None:
    bundle = os.environ.get("SSL_CERT_FILE")
    certificates = ["--ca-bundle", bundle] if bundle else []
    _build(store, "--builder", "docker", "--network", "host", *certificates)


def _layers(store: Path) -> None:
    _build(store, "--builder", "layers", "--base", BASE, "--push", "--registry", f"{REGISTRY}/t{os.getpid()}")


def _build(store: Path, *options: str) -> None:
    environment = {
        **os.environ,
        "XDG_CACHE_HOME": str(store),
        "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache/uv")),
    }
    command = [sys.executable, "-m", "scaffold", "build", str(store.parent / "titanic"), "--json", *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    json.loads(done.stdout)


def _timed(build: Callable[[Path], None], store: Path) -> float:
    start = time.perf_counter()
    build(store)
    return time.perf_counter() - start


def _memory(project: Path, folder: Path, large_mib: int) -> str:
    """The most memory of a build whose model is large and does not compress."""
    with (project / "app/model/model.pkl").open("wb") as model:
        for _ in range(large_mib // 16):
            model.write(os.urandom(16 << 20))
    command = [sys.executable, "-c", _PEAK, str(project), BASE, f"{REGISTRY}/large{os.getpid()}"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "store")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    seconds, kib = done.stdout.split()
    return f"{int(kib) / 1024:.0f} MiB for {large_mib} MiB, {float(seconds):.1f} s with the push"


_PEAK = """
import sys, time
from pathlib import Path
from scaffold.image import BuildOptions, build_image
start = time.perf_counter()
options = BuildOptions(builder="layers", push=True, base=sys.argv[2], registry=sys.argv[3])
build_image(Path(sys.argv[1]), options)
most = Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0]
print(time.perf_counter() - start, most)
"""


if __name__ == "__main__":
    main()
