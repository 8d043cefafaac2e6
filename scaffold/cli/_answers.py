"""`scaffold answers`: what the templates ask, and the schema by which an editor checks the answers."""

from __future__ import annotations

import enum
import json
from typing import Annotated, Any

import typer

import scaffold
from scaffold.cli._show import show_json, show_table


class Template(enum.Enum):
    """Whose questions they are."""

    SERVICE = "service"
    PROJECT = "project"


def register(app: typer.Typer) -> None:
    """Add the verb of this family to `app`."""
    app.command()(answers)


def answers(
    template: Annotated[
        Template, typer.Argument(help="service: answers of `new` and `update`. project: those of `init`.")
    ] = Template.SERVICE,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema, for the file of --answers.")
    ] = False,
) -> None:
    """List the answers that a template takes."""
    json_schema = scaffold.answers("project" if template is Template.PROJECT else "service")
    if schema:
        show_json(json_schema)
        return
    answers_and_definitions = {**json_schema["properties"], **json_schema.get("definitions", {})}
    rows = [
        (name, _default(answers_and_definitions[name]), answers_and_definitions[name]["description"])
        for name in json_schema["properties"]
    ]
    show_table(("answer", "default", "meaning"), rows)


def _default(question: dict[str, Any]) -> str:
    value = question.get("default", "")
    return value if isinstance(value, str) else json.dumps(value)
