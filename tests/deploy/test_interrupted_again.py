"""An interrupt while a failed deploy is taken back."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

import pytest

from scaffold.errors import DeployError, LiveAnswersDifferError
from scaffold.events import Event, PodsChanged, RollbackStarted
from tests.deploy._deploys import Deploys, image
from tests.deploy.test_deploy import container_of
from tests.deploy.test_ended_early import Ending


class Interrupting(list[Event]):
    """Events that interrupt this process when something is taken back."""

    def __init__(self, times: int = 1, *, wait: bool = False) -> None:
        self.times, self.is_begun, self.wait = times, False, wait

    def append(self, event: Event) -> None:
        super().append(event)
        if self.is_begun and self.wait and isinstance(event, PodsChanged):
            signal.raise_signal(signal.SIGINT)
        if isinstance(event, RollbackStarted):
            self.is_begun = True
            for _ in range(0 if self.wait else self.times):
                signal.raise_signal(signal.SIGINT)


def fail(deploys: Deploys) -> str:
    """Deploy an image that answers wrongly; return the end of the message."""
    deploys.cluster.factors[image(2)] = 9.0
    handler: Callable[..., object] | int | None = signal.getsignal(signal.SIGINT)
    with pytest.raises(LiveAnswersDifferError) as caught:
        deploys.deploy(2, candidate=False)
    assert signal.getsignal(signal.SIGINT) == handler
    assert deploys.cluster.api.all("Lease") == []
    return str(caught.value).splitlines()[-1]


@pytest.mark.parametrize("during_wait", [False, True])
def test_an_interrupt_waits_until_the_former_pods_are_restored(deploys: Deploys, during_wait: bool) -> None:
    deploys.deploy(1)
    deploys.events = Interrupting(wait=during_wait)
    told = fail(deploys)
    assert told == "Rolled back to revision 1; whether its pods are ready is not known: interrupted."
    assert container_of(deploys)["image"] == image(1)
    assert deploys.status().live == "passed"


def test_a_second_interrupt_ends_the_rollback_and_says_how_to_go_on(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.events = Interrupting(times=2)
    assert fail(deploys) == (
        "Going back was interrupted, and is not complete. Look at it: scaffold status --target staging,"
        " and go back: scaffold rollback --target staging"
    )
    assert deploys.status().live == "The live service answers, but not as the model does."


def test_an_interrupt_after_an_interrupt_waits_as_well(deploys: Deploys) -> None:
    """What was applied before the candidate is taken back."""
    deploys.deploy(1)

    class Twice(Ending):
        def append(self, event: Event) -> None:
            if isinstance(event, RollbackStarted):
                signal.raise_signal(signal.SIGINT)
            super().append(event)

    deploys.events = Twice("candidate", KeyboardInterrupt())
    with pytest.raises(DeployError, match=r"(?s)The deploy was interrupted.*No caller reached the new pods"):
        deploys.deploy(2)
    assert (deploys.status().image, deploys.status().live) == (image(1), "passed")


def test_a_deploy_in_a_thread_is_taken_back_without_signals(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.cluster.factors[image(2)] = 9.0
    caught: list[BaseException] = []

    def deploy() -> None:
        try:
            deploys.deploy(2, candidate=False)
        except LiveAnswersDifferError as error:
            caught.append(error)

    thread = threading.Thread(target=deploy)
    thread.start()
    thread.join()
    assert "Rolled back to revision 1" in str(caught[0])


def test_an_interrupt_after_the_proof_waits_until_the_tag_is_moved(deploys: Deploys) -> None:
    moved = []

    def move_tag() -> None:
        signal.raise_signal(signal.SIGINT)
        moved.append(image(1))

    assert deploys.deploy(1, on_proven=move_tag).live == "passed"
    assert moved == [image(1)]


def test_an_interrupt_does_not_leave_the_lock(deploys: Deploys) -> None:
    api = deploys.cluster.api

    def interrupt(verb: str, path: str) -> int:
        if (verb, path.rpartition("/")[2]) == ("update", "titanic-deploy"):
            api.failure = lambda _verb, _path: 0
            signal.raise_signal(signal.SIGINT)
        return 0

    api.failure = interrupt
    assert deploys.deploy(1).live == "passed"
    assert api.all("Lease") == []
