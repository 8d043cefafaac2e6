"""The answers of the template are checked before the model is read."""

import shutil
from pathlib import Path
from typing import Any

import pytest

import scaffold
from scaffold.errors import InvalidAnswerError, UnknownAnswerError, UsageError
from scaffold.render import read_answers
from scaffold.spec import JSONValue

EXAMPLE = Path(__file__).parents[2] / "examples/titanic/service"


class Untouched:
    """A model that must not be pickled."""

    def __reduce__(self) -> Any:
        raise AssertionError("the model was read")


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"replica": 3}, "The template has no question 'replica'. Did you mean 'replicas'?"),
        ({"zzz": 3}, "The template has no question 'zzz'.\nIt asks: platform, registry, "),
        ({"replicas": "many"}, "The answer 'replicas' is 'many'.\nIt takes a whole number from 1 to 1000."),
        ({"opentelemetry": "perhaps"}, "The answer 'opentelemetry' is 'perhaps'.\nIt takes true or false."),
        ({"base_image": "two words"}, "The answer 'base_image' is 'two words'."),
        ({"base_image": ["a"]}, "The answer 'base_image' is ['a']."),
        ({"per_target": {"prod": {"replicas": 2}}}, "It takes the names of targets: staging, production."),
        ({"per_target": {"staging": {"replica": 2}}}, "Did you mean 'per_target.staging.replicas'?"),
        ({"targets": 5}, "It takes a list of names."),
    ],
)
def test_an_unknown_or_ill_typed_answer_is_refused_before_the_model_is_read(
    answers: dict[str, JSONValue], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as caught:
        scaffold.new(Untouched(), [1.0], target=tmp_path / "service", answers=answers)
    assert isinstance(caught.value, InvalidAnswerError | UnknownAnswerError)
    assert message in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_update_refuses_it_before_the_new_model_is_read(tmp_path: Path) -> None:
    project = tmp_path / "service"
    shutil.copytree(EXAMPLE, project)
    before = (project / ".scaffold/record.json").read_bytes()
    with pytest.raises(UnknownAnswerError, match="no question 'replica'"):
        scaffold.update(project, Untouched(), [1.0], answers={"replica": 3})
    assert (project / ".scaffold/record.json").read_bytes() == before


def test_new_answers_override_recorded_ones() -> None:
    assert read_answers({"replicas": 3}, {"replicas": 2, "cpu": "1"}) == {"replicas": 3, "cpu": "1"}


def test_a_recorded_answer_that_is_no_longer_asked_for_is_left_out() -> None:
    recorded: dict[str, JSONValue] = {"replica": 3, "targets": ["staging"]}
    assert read_answers({}, recorded) == {"targets": ["staging"]}


def test_a_target_that_is_gone_keeps_its_recorded_answers() -> None:
    recorded: dict[str, JSONValue] = {"per_target": {"production": {"replicas": 5}}}
    assert read_answers({"targets": ["staging"]}, recorded) == {**recorded, "targets": ["staging"]}


def test_an_answer_is_checked_together_with_those_of_the_last_time() -> None:
    with pytest.raises(InvalidAnswerError, match="at least min_replicas, which is 4"):
        read_answers({"max_replicas": 3}, {"min_replicas": 4})
