"""Login plugins of a kubeconfig: commands that print a token, as for EKS, GKE and AKS."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scaffold.errors import ClusterUnreachableError

_LOGINS = {
    "aws": "aws sso login",
    "aws-iam-authenticator": "aws sso login",
    "gke-gcloud-auth-plugin": "gcloud auth login",
    "kubelogin": "az login",
    "kubectl-oidc_login": "kubectl oidc-login setup",
    "doctl": "doctl auth init",
    "oci": "oci session authenticate",
    "tsh": "tsh login",
}
"""The login command of each plugin."""
_INSTALLS = {
    "aws": "docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
    "aws-iam-authenticator": "docs.aws.amazon.com/eks/latest/userguide/install-aws-iam-authenticator.html",
    "gke-gcloud-auth-plugin": "gcloud components install gke-gcloud-auth-plugin",
    "kubelogin": "az aks install-cli",
}


@contextlib.contextmanager
def plugin_errors() -> Iterator[list[str]]:
    """Collect what the client library logs in the block: it only logs a failed plugin, and goes on without.

    This filters the root logger, to which the library logs.
    """
    messages: list[str] = []

    def keep(record: logging.LogRecord) -> bool:
        is_login = record.levelno >= logging.ERROR and record.pathname.endswith("kube_config.py")
        if is_login:
            messages.append(record.getMessage())
        return not is_login

    root, handler = logging.getLogger(), logging.NullHandler()
    root.addFilter(keep)
    root.addHandler(handler)  # without a handler the first message would configure logging permanently
    try:
        yield messages
    finally:
        root.removeHandler(handler)
        root.removeFilter(keep)


def is_content(kubeconfig: str) -> bool:
    """Whether a text is the content of a kubeconfig, and not its path."""
    return "\n" in kubeconfig or kubeconfig.lstrip().startswith("{")


def is_anonymous(configuration: Any) -> bool:
    """Whether a configuration of the client library has no login at all."""
    return not (configuration.api_key or configuration.cert_file or configuration.username)


def login_failed(kubeconfig: str, context: str | None, messages: list[str]) -> ClusterUnreachableError:
    """Return the error for a login plugin that failed, with its output and the login command.

    Args:
        kubeconfig: The content or the paths of the kubeconfig.
        context: The context; None for the current one.
        messages: What the client library logged.
    """
    plugin = _plugin(kubeconfig, context)
    command = str(plugin.get("command", ""))
    name = Path(command).name
    text = "\n".join(messages)
    if "No such file or directory" in text or "cannot find the file" in text:
        problem = f"The login plugin of the kubeconfig is not installed: {name}."
        hint = str(plugin.get("installHint", "")).strip()
        return ClusterUnreachableError(
            problem, (text,), hint or f"Install it: {_INSTALLS.get(name, f'{name} has to be on the PATH')}"
        )
    arguments = [str(argument) for argument in plugin.get("args") or ()]
    fix = _LOGINS.get(name, "log in as you do for this cluster")
    return ClusterUnreachableError(
        "The login plugin of the kubeconfig failed.",
        (f"plugin: {' '.join([command, *arguments])}", text),
        f"Log in, then repeat this: {fix}",
    )


def _plugin(kubeconfig: str, context: str | None) -> Mapping[str, Any]:
    """Return the `exec` of the user that the context names; empty if that cannot be read."""
    import yaml

    documents: list[Any] = []
    with contextlib.suppress(OSError, yaml.YAMLError):
        if is_content(kubeconfig):
            documents.append(yaml.safe_load(kubeconfig))
        else:
            paths = [Path(path).expanduser() for path in kubeconfig.split(os.pathsep) if path]
            documents += [yaml.safe_load(path.read_text("utf-8")) for path in paths if path.exists()]
    kubeconfigs = [document for document in documents if isinstance(document, dict)]
    current = context or next(
        (entry["current-context"] for entry in kubeconfigs if entry.get("current-context")), None
    )
    contexts = {
        entry["name"]: entry["context"] for each in kubeconfigs for entry in each.get("contexts") or ()
    }
    users = {entry["name"]: entry["user"] for each in kubeconfigs for entry in each.get("users") or ()}
    user = users.get((contexts.get(current) or {}).get("user")) or {}
    return dict(user.get("exec") or {})
