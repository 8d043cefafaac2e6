"""How long an image takes, both ways, as ratios of one run: a table in Markdown, in a few minutes.

    python benchmarks/image/measure.py [--runs 3] [--large 2048]

Needs root on Debian: an engine and a registry are started by tests/image/engine.sh, and ended, unless its
`env` was read before. All runs are interleaved, and medians are shown. Each way is run once before it is
timed, so that the engine has the base and uv the wheels. "Cold" is a build for which nothing else is kept: by
`docker build` itself, which is not asked to push, and by the layers builder, which pushes; "nothing kept" is
one without the base too. "New model" is one before which only the model's bytes changed; both push.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
ENGINE = ROOT / "tests/image/engine.sh"


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--large", type=int, default=2048, help="MiB of the large model")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, _engine(Path(name)):
        bench = Bench(Path(name))
        rows = bench.speed(options.runs)
        rows += [bench.memory(options.large), bench.size()]
    print(f"{os.cpu_count()} processors, {platform.machine()}; load {os.getloadavg()[0]:.1f} at the end\n")
    print("| | `docker` | `layers` | |\n| --- | --- | --- | --- |")
    for row in rows:
        print(f"| {' | '.join(row)} |")


@contextmanager
def _engine(folder: Path) -> Iterator[None]:
    """An engine and a registry, for the block only where none is at hand."""
    if "SCAFFOLD_TEST_REGISTRY" in os.environ:
        yield
        return
    place = folder / "engine"
    try:
        subprocess.run([str(ENGINE), "start", str(place)], check=True)
        command = ["sh", "-c", '. "$0" && exec env -0', str(place / "env")]
        found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        os.environ.update(dict(line.split("=", 1) for line in found.split("\0") if line))
        yield
    finally:
        subprocess.run([str(ENGINE), "stop", str(place)], check=False)


class Bench:
    """One project, built again and again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project = shutil.copytree(ROOT / "examples/titanic/service", folder / "titanic")
        self.registry, self.base = (os.environ[f"SCAFFOLD_TEST_{name}"] for name in ("REGISTRY", "BASE"))
        self.certificates = os.environ.get("SSL_CERT_FILE")
        if self.certificates:
            shutil.copyfile(self.certificates, self.project / "ca-bundle.crt")
        self.forget()

    def speed(self, runs: int) -> list[tuple[str, ...]]:
        """How long both ways take, cold and after only the model changed."""
        ways: dict[str, Callable[[], None]] = {
            "docker": self.plain_docker,
            "layers": self.layers,
            "layers, nothing kept": lambda: self.layers("empty"),
            "docker, new model": self.docker,
            "layers, new model": self.layers,
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for run in range(runs + 1):
            self.forget()
            for name, build in ways.items():
                if name == "docker, new model":
                    build()  # what is not the model is pushed already
                if "new model" in name:
                    (self.project / "model/model.pkl").write_bytes(os.urandom(4096))
                start = time.perf_counter()
                build()
                if run:
                    seconds[name].append(time.perf_counter() - start)
        middle = {name: statistics.median(found) for name, found in seconds.items()}
        return [
            (
                "cold",
                *(f"{middle[name]:.1f} s" for name in ("docker", "layers")),
                self.ratio(middle, "layers"),
            ),
            (
                "cold, nothing kept",
                "",
                f"{middle['layers, nothing kept']:.1f} s",
                self.ratio(middle, "layers, nothing kept"),
            ),
            (
                "new model, pushed",
                *(f"{middle[f'{name}, new model']:.2f} s" for name in ("docker", "layers")),
                "at most 2 s",
            ),
        ]

    @staticmethod
    def ratio(middle: dict[str, float], name: str) -> str:
        """How many times as fast as `docker build`."""
        return f"{middle['docker'] / middle[name]:.1f} times as fast (at least 8)"

    def forget(self) -> None:
        """Make the next builds cold: neither way has seen this lock, nor the registry this repository."""
        self.place = f"{self.registry}/t{time.time_ns()}"
        with (self.project / "requirements.txt").open("a") as lock:
            lock.write(f"# {self.place}\n")
        shutil.rmtree(self.folder / "empty", ignore_errors=True)

    def plain_docker(self) -> None:
        """`docker build`, as a person types it."""
        given = ["--build-arg", "PIP_CERT=/build/ca-bundle.crt"] if self.certificates else []
        command = [
            "docker",
            "build",
            "--quiet",
            "--network",
            "host",
            "--tag",
            "titanic-service:1.0.0",
            *given,
        ]
        subprocess.run([*command, str(self.project)], check=True, capture_output=True)

    def docker(self) -> None:
        """The docker builder, with the push."""
        given = ["--ca-bundle", self.certificates] if self.certificates else []
        self.build(
            "store", "--builder", "docker", "--network", "host", *given, "--registry", f"{self.place}/docker"
        )

    def layers(self, store: str = "store") -> None:
        """The layers builder, with the push, to a repository that has nothing of a cold build."""
        where = ("--base", self.base, "--registry", f"{self.place}/{store}")
        self.build(store, "--builder", "layers", *where)

    def build(self, store: str, *options: str) -> Any:
        """`scaffold build --push`; what it printed."""
        environment = {
            **os.environ,
            "XDG_CACHE_HOME": str(self.folder / store),
            "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache/uv")),
        }
        command = [sys.executable, "-m", "scaffold", "build", str(self.project), "--json", "--push", *options]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(done.stderr)
        return json.loads(done.stdout)

    def memory(self, large_mib: int) -> tuple[str, ...]:
        """The most memory of a build whose model is large and does not compress."""
        with (self.project / "model/model.pkl").open("wb") as model:
            for _ in range(large_mib // 16):
                model.write(os.urandom(16 << 20))
        found = []
        for builder, base in (("docker", ""), ("layers", self.base)):
            command = [sys.executable, "-c", _PEAK, builder, str(self.project), base]
            command += [f"{self.registry}/large{os.getpid()}", self.certificates or ""]
            environment = {**os.environ, "XDG_CACHE_HOME": str(self.folder / "store")}
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
            seconds, kib = done.stdout.split()
            found.append(f"{int(kib) / 1024:.0f} MiB, {float(seconds):.1f} s")
        return (f"memory, a model of {large_mib} MiB, pushed", *found, "at most 300 MiB")

    def size(self) -> tuple[str, ...]:
        """What the service weighs over its base, as an engine counts."""
        import docker

        client = docker.from_env()
        sizes = [
            client.images.get(name).attrs["Size"]
            for name in ("titanic-service:1.0.0", "python:3.11-slim-bookworm")
        ]
        return ("over the base, unpacked", f"{(sizes[0] - sizes[1]) / 1e6:.0f} MB", "", "at most 330 MB")


_PEAK = """
import sys, time
from pathlib import Path
from scaffold.image import BuildOptions, build_image
builder, project, base, registry, certificates = sys.argv[1:]
start = time.perf_counter()
options = BuildOptions(
    builder=builder, push=True, base=base or None, registry=registry,
    ca_bundle=Path(certificates) if certificates else None, network='host' if builder == 'docker' else None,
)
build_image(Path(project), options)
most = Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0]
print(time.perf_counter() - start, most)
"""


if __name__ == "__main__":
    main()
