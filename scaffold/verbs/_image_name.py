"""The names of images: repository, tag and digest from the kustomization of a target."""

from __future__ import annotations

from scaffold.base.docker_hub import repository_of
from scaffold.base.layout import DEPLOY
from scaffold.errors import NoRecordError
from scaffold.errors.wording import option
from scaffold.events import Noted, OnEvent
from scaffold.verbs.project import Project


def read_name(project: Project, target: str) -> tuple[str, str]:
    """Return the image of a target as `repository:tag`, and the digest to which it is pinned, if it is.

    Raises:
        ManifestError: There is no such target, or its manifests cannot be read.
    """
    from scaffold.cluster import read_image

    name, _, digest = read_image(project.root, target).partition("@")
    return (f"{name}:{_version_of(project)}" if repository_of(name) == name else name), digest


def complete_name(project: Project, target: str, tag: str | None) -> str | None:
    """Return the name for a push: `tag`, in the repository that the manifests name, if these name a registry.

    Args:
        project: The project.
        target: A folder under its `deploy/`.
        tag: The whole name, or what stands after the colon; that of the manifests where it is None.

    Raises:
        ManifestError: The project has manifests, and no such target among them.
    """
    if (tag and (":" in tag or "/" in tag)) or not (project.root / DEPLOY).is_dir():
        return tag
    name, _ = read_name(project, target)
    if "/" not in name:
        return tag
    return f"{name.rpartition(':')[0]}:{tag}" if tag else name


def pin_deployed(project: Project, target: str, image: str, on_event: OnEvent) -> None:
    """Write the digest of the running image into the kustomization of its target, and report that.

    Args:
        project: The project.
        target: A folder under its `deploy/`.
        image: The running image, by digest.
        on_event: Called with the event.
    """
    from scaffold.cluster import pin_image

    pin_image(project.root, target, image)
    on_event(Noted(f"deploy/{target}/kustomization.yaml pins {image}"))


def note_other_image(project: Project, target: str, image: str, verb: str, on_event: OnEvent) -> None:
    """Say what `kubectl apply -k` would roll out, if that may be another image than what runs.

    Args:
        project: The project.
        target: A folder under its `deploy/`.
        image: The running image.
        verb: What deployed it, as a noun: it can write the digest.
        on_event: Called with the event.
    """
    name, pinned = read_name(project, target)
    digest = image.partition("@")[2]
    if not digest or pinned == digest:
        return
    image_now = f"pins {pinned}" if pinned else f"names {name}"
    on_event(
        Noted(
            f"deploy/{target}/kustomization.yaml {image_now}: kubectl apply -k, Argo CD and Flux may roll out"
            f" again what was left. Set there: digest: {digest}. A {verb} with {option('pin', True)} does."
        )
    )


def _version_of(project: Project) -> str:
    """Return the tag of an image if its manifests name none."""
    try:
        return project.spec.version
    except NoRecordError:
        return "latest"
