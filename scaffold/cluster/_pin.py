"""Read the image that the kustomization of a target names, and pin its digest there."""

from __future__ import annotations

import re
from pathlib import Path

from scaffold.base.layout import DEPLOY, KUSTOMIZATION
from scaffold.base.yaml_text import yaml_document
from scaffold.cluster._kustomize import repository_of
from scaffold.cluster._manifests import read_target, service_container
from scaffold.errors import ManifestError

_ENTRY = re.compile(r"^(\s*)- ")
_FIELD = re.compile(r"^(\s*(?:- )?)(name|newName|newTag|digest):(\s*)([\"']?)([^\"'#\s]*)([\"']?)(.*)$")


def read_image(root: Path, target: str) -> str:
    """Return the image of a target as its manifests name it: `repository:tag`, with `@sha256:...` if pinned.

    Args:
        root: The project.
        target: A folder under its `deploy/`.
    """
    return str(service_container(read_target(root, target).deployment)["image"])


def pin_image(root: Path, target: str, image: str, *, dry_run: bool = False) -> None:
    """Write the digest of an image into the kustomization of a target; comments and other lines stay.

    Args:
        root: The project.
        target: A folder under its `deploy/`.
        image: The image by digest: `repository@sha256:...`.
        dry_run: Check that the digest can be written, and write nothing.

    Raises:
        ManifestError: The kustomization has no entry for the image.
    """
    repository, _, digest = image.partition("@")
    path = root / DEPLOY / target / KUSTOMIZATION
    named = repository_of(read_image(root, target))
    text = _pinned(path.read_text("utf-8"), named, repository, digest)
    if not _is_pinned(text, repository, digest):
        lines = (f"- name: {named}", f"  newName: {repository}", f"  digest: {digest}")
        raise ManifestError(f"{path} has no entry for the image.", (), "\n".join(("Add: images:", *lines)))
    if not dry_run:
        path.write_text(text, "utf-8")


def _is_pinned(text: str, repository: str, digest: str) -> bool:
    """Whether a kustomization gives an image this name and this digest, as YAML parses it."""
    import yaml

    try:
        loaded = yaml_document(text)
    except yaml.YAMLError:
        return False
    images = loaded.get("images") if isinstance(loaded, dict) else None
    return isinstance(images, list) and any(
        one.get("newName", one.get("name")) == repository and one.get("digest") == digest
        for one in images
        if isinstance(one, dict)
    )


def _pinned(text: str, named: str, repository: str, digest: str) -> str:
    """Return the text with the digest in the entry of `images` whose new name is `named`."""
    lines = text.splitlines()
    for start, end in _entries(lines):
        fields = {}
        for number in range(start, end):
            if match := _FIELD.match(lines[number]):
                fields[match[2]] = number, match
        given = fields.get("newName") or fields.get("name")
        if given is None or given[1][5] != named:
            continue
        indent = " " * len(fields["name"][1][1]) if "name" in fields else " " * len(given[1][1])
        added = []
        for field, value in (("newName", repository), ("digest", digest)):
            if field in fields:
                number, match = fields[field]
                lines[number] = f"{match[1]}{field}: {value}{match[7]}"
            elif field == "digest" or value != named:
                added.append(f"{indent}{field}: {value}")
        last = max(number for number, _ in fields.values())
        return "\n".join([*lines[: last + 1], *added, *lines[last + 1 :]]) + "\n"
    return text


def _entries(lines: list[str]) -> list[tuple[int, int]]:
    """Return the first line of each entry of `images`, and the line after its last."""
    found: list[int] = []
    inside = False
    for number, line in enumerate(lines):
        if line and not line.startswith((" ", "-", "#")):
            if inside:
                return _pairs(found, number)
            inside = line.startswith("images:")
        elif inside and _ENTRY.match(line):
            found.append(number)
    return _pairs(found, len(lines))


def _pairs(starts: list[int], end: int) -> list[tuple[int, int]]:
    return list(zip(starts, [*starts[1:], end], strict=False))
