"""`build`: the image of a project, and the check that it answers as the model does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.errors import MissingRecordingError, PinWithoutPushError
from scaffold.events import Noted, OnEvent, ignore
from scaffold.spec import Image, Recording
from scaffold.verbs.project import Project

if TYPE_CHECKING:
    from typing import Unpack

    from scaffold.image import BuildChoices


def build(
    project: str | Path,
    *,
    check: bool | None = None,
    pin: bool = False,
    target: str = "staging",
    on_event: OnEvent = ignore,
    **choices: Unpack[BuildChoices],
) -> Image:
    """Build the image of a project, push it where that is asked for, and return what it is.

    Args:
        project: The project's folder; its Dockerfile says what the image is.
        check: Run the image and replay the sample, as the proof does, before it is pushed. By default this is
            done before a push if this machine can run the image.
        pin: Write the digest of the pushed image into the kustomization of the target.
        target: A folder under `deploy/`, for `pin`.
        on_event: Called with each event.
        choices: The fields of `scaffold.image.BuildOptions`: `builder`, `push`, `registry`, `tag`, ...

    Raises:
        ImageError: One of its leaves, by what went wrong.
        AnswersDifferError: The image runs, but does not give the model's answers.
        RowsDependError: An answer of the image depends on the rows beside it, or on who else is calling.
        AnswerChangedError: The image gives another answer than it gave before.
    """
    from scaffold.image import BuildOptions, build_image

    if pin and not choices.get("push"):
        raise PinWithoutPushError()
    opened = Project.open(project)
    if pin:
        from scaffold.cluster import check_pin, pin_image, repository_of

        check_pin(opened.root, target)
    recording = _recording(opened, check, bool(choices.get("push")), on_event)
    options = BuildOptions(check=recording, check_if_possible=check is None, **choices)
    image = build_image(opened.root, options, on_event=on_event)
    if pin:
        name = repository_of(image.reference)
        pin_image(opened.root, target, f"{name}@{image.digest}")
    return image


def _recording(project: Project, check: bool | None, push: bool, on_event: OnEvent) -> Recording | None:
    """Return the sample for the check of the image; None if it is not checked."""
    if check is False or (check is None and not push):
        return None
    try:
        return project.recording
    except MissingRecordingError as error:
        if check:
            raise
        on_event(Noted(f"the image is not checked before its push: {error}"))
        return None
