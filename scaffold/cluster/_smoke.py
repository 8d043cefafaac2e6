"""The sample, replayed against the live service: its answers must be the model's."""

from __future__ import annotations

from scaffold.base.client import Client, wait_until_ready
from scaffold.base.replay import FAR, replay
from scaffold.cluster._address import KEY_VARIABLE
from scaffold.cluster._rollout import Pace
from scaffold.errors import (
    AnswersDifferError,
    DeployError,
    LiveAnswersDifferError,
    RolloutFailedError,
    SampleRefusedError,
    ServiceFailedError,
    VerificationError,
)
from scaffold.errors.wording import on_project
from scaffold.spec import Recording

_DIFFERS = "The live service answers, but not as the model does."


def await_address(client: Client, pace: Pace) -> None:
    """Return when the service answers. A new address needs a while: names spread, balancers look for pods.

    Raises:
        RolloutFailedError: The address does not answer.
    """
    ready = wait_until_ready(client, timeout_s=pace.address_s, poll_s=pace.poll_s)
    if not ready.is_ready:
        raise RolloutFailedError(
            "The pods are ready, but the service cannot be reached under its address.",
            (f"GET {client.url}{client.protocol.ready}: {ready.last}", f"tried for {ready.waited_s:.0f} s"),
            "Does the name resolve to the address, and may this machine reach it?",
        )


def replay_sample(client: Client, recording: Recording) -> str:
    """Replay the sample as the proof does, bounded, and return what was found in one line.

    Raises:
        LiveAnswersDifferError: An answer is not the model's.
        RolloutFailedError: The service does not answer, or wants an API key.
    """
    try:
        replayed = replay(client, recording, extent=FAR)
    except VerificationError as error:
        raise _explained(client, error) from error
    how = ", ".join(check.name for check in replayed.checks)
    return f"{replayed.rows} of {replayed.rows} rows answered as the model does: {how}"


def _explained(client: Client, error: VerificationError) -> DeployError:
    """The error in the words of a deploy."""
    match error:
        case SampleRefusedError(status=401):
            return RolloutFailedError(
                "The service requires an API key, and no valid one was sent.",
                (f"POST {client.url}{error.endpoint}: 401",),
                f"Set one for the replay: export {KEY_VARIABLE}=...",
            )
        case SampleRefusedError():
            facts = f"{error.what}: {error.status} {str(error.body)[:300]}"
            found = (f"POST {client.url}{error.endpoint}, {facts}",)
            return LiveAnswersDifferError(
                "The live service refuses its own sample.", found, on_project("verify")
            )
        case AnswersDifferError():
            got, wanted = error.values
            where = error.path.lstrip(".") or "the answer"
            facts = f"{error.what}, {where}: {got} from it, {wanted} from the model"
            return LiveAnswersDifferError(_DIFFERS, (f"{client.url}{error.endpoint}, {facts}",), _fix())
        case ServiceFailedError():
            return RolloutFailedError("The service stopped answering during the replay.", (str(error),))
        case _:
            return LiveAnswersDifferError(_DIFFERS, str(error).splitlines(), _fix())


def _fix() -> str:
    proves, builds = on_project("verify"), on_project("deploy")
    return f"Is it the image of this project? {proves} proves it, {builds} builds anew."
