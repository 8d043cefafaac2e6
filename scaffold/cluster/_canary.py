"""The canary: pods of a new revision that get a share of the callers, in steps, before the rollout.

They are a Deployment of their own. Behind a Gateway, the weights of the HTTPRoute give it its share. Else the
Service selects its pods as well as the former ones: a Service sends as many requests to one pod as to
another, so the share of the callers is the share of the pods.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from scaffold.base.replay import ReplayResult
from scaffold.cluster._address import find_pods
from scaffold.cluster._arrival import pod_traffic
from scaffold.cluster._backends import route_of
from scaffold.cluster._canary_route import (
    SUFFIX,
    await_route,
    live_route,
    require_share,
    restore_route,
    split_route,
)
from scaffold.cluster._candidate import remove_candidate, separate_deployment, start_isolated
from scaffold.cluster._client import Cluster, Manifest
from scaffold.cluster._log import last_log
from scaffold.cluster._manifests import CANARY, CANARY_HOLD, Target, describe
from scaffold.cluster._objects import try_apply
from scaffold.cluster._pods import pod_state
from scaffold.cluster._refusal import ApiError
from scaffold.cluster._rollout import OnPods, Pace, live_deployment, pods_of, wait_for_rollout
from scaffold.cluster._smoke import replay_sample
from scaffold.cluster._traffic import Traffic, find_fault
from scaffold.errors import CanaryFailedError, DeployError, ManifestError
from scaffold.errors.wording import either
from scaffold.events import Finished, OnEvent
from scaffold.spec import Recording, read_shares

_HOLD_S = 60.0
_LONGEST_HOLD_S = 3600
_MOST_BESIDE = 80
"""The largest share in percent without a gateway: it takes four times the pods that there are."""
_LOOKS = 10
"""How often the pods are looked at while a share is held."""
_MOST_ASKED = 10
"""Pods whose metrics are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CanarySteps:
    """The shares that a canary gets; empty without a canary."""

    shares: tuple[int, ...]
    """In percent, rising."""
    hold_s: float


def read_canary_steps(target: Target) -> CanarySteps:
    """Return the steps of a target, as the annotations of its Deployment have them.

    Raises:
        ManifestError: They are no rising percentages, or no number of seconds up to an hour; or a share needs
            more pods than the target should have.
    """
    notes = target.deployment["metadata"].get("annotations") or {}
    if unknown := sorted(
        key for key in notes if key.startswith(CANARY[:-2]) and key not in (CANARY, CANARY_HOLD)
    ):
        raise ManifestError(
            "An annotation of deployment.yaml is not known.",
            (f"found: {', '.join(unknown)}",),
            f"Write {CANARY} for the shares of a canary, and {CANARY_HOLD} for how long each is held.",
        )
    text, hold = str(notes.get(CANARY, "")), str(notes.get(CANARY_HOLD, _HOLD_S))
    steps = _parse_steps(text, hold)
    if steps is None:
        raise ManifestError(
            "The steps of the canary cannot be read.",
            (f"{CANARY}: {text!r}", f"{CANARY_HOLD}: {hold!r}"),
            f'Write rising percentages and seconds, up to an hour, as in {CANARY}: "10,50" and'
            f' {CANARY_HOLD}: "60", into deployment.yaml.',
        )
    if target.one("HTTPRoute") is None and max(steps.shares, default=0) > _MOST_BESIDE:
        raise ManifestError(
            "A share of the canary is too large.",
            (f"{CANARY}: {text!r}", "without a gateway the share of the callers is that of the pods"),
            f"Write at most {_MOST_BESIDE}, for which four times the pods are started.",
        )
    route = route_of(target, ("HTTPRoute",))
    if steps.shares and route is not None:
        require_share(target, route)
    return steps


