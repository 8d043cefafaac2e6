"""The JSON Schema of the answers is in step with the rules that check them."""

from __future__ import annotations

import random
from typing import Any

import pytest
import yaml
from jsonschema.validators import Draft7Validator

import scaffold
from scaffold.base.templates import template_path
from scaffold.errors import InvalidAnswerError, UnknownAnswerError
from scaffold.render import answers_schema, bootstrap_schema, read_answers
from scaffold.render._knobs import ANSWERS, KNOBS
from tests.deploy.test_manifests import random_answers

SCHEMA = Draft7Validator(answers_schema())
PROJECT = Draft7Validator(bootstrap_schema())


def test_it_has_each_question_with_its_meaning_and_default() -> None:
    schema = answers_schema()
    assert schema["properties"].keys() == set(ANSWERS)
    assert schema["definitions"].keys() == set(KNOBS)
    for name, knob in schema["definitions"].items():
        assert knob["description"].endswith("."), name
        assert "default" not in knob or SCHEMA.is_valid({name: knob["default"]}), name
    Draft7Validator.check_schema(schema)
    assert scaffold.answers() == schema


def test_it_takes_what_the_rules_take() -> None:
    dice = random.Random(3)
    for _ in range(200):
        answers = random_answers(dice)
        assert [error.message for error in SCHEMA.iter_errors(answers)] == [], answers


@pytest.mark.parametrize(
    "answers",
    [
        {"replica": 3},
        {"replicas": 0},
        {"replicas": "3"},
        {"replicas": True},
        {"tls": "yes"},
        {"route": "nginx"},
        {"service_type": "Loadbalancer"},
        {"host": "a b"},
        {"path": "titanic"},
        {"cpu": 0},
        {"cpu": "1.5.0"},
        {"memory": "2 GB"},
        {"labels": {"team": 7}},
        {"labels": {"app.kubernetes.io/name": "x"}},
        {"tolerations": [{"keys": "gpu"}]},
        {"triggers": [{"type": "cron"}]},
        {"affinity": []},
        {"canary": "half"},
        {"canary_hold_s": 4000},
        {"prometheus_url": "prometheus:9090"},
        {"ci": "travis"},
        {"targets": ["base"]},
        {"targets": ["a", "a"]},
        {"gitops": "argo"},
        {"repository": "https://ada:secret@x.org/y"},
        {"base_image": "a b"},
        {"opentelemetry": "on"},
        {"per_target": {"staging": {"replica": 3}}},
    ],
)
def test_it_refuses_what_the_rules_refuse(answers: dict[str, Any]) -> None:
    assert not SCHEMA.is_valid(answers)
    with pytest.raises((InvalidAnswerError, UnknownAnswerError)):
        read_answers(answers)


def test_that_of_the_project_has_the_questions_of_its_template() -> None:
    questions = yaml.safe_load((template_path("project") / "copier.yml").read_text("utf-8"))
    shown = {name for name, each in questions.items() if name[0] != "_" and each.get("when") is not False}
    assert bootstrap_schema()["properties"].keys() == shown
    assert PROJECT.is_valid({"name": "desk", "variant": "text", "python_version": "3.12"})
    for wrong in ({"variant": "tree"}, {"name": "Desk"}, {"python_version": 3.12}, {"colour": "red"}):
        assert not PROJECT.is_valid(wrong), wrong
    assert scaffold.answers("project") == bootstrap_schema()
