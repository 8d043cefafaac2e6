"""The stages of a Dockerfile: the image that the last one starts from, and its instructions.

Source: docs.docker.com/reference/dockerfile, the sections on FROM and on the scope of ARG. BuildKit
follows them; the classic builder gives no ARG of a stage to a stage that starts from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from scaffold.errors import DockerfileError
from scaffold.image.dockerfile._instructions import Instruction, expand, instructions, split_words, unreadable

EMPTY = "scratch"
"""In a FROM: no base at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A build stage. It continues the stage that its FROM names, if any."""

    base: str
    """The image that the first of these stages starts from, or takes its files from."""
    steps: list[Instruction]
    """The instructions of all these stages, each FROM included."""


def read_base(text: str, arguments: Mapping[str, str]) -> str:
    """Return the reference of the image that the last stage starts from.

    Args:
        text: The Dockerfile.
        arguments: The build arguments (`--build-arg`).

    Raises:
        DockerfileError: There is no FROM, or a FROM or an ARG before it cannot be read.
    """
    return last_stage(text, arguments, {}).base


def last_stage(text: str, arguments: Mapping[str, str], defaults: dict[str, str]) -> Stage:
    """Return the last stage, and add the arguments before the first FROM to `defaults`."""
    stages: dict[str, Stage] = {}
    stage: Stage | None = None
    name = ""
    for step in instructions(text):
        try:
            if step.keyword == "FROM":
                image, name = _from(step, defaults)
                parent = stages.get(image.lower())
                stage = Stage(
                    base=parent.base if parent else image, steps=[*(parent.steps if parent else ()), step]
                )
            elif stage is not None and stage.base == EMPTY and (source := _source_of_root(step, stages)):
                stage = replace(stage, base=source.base)
            elif stage is not None:
                stage.steps.append(step)
            elif step.keyword == "ARG":
                defaults |= argument_values(step, defaults, arguments, {})
            if stage is not None and name:
                stages[name.lower()] = stage
        except ValueError as error:
            raise unreadable(step) from error
    if stage is None:
        raise DockerfileError(1, "FROM", "from")
    return stage


def _source_of_root(step: Instruction, stages: Mapping[str, Stage]) -> Stage | None:
    """Return the stage whose files become the root folder, as by `COPY --from=build /runtime /`."""
    is_root = step.keyword == "COPY" and step.value.split()[-1:] == ["/"]
    return stages.get(step.flags.get("from", "").lower()) if is_root else None


def _from(step: Instruction, variables: Mapping[str, str]) -> tuple[str, str]:
    """Return the image or stage that a FROM names, and the name of the new stage; empty without one."""
    match step.value.split():
        case [image]:
            name = ""
        case [image, as_, name] if as_.upper() == "AS":
            pass
        case _:
            raise ValueError(step.value)
    if not (expanded := expand(image, variables)):
        raise ValueError(step.value)
    return expanded, name


def argument_values(
    step: Instruction,
    variables: Mapping[str, str],
    arguments: Mapping[str, str],
    defaults: Mapping[str, str],
) -> dict[str, str]:
    """Return the values of the arguments that an ARG declares; `defaults` has those before the first FROM."""
    values: dict[str, str] = {}
    for word in split_words(step.value):
        name, equals, value = word.partition("=")
        if name in arguments:
            values[name] = arguments[name]
        elif equals:
            values[name] = expand(value, {**variables, **values})
        elif name in defaults:
            values[name] = defaults[name]
    return values
