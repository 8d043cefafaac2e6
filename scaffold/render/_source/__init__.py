"""The two files that differ by model, as text: `schemas.py` and `convert.py`."""

from __future__ import annotations

from scaffold.base.layout import CONVERT, SCHEMAS
from scaffold.render._source._columns import render_columns
from scaffold.render._source._convert import render_convert, render_to_model
from scaffold.render._source._example import add_example, shell_example, shown_example, tried_example
from scaffold.render._source._schemas import render_schemas
from scaffold.render._source._wire import render_wire_schemas
from scaffold.spec import Signature

__all__ = [
    "add_example",
    "render_columns",
    "render_convert",
    "render_source",
    "render_to_model",
    "render_wire_schemas",
    "shell_example",
    "shown_example",
    "tried_example",
]


def render_source(signature: Signature) -> dict[str, str]:
    """Return the generated Python files by their path in the project."""
    return {
        SCHEMAS: render_schemas(signature.input, signature.output),
        CONVERT: render_convert(signature),
    }
