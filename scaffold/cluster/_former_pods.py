"""Whether the Services of a deploy go on leading to the former pods until the rollout is complete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scaffold.cluster._client import Cluster, Manifest
from scaffold.cluster._manifests import describe
from scaffold.cluster._plan import Change
from scaffold.cluster._service import container_ports, format_labels, format_ports, ready_endpoints, selects
from scaffold.errors import ManifestError


def require_former_pods(cluster: Cluster, changes: Sequence[Change]) -> None:
    """Check that changed Services go on leading to the former pods, which answer until the rollout ends.

    Raises:
        ManifestError: A Service that leads to the former pods would no longer do so.
    """
    former = next(change.before for change in changes if change.manifest["kind"] == "Deployment")
    if former is None:
        return
    template = former["spec"]["template"]
    labels = template["metadata"].get("labels") or {}
    for change in changes:
        live, new = change.before, change.manifest
        if new["kind"] != "Service" or live is None or not selects(live["spec"].get("selector"), labels):
            continue
        lost = _lost_pods(live, new, template)
        if lost and ready_endpoints(cluster, live):
            raise ManifestError(
                f"{describe(new)} would not lead to the former pods: callers would be refused during the"
                " rollout.",
                *lost,
            )


def _lost_pods(live: Manifest, new: Manifest, template: Manifest) -> tuple[tuple[str, ...], str] | None:
    """Return why a changed Service does not lead to pods, and what to do; None if it does."""
    labels = template["metadata"].get("labels") or {}
    selector = new["spec"].get("selector") or {}
    if not selects(selector, labels):
        facts = (
            f"selector: {format_labels(selector)}",
            f"labels of the former pods: {format_labels(labels)}",
        )
        return facts, "Deploy the labels of deployment.yaml first, and then the `selector` in service.yaml."
    ports = container_ports(template)
    former = {_resolve(port, ports) for port in live["spec"].get("ports") or []}
    for port in new["spec"].get("ports") or []:
        resolved = _resolve(port, ports)
        if resolved is None or (resolved not in former and resolved not in ports.values()):
            facts = (
                f"targetPort: {port.get('targetPort', port['port'])}",
                f"ports of the former pods: {format_ports(ports)}",
            )
            fix = (
                "Deploy first with the name of the port as `targetPort` in service.yaml, and then"
                " the new `containerPort` in deployment.yaml under that name."
            )
            return facts, fix
    return None


def _resolve(port: Manifest, ports: Mapping[str, int]) -> int | None:
    """Return the port of the pods to which a port of a Service leads; None if they have none of that name."""
    reference = port.get("targetPort", port["port"])
    return reference if isinstance(reference, int) else ports.get(str(reference))
