"""Read the image that the kustomization of a target names, and pin its digest there."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scaffold.base.checked import kustomization_in
from scaffold.base.docker_hub import repository_of
from scaffold.base.layout import DEPLOY
from scaffold.base.yaml_text import yaml_document
from scaffold.cluster._client import Manifest
from scaffold.cluster._kustomize import build_kustomization, needs_kubectl
from scaffold.cluster._manifests import read_target
from scaffold.cluster._platforms import service_container, workload_in
from scaffold.errors import ManifestError

_ANY_DIGEST = f"sha256:{'0' * 64}"


def read_image(root: Path, target: str) -> str:
    """Return the image of a target as its manifests name it: `repository:tag`, with `@sha256:...` if pinned.

    Args:
        root: The project.
        target: A folder under its `deploy/`.
    """
    return str(service_container(read_target(root, target).deployment)["image"])


def check_pin(root: Path, target: str) -> None:
    """Check that `pin_image` can write a digest; nothing is written.

    Raises:
        ManifestError: As for `pin_image`.
    """
    _pin_text(root, target, f"{repository_of(read_image(root, target))}@{_ANY_DIGEST}")


def pin_image(root: Path, target: str, image: str) -> None:
    """Write the digest of an image into the kustomization of a target; comments and other lines stay.

    Args:
        root: The project.
        target: A folder under its `deploy/`.
        image: The image by digest: `repository@sha256:...`.

    Raises:
        ManifestError: The kustomization has no entry for the image, or several, or the entry cannot be
            changed without changing something else; nothing is written.
    """
    text = _pin_text(root, target, image)
    kustomization_in(root / DEPLOY / target).write_bytes(text.encode())


def _pin_text(root: Path, target: str, image: str) -> str:
    """Return the kustomization's text with the digest written into the image's entry."""
    folder = root / DEPLOY / target
    path = kustomization_in(folder)
    current_image = read_image(root, target)  # raises if the kustomization cannot be built
    repository, _, digest = image.partition("@")
    fields = {"newName": repository, "digest": digest}
    text = path.read_bytes().decode("utf-8")
    before = _read(text, path)
    images = before.get("images") or []
    if needs_kubectl(folder):
        key, name = "newName", repository_of(current_image)
    else:
        key, name = "name", repository_of(_image_with(folder, root, ()))
    places = [place for place, entry in enumerate(images) if (entry.get(key) or entry.get("name")) == name]
    lines = (f"- name: {name}", *(f"  {field}: {value}" for field, value in fields.items()))
    if len(places) != 1:
        problem = f"{path} has {'several entries' if places else 'no entry'} for the image."
        heading = ("Leave one:",) if places else ("Add to `images`:",) if images else ("Add:", "images:")
        facts = (f"{key}: {name}",) if places else ()
        raise ManifestError(problem, facts, "\n".join((*heading, *lines)))
    place = places[0]
    after = copy.deepcopy(before)
    if repository == images[place].get("newName", images[place].get("name")):
        del fields["newName"]
    after["images"][place] |= fields
    changed = _with_fields(text, place, fields)
    if not needs_kubectl(folder) and not _is_image(
        built := _image_with(folder, root, after["images"]), image
    ):
        problem = f"{path}: the entry does not set the image of the service."
        fix = "Check the other entries of `images`, and the image in the Deployment."
        raise ManifestError(problem, (f"the image would be: {built}",), fix)
    if _load(changed) != after:
        problem = f"{path}: the image's entry cannot be changed without changing other lines."
        lines = ("Write it yourself:", "images:", f"- name: {images[place].get('name', name)}", *lines[1:])
        raise ManifestError(problem, (), "\n".join(lines))
    return changed


def _image_with(folder: Path, root: Path, images: Sequence[Manifest]) -> str:
    """Return the service's image, built with `images` in place of the kustomization's own."""
    workload = workload_in(build_kustomization(folder, root, images=images))
    assert workload is not None
    return str(service_container(workload)["image"])


def _is_image(reference: str, image: str) -> bool:
    return f"{repository_of(reference)}@{reference.partition('@')[2]}" == image


def _load(text: str) -> Any:
    """Return the document in a text of YAML; None if it is no YAML."""
    import yaml

    try:
        return yaml_document(text)
    except yaml.YAMLError:
        return None


def _read(text: str, path: Path) -> Any:
    """Return the kustomization in a text.

    Raises:
        ManifestError: It is no YAML, or holds several documents, of which a build reads the first.
    """
    import yaml

    try:
        return yaml_document(text)
    except yaml.YAMLError as error:
        raise ManifestError(f"{path} cannot be changed.", (str(error),), "Leave one document.") from error


def _with_fields(text: str, place: int, fields: dict[str, str]) -> str:
    """Return the text with fields in one entry of `images`: values are replaced, and new fields come last."""
    import yaml

    document: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    entries = next(value for key, value in document.value if key.value == "images")
    entry = entries.value[place]
    nodes_by_field = {key.value: value for key, value in entry.value}
    last = max((value for _, value in entry.value), key=lambda value: value.end_mark.index)
    first = min((key for key, _ in entry.value), key=lambda key: key.start_mark.index)
    edits: list[tuple[int, int, str]] = []
    added = ""
    for field, value in fields.items():
        if field in nodes_by_field:
            node = nodes_by_field[field]
            quote = getattr(node, "style", None) or ""
            edits.append((node.start_mark.index, node.end_mark.index, f"{quote}{value}{quote}"))
        elif entry.flow_style:
            quote = first.style or ""
            added += f', {quote}{field}{quote}: "{value}"'
        else:
            newline = "\r\n" if "\r\n" in text else "\n"
            added += f"{newline}{' ' * first.start_mark.column}{field}: {value}"
    end = last.end_mark.index
    if not entry.flow_style:
        line = text[end:].partition("\n")[0].rstrip("\r")
        end += len(line)
    edits.append((end, end, added))
    for start, stop, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[stop:]
    return text
