"""ProjectSpec -> RenderedProject: write the files of a project."""

from scaffold.render._answers_schema import answers_schema, bootstrap_schema
from scaffold.render._bootstrap import read_answers_file, render_bootstrap
from scaffold.render._choices import read_protocols
from scaffold.render._knobs import read_answers
from scaffold.render._project import filled_manifests, model_code, recorded_sample, render_project
from scaffold.render._source import shell_example, shown_example, tried_example

__all__ = [
    "answers_schema",
    "bootstrap_schema",
    "filled_manifests",
    "model_code",
    "read_answers",
    "read_answers_file",
    "read_protocols",
    "recorded_sample",
    "render_bootstrap",
    "render_project",
    "shell_example",
    "shown_example",
    "tried_example",
]
