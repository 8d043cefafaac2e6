"""`answers`: what the templates ask."""

from __future__ import annotations

from typing import Any, Literal


def answers(template: Literal["service", "project"] = "service") -> dict[str, Any]:
    """Return the JSON Schema of what a template asks: an editor checks a file of answers by it.

    Args:
        template: `service` for the answers of `new` and `update`, `project` for those of `init`.
    """
    from scaffold.render import answers_schema, bootstrap_schema

    return answers_schema() if template == "service" else bootstrap_schema()
