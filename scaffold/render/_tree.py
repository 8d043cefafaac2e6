"""Render a template to a folder of files. The only import of copier for the service."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.base.files import sha256_file
from scaffold.errors import BadTemplateError
from scaffold.spec import RenderedProject

if TYPE_CHECKING:
    from jinja2 import Environment


@functools.cache
def jinja_environment(folder: Path) -> Environment:
    """Return what renders single files of `folder`, with the options of the template's `copier.yml`."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(  # noqa: S701 - no HTML is written
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render_tree(
    template: str | Path,
    values: Mapping[str, object],
    extra: Mapping[str, bytes],
    root: Path,
    *,
    exclude: Sequence[str] = (),
) -> RenderedProject:
    """Render `template` with `values` into `root`, add the `extra` files, and return what was written.

    Args:
        template: A folder or anything else that copier takes, with a `copier.yml`.
        values: Finished strings and other values; an undefined name is an error.
        extra: Content by path relative to `root`: generated source, the model, local code.
        root: An empty folder.
        exclude: Files of the template that are not written, as patterns of git.

    Raises:
        RenderError: The template is invalid, or uses an unknown value.
    """
    from copier import run_copy
    from copier.errors import CopierError
    from jinja2 import TemplateError

    try:
        run_copy(
            str(template),
            root,
            data=dict(values),
            exclude=exclude,
            defaults=True,
            quiet=True,
            overwrite=True,
        )
    except (CopierError, TemplateError, ValueError) as error:  # ValueError: it is no folder
        raise BadTemplateError(str(template), str(error)) from error
    for path, content in extra.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    return RenderedProject(
        root=root, files={path.relative_to(root).as_posix(): sha256_file(path) for path in paths}
    )
