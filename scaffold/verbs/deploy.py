"""`deploy`: build, push and run a project in a cluster."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.base.docker_hub import repository_of
from scaffold.errors import EditedDuringDeployError, ImageError, NoRegistryInManifestsError
from scaffold.errors.wording import invocation
from scaffold.events import Noted, OnEvent, Started, ignore
from scaffold.spec import Deployment, Image, Release
from scaffold.verbs._image_name import pin_deployed, read_name
from scaffold.verbs._recorded import record_failure, record_in_store
from scaffold.verbs._release import docker_config, proof_of_image, read_measurements, read_release
from scaffold.verbs.project import Project

if TYPE_CHECKING:
    from typing import Unpack

    from scaffold.cluster import ClusterAccess, Pace
    from scaffold.image import BuilderChoices


def deploy(
    project: str | Path,
    *,
    target: str = "staging",
    access: ClusterAccess | None = None,
    image: str | None = None,
    registry: str | None = None,
    store: str | None = None,
    force_conflicts: bool = False,
    roll_back: bool = True,
    remove_failed: bool = False,
    candidate: bool = True,
    check: bool | None = None,
    pin: bool = False,
    pace: Pace | None = None,
    on_event: OnEvent = ignore,
    **choices: Unpack[BuilderChoices],
) -> Deployment:
    """Build, push and deploy a project; return what runs, with the URL that gives the model's answers.

    Args:
        project: The project's folder.
        target: A folder under its `deploy/`.
        access: Which cluster; else that of `$KUBECONFIG`, of `~/.kube/config`, or of the pod.
        image: An image that is pushed already, by digest. By default the image that the target's
            kustomization pins, else one that is built and pushed.
        registry: Where it is pushed; the one that the target's kustomization names, where it is left out.
        store: Where the deployment is recorded; else `$SCAFFOLD_STORE`, or SQLite in the user's data folder.
        force_conflicts: Take over fields that others have set.
        roll_back: Whether a deploy that fails is taken back to what ran before.
        remove_failed: Whether a first deploy that fails is removed instead of left for inspection.
        candidate: Whether new pods are replayed outside of the Service before callers reach them.
        check: Whether the image is run before its push, and has to give the model's answers. By default this
            is done if this machine can run the image.
        pin: Build anew, and write the digest into the target's kustomization after the live proof.
        pace: How long to wait.
        on_event: Called with each event.
        choices: Further fields of `scaffold.image.BuildOptions`: `builder`, `insecure`, ...

    Raises:
        DeployError: One of its leaves; what failed, what to do, and what was rolled back.
    """
    from scaffold.cluster import check_pin, deploy_project
    from scaffold.image import read_environment

    opened_project = Project.open(project)
    source = _Source(opened_project, target, image, registry, pin, check, choices, on_event)
    if pin:
        check_pin(opened_project.root, target)
    release = source.release()
    failure_context = (opened_project.root, target, lambda: source.reference, release, store, on_event)
    with record_failure("deploy", *failure_context):
        deployment = deploy_project(
            opened_project.root,
            target=target,
            image=source.image or source.build,
            release=release,
            measured=read_measurements(opened_project),
            environment=read_environment(opened_project.root),
            access=access,
            docker_config=docker_config(source.name),
            force_conflicts=force_conflicts,
            roll_back=roll_back,
            remove_failed=remove_failed,
            candidate=candidate,
            on_proven=source.name_proven,
            pace=pace,
            on_event=on_event,
        )
    record_in_store("deploy", deployment, store, on_event)
    return deployment


class _Source:
    """The image of a deploy: an argument, pinned by the kustomization, or built now."""

    def __init__(
        self,
        project: Project,
        target: str,
        image: str | None,
        registry: str | None,
        pin: bool,
        check: bool | None,
        choices: BuilderChoices,
        on_event: OnEvent,
    ) -> None:
        self._project, self._target, self._check = project, target, check
        self._choices, self._on_event, self._pin = choices, on_event, pin
        image_name, digest = read_name(project, target)
        if digest and not image and not pin:
            image = f"{repository_of(image_name)}@{digest}"
            on_event(Noted(f"deploy/{target}/kustomization.yaml pins the image; --pin builds it anew"))
        self.image = image
        """The image by digest; None if it is built."""
        self.name = image or (
            f"{registry.rstrip('/')}/{image_name.rpartition('/')[2]}" if registry else image_name
        )
        name, at, digest = self.name.partition("@")
        self.reference = f"{repository_of(name)}{at}{digest}" if digest else name
        """The image, by digest once that is known."""
        self._code = "" if image else project.code_sha256

    def build(self) -> Image:
        """Build the image, with an engine if there is one, and push it under a unique tag.

        Raises:
            EditedDuringDeployError: The code is no longer that of the release.
        """
        from scaffold.verbs.build import build, choose_builder

        if "/" not in self.name:
            raise NoRegistryInManifestsError(str(self._project.root), self.name, self._target)
        builder = self._choices.setdefault("builder", choose_builder(push=True))
        self._on_event(Started("build", f"{self.name}, by {builder}"))
        image = build(
            self._project.root,
            tag=self.name,
            push=True,
            unique_tag=True,
            check=self._check,
            on_event=self._on_event,
            **self._choices,
        )
        self.reference = f"{repository_of(self.name)}@{image.digest}"
        if self._project.code_sha256 != self._code:
            raise EditedDuringDeployError(
                "The code of the project changed while its image was built.",
                fix="Nothing was deployed, for the recorded proof may be of other code. "
                f"Run it again: {invocation('deploy', str(self._project.root), target=self._target)}",
            )
        return image

    def release(self) -> Release:
        """Return the release to record; for an image that was not built here, with the proof of its code."""
        release = read_release(self._project)
        if self.image is None:
            return release
        return replace(release, proof=proof_of_image(self._project, self.image, self._choices))

    def name_proven(self) -> None:
        """Let the version's tag and the pin name the image; called while the target is locked."""
        self._move_tag()
        if self._pin:
            pin_deployed(self._project, self._target, self.reference, self._on_event)

    def _move_tag(self) -> None:
        """Move the version's tag to the image that was built here, after its live proof."""
        if self.image is not None:
            return
        from scaffold.image import move_tag

        tag = self.name.rpartition(":")[2]
        try:
            move_tag(self.reference, tag, self._choices)
        except ImageError as error:
            self._on_event(Noted(f"the tag {tag} was not moved to the image: {error}"))
