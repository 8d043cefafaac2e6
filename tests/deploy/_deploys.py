"""The cluster verbs with the arguments that every test passes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from scaffold.cluster import (
    ClusterAccess,
    Pace,
    deploy_project,
    plan_deployment,
    read_history,
    read_status,
    release_to_promote,
    remove_deployment,
    roll_back,
)
from scaffold.events import Event
from scaffold.spec import Deployment, Measurements, Release
from tests.deploy._fake_api import Manifest
from tests.deploy._fake_pods import FakeCluster

QUICK = Pace(rollout_s=0.5, address_s=1.0, poll_s=0.01, patience=0)
RELEASE = Release(model_sha256="ab" * 32, proof="passed", git_revision="c0ffee", by="ada@lab")
MEASURED = Measurements(load_s=1.5, peak_memory_bytes=187 << 20, latency_s=0.004)


def image(number: int = 1) -> str:
    """An image by digest."""
    return f"registry.example.org/models/titanic@sha256:{number:064d}"


def lease_of(holder: str, renewed: datetime | None = None) -> Manifest:
    """The Lease with which somebody else locks the target, renewed now or at another time."""
    moment = (renewed or datetime.now(timezone.utc)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    metadata = {"name": "titanic-deploy", "namespace": "titanic-staging"}
    spec = {"holderIdentity": holder, "leaseDurationSeconds": 60, "renewTime": moment, "acquireTime": moment}
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}


@dataclass
class Deploys:
    """One project, one cluster."""

    project: Path
    cluster: FakeCluster
    kubeconfig: str
    events: list[Event] = field(default_factory=list)

    @property
    def access(self) -> ClusterAccess:
        return ClusterAccess(kubeconfig=self.kubeconfig)

    def deploy(self, number: int = 1, target: str = "staging", **options: Any) -> Deployment:
        given: dict[str, Any] = {"release": RELEASE, "measured": MEASURED, "image": image(number)}
        given |= {"pace": QUICK, "access": self.access, **options}
        return deploy_project(
            self.project,
            target=target,
            on_event=self.events.append,
            **given,
        )

    def plan(self, number: int = 1, target: str = "staging") -> Any:
        return plan_deployment(self.project, target=target, image=image(number), access=self.access)

    def status(self, target: str = "staging") -> Deployment:
        return read_status(self.project, target=target, access=self.access)

    def history(self, target: str = "staging") -> tuple[Deployment, ...]:
        return read_history(self.project, target=target, access=self.access)

    def roll_back(self, to: int | None = None, target: str = "staging") -> Deployment:
        return roll_back(
            self.project,
            target=target,
            to=to,
            release=RELEASE,
            access=self.access,
            pace=QUICK,
            on_event=self.events.append,
        )

    def promoted(self, release: Release, *, force: bool = False) -> tuple[str, Release]:
        return release_to_promote(
            self.project, source="staging", release=release, force=force, access=self.access
        )

    def undeploy(self, target: str = "staging") -> Any:
        return remove_deployment(self.project, target=target, access=self.access)

    def forget(self) -> None:
        """Leave the objects as if `kubectl apply -k` had made them: without our notes and managers."""
        api = self.cluster.api
        for path, one in api.objects.items():
            notes = one["metadata"].get("annotations") or {}
            for name in [name for name in notes if name.startswith("model-scaffold/")]:
                del notes[name]
            leaves = set().union(*api.owners.get(path, {}).values())
            if leaves:
                own = {leaf for leaf in leaves if "model-scaffold/" not in str(leaf)}
                api.owners[path] = {"kubectl-client-side-apply": own}

    def edit_manifest(self, file: str, old: str, new: str, target: str = "staging") -> None:
        """Edit a manifest as its owner would."""
        edit_manifest(self.project, file, old, new, target)


def edit_manifest(project: Path, file: str, old: str, new: str, target: str = "staging") -> None:
    """Edit a file of the target, or of the base if the target's has no such text."""
    places = [project / "deploy" / folder / file for folder in (target, "base")]
    texts = {path: path.read_text() for path in places if path.is_file()}
    path = next((path for path, text in texts.items() if old in text), None)
    assert path is not None, f"{file} has no {old!r}"
    path.write_text(texts[path].replace(old, new))
