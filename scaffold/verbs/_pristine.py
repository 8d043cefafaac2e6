"""A project as it is generated, with the model file that was examined."""

from __future__ import annotations

from pathlib import Path

from scaffold.errors import ModelChangedError
from scaffold.spec import Artifact, ProjectSpec


def write_pristine(spec: ProjectSpec, root: Path, template: str | None) -> dict[str, str]:
    """Write the project of `spec` into `root` and return the sha256 of its files by path.

    Args:
        spec: The project.
        root: An empty folder.
        template: A path or URL of another service template; that of this package where it is None.

    Raises:
        ModelChangedError: The model's file is not the one that was examined.
        RenderError: The template is at fault.
    """
    from scaffold.render import render_project

    files = dict(render_project(spec, root, template=template).files)
    require_same_model(spec.artifact, *files.values())
    return files


def require_same_model(artifact: Artifact, *hashes: str) -> None:
    """Return if one of the hashes is that of the model that was examined.

    Raises:
        ModelChangedError: None is.
    """
    if artifact.sha256 not in hashes:
        raise ModelChangedError(artifact.path.name)
