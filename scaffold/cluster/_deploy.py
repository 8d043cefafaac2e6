"""One deploy, from the manifests to a URL that gives the model's answers, or to a rollback."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scaffold.base.recording import read_recording
from scaffold.base.who import now_utc, user_and_host
from scaffold.cluster._address import find_service
from scaffold.cluster._apply import apply_changes, seed_replicas, undo_changes
from scaffold.cluster._client import Cluster, Manifest
from scaffold.cluster._kubeconfig import ClusterAccess, connect
from scaffold.cluster._lock import deploy_lock
from scaffold.cluster._manifests import Target, read_target, service_container
from scaffold.cluster._objects import annotate, record_of, refusal_fix
from scaffold.cluster._plan import Change, Plan, plan_changes
from scaffold.cluster._prerequisites import ensure_namespace, ensure_pull_secret
from scaffold.cluster._refusal import ApiError
from scaffold.cluster._rollout import REVISION, Pace, live_deployment, revision_of, wait_for_rollout
from scaffold.cluster._smoke import await_address, replay_sample
from scaffold.errors import ClusterRefusedError, DeployError
from scaffold.errors.wording import on_project
from scaffold.events import ChangesPlanned, Finished, OnEvent, PodsChanged, RollbackStarted, ignore
from scaffold.spec import Deployment, Image, Measurements, PodState, Recording, Release

PASSED = "passed"
PENDING = "pending"
_NOT_ROLLED_BACK = "It was not rolled back, as requested; the former pods go on serving."


def deploy_project(
    root: Path,
    *,
    target: str,
    image: Image | str | Callable[[], Image | str],
    release: Release,
    measured: Measurements | None = None,
    access: ClusterAccess | None = None,
    docker_config: str | None = None,
    force_conflicts: bool = False,
    roll_back: bool = True,
    remove_failed: bool = False,
    pace: Pace | None = None,
    on_event: OnEvent = ignore,
) -> Deployment:
    """Deploy the project at `root` and return what runs now: its URL gives the model's answers.

    Args:
        root: The project; `deploy/<target>/` and `tests/recorded.json` of it are read.
        target: A folder under `deploy/`.
        image: The image by digest, or a function that builds and pushes it; called once the cluster answers.
        release: What is recorded beside the image.
        measured: What the proof of the project measured: shown where the pods lack memory.
        access: Which cluster; else that of `$KUBECONFIG`, of `~/.kube/config`, or of the pod.
        docker_config: The text of a docker `config.json` with the registry's login, for the pull secret.
        force_conflicts: Take over fields that others have set.
        roll_back: Whether a deploy that fails is taken back to what ran before.
        remove_failed: Whether a first deploy that fails is removed instead of left for inspection.
        pace: How long to wait.
        on_event: Called with each event.

    Raises:
        DeployError: One of its leaves; the message says what failed, what to do, and what was rolled back.
        VerificationError: The recorded sample of the project cannot be read; nothing was deployed.
    """
    pace = pace or Pace()
    with api_errors():
        wanted = read_target(root, target, measured)
        recording = read_recording(root)
        cluster = connect(access)
        _reach(cluster)
        reference = _reference(image, on_event)
        ensure_namespace(cluster, wanted, wait_s=pace.address_s, poll_s=pace.poll_s)
        with deploy_lock(cluster, wanted, holder_name(release)):
            if docker_config:
                ensure_pull_secret(cluster, wanted, docker_config)
            plan = plan_changes(cluster, wanted, reference, force=force_conflicts)
            on_event(ChangesPlanned(plan.summary))
            attempt = _Attempt(cluster, wanted, plan.changes, pace, on_event)
            notes = _notes(wanted, reference, release)
            with attempt.noting_failure(notes, roll_back=roll_back, remove=remove_failed):
                attempt.apply(notes, force=force_conflicts)
                url = attempt.go_live(recording)
            annotate(cluster, wanted.deployment, notes | {"live": PASSED, "url": url})
            return describe_deployment(live_deployment(cluster, wanted), wanted)


def plan_deployment(
    root: Path,
    *,
    target: str,
    image: str = "",
    access: ClusterAccess | None = None,
    force_conflicts: bool = False,
) -> Plan:
    """Return what a deploy would change, as the server sees it; nothing is written.

    Args:
        root: The project.
        target: A folder under `deploy/`.
        image: The image by digest; the one that runs, else the manifest's, where it is left out.
        access: As for `deploy_project`.
        force_conflicts: As for `deploy_project`.
    """
    with api_errors():
        wanted = read_target(root, target)
        cluster = connect(access)
        _reach(cluster)
        if not image:
            live = cluster.get(cluster.locate(wanted.deployment))
            image = service_container(live or wanted.deployment)["image"]
        return plan_changes(cluster, wanted, image, force=force_conflicts)


def describe_deployment(live: Manifest, target: Target) -> Deployment:
    """Return a Deployment, or one of its ReplicaSets, as the value that other stages know."""
    notes = record_of(live["metadata"].get("annotations") or {})
    release = None
    if "model-sha256" in notes:
        release = Release(
            model_sha256=notes["model-sha256"],
            proof=notes.get("proof", ""),
            git_revision=notes.get("git-revision", ""),
            by=notes.get("by", ""),
            approved_by=notes.get("approved-by", ""),
            reason=notes.get("reason", ""),
        )
    return Deployment(
        target=target.name,
        namespace=target.namespace,
        name=target.service,
        image=service_container(live)["image"],
        url=notes.get("url", ""),
        revision=revision_of(live),
        replicas=int((live.get("status") or {}).get("readyReplicas") or 0),
        at=notes.get("at", ""),
        live=notes.get("live", ""),
        release=release,
    )


@contextlib.contextmanager
def api_errors() -> Iterator[None]:
    """Turn an unexpected response of the API into an error that says what to do."""
    try:
        yield
    except ApiError as error:
        problem = f"The cluster refuses a request ({error.status} {error.reason})."
        raise ClusterRefusedError(problem, (error.message,), refusal_fix(error)) from error


def holder_name(release: Release | None = None) -> str:
    """Return who deploys, and from where: `ada@build-7`."""
    return (release.by if release and release.by else "") or user_and_host()


def wait_until_live(cluster: Cluster, target: Target, pace: Pace, on_event: OnEvent) -> Manifest:
    """Wait for the rollout, and show its pods."""

    def show(pods: tuple[PodState, ...]) -> None:
        on_event(PodsChanged(pods))

    return wait_for_rollout(cluster, target, pace, show)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One deploy, under its lock."""

    cluster: Cluster
    target: Target
    changes: Sequence[Change]
    pace: Pace
    on_event: OnEvent

    def apply(self, notes: dict[str, str], *, force: bool) -> None:
        """Apply the manifests, and record what they are for."""
        self.on_event(Finished("apply", f"{len(self.changes)} objects"))
        with api_errors():
            apply_changes(self.cluster, self.changes, force=force)
            if _is_first(self.changes):
                seed_replicas(self.cluster, self.target)
            annotate(self.cluster, self.target.deployment, notes | {"live": PENDING})

    def go_live(self, recording: Recording) -> str:
        """Wait for the pods, find the address, replay the sample; return the URL."""
        with api_errors():
            wait_until_live(self.cluster, self.target, self.pace, self.on_event)
            client = find_service(self.cluster, self.target, self.pace)
            self.on_event(Finished("address", client.url))
            with contextlib.closing(client):
                await_address(client, self.pace)
                replayed = replay_sample(client, recording)
        self.on_event(Finished("replay", replayed))
        return client.url

    @contextlib.contextmanager
    def noting_failure(self, notes: dict[str, str], *, roll_back: bool, remove: bool) -> Iterator[None]:
        """If the block fails, record that and roll back as requested; the error says so."""
        try:
            yield
        except DeployError as error:
            self.note(notes | {"live": error.problem})
            after = self.take_back(roll_back=roll_back, remove=remove)
            raise type(error)(error.problem, error.found, error.fix, after) from error
        except KeyboardInterrupt as error:
            self.note(notes | {"live": "interrupted"})
            name = self.target.name
            look, back = on_project("status", target=name), on_project("rollback", target=name)
            fix = f"Look at it: {look}, and go back: {back}"
            after = "What was applied goes on in the cluster."
            raise DeployError("The deploy was interrupted.", (), fix, after) from error

    def note(self, notes: dict[str, str]) -> None:
        """Record the outcome if the API allows it."""
        with contextlib.suppress(DeployError, ApiError):
            annotate(self.cluster, self.target.deployment, notes)

    def take_back(self, *, roll_back: bool, remove: bool) -> str:
        """Roll back or remove, as requested; return a sentence on what was done."""
        self.on_event(RollbackStarted())
        try:
            if not _is_first(self.changes):
                return self._restore() if roll_back else _NOT_ROLLED_BACK
            if not remove:
                command = on_project("undeploy", target=self.target.name)
                return f"It is left for inspection. Remove it: {command}"
            undo_changes(self.cluster, self.changes)
            return "It was the first deploy, and was removed; its namespace stays."
        except (DeployError, ApiError) as error:
            return f"Going back failed too: {error}"

    def _restore(self) -> str:
        before = next(one.before for one in self.changes if one.manifest["kind"] == "Deployment")
        notes = (before or {}).get("metadata", {}).get("annotations", {})
        if record_of(notes).get("live", PASSED) != PASSED:
            return "It was not rolled back: what ran before had not gone live either."
        undo_changes(self.cluster, self.changes)
        live = wait_until_live(self.cluster, self.target, self.pace, self.on_event)
        return (
            f"Rolled back to revision {notes.get(REVISION, '?')}, which is revision {revision_of(live)} now."
        )


