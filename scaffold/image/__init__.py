"""Build the image of a project, with a Docker Engine or without one."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path

from scaffold.base.code import code_sha256
from scaffold.base.docker_hub import DOCKER_HUB
from scaffold.base.git import revision
from scaffold.base.process import Runner, run_command
from scaffold.errors import (
    ImageError,
    MissingExtraError,
    NamedTwiceError,
    NoRegistryError,
    UnnamedImageError,
)
from scaffold.events import OnEvent, ignore
from scaffold.image._check import check_engine, check_registry
from scaffold.image._options import BuildChoices, BuilderChoices, BuildOptions
from scaffold.image._registry_image import CODE_LABEL, move_tag, read_labels
from scaffold.image.dockerfile._context import read_dockerfile, require_model
from scaffold.image.dockerfile._plan import ImagePlan, read_plan
from scaffold.image.registry._credentials import (
    Credentials,
    logged_in_registries,
    stored_credentials,
)
from scaffold.image.registry._reference import Reference, parse_reference
from scaffold.spec import Image

__all__ = [
    "CODE_LABEL",
    "BuildChoices",
    "BuildOptions",
    "BuilderChoices",
    "Credentials",
    "build_image",
    "check_engine",
    "check_registry",
    "logged_in_registries",
    "move_tag",
    "read_environment",
    "read_labels",
    "stored_credentials",
]

_COMPILED_LABEL = "model.compiled-sha256"
"""The hashes of what runs in place of the model, in an image without the libraries of the model."""


def build_image(
    root: Path,
    options: BuildOptions | None = None,
    *,
    on_event: OnEvent = ignore,
    run: Runner = run_command,
    store: Path | None = None,
) -> Image:
    """Build the image of the project at `root`, and push it if the options say so.

    Args:
        root: A generated project. Its Dockerfile, edited or not, defines the image.
        options: The build options; without them, an image in the local Docker Engine.
        on_event: Called with each event.
        run: Runs commands.
        store: Where layers are kept between builds; the user's cache folder when absent.

    Raises:
        ImageError: The build, the check or the push failed; each cause has a subclass.
        UsageError: The options contradict each other.
    """
    options = options or BuildOptions()
    for module in ("docker", "isal"):
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError("image", module)
    text = read_dockerfile(root)
    arguments = {"REVISION": revision(root, run)}
    if options.base:
        arguments["BASE"] = options.base
    plan = read_plan(text, arguments, {})
    dockerfile_labels = plan.labels
    hashes = dockerfile_labels.get(_COMPILED_LABEL, dockerfile_labels.get("model.sha256", ""))
    is_known = options.builder == "layers" or _copies_only(text, plan)
    for sha256 in filter(None, hashes.split(",")):
        require_model(root, sha256, plan if is_known else None)
    reference = _reference(options, dockerfile_labels)
    if options.push and reference.registry == DOCKER_HUB and reference.repository.startswith("library/"):
        raise NoRegistryError(reference.familiar)
    if options.builder == "layers":
        from scaffold.image._assemble import build_layers as build
    else:
        from scaffold.image._docker import build_with_engine as build
    labels = {CODE_LABEL: code_sha256(root)}
    return build(root, reference, arguments, labels, options, on_event=on_event, run=run, store=store)


def _copies_only(text: str, plan: ImagePlan) -> bool:
    """Whether the COPY lines of the last stage are all that an engine's image gets of the project."""
    stages = [copy for copy in plan.copies if copy.stage is not None]
    return len(stages) <= 1 and not re.search(r"(?im)^\s*ADD\s|type=bind", text)


def read_environment(root: Path) -> dict[str, str]:
    """Return the ENV variables of a project's Dockerfile; empty without a Dockerfile."""
    try:
        return read_plan(read_dockerfile(root), {}, {}).env
    except ImageError:
        return {}


def _reference(options: BuildOptions, labels: Mapping[str, str]) -> Reference:
    """Return the requested image reference, else the service's name and the model's version from labels."""
    tag = options.tag or labels.get("org.opencontainers.image.version", "")
    if ":" in tag or "/" in tag:
        if options.registry:
            raise NamedTwiceError()
        return parse_reference(tag)
    name = labels.get("org.opencontainers.image.title", "")
    if not name or not tag:
        raise UnnamedImageError()
    return parse_reference("/".join(filter(None, ((options.registry or "").strip("/"), f"{name}:{tag}"))))
