"""The sample, replayed against the live service: its answers must be the model's."""

from __future__ import annotations

from scaffold.base.client import KEY_VARIABLE, Client
from scaffold.base.replay import FAR, ReplayResult, replay
from scaffold.base.routes import find_protocol
from scaffold.errors import (
    AnswersDifferError,
    DeployError,
    LiveAnswersDifferError,
    RolloutFailedError,
    SampleRefusedError,
    ServiceFailedError,
    ServiceNotAskedError,
    VerificationError,
)
from scaffold.errors.wording import on_project
from scaffold.spec import Recording

LIVE = "The live service"


def replay_sample(
    client: Client, recording: Recording, *, target: str = "", subject: str = LIVE
) -> ReplayResult:
    """Replay the sample as the proof does, bounded.

    Args:
        client: A client of the service.
        recording: The sample.
        target: The target that is replayed, for the advice; empty for a URL.
        subject: What a message calls it: `The live service`.

    Raises:
        LiveAnswersDifferError: An answer is not the model's.
        RolloutFailedError: The service does not answer.
        ServiceNotAskedError: It wants an API key or a token.
    """
    try:
        client.protocol = find_protocol(client)
        return replay(client, recording, extent=FAR)
    except VerificationError as error:
        raise _deploy_error(client, error, subject, _fix(target)) from error


def summary_of(replayed: ReplayResult) -> str:
    """Return the result of a replay in one line."""
    how = ", ".join(check.name for check in replayed.checks)
    return f"{replayed.rows} of {replayed.rows} rows answered as the model does: {how}"


def _deploy_error(client: Client, error: VerificationError, subject: str, fix: str) -> DeployError:
    """Return the error of a replay as an error of the deploy."""
    differs = f"{subject} answers, but not as the model does."
    match error:
        case SampleRefusedError(status=401 | 403):
            return ServiceNotAskedError(
                "The service requires an API key or a token, and no valid one was sent.",
                (f"POST {client.url}{error.endpoint}: {error.status}",),
                f"Set a key for the replay: export {KEY_VARIABLE}=...\n"
                "Or give a token: --header 'Authorization: Bearer ...'",
            )
        case SampleRefusedError():
            facts = f"{error.what}: {error.status} {str(error.body)[:300]}"
            details = (f"POST {client.url}{error.endpoint}, {facts}",)
            return LiveAnswersDifferError(f"{subject} refuses its own sample.", details, on_project("verify"))
        case AnswersDifferError():
            actual, expected = error.values
            where = error.path.lstrip(".") or "the answer"
            facts = f"{error.what}, {where}: {actual} from it, {expected} from the model"
            return LiveAnswersDifferError(differs, (f"{client.url}{error.endpoint}, {facts}",), fix)
        case ServiceFailedError():
            return RolloutFailedError("The service stopped answering during the replay.", (str(error),))
        case _:
            return LiveAnswersDifferError(differs, str(error).splitlines(), fix)


def _fix(target: str) -> str:
    proves = f"Is it the image of this project? {on_project('verify')} proves the project"
    return f"{proves}, {on_project('deploy', target=target)} builds it anew." if target else f"{proves}."
