"""The request that a README shows is one that the model answers."""

from __future__ import annotations

from dataclasses import replace

from scaffold.render import shell_example, shown_example
from scaffold.spec import Field, Scalar, ScalarType, Value
from tests.deploy._specs import project_spec


def test_no_request_is_shown_that_the_model_does_not_answer() -> None:
    spec = project_spec()
    text = Scalar(type=ScalarType.STRING)
    field = Field(name="data", attribute="data", schema=text, example="it's")
    spec = replace(spec, signature=replace(spec.signature, input=Value(field=field)))
    assert shown_example(spec) is None
    assert shell_example(spec) == "@request.json"
    answered = replace(spec, dependencies=replace(spec.dependencies, takes_example=True))
    assert shown_example(answered) == {"data": "it's"}
    assert shell_example(answered) == """'{"data": "it'"'"'s"}'"""
