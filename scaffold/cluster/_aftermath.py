"""Sentences on what a failed deploy left in the cluster, and on the commands that come next."""

from __future__ import annotations

from scaffold.cluster._client import Manifest
from scaffold.cluster._platforms import service_container
from scaffold.cluster._recorded import is_same_template
from scaffold.cluster._rollout import REVISION, revision_of
from scaffold.errors.wording import on_project

_NOT_ROLLED_BACK = "It was not rolled back, as requested"


def next_commands(target: str, *, is_first: bool) -> str:
    """Return how to look at what runs at a target, and how to go back from there."""
    command = on_project("undeploy" if is_first else "rollback", target=target)
    return f"Look at it: {on_project('status', target=target)}, and go back: {command}"


def kept(target: str, *, is_rolled_out: bool) -> str:
    """Return who answers callers after a deploy that was not to be rolled back."""
    if not is_rolled_out:
        return f"{_NOT_ROLLED_BACK}; the former pods go on serving."
    command = on_project("rollback", target=target)
    return f"{_NOT_ROLLED_BACK}: the new pods answer all callers. Go back: {command}"


def restored(before: Manifest, live: Manifest) -> str:
    """Return what runs after a rollback.

    Args:
        before: The Deployment before the deploy.
        live: The Deployment now.
    """
    number = (before["metadata"].get("annotations") or {}).get(REVISION, "?")
    if is_same_template(live, before):
        return f"Rolled back to revision {number}, which is revision {revision_of(live)} now."
    image = service_container(live)["image"]
    return f"Rolled back to {image}, but not all fields of its pods are those of revision {number}."
