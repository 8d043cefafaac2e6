"""What becomes of a failed deploy: going back, and sentences on what is left in the cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from scaffold.cluster._client import Manifest
from scaffold.cluster._interrupt import Interrupts
from scaffold.cluster._platforms import service_container
from scaffold.cluster._recorded import is_same_template
from scaffold.cluster._refusal import ApiError
from scaffold.cluster._rollout import REVISION, revision_of
from scaffold.errors import DeployBusyError, DeployError
from scaffold.errors.wording import on_project

_Live = TypeVar("_Live")
_NOT_ROLLED_BACK = "It was not rolled back, as requested"


def next_commands(target: str, *, is_first: bool) -> str:
    """Return how to look at what runs at a target, and how to go back from there."""
    command = on_project("undeploy" if is_first else "rollback", target=target)
    return f"Look at it: {on_project('status', target=target)}, and go back: {command}"


def end_attempt(interrupts: Interrupts, steps: Callable[[], str], target: str, *, is_first: bool) -> str:
    """Run the steps that record a failure and go back; return their sentence. The first interrupt waits.

    Args:
        interrupts: Those of the deploy.
        steps: What is done.
        target: The target of the deploy.
        is_first: Whether nothing ran there before.
    """
    with interrupts.deferred():
        try:
            return steps()
        except KeyboardInterrupt:
            commands = next_commands(target, is_first=is_first)
            return f"Going back was interrupted, and is not complete. {commands}"


def go_back(
    undo: Callable[[], None],
    restore: Callable[[], str],
    describe_removed: Callable[[], str],
    target: str,
    *,
    is_applied: bool,
    is_first: bool,
    is_rolled_out: bool,
    roll_back: bool,
    remove: bool,
) -> str:
    """Go back or remove, as requested; return a sentence on what was done, or on why it failed.

    Args:
        undo: Takes back what was applied.
        restore: Brings back what ran before, and returns a sentence on that.
        describe_removed: Returns a sentence on pods without callers that were removed, if there were any.
        target: The target of the deploy.
        is_applied: Whether what makes the pods was applied.
        is_first: Whether nothing ran there before.
        is_rolled_out: Whether the new pods have the callers.
        roll_back: Whether to bring back what ran before.
        remove: Whether to remove a first deploy.
    """
    try:
        if not is_applied:
            undo()
            return describe_removed() or "What was applied is taken back."
        if not is_first:
            return restore() if roll_back else _kept(target, is_rolled_out=is_rolled_out)
        if not remove:
            return f"It is left for inspection. Remove it: {on_project('undeploy', target=target)}"
        undo()
        return "It was the first deploy, and was removed; its namespace stays."
    except DeployBusyError as error:
        return f"Nothing was taken back. {error.problem}"
    except (DeployError, ApiError) as error:
        return f"Going back failed too: {error}"


def wait_for_restored(
    interrupts: Interrupts, wait: Callable[[], _Live], number: object
) -> tuple[_Live | None, str]:
    """Return what `wait` returns; or None, and a sentence that whether the pods are ready is not known.

    Args:
        interrupts: Those of the deploy; one ends the waiting.
        wait: Waits until what was restored is ready.
        number: The revision that was restored.
    """
    unknown = f"Rolled back to revision {number}; whether its pods are ready is not known:"
    try:
        with interrupts.allowed():
            return wait(), ""
    except KeyboardInterrupt:
        return None, f"{unknown} interrupted."
    except (DeployError, ApiError) as error:
        text = "\n".join(f"  {line}" for line in str(error).splitlines())
        return None, f"{unknown}\n{text}"


def _kept(target: str, *, is_rolled_out: bool) -> str:
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
