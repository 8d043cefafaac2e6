"""Whether the cluster of a kubeconfig answers."""

from __future__ import annotations

from scaffold.cluster._kubeconfig import ClusterAccess, connect
from scaffold.cluster._refusal import ApiError
from scaffold.errors import ClusterUnreachableError
from scaffold.errors.wording import shell_line
from scaffold.spec import Prerequisite, State


def check_cluster(access: ClusterAccess | None, timeout_s: float) -> Prerequisite:
    """Return which cluster answers, and its version.

    Args:
        access: As for `deploy`.
        timeout_s: For its answer.

    Raises:
        MissingExtraError: The `kubernetes` extra is not installed.
    """
    try:
        cluster = connect(access)
    except ClusterUnreachableError as error:
        fix = error.fix if "plugin" in error.problem else "export KUBECONFIG=/path/to/kubeconfig"
        return _unusable(error, State.MISSING, fix)
    where = f"context {cluster.context}, {cluster.server}"
    try:
        version = cluster.request("GET", "/version", timeout_s=timeout_s)
    except ClusterUnreachableError as error:
        return _unusable(error, State.UNREACHABLE, _other_cluster(access))
    except ApiError as error:
        observed = f"{where}: status {error.status}"
        return Prerequisite(
            name="cluster", state=State.UNREACHABLE, found=observed, fix="kubectl cluster-info"
        )
    number = version.get("gitVersion") or f"v{version['major']}.{version['minor']}"
    return Prerequisite(name="cluster", state=State.OK, found=f"Kubernetes {number}, {where}")


def _other_cluster(access: ClusterAccess | None) -> str:
    """Return the command that selects another cluster: an existing context, else another kubeconfig."""
    from kubernetes import config

    fix = "export KUBECONFIG=/path/to/kubeconfig"
    if access and access.kubeconfig:
        return fix
    try:
        contexts, current = config.list_kube_config_contexts()
    except (config.ConfigException, OSError, TypeError, ValueError):
        return fix
    used = access.context if access and access.context else current["name"]
    others = [context["name"] for context in contexts if context["name"] != used]
    return shell_line("kubectl", "config", "use-context", others[0]) if others else fix


def _unusable(error: ClusterUnreachableError, state: State, fix: str) -> Prerequisite:
    observed = "; ".join([error.problem.rstrip("."), *error.found])
    return Prerequisite(name="cluster", state=state, found=" ".join(observed.split()), fix=fix)
