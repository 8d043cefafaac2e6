"""The limits that follow from the sample."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from scaffold.errors import InvalidAnswerError
from scaffold.render._serving import serving_values
from scaffold.spec import Recording
from tests.deploy._specs import project_spec
from tests.serving._toy import write_project


@pytest.mark.parametrize(
    ("characters", "limit"),
    [
        (0, None),  # the default holds
        (1_000, None),
        (4_000, "4_194_304"),
        (100_000, "16_777_216"),
        (9_000_000, "67_108_864"),
    ],
)
def test_a_body_has_room_for_a_batch_or_for_a_few_large_records(characters: int, limit: str | None) -> None:
    recording = Recording(requests=({"data": "x" * characters},), answers=(1,))
    spec = dataclasses.replace(project_spec(), recording=recording)
    field = f"\n\n    max_body_bytes: int = Field(default={limit}, ge=1)" if limit else ""
    assert serving_values(spec)["settings_fields"] == field


def test_opentelemetry_is_off_until_it_is_answered(tmp_path: Path) -> None:
    spec = project_spec()
    values = serving_values(spec)
    assert values.pop("opentelemetry") == "False"
    assert "opentelemetry" not in str(values)
    answered = dataclasses.replace(spec, answers={"opentelemetry": True})
    write_project(tmp_path, **{name: str(value) for name, value in serving_values(answered).items()})
    assert "\n    opentelemetry: bool = True\n" in (tmp_path / "app" / "settings.py").read_text()
    ended = subprocess.run([sys.executable, "-m", "ruff", "format", "--check", tmp_path / "app"])
    assert ended.returncode == 0


def test_an_answer_that_is_neither_yes_nor_no_is_refused() -> None:
    spec = dataclasses.replace(project_spec(), answers={"opentelemetry": "perhaps"})
    with pytest.raises(InvalidAnswerError, match="It takes true or false"):
        serving_values(spec)
