"""One deploy under its lock: prove the new pods, apply, replay the sample live; or roll back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from scaffold.cluster._address import find_pods
from scaffold.cluster._aftermath import end_attempt, go_back, next_commands, restored, wait_for_restored
from scaffold.cluster._api_errors import api_errors
from scaffold.cluster._apply import apply_changes, seed_replicas, undo_changes
from scaffold.cluster._arrival import replay_live
from scaffold.cluster._autoscaler import remove_former
from scaffold.cluster._canary import Canary, CanarySteps
from scaffold.cluster._candidate import describe_remains, start_candidate
from scaffold.cluster._client import Cluster, Manifest
from scaffold.cluster._describe import PASSED, PENDING
from scaffold.cluster._former_pods import require_former_pods
from scaffold.cluster._interrupt import Interrupts
from scaffold.cluster._manifests import Target, is_needed_by_pods
from scaffold.cluster._objects import annotate, record_of
from scaffold.cluster._plan import Change
from scaffold.cluster._recorded import change_by_others, template_note
from scaffold.cluster._refusal import ApiError
from scaffold.cluster._rollout import REVISION, Pace, require_unpaused, wait_for_rollout
from scaffold.cluster._service import selects
from scaffold.cluster._smoke import replay_sample, summary_of
from scaffold.errors import DeployBusyError, DeployError, ManifestError, NoRoomError
from scaffold.errors.wording import counted, either, on_project
from scaffold.events import Finished, OnEvent, PodsChanged, RollbackStarted, ignore
from scaffold.spec import PodState, Recording

_NO_CALLER = "No caller reached the new pods: they were a candidate outside of the Service, and are removed."
_NO_CANARY = "The pods of the canary are removed, and the former pods answer all callers."
_TRAFFIC = ("Service", "Ingress", "HTTPRoute")


@dataclass(slots=True)
class Attempt:
    """One deploy, under its lock."""

    cluster: Cluster
    target: Target
    changes: Sequence[Change]
    notes: dict[str, str]
    """The record; the pod template is added when it is applied."""
    recording: Recording
    pace: Pace
    on_event: OnEvent
    steps: CanarySteps
    force: bool = False
    applied: list[Change] = field(default_factory=list)
    interrupts: Interrupts = field(default_factory=Interrupts)
    is_rolled_out: bool = False
    """Whether all pods are of the new revision."""
    removed: str = ""
    """The message for a removed candidate or canary; empty if there was none."""

    def run(self, *, candidate: bool) -> str:
        """Apply the manifests so that no caller reaches unproven pods; return the URL.

        Args:
            candidate: Whether a revision that replaces another one is first proven in a separate pod, and
                then by a canary where the target has steps for one.
        """
        canary: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
        if self._renews_pods():
            require_unpaused(self._deployment.after)
        is_selected = self._is_selected(self._deployment.manifest)
        if not is_selected:
            self._require_selection()
        with api_errors():
            require_former_pods(self.cluster, self.changes)
        if not is_selected:
            self._apply(change for change in self.changes if change.manifest["kind"] not in _TRAFFIC)
            self._wait()
            self._prove(self.target)
        elif candidate and self._renews_pods():
            self._apply(change for change in self.changes if is_needed_by_pods(change.manifest))
            self._prove_candidate()
            canary = self._canary()
        with api_errors(), canary:
            # An HTTPRoute keeps the weights of a canary until the rollout is complete.
            late = ("HTTPRoute",) if self.steps.shares else ()
            self._apply(change for change in self._remaining() if change.manifest["kind"] not in late)
            self._wait()
            self._apply(self._remaining())
        self.is_rolled_out = True
        return self._go_live()

    @property
    def is_first(self) -> bool:
        """Whether nothing ran at the target before."""
        return all(
            change.before is None for change in self.changes if change.manifest["kind"] == "Deployment"
        )

    @property
    def is_applied(self) -> bool:
        """Whether the Deployment is applied."""
        return any(change.manifest["kind"] == "Deployment" for change in self.applied)

    @property
    def _deployment(self) -> Change:
        return next(change for change in self.changes if change.manifest["kind"] == "Deployment")

    def _remaining(self) -> list[Change]:
        return [change for change in self.changes if change not in self.applied]

    def _renews_pods(self) -> bool:
        before, after = self._deployment.before, self._deployment.after
        return before is None or before["spec"]["template"] != after["spec"]["template"]

    def _is_selected(self, deployment: Manifest) -> bool:
        """Whether a Service in the cluster selects the pods; none does before the first deploy succeeds."""
        path = f"/api/v1/namespaces/{self.target.namespace}/services"
        labels = deployment["spec"]["template"]["metadata"].get("labels") or {}
        return any(selects(service["spec"].get("selector"), labels) for service in self.cluster.list(path))

    def _require_selection(self) -> None:
        """Check that no Service selects only the former pods: the rollout would leave it without endpoints.

        Raises:
            ManifestError: One does.
        """
        before = self._deployment.before
        if before is None or not self._is_selected(before):
            return
        former, new = (
            manifest["spec"]["template"]["metadata"].get("labels") or {}
            for manifest in (before, self._deployment.manifest)
        )
        changed = sorted(key for key, value in former.items() if new.get(key) != value)
        raise ManifestError(
            "No Service in the cluster selects the new pods: callers would be refused during the rollout.",
            [
                f"{key}: {former[key]} on the former pods, {new.get(key, 'none')} on the new ones"
                for key in changed
            ],
            "First deploy with a `selector` in service.yaml that selects both, then change the labels.",
        )

    def _apply(self, changes: Iterable[Change]) -> None:
        """Apply manifests, and annotate the Deployment with the record of this deploy."""
        remaining = list(changes)
        with api_errors():
            for change in remaining:
                self.applied.append(change)
                if change.manifest["kind"] == "Deployment":
                    remove_former(self.cluster, change.before, self.target.manifests)
                (stored,) = apply_changes(self.cluster, [change], force=self.force)
                if change.manifest["kind"] == "Deployment":
                    self.notes |= template_note(stored)
                    seed_replicas(self.cluster, self.target.manifests, change.before)
                    annotate(self.cluster, self.target.deployment, self.notes | {"live": PENDING})
        if remaining:
            self.on_event(Finished("apply", counted(len(remaining), "object")))

    def _prove_candidate(self) -> None:
        manifest = self._deployment.manifest
        self.removed = _NO_CALLER
        with api_errors(), start_candidate(self.cluster, self.target, manifest, self.pace) as candidate:
            wait_for_rollout(self.cluster, candidate, self.pace, self._show)
            self._prove(candidate)

    @contextlib.contextmanager
    def _canary(self) -> Iterator[None]:
        """Give pods of the new revision a share of the callers until the block ends."""
        if not self.steps.shares:
            yield
            return
        canary = Canary(
            cluster=self.cluster,
            target=self.target,
            manifest=self._deployment.manifest,
            steps=self.steps,
            recording=self.recording,
            pace=self.pace,
            on_event=self.on_event,
            on_pods=self._show,
        )
        self.removed = _NO_CANARY
        with canary.serving():
            yield

    def _prove(self, pods: Target) -> None:
        """Replay the sample to pods without the Service."""
        with api_errors():
            client = find_pods(self.cluster, self.target, pods, self.pace)
        with api_errors(), contextlib.closing(client):
            name = self.target.name
            replayed = replay_sample(client, self.recording, target=name, subject="The new revision")
        self.on_event(Finished("candidate", summary_of(replayed)))

    def _wait(self) -> Manifest:
        with api_errors():
            return wait_for_rollout(self.cluster, self.target, self.pace, self._show)

    def _go_live(self) -> str:
        """Find the address, replay the sample; return the URL."""
        with api_errors():
            url, _ = replay_live(self.cluster, self.target, self.recording, self.pace, self.on_event)
        return url

    def _show(self, pods: tuple[PodState, ...]) -> None:
        self.on_event(PodsChanged(pods))

    # ---- when a deploy fails

    @contextlib.contextmanager
    def recording_failure(self, *, roll_back: bool, remove: bool) -> Iterator[None]:
        """If the block fails, record that and roll back as requested; the error says so."""
        try:
            yield
        except DeployBusyError:  # the lock is lost: what runs is another deploy's
            raise
        except DeployError as error:
            after = self._end(error.problem, roll_back=roll_back, remove=remove)
            if isinstance(error, NoRoomError) and self.removed:
                without = either("candidate=False", "--no-candidate")
                after += f"\nWhere there is no room for one more pod, deploy without a candidate: {without}"
            raise type(error)(error.problem, error.found, error.fix, after) from error
        except KeyboardInterrupt as error:
            raise DeployError("The deploy was interrupted.", (), *self._leave()) from error
        except Exception as error:
            self.on_event = ignore  # where the error may come from
            self._end(f"failed: {type(error).__name__}", roll_back=roll_back, remove=remove)
            raise

    def _leave(self) -> tuple[str, str]:
        """Remove the pods that no caller reaches; return the next command, and what was done."""
        if not self.is_applied:
            look = f"Look at it: {on_project('status', target=self.target.name)}"
            return look, self._end("", roll_back=False, remove=False) or "Nothing was applied."
        with self.interrupts.deferred():
            self._note("interrupted")
        commands = next_commands(self.target.name, is_first=self.is_first)
        return commands, "What was applied goes on in the cluster."

    def _note(self, live: str) -> None:
        """Record the outcome on the Deployment if this deploy applied it and the API allows that."""
        if self.is_applied:
            with contextlib.suppress(DeployError, ApiError):
                annotate(self.cluster, self.target.deployment, self.notes | {"live": live})

    def _end(self, live: str, *, roll_back: bool, remove: bool) -> str:
        """Record the outcome and take back; the first interrupt waits for that."""

        def steps() -> str:
            self._note(live)
            return self._take_back(roll_back=roll_back, remove=remove)

        return end_attempt(self.interrupts, steps, self.target.name, is_first=self.is_first)

    def _take_back(self, *, roll_back: bool, remove: bool) -> str:
        """Roll back or remove, as requested; return a sentence on what was done."""
        if not self.applied:
            return self._describe_removed()
        self.on_event(RollbackStarted())
        return go_back(
            lambda: undo_changes(self.cluster, self.applied),
            self._restore,
            self._describe_removed,
            self.target.name,
            is_applied=self.is_applied,
            is_first=self.is_first,
            is_rolled_out=self.is_rolled_out,
            roll_back=roll_back,
            remove=remove,
        )

    def _describe_removed(self) -> str:
        """Return a sentence on the removed candidate or canary; empty if there was none."""
        return self.removed and (describe_remains(self.cluster, self.target) or self.removed)

    def _restore(self) -> str:
        before = self._deployment.before or {}
        notes = before.get("metadata", {}).get("annotations") or {}
        if record_of(notes).get("live", PASSED) != PASSED and not change_by_others(before):
            return "It was not rolled back: what ran before had not gone live either."
        undo_changes(self.cluster, self.applied)
        number = notes.get(REVISION, "?")
        live, unknown = wait_for_restored(self.interrupts, self._wait, number)
        return unknown if live is None else restored(before, live)
