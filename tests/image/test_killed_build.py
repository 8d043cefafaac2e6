"""Signals at random moments end `build` without a process, a temporary file or half an image left."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.cli._kill import KILLS, SIGNALS, kill, needs_namespaces, require_end
from tests.image.conftest import Bench

LONGEST_S = 1.0
"""About how long a whole build takes; some of the kills come when it is over."""

pytestmark = [pytest.mark.slow, needs_namespaces]


def parts_of(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts that a manifest or an index refers to."""
    config = [manifest["config"]] if "config" in manifest else []
    return [*config, *manifest.get("layers", ()), *manifest.get("manifests", ())]


@pytest.mark.parametrize("name", SIGNALS)
def test_a_killed_build_leaves_no_half_image(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before = {path: path.read_bytes() for path in bench.root.rglob("*") if path.is_file()}
    images = set()
    for number in range(KILLS):
        folder = tmp_path / str(number)
        folder.mkdir()
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        words = ["build", str(bench.root), "--builder", "layers", "--base", bench.base, "--no-check"]
        words += ["--platform", "linux/amd64", "--output", str(folder / "image.tar")]
        words += ["--push", "--registry", f"{bench.registry.address}/team"]
        delay_s = random.Random(f"{name} {number}").uniform(0, LONGEST_S)
        require_end(kill(folder, name, delay_s, *words))
        assert not [*folder.glob("cache/model-scaffold/images/work/*")], delay_s
        assert {path.name for path in folder.iterdir()} <= {"cache", "tmp", "image.tar"}
        images |= {path.read_bytes() for path in folder.glob("image.tar")}
        pushed = bench.registry.manifests.pop("team/churn", {})
        for content, _ in pushed.values():
            parts = {part["digest"] for part in parts_of(json.loads(content))}
            assert parts <= pushed.keys() | bench.registry.blobs["team/churn"].keys(), delay_s
    assert len(images) <= 1, "each file is the whole image"
    assert before == {path: path.read_bytes() for path in bench.root.rglob("*") if path.is_file()}
