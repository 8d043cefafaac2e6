"""Quantities in YAML mean the same with and without quotes, so their spelling is no conflict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from scaffold.spec import JSONValue
from scaffold.upgrade._outcome import FileOutcome
from scaffold.upgrade._trees import merge_trees
from scaffold.verbs.update import update
from tests.upgrade._edits import edit

PLACE = "deploy/base/deployment.yaml"
MANIFEST = """resources:
  requests:
    cpu: {cpu}
    # Measured.
    memory: {memory}
  limits:
    nvidia.com/gpu: {gpu}
env:
  - name: A
    value: {value}
"""
BASE: dict[str, str] = {"cpu": "1", "memory": "1Gi", "gpu": "1", "value": '"1"'}


def merged(ours: dict[str, str], theirs: dict[str, str]) -> tuple[FileOutcome, str]:
    texts = [MANIFEST.format(**BASE | side).encode() for side in ({}, theirs, ours)]
    file = merge_trees(*({PLACE: text} for text in texts)).files[PLACE]
    assert isinstance(file.content, bytes)
    return file.outcome, file.content.decode()


@pytest.mark.parametrize(
    ("ours", "theirs", "wanted"),
    [
        ({"cpu": '"1"'}, {"cpu": "2"}, {"cpu": "2"}),
        ({"cpu": '"2"'}, {"cpu": "2"}, {"cpu": '"2"'}),
        ({"cpu": "2"}, {"cpu": '"2"'}, {"cpu": "2"}),
        ({"cpu": "'2'"}, {"cpu": '"1"'}, {"cpu": "'2'"}),
        ({"cpu": '"1"', "memory": "3Gi"}, {"memory": '"1Gi"'}, {"cpu": '"1"', "memory": "3Gi"}),
        ({"memory": '"1Gi"'}, {"memory": "2Gi", "cpu": "2"}, {"memory": "2Gi", "cpu": "2"}),
        ({"gpu": '"1"', "cpu": "3"}, {"gpu": "2"}, {"gpu": "2", "cpu": "3"}),
    ],
)
def test_quotes_of_a_quantity_are_no_conflict(
    ours: dict[str, str], theirs: dict[str, str], wanted: dict[str, str]
) -> None:
    outcome, text = merged(ours, theirs)
    assert outcome is not FileOutcome.CONFLICT
    assert text == MANIFEST.format(**BASE | wanted)


def test_two_values_and_the_quotes_of_other_texts_are_a_conflict() -> None:
    assert merged({"cpu": '"2"'}, {"cpu": "3"})[0] is FileOutcome.CONFLICT
    assert merged({"value": "1"}, {"value": '"2"'})[0] is FileOutcome.CONFLICT


def test_an_owner_may_quote_what_an_update_renders_anew(project: Path) -> None:
    edit(project, PLACE, ("cpu: 250m", 'cpu: "250m"'), ("              cpu: 1\n", '              cpu: "2"\n'))
    answers: dict[str, JSONValue] = {"cpu": "500m", "cpu_limit": 2}
    update(project, answers=answers, verify=False)
    container: dict[str, Any] = yaml.safe_load((project / PLACE).read_text())["spec"]["template"]["spec"]
    resources = container["containers"][0]["resources"]
    assert (resources["requests"]["cpu"], resources["limits"]["cpu"]) == ("500m", "2")
