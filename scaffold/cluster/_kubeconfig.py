"""The connection to a cluster: by a kubeconfig, or by the account of the pod that this runs in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scaffold.cluster._client import Cluster
from scaffold.cluster._login import is_anonymous, is_content, login_failed, plugin_errors
from scaffold.errors import ClusterUnreachableError, MissingExtraError
from scaffold.errors.wording import either


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterAccess:
    """The cluster and the user."""

    kubeconfig: str | Path | None = field(default=None, repr=False)  # its content holds secrets
    """A path, or the content itself. Without it `$KUBECONFIG` (also a path or content), then
    `~/.kube/config`, then the account of the pod that this runs in."""
    context: str | None = None
    """A context of the kubeconfig other than the current one."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Headers of the requests to the service, such as a token; they are written nowhere."""


def connect(access: ClusterAccess | None = None) -> Cluster:
    """Return the cluster that `access` names.

    Raises:
        MissingExtraError: The `kubernetes` extra is not installed.
        ClusterUnreachableError: There is no kubeconfig, or it cannot be used.
    """
    try:
        from kubernetes import client, config
    except ImportError as error:
        raise MissingExtraError("kubernetes", "kubernetes") from error
    import yaml

    configuration = type.__call__(client.Configuration)
    kubeconfig, context = (access.kubeconfig, access.context) if access else (None, None)
    text = str(kubeconfig) if kubeconfig is not None else ""
    if not text and is_content(variable := os.environ.get("KUBECONFIG", "")):
        text = variable
    try:
        with plugin_errors() as plugin_messages:
            _load(config, configuration, text, context)
    except (config.ConfigException, yaml.YAMLError, OSError, TypeError, ValueError) as error:
        raise _unusable(text, context, error) from error
    if plugin_messages and is_anonymous(configuration):
        raise login_failed(text or _default_place(), context, plugin_messages)
    api = client.ApiClient(configuration)
    where = context or "in-cluster" if _in_cluster_only() else context or "the current one"
    server = configuration.host.rstrip("/")
    headers = access.headers if access else {}
    return Cluster(api.rest_client.pool_manager, configuration, server, where, headers)


def _load(config: Any, configuration: Any, text: str, context: str | None) -> None:
    """Read a kubeconfig, or the account of the pod, into a configuration of the client library."""
    if is_content(text):
        config.load_kube_config_from_dict(
            _parse(text), context=context, client_configuration=configuration, persist_config=False
        )
    elif not text and context is None and _in_cluster_only():
        config.load_incluster_config(client_configuration=configuration)
    else:
        path = str(Path(text).expanduser()) if text else None
        config.load_kube_config(path, context, client_configuration=configuration, persist_config=False)


def _default_place() -> str:
    return os.environ.get("KUBECONFIG") or "~/.kube/config"


def _parse(text: str) -> Any:
    import yaml

    parsed = yaml.safe_load(text)
    if not isinstance(parsed, dict):
        raise TypeError("the kubeconfig that was given as text is no YAML mapping")
    return parsed


def _in_cluster_only() -> bool:
    """Whether we run in a pod and nobody set a kubeconfig."""
    has_kubeconfig = os.environ.get("KUBECONFIG") or (Path.home() / ".kube/config").exists()
    return not has_kubeconfig and bool(os.environ.get("KUBERNETES_SERVICE_HOST"))


def _unusable(text: str, context: str | None, error: Exception) -> ClusterUnreachableError:
    source = "the text that was given" if is_content(text) else text
    source = source or _default_place()
    is_there = is_content(text) or any(
        Path(path).expanduser().exists() for path in source.split(os.pathsep) if path
    )
    reason = _parse_error(error) if is_there else "there is no such file"
    details = [f"kubeconfig: {source}"] + ([f"context: {context}"] if context else []) + [reason]
    fix = either(
        "Name one: ClusterAccess(kubeconfig=FILE, context=...), or set KUBECONFIG.",
        "Name one: --kubeconfig FILE or KUBECONFIG=FILE, and --context NAME for one of its contexts.",
    )
    return ClusterUnreachableError("The kubeconfig cannot be used.", details, fix)


def _parse_error(error: Exception) -> str:
    """Return the error in a kubeconfig, without the lines that the YAML parser quotes: they hold secrets."""
    import yaml

    if isinstance(error, yaml.MarkedYAMLError):
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        return f"{line}{error.problem}"
    return str(error).strip()
