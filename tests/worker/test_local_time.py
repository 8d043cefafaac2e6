"""A model that depends on local time is found where it is examined, since the image runs in UTC."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import scaffold
from scaffold.errors import CallError

MODULE = """
import time

class Model:
    def predict(self, rows):
        return [row + time.localtime(0).tm_hour for row in rows]
"""


@pytest.fixture
def in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        patch.setenv("LANG", "de_DE.UTF-8")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Any]:
    """A model that adds the hours between UTC and local time, and the answers that it gives in Tokyo."""
    (tmp_path / "local_clock.py").write_text(MODULE)
    (tmp_path / "model.pkl").write_bytes(b"clocal_clock\nModel\n)\x81.")
    (tmp_path / "X.json").write_text("[1.0, 2.0, 3.5]")
    (tmp_path / "y.json").write_text("[10.0, 11.0, 12.5]")
    return {"model": tmp_path / "model.pkl", "input": tmp_path / "X.json", "output": tmp_path / "y.json"}


@pytest.mark.usefixtures("in_tokyo")
def test_answers_in_local_time_are_refused_with_the_zone_to_give(files: dict[str, Any]) -> None:
    with pytest.raises(CallError) as caught:
        scaffold.inspect(**files)
    assert "[0]: 1, sample_output has 10" in str(caught.value)
    assert "The model runs in UTC here, as in its image." in str(caught.value)
    assert "scaffold new ... --env TZ=Asia/Tokyo" in str(caught.value)


@pytest.mark.usefixtures("in_tokyo")
def test_a_service_in_the_zone_that_was_given_is_proven(files: dict[str, Any], tmp_path: Path) -> None:
    project = scaffold.new(**files, target=tmp_path / "service", env=["TZ=Asia/Tokyo"])
    assert project.verification is not None
    assert "time.tzset()" in (tmp_path / "service/app/settings.py").read_text()
    assert 'ENV TZ="Asia/Tokyo"' in (tmp_path / "service/Dockerfile").read_text()


def test_in_utc_no_zone_is_advised(files: dict[str, Any]) -> None:
    with pytest.raises(CallError) as caught:
        scaffold.inspect(**files)
    assert "TZ=" not in str(caught.value)
