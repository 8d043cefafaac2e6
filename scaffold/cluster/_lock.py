"""One deploy at a time to one target: a Lease in its namespace is the lock."""

from __future__ import annotations

import contextlib
import datetime as dt
import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from scaffold.cluster._client import Cluster, Manifest
from scaffold.cluster._interrupt import Interrupts
from scaffold.cluster._manifests import MANAGED_BY, MANAGER_NAME, NAME_LABEL, Target
from scaffold.cluster._objects import refusal_fix
from scaffold.cluster._refusal import ApiError
from scaffold.errors import ClusterRefusedError, ClusterUnreachableError, DeployBusyError
from scaffold.errors.wording import on_project

LEASE_S = 60
_RENEW_S = 20
FRESH_S = 5
"""Age of a renewal after which it is made anew before a write; less than `WATCH_S`."""
_OF_HOLDER = ("holderIdentity", "acquireTime")
WATCH_S = 25
"""How long an expired lease is watched before it is taken over: longer than its holder takes to renew it."""


@contextlib.contextmanager
def deploy_lock(cluster: Cluster, target: Target, holder: str) -> Iterator[None]:
    """Hold the target's Lease while the block runs; it runs out a minute after a killed process.

    A machine that was suspended for longer than that may have lost it: the block then writes nothing more.

    Raises:
        DeployBusyError: Another deploy holds it, or has taken it over during the block.
    """
    kind = cluster.kind("coordination.k8s.io/v1", "Lease")
    name = _name(target)
    lists, path = kind.path(target.namespace), kind.path(target.namespace, name)
    held = _Held(cluster, path, target, _take(cluster, lists, path, name, target, holder))
    stop = threading.Event()
    renewal = threading.Thread(target=held.renew_until, args=(stop,), daemon=True)
    renewal.start()
    cluster.before_write = held.require
    try:
        yield
    finally:
        cluster.before_write = None
        stop.set()
        with Interrupts().deferred():
            renewal.join()
            held.release()


def require_unlocked(cluster: Cluster, target: Target) -> None:
    """Check that no deploy to the target is under way, if the account may read its Lease.

    Raises:
        DeployBusyError: One is.
    """
    with contextlib.suppress(ApiError):
        lease = cluster.get(_path(cluster, target))
        if lease is not None and _runs(lease, _now()):
            raise _busy(target, lease)


def _path(cluster: Cluster, target: Target) -> str:
    return cluster.kind("coordination.k8s.io/v1", "Lease").path(target.namespace, _name(target))


def _name(target: Target) -> str:
    return f"{target.service[:56]}-deploy"


def _take(cluster: Cluster, lists: str, path: str, name: str, target: Target, holder: str) -> Manifest:
    """Create the Lease, or take over an expired one; the server accepts one of several attempts."""
    now = _now()
    spec = {
        "holderIdentity": holder,
        "leaseDurationSeconds": LEASE_S,
        "acquireTime": _micro(now),
        "renewTime": _micro(now),
    }
    metadata = {
        "name": name,
        "namespace": target.namespace,
        "labels": {MANAGED_BY: MANAGER_NAME, NAME_LABEL: target.service},
    }
    lease: Manifest = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": metadata,
        "spec": spec,
    }
    try:
        current = cluster.get(path)
        if current is None:
            return dict(cluster.request("POST", lists, body=lease))
        if _runs(current, now) or _is_renewed(cluster, path, current):
            raise _busy(target, current)
        metadata["resourceVersion"] = current["metadata"]["resourceVersion"]
        return dict(cluster.request("PUT", path, body=lease))
    except ApiError as error:
        if error.status != 409:
            raise ClusterRefusedError(
                "The deploy cannot be locked.", (error.message,), refusal_fix(error)
            ) from error
        raise _busy(target, cluster.get(path)) from error


def _runs(lease: Manifest, now: dt.datetime) -> bool:
    spec = lease["spec"]
    end = _end_of(spec)
    return bool(spec.get("holderIdentity")) and end is not None and end > now


