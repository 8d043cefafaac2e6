"""An update without a new model renews the service layer, and keeps the requirements of the model."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from scaffold.base.process import Finished
from scaffold.resolve import renew_service_layer
from scaffold.upgrade import read_record

SERVICE = Path(__file__).parents[2] / "examples" / "titanic" / "service"


def test_only_an_older_service_layer_is_locked_again() -> None:
    dependencies = read_record(SERVICE)[0].spec.dependencies
    asked: list[str] = []

    def run(command: Sequence[str], *, cwd: Path | None = None, **_: Any) -> Finished:
        assert cwd is not None
        asked.append((cwd / "constraints.txt").read_text())
        return Finished(stdout="click==8.0.0 \\\n    --hash=sha256:aa\n    # via uvicorn\n", stderr="")

    assert renew_service_layer(dependencies, run=run).lock == dependencies.lock
    assert not asked
    older = re.sub(r"(?m)^(click==)\S+", r"\g<1>8.0.0", dependencies.lock)
    renewed = renew_service_layer(replace(dependencies, lock=older), run=run)
    assert renewed.lock.startswith("# Locked from requirements.in for Python ")
    [scipy] = re.findall(r"(?m)^scipy==\S+", dependencies.lock)
    assert all(scipy in text and "click==8.0.0" not in text for text in asked)
