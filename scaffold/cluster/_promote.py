"""Promotion from one target to the next: only a proven, running and approved release."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from scaffold.cluster._autoscaler import may_scale_to_zero
from scaffold.cluster._describe import PASSED, UNNAMED
from scaffold.cluster._kubeconfig import ClusterAccess
from scaffold.cluster._manifests import read_target
from scaffold.cluster._recorded import OTHER_CONTENT, OTHER_IMAGE, OTHER_TEMPLATE
from scaffold.cluster._verbs import read_status
from scaffold.errors import PromotionRefusedError
from scaffold.errors.wording import either, on_project, option
from scaffold.spec import Deployment, Release


def release_to_promote(
    root: Path,
    *,
    source: str,
    target: str = "production",
    release: Release,
    force: bool = False,
    access: ClusterAccess | None = None,
) -> tuple[str, Release]:
    """Return the image that runs at `source`, and its release with the approval of `release`.

    Args:
        root: The project.
        source: The target that is promoted.
        target: The target that gets the image.
        release: Who approves and why, and the model of the project.
        force: Promote what is not proven or not ready, or another model than the project's.
        access: As for `deploy_project`.

    Raises:
        PromotionRefusedError: Nobody approved, the source is not proven or has no ready pod, or it serves
            another model.
        NotDeployedError: Nothing runs at `source`.
    """
    deployment = read_status(root, target=source, access=access)
    theirs = deployment.release
    if not release.approved_by or not release.reason:
        options = {
            **either({"source": source}, {"from": source}),
            **either({"target": target}, {"to": target}),
        }
        fix = on_project("promote", **options, reason="approved in TICKET")
        raise PromotionRefusedError("A promotion says who approves it, and why.", (), fix)
    if not force:
        _require_proof(deployment, source)
        running = read_target(root, source)
        if deployment.wanted or not (running.platform or may_scale_to_zero(running.manifests)):
            _require_ready(deployment, source)
        if theirs is not None and theirs.model_sha256 != release.model_sha256:
            raise PromotionRefusedError(
                f"'{source}' serves another model than this project holds.",
                (f"{source}: {theirs.model_sha256[:12]}", f"the project: {release.model_sha256[:12]}"),
                f"Deploy the project to {source} first, or check out {theirs.git_revision or 'the other'}.",
            )
    deployed_release = theirs or release
    approved = dataclasses.replace(
        deployed_release, by=release.by, approved_by=release.approved_by, reason=release.reason
    )
    return deployment.image, approved


def _require_ready(deployment: Deployment, source: str) -> None:
    if deployment.replicas == 0:
        raise PromotionRefusedError(
            f"No pod of '{source}' is ready.",
            tuple(f"{pod.name}: {pod.state}" for pod in deployment.unready),
            f"Look at it: {on_project('status', target=source)}. Or, with a reason: {option('force', True)}",
        )


def _require_proof(deployment: Deployment, source: str) -> None:
    proof = deployment.release.proof if deployment.release else "not recorded"
    if proof != PASSED or deployment.live != PASSED:
        prove = f"{on_project('verify')}, then {on_project('deploy', target=source)}"
        if deployment.live in (OTHER_IMAGE, OTHER_TEMPLATE, OTHER_CONTENT, UNNAMED):
            prove = f"Prove what runs there: {on_project('verify', target=source)}"
        raise PromotionRefusedError(
            f"What runs at '{source}' is not proven.",
            (
                f"clean-environment proof: {proof or 'not recorded'}",
                f"live replay: {deployment.live or 'not done'}",
            ),
            f"{prove}. Or, with a reason: {option('force', True)}",
        )