def _is_first(changes: Sequence[Change]) -> bool:
    return all(one.before is None for one in changes if one.manifest["kind"] == "Deployment")


def _notes(target: Target, image: str, release: Release) -> dict[str, str]:
    notes = {
        "target": target.name,
        "image": image,
        "model-sha256": release.model_sha256,
        "proof": release.proof,
        "git-revision": release.git_revision,
        "by": holder_name(release),
        "at": now_utc(),
        "approved-by": release.approved_by,
        "reason": release.reason,
    }
    return {key: value for key, value in notes.items() if value}


def _reach(cluster: Cluster) -> None:
    """Check that the cluster answers, before an image is built for it."""
    cluster.request("GET", "/version", timeout_s=10)


def _reference(image: Image | str | Callable[[], Image | str], on_event: OnEvent) -> str:
    """The image, pinned by its digest.

    Raises:
        DeployError: It has no digest: a tag can be moved.
    """
    made = image() if callable(image) else image
    if isinstance(made, Image):
        name = made.reference.partition("@")[0]
        head, colon, tail = name.rpartition(":")
        repository = head if colon and "/" not in tail else name
        reference = f"{repository}@{made.digest}"
    else:
        reference = made
    if "@sha256:" not in reference:
        command = on_project("build", push=True)
        fix = f"Push it: {command}. Its digest is what is deployed, for a tag can be moved."
        raise DeployError("The image has no digest.", (f"image: {reference}",), fix)
    on_event(Finished("image", reference))
    return reference
