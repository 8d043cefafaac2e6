"""`build`: the image of a project, and the check that it answers as the model does."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.base.docker_hub import repository_of
from scaffold.errors import MissingRecordingError, PinWithoutPushError
from scaffold.events import Noted, OnEvent, ignore
from scaffold.spec import Image, Recording
from scaffold.verbs._image_name import complete_name
from scaffold.verbs._model_hash import require_compiled_from_file
from scaffold.verbs.project import Project

if TYPE_CHECKING:
    from typing import Unpack

    from scaffold.image import BuildChoices


ENGINE_SOCKET = Path("/var/run/docker.sock")


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
        target: A folder under `deploy/`, whose kustomization has the registry of a push, and gets the `pin`.
        on_event: Called with each event.
        choices: The fields of `scaffold.image.BuildOptions`: `builder`, `push`, `registry`, `tag`, ...
            Without `builder`, a Docker Engine builds if there is one.

    Raises:
        ImageError: One of its leaves, by what went wrong.
        AnswersDifferError: The image runs, but does not give the model's answers.
        RowsDependError: An answer of the image depends on the rows beside it, or on who else is calling.
        AnswerChangedError: The image gives another answer than it gave before.
        CompiledFileError: A file of the compiled model is absent, or another one.
        ReplacedModelError: The compiled model was made from another model file.
    """
    from scaffold.image import BuildOptions, build_image

    if pin and not choices.get("push"):
        raise PinWithoutPushError()
    opened_project = Project.open(project)
    require_compiled_from_file(opened_project)
    if pin:
        from scaffold.cluster import check_pin, pin_image

        check_pin(opened_project.root, target)
    if choices.get("push") and not choices.get("registry"):
        choices["tag"] = complete_name(opened_project, target, choices.get("tag"))
    if "builder" not in choices:
        output, platforms = choices.get("output"), choices.get("platforms", ())
        choices["builder"] = choose_builder(
            push=choices.get("push", False), output=output, platforms=platforms
        )
    recording = _recording(opened_project, check, bool(choices.get("push")), on_event)
    options = BuildOptions(check=recording, check_if_possible=check is None, **choices)
    image = build_image(opened_project.root, options, on_event=on_event)
    if pin:
        name = repository_of(image.reference)
        pin_image(opened_project.root, target, f"{name}@{image.digest}")
    return image


def choose_builder(*, push: bool, output: Path | None = None, platforms: Sequence[str] = ()) -> str:
    """Return the builder for a build that names none: `docker` if there is an engine, else `layers`.

    Only `layers` writes files and builds for several platforms; an image that goes nowhere is for an engine.

    Args:
        push: Whether the image is pushed.
        output: The file that is written.
        platforms: The platforms of the image.
    """
    if output or len(platforms) > 1:
        return "layers"
    has_engine = bool(os.environ.get("DOCKER_HOST")) or ENGINE_SOCKET.exists()
    return "docker" if has_engine or not push else "layers"


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