def _is_renewed(cluster: Cluster, path: str, lease: Manifest) -> bool:
    """Whether its holder renews a lease that has expired by this machine's clock: one of the clocks is wrong.

    Source: kubernetes.io/docs/concepts/architecture/leases; clients watch a lease by their own clock alone.
    """
    end = time.monotonic() + WATCH_S
    while lease["spec"].get("holderIdentity") and time.monotonic() < end:
        time.sleep(min(1, WATCH_S))
        now = cluster.get(path)
        if now is None or now["spec"].get("renewTime") != lease["spec"].get("renewTime"):
            return True
    return False


def _end_of(spec: Manifest) -> dt.datetime | None:
    """Return when a lease expires unless it is renewed; None if it was never taken."""
    renewed = spec.get("renewTime")
    if not renewed:
        return None
    start = dt.datetime.fromisoformat(renewed.replace("Z", "+00:00"))
    return start + dt.timedelta(seconds=spec.get("leaseDurationSeconds") or LEASE_S)


def _busy(target: Target, lease: Manifest | None) -> DeployBusyError:
    spec = (lease or {}).get("spec") or {}
    holder, since = spec.get("holderIdentity", "someone"), str(spec.get("acquireTime", ""))[:19]
    details = [f"{holder} deploys since {since} UTC" if since else f"{holder} deploys"]
    if end := _end_of(spec):
        left_s = max(0, math.ceil((end - _now()).total_seconds()))
        details.append(
            f"its lock runs out at {end:%H:%M:%S} UTC, in {left_s} s, unless that deploy renews it"
        )
    look = on_project("status", target=target.name)
    return DeployBusyError(
        f"Another deploy to '{target.name}' is under way.",
        details,
        f"Nothing was changed. Wait for its end and look at it first: {look}",
    )


@dataclass(slots=True)
class _Held:
    """The Lease that this process took, which another one may take over."""

    cluster: Cluster
    path: str
    target: Target
    lease: Manifest
    is_lost: bool = False
    _renewed: dt.datetime = field(default_factory=lambda: _now())
    """By the clock of this machine: it goes on while the machine is suspended."""
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    def renew_until(self, stop: threading.Event) -> None:
        """Renew the Lease until the event is set."""
        while not stop.wait(_RENEW_S):
            self._renew()

    def require(self) -> None:
        """Check that the Lease is still held.

        Raises:
            DeployBusyError: It is not.
        """
        if not self.is_lost and (_now() - self._renewed).total_seconds() >= FRESH_S:
            self._renew()
        if self.is_lost:
            raise self._lost()

    def release(self) -> None:
        """Delete the Lease, unless another deploy has taken it over."""
        self._renew()
        metadata = self.lease["metadata"]
        if not self.is_lost:
            with contextlib.suppress(ApiError, ClusterUnreachableError):
                self.cluster.delete(self.path, uid=metadata["uid"], version=metadata["resourceVersion"])

    def _renew(self) -> None:
        with self._mutex, contextlib.suppress(ApiError, ClusterUnreachableError):
            self.lease["spec"]["renewTime"] = _micro(_now())
            try:
                self.lease["metadata"] = self.cluster.request("PUT", self.path, body=self.lease)["metadata"]
            except ApiError as error:
                if error.status not in (404, 409):
                    raise
                self._compare()
            self._renewed = _now()

    def _compare(self) -> None:
        """Note whether the Lease is lost: a request that was sent twice is a conflict with itself."""
        current = self.cluster.get(self.path)
        own = [self.lease["spec"][name] for name in _OF_HOLDER]
        if current is None or [current["spec"].get(name) for name in _OF_HOLDER] != own:
            self.is_lost = True
        else:
            self.lease["metadata"] = current["metadata"]

    def _lost(self) -> DeployBusyError:
        current = None
        with contextlib.suppress(ApiError, ClusterUnreachableError):
            current = self.cluster.get(self.path)
        holder = ((current or {}).get("spec") or {}).get("holderIdentity")
        found = f"{holder} deploys now" if holder else "the lock is gone: its deploy may have ended"
        look = on_project("status", target=self.target.name)
        return DeployBusyError(
            f"Another deploy to '{self.target.name}' took over the lock, which this one had not renewed.",
            (found, f"this one renews it every {_RENEW_S} s, and may lose it after {LEASE_S} s"),
            f"This one ended there, and took nothing back. Look at it first: {look}",
        )


def _now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)


def _micro(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
