"""The facts of a project that a deployment records, and the login to its registry."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.base.docker_hub import login_key, split_registry
from scaffold.base.git import revision
from scaffold.base.urls import encoded_login
from scaffold.base.who import user_and_host
from scaffold.errors import (
    ScaffoldError,
)
from scaffold.spec import Measurements, Outcome, Release
from scaffold.verbs.project import Project

if TYPE_CHECKING:
    from scaffold.image import BuilderChoices


def read_release(project: Project) -> Release:
    """Return the facts that a deployment records: model, proof, commit and user."""
    return Release(
        model_sha256=project.model_sha256,
        proof=_proof(project),
        git_revision=revision(project.root),
        by=user_and_host(),
    )


def proof_of_image(project: Project, image: str, choices: BuilderChoices) -> str:
    """Return the outcome of the proof of the code in an image, found by the hash in the label of the image.

    Args:
        project: The project, whose record says which code was proven.
        image: The image by digest.
        choices: How its registry is reached.
    """
    try:
        from scaffold.image import CODE_LABEL, read_labels

        code = read_labels(image, choices).get(CODE_LABEL)
        verification = project.verification
    except (ImportError, ScaffoldError):
        return "not recorded"
    if not code or verification is None:
        return "not recorded"
    if not verification.passed:
        return _proof(project)
    return "passed" if code == verification.code_sha256 else "outdated"


def read_measurements(project: Project) -> Measurements | None:
    """Return what the last proof of a project measured; None where no proof is recorded."""
    try:
        verification = project.verification
    except ScaffoldError:
        return None
    return verification.measurements if verification else None


def docker_config(image: str) -> str | None:
    """Return the login for the image's registry as Docker writes it down; None where there is none.

    From `SCAFFOLD_REGISTRY_USERNAME` and `SCAFFOLD_REGISTRY_PASSWORD`, else what `docker login` keeps.
    """
    registry, _ = split_registry(image)
    username = os.environ.get("SCAFFOLD_REGISTRY_USERNAME", "")
    password = os.environ.get("SCAFFOLD_REGISTRY_PASSWORD", "")
    if not (username and password):
        try:
            from scaffold.image import stored_credentials

            credentials = stored_credentials(registry)
        except ImportError:  # no `image` extra, so nobody has logged in through it
            credentials = None
        if credentials is None or not credentials.password:
            return None
        username, password = credentials.username, credentials.password
    login = {"username": username, "password": password, "auth": encoded_login(username, password)}
    return json.dumps({"auths": {login_key(registry): login}})


def settings_of_image(root: Path) -> dict[str, str]:
    """Return what the Dockerfile of a project sets with ENV; nothing without the `image` extra."""
    try:
        from scaffold.image import read_environment
    except ImportError:
        return {}
    return read_environment(root)


def _proof(project: Project) -> str:
    """Return the outcome of the proof of the project; `outdated` if its code has changed since."""
    try:
        verification = project.verification
    except ScaffoldError:
        return "not recorded"
    if verification is None or any(check.outcome is Outcome.SKIPPED for check in verification.checks):
        return "skipped"
    if not verification.passed:
        return "failed"
    return "passed" if verification.code_sha256 == project.code_sha256 else "outdated"
