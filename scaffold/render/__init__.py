"""ProjectSpec -> RenderedProject: what was decided becomes files."""

from scaffold.render._project import filled_manifests, model_code, render_project
from scaffold.render._tree import template_path

__all__ = ["filled_manifests", "model_code", "render_project", "template_path"]
