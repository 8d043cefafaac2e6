"""ProjectSpec -> RenderedProject: what was decided becomes files."""

from scaffold.render._project import filled_manifests, model_code, recorded_sample, render_project
from scaffold.render._tree import template_path
from scaffold.render._values import shell_example

__all__ = [
    "filled_manifests",
    "model_code",
    "recorded_sample",
    "render_project",
    "shell_example",
    "template_path",
]