def _parse_steps(shares: str, hold_s: str) -> CanarySteps | None:
    try:
        steps = CanarySteps(shares=read_shares(shares), hold_s=float(hold_s))
    except ValueError:
        return None
    return steps if 0 <= steps.hold_s <= _LONGEST_HOLD_S else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """A new revision that is to get a share of the callers."""

    cluster: Cluster
    target: Target
    manifest: Manifest
    """The Deployment of the new revision, with its image."""
    steps: CanarySteps
    recording: Recording
    pace: Pace
    on_event: OnEvent
    on_pods: OnPods

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """Take the steps; the canary goes on serving during the block, and is removed after it.

        Raises:
            CanaryFailedError: It does worse than the former pods.
            DeployError: Its pods do not start, or do not give the model's answers.
        """
        if (route := live_route(self.cluster, self.target)) is not None:
            require_share(self.target, route)
        former = int(live_deployment(self.cluster, self.target)["spec"].get("replicas", 1))
        try:
            for share in self.steps.shares if former else ():
                self._take(share, former)
            yield
        finally:
            remove_canary(self.cluster, self.target, self.pace)

    def _take(self, share: int, former: int) -> None:
        """Give the canary a share of the callers, and hold it."""
        route = live_route(self.cluster, self.target)
        if route is None:
            count = max(1, round(share * former / (100 - share)))
            canary = self._start_selected(count)
            pods = f"{count} of {count + former} pods"
        else:
            count = math.ceil(share * former / 100)
            canary = start_isolated(self.cluster, self.target, self.manifest, SUFFIX, count)
            pods = f"by the weights of {describe(route)}"
        wait_for_rollout(self.cluster, canary, self.pace, self.on_pods)
        replayed = self._replay(canary)
        if route is not None:
            split_route(self.cluster, self.target, route, canary, share)
        comparison = self._hold(canary)
        self._replay(canary)
        rows = f"{replayed.rows} rows of the sample answered"
        self.on_event(Finished("canary", f"{share} %: {pods}, {self.steps.hold_s:g} s; {rows}; {comparison}"))

    def _replay(self, canary: Target) -> ReplayResult:
        with contextlib.closing(find_pods(self.cluster, self.target, canary, self.pace)) as client:
            return replay_sample(client, self.recording, target=self.target.name, subject="The canary")

    def _start_selected(self, count: int) -> Target:
        """Start pods that the Service of the target selects too."""
        labels = self.manifest["spec"]["selector"].get("matchLabels") or {}
        deployment = separate_deployment(self.manifest, self.target.service, SUFFIX, labels, count)
        try_apply(self.cluster, deployment, force=True)
        return replace(self.target, service=deployment["metadata"]["name"], manifests=(deployment,))

    def _hold(self, own: Target) -> str:
        """Compare the canary with the former pods for the hold time; return the comparison as a sentence."""
        before = self._traffic(self._pods(own)), self._traffic(self._pods(self.target))
        end = time.monotonic() + self.steps.hold_s
        while True:
            time.sleep(max(0, min(end - time.monotonic(), self.steps.hold_s / _LOOKS)))
            pods = self._pods(own)
            if pod := next((candidate for candidate in pods if pod_state(candidate).restarts), None):
                raise self._fault("A pod of the canary was started anew.", pod)
            now = self._traffic(pods), self._traffic(self._pods(self.target))
            canary, former = (_traffic_between(*pair) for pair in zip(before, now, strict=True))
            if problem := find_fault(canary, former):
                raise self._fault(problem, pods[0], f"canary: {canary}", f"former pods: {former}")
            if time.monotonic() >= end:
                break
        if not now[0]:
            return "its metrics cannot be read"
        return f"{canary} (former pods: {former})"

    def _fault(self, problem: str, pod: Manifest, *facts: str) -> CanaryFailedError:
        name = pod["metadata"]["name"]
        log = last_log(self.cluster, pod, previous=bool(pod_state(pod).restarts))
        without = either("candidate=False", "--no-candidate")
        fix = f"Mend the service and deploy again. Without a canary: {without}"
        return CanaryFailedError(problem, (*facts, f"pod: {name}", *log), fix)

    def _pods(self, target: Target) -> list[Manifest]:
        return pods_of(self.cluster, live_deployment(self.cluster, target))

    def _traffic(self, pods: list[Manifest]) -> dict[str, Traffic]:
        """Return the traffic of each pod so far; a pod whose metrics cannot be read is left out."""
        return pod_traffic(self.cluster, self.target, pods[:_MOST_ASKED], self.pace)


def remove_canary(cluster: Cluster, target: Target, pace: Pace) -> None:
    """Give all callers back to the service, and remove its canary and candidate if a deploy left any.

    The pods of a canary go once the gateway no longer sends requests to them.

    While the HTTPRoute cannot be restored the canary stays: callers whose requests it gets need its pods.
    """
    with contextlib.suppress(ApiError, DeployError):
        restore_route(cluster, target)
        try:
            await_route(cluster, target, pace)
        finally:
            remove_candidate(cluster, target)


def _traffic_between(before: dict[str, Traffic], now: dict[str, Traffic]) -> Traffic:
    """Return the traffic between two readings, of the pods that are in both."""
    return sum((now[name] - before[name] for name in now if name in before), Traffic())
