"""One deploy at a time to one target: a Lease in its namespace is the lock."""

from __future__ import annotations

import contextlib
import datetime as dt
import math
import threading
import time
from collections.abc import Iterator

from scaffold.cluster._client import Cluster, Manifest
from scaffold.cluster._manifests import MANAGED_BY, MANAGER_NAME, NAME_LABEL, Target
from scaffold.cluster._refusal import ApiError
from scaffold.errors import ClusterRefusedError, ClusterUnreachableError, DeployBusyError
from scaffold.errors.wording import on_project

LEASE_S = 60
_RENEW_S = 20
WATCH_S = 25
"""How long an expired lease is watched before it is taken over: longer than its holder takes to renew it."""


@contextlib.contextmanager
def deploy_lock(cluster: Cluster, target: Target, holder: str) -> Iterator[None]:
    """Hold the target's Lease while the block runs; it runs out a minute after a killed process.

    Raises:
        DeployBusyError: Another deploy holds it.
    """
    kind = cluster.kind("coordination.k8s.io/v1", "Lease")
    name = _name(target)
    lists, path = kind.path(target.namespace), kind.path(target.namespace, name)
    lease = _take(cluster, lists, path, name, target, holder)
    stop = threading.Event()
    renewal = threading.Thread(target=_renew, args=(cluster, path, lease, stop), daemon=True)
    renewal.start()
    try:
        yield
    finally:
        stop.set()
        renewal.join()
        with contextlib.suppress(ApiError, ClusterUnreachableError):
            cluster.delete(path, uid=lease["metadata"]["uid"])


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
            fix = "Your account may not lock the target. docs/deploy.md lists the smallest Role."
            raise ClusterRefusedError("The deploy cannot be locked.", (error.message,), fix) from error
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


def _renew(cluster: Cluster, path: str, lease: Manifest, stop: threading.Event) -> None:
    while not stop.wait(_RENEW_S):
        lease["spec"]["renewTime"] = _micro(_now())
        with contextlib.suppress(ApiError, ClusterUnreachableError):
            lease["metadata"] = cluster.request("PUT", path, body=lease)["metadata"]


def _now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)


def _micro(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
