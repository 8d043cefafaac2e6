"""`build`: the image of a project, and the check that it answers as the model does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.events import OnEvent, ignore
from scaffold.spec import Image
from scaffold.verbs.project import Project

if TYPE_CHECKING:
    from typing import Unpack

    from scaffold.image import BuildChoices


def build(
    project: str | Path,
    *,
    check: bool = False,
    on_event: OnEvent = ignore,
    **choices: Unpack[BuildChoices],
) -> Image:
    """Build the image of a project, push it where that is asked for, and return what it is.

    Args:
        project: The project's folder; its Dockerfile says what the image is.
        check: Run the image and replay the sample, as the proof does, before it is pushed.
        on_event: Called with each event.
        choices: The fields of `scaffold.image.BuildOptions`: `builder`, `push`, `registry`, `tag`, ...

    Raises:
        ImageError: One of its leaves, by what went wrong.
        AnswersDifferError: The image runs, but does not give the model's answers.
        RowsDependError: An answer of the image depends on the rows beside it, or on who else is calling.
        AnswerChangedError: The image gives another answer than it gave before.
    """
    from scaffold.image import BuildOptions, build_image

    opened = Project.open(project)
    recording = opened.recording if check else None
    return build_image(opened.root, BuildOptions(check=recording, **choices), on_event=on_event)
