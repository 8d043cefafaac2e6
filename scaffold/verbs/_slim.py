"""The answer `slim`: an image without the libraries of the model, which needs a compiled one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from scaffold.base.layout import APP, DOCKERFILE, LOCK
from scaffold.base.lockfile import Lock
from scaffold.base.modules import imported_distributions
from scaffold.errors import SlimImageError
from scaffold.errors.wording import option
from scaffold.events import Noted, OnEvent
from scaffold.spec import Accelerate, JSONValue, ProjectSpec
from scaffold.verbs.options import Options

if TYPE_CHECKING:
    from scaffold.upgrade import UpdatePlan

_EMPTY_STAGE = re.compile(r"^FROM\s+scratch\b(?!.*^FROM\s).*", re.IGNORECASE | re.MULTILINE | re.DOTALL)
"""The last stage, if it starts from scratch."""
_SHELL_STEP = re.compile(r"^[ \t]*(RUN[ \t]+(?!\[).*)", re.IGNORECASE | re.MULTILINE)
"""The first line of a RUN that is no list of words: a shell runs it."""


def is_slim(answers: Mapping[str, JSONValue]) -> bool:
    """Whether the image is to lack the libraries of the model."""
    return answers.get("slim") is True


def require_accelerate(answers: Mapping[str, JSONValue], options: Options) -> None:
    """Check, before the model is loaded, that a slim project is to have a compiled model.

    Raises:
        SlimImageError: It is not.
    """
    if is_slim(answers) and Accelerate(options.accelerate) is Accelerate.OFF:
        raise SlimImageError(f"{option('accelerate')} is off", option("accelerate", Accelerate.NUMPY.value))


def report_plain(reason: str, answers: Mapping[str, JSONValue], on_event: OnEvent) -> None:
    """Report why the service calls the model; a slim one cannot.

    Raises:
        SlimImageError: The project is to be slim.
    """
    if is_slim(answers):
        raise SlimImageError(reason)
    on_event(Noted(f"accelerate: {reason}; the model is called as it is"))


def own_imports(spec: ProjectSpec, plan: UpdatePlan) -> dict[str, str]:
    """Return the libraries of the model that merged code of a slim service imports, each with its file."""
    slim = plan.pristine.get(LOCK)
    if not (is_slim(spec.answers) and spec.fast and isinstance(slim, bytes)):
        return {}
    left_out = {*Lock.parse(spec.dependencies.lock).names} - {*Lock.parse(slim.decode()).names}
    found: dict[str, str] = {}
    merged = {path: file.content for path, file in plan.merged.files.items()}
    for path, content in sorted({**plan.added, **merged}.items()):
        if path.startswith(f"{APP}/") and path.endswith(".py") and isinstance(content, bytes):
            for name in imported_distributions(content.decode("utf-8", "replace")):
                if name in left_out:
                    found.setdefault(name, path)
    return found


def lines_without_shell(plan: UpdatePlan) -> list[str]:
    """Return the RUN lines of the owner's in the last stage of the Dockerfile, if it loses its shell now."""
    file = plan.merged.files.get(DOCKERFILE)
    new, old = file.content if file else None, plan.ancestor.get(DOCKERFILE)
    if not isinstance(new, bytes) or not isinstance(old, bytes) or _EMPTY_STAGE.search(old.decode()):
        return []
    stage = _EMPTY_STAGE.search(new.decode("utf-8", "replace"))
    return [line.rstrip(" \\") for line in _SHELL_STEP.findall(stage[0])] if stage else []
