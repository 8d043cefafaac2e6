"""One deploy to KServe or Knative, under its lock: prove the new revision, then give it the callers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from scaffold.cluster._address import find_revision
from scaffold.cluster._aftermath import end_attempt, go_back, next_commands, wait_for_restored
from scaffold.cluster._api_errors import api_errors
from scaffold.cluster._apply import apply_changes, undo_changes
from scaffold.cluster._client import Cluster, Manifest
from scaffold.cluster._describe import PASSED, PENDING
from scaffold.cluster._interrupt import Interrupts
from scaffold.cluster._ledger import NO_RECORD, Entry, write_ledger
from scaffold.cluster._manifests import Target, describe
from scaffold.cluster._objects import try_apply
from scaffold.cluster._plan import Change
from scaffold.cluster._platforms import is_workload, service_container
from scaffold.cluster._pods import is_ready
from scaffold.cluster._refusal import ApiError
from scaffold.cluster._revisions import (
    expected_shares,
    former_revision,
    number_of,
    pods_of_revision,
    read_revision,
    read_revisions,
    wait_for_revision,
    without_callers,
)
from scaffold.cluster._rollout import Pace, live_deployment
from scaffold.cluster._serverless_route import find_callers, replay_revision
from scaffold.cluster._smoke import replay_sample, summary_of
from scaffold.errors import DeployBusyError, DeployError
from scaffold.errors.wording import counted
from scaffold.events import Finished, Noted, OnEvent, PodsChanged, RollbackStarted, ignore
from scaffold.spec import PodState, Recording

_ASLEEP = "the new revision starts without a pod: the sample is replayed once it has the callers"


@dataclass(slots=True)
class RevisionAttempt:
    """One deploy or rollback, under its lock."""

    cluster: Cluster
    target: Target
    changes: Sequence[Change]
    manifests: Sequence[Manifest]
    """What is applied, for the record."""
    notes: dict[str, str]
    """The record; the revision is added when it is ready."""
    recording: Recording | None
    """The sample; None if the revision serves a model that it is not of."""
    pace: Pace
    on_event: OnEvent
    former: Sequence[Entry]
    """The record of the deploys before this one."""
    force: bool = False
    applied: list[Change] = field(default_factory=list)
    entry: Entry | None = None
    """The record of this deploy."""
    interrupts: Interrupts = field(default_factory=Interrupts)
    is_rolled_out: bool = False
    """Whether the new revision gets callers."""

    def run(self, *, candidate: bool) -> None:
        """Apply the manifests, and replay the sample before callers reach the revision and after.

        Args:
            candidate: Whether a revision that replaces another one first gets no callers.
        """
        change = self._workload
        former = former_revision(change.before, change.after)
        held = self._without_callers(former) if candidate else None
        with api_errors():
            if held is not None:  # a share that another tool set is a conflict, before anything is applied
                try_apply(self.cluster, held, dry_run=True, force=self.force)
            self._apply([each for each in self.changes if each is not change])
            if held is not None:
                self._apply_workload(held)
                _, revision = self._wait(held, former)
                self._prove(revision)
                former = ""
            self._apply_workload(change.manifest)
            live, revision = self._wait(change.manifest, former)
            self.is_rolled_out = True
            self._go_live(live, revision)

    @property
    def is_first(self) -> bool:
        """Whether nothing ran at the target before."""
        return self._workload.before is None

    @property
    def _workload(self) -> Change:
        return next(change for change in self.changes if is_workload(change.manifest))

    def _without_callers(self, former: str) -> Manifest | None:
        """Return the manifest whose newest revision gets no callers, if it has none yet."""
        change = self._workload
        if change.before is None:
            return None
        now = read_revisions(change.before)
        # A deploy that was killed leaves its revision without callers.
        has_callers = not former and now.created in now.shares
        return None if has_callers else without_callers(change.manifest, now)

    def _apply(self, changes: Sequence[Change]) -> None:
        self.applied += changes
        apply_changes(self.cluster, changes, force=self.force)
        if changes:
            self.on_event(Finished("apply", counted(len(changes), "object")))

    def _apply_workload(self, manifest: Manifest) -> None:
        change = self._workload
        if change not in self.applied:
            self.applied.append(change)
            self._record({"live": PENDING})
        try_apply(self.cluster, manifest, force=self.force)
        self.on_event(Finished("apply", describe(manifest)))

    def _wait(self, manifest: Manifest, former: str) -> tuple[Manifest, str]:
        """Return the service and its newest revision, once that is ready and has its share of the callers."""
        live, revision = wait_for_revision(
            self.cluster, self.target, self.pace, self._show, former=former, shares=expected_shares(manifest)
        )
        uid = read_revision(self.cluster, self.target, revision).get("metadata", {}).get("uid", "")
        self.notes |= {"revision": revision, "uid": uid}
        return live, revision

    def _prove(self, revision: str) -> None:
        """Replay the sample to the pods of a revision that has no callers."""
        if self.recording is None:
            return
        if not any(is_ready(pod) for pod in pods_of_revision(self.cluster, self.target, revision)):
            self.on_event(Noted(_ASLEEP))
            return
        with contextlib.closing(find_revision(self.cluster, self.target, revision, self.pace)) as client:
            replayed = replay_sample(
                client, self.recording, target=self.target.name, subject="The new revision"
            )
        self.on_event(Finished("candidate", summary_of(replayed)))

    def _go_live(self, live: Manifest, revision: str) -> None:
        """Replay the sample at the address of the callers."""
        self.notes["url"] = read_revisions(live).url
        if self.recording is None:
            find_callers(self.cluster, self.target, live, self.pace).close()
        else:
            where = self.cluster, self.target, live, revision
            replay_revision(*where, self.recording, self.pace, self.on_event)

    def _show(self, pods: tuple[PodState, ...]) -> None:
        self.on_event(PodsChanged(pods))

    def record_passed(self) -> None:
        """Record that the sample was replayed; of another model, that its revision is ready again."""
        self._record({"live": PASSED} if self.recording is not None else {})

    def _record(self, outcome: dict[str, str]) -> None:
        recorded = [manifest for manifest in self.manifests if manifest["kind"] not in NO_RECORD]
        self.entry = Entry(notes=self.notes | outcome, manifests=recorded)
        write_ledger(self.cluster, self.target, [self.entry, *self.former])

    # ---- when it fails

    @contextlib.contextmanager
    def recording_failure(self, *, roll_back: bool, remove: bool) -> Iterator[None]:
        """If the block fails, record that and go back as requested; the error says so."""
        try:
            yield
        except DeployBusyError:  # the lock is lost: what runs is another deploy's
            raise
        except DeployError as error:
            after = self._end(error.problem, roll_back=roll_back, remove=remove)
            raise type(error)(error.problem, error.found, error.fix, after) from error
        except KeyboardInterrupt as error:
            with self.interrupts.deferred():
                self._note("interrupted")
            commands = next_commands(self.target.name, is_first=self.is_first)
            after = "What was applied goes on in the cluster."
            raise DeployError("The deploy was interrupted.", (), commands, after) from error
        except Exception as error:
            self.on_event = ignore  # where the error may come from
            self._end(f"failed: {type(error).__name__}", roll_back=roll_back, remove=remove)
            raise

    def _note(self, live: str) -> None:
        """Record the outcome if this deploy applied the service and the API allows that."""
        if self._workload in self.applied:
            with contextlib.suppress(DeployError, ApiError):
                self._record({"live": live})

    def _end(self, live: str, *, roll_back: bool, remove: bool) -> str:
        def steps() -> str:
            self._note(live)
            return self._take_back(roll_back=roll_back, remove=remove)

        return end_attempt(self.interrupts, steps, self.target.name, is_first=self.is_first)

    def _take_back(self, *, roll_back: bool, remove: bool) -> str:
        """Go back or remove, as requested; return a sentence on what was done."""
        if not self.applied:
            return ""
        self.on_event(RollbackStarted())
        return go_back(
            lambda: undo_changes(self.cluster, self.applied),
            self._restore,
            lambda: "",
            self.target.name,
            is_applied=self._workload in self.applied,
            is_first=self.is_first,
            is_rolled_out=self.is_rolled_out,
            roll_back=roll_back,
            remove=remove,
        )

    def _restore(self) -> str:
        before = self._workload.before or {}
        if self.former and self.former[0].notes.get("live", PASSED) != PASSED:
            return "It was not rolled back: what ran before had not gone live either."
        failed = live_deployment(self.cluster, self.target)
        undo_changes(self.cluster, self.applied)
        number = number_of(read_revisions(before).created)
        former = former_revision(failed, live_deployment(self.cluster, self.target))
        waited, unknown = wait_for_restored(self.interrupts, lambda: self._wait(before, former), number)
        if waited is None:
            return unknown
        self._record_restored(before)
        image = service_container(before)["image"]
        return f"Rolled back to revision {number}, which is revision {number_of(waited[1])} now: {image}"

    def _record_restored(self, before: Manifest) -> None:
        """Record the former deploy as that of the revision that the platform made of it."""
        if not self.former or self.former[0].notes.get("image") != service_container(before)["image"]:
            return
        again = {key: self.notes[key] for key in ("revision", "uid")}
        restored = Entry(notes={**self.former[0].notes, **again}, manifests=self.former[0].manifests)
        failed = [self.entry] if self.entry else []
        with contextlib.suppress(DeployError, ApiError):
            write_ledger(self.cluster, self.target, [restored, *failed, *self.former])
