"""Secrets and config maps that pods refer to and the cluster lacks, with the commands that create them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scaffold.cluster._client import Manifest
from scaffold.cluster._platforms import service_container
from scaffold.errors.wording import quoted, shell_line

_HASH = '"$(printf %s "$KEY" | sha256sum | cut -d\' \' -f1)"'
_VALUES = {"API_KEY_HASHES": _HASH}
"""Values of settings that differ from the shell variable of the same name."""
_FIELDS = {"secret": "secretKeyRef", "configmap": "configMapKeyRef"}


def missing_reference(message: str) -> tuple[str, str, str] | None:
    """Return the kind, the name and the key that a container waits for; an empty key if all is missing."""
    if match := re.search(r'(secret|configmap) "([^"]+)" not found', message):
        return match[1], match[2], ""
    if match := re.search(r"couldn't find key (\S+) in (Secret|ConfigMap) \S+?/(\S+)", message):
        return match[2].lower(), match[3], match[1]
    return None


def create_command(deployment: Manifest, kind: str, name: str, *, exists: bool) -> str:
    """Return the command that creates a secret or a config map with the keys that the service reads.

    Args:
        deployment: The Deployment, whose container names the keys.
        kind: `secret` or `configmap`.
        name: Its name.
        exists: Whether the object exists and only lacks a key.
    """
    namespace = deployment["metadata"]["namespace"]
    resource = "secret generic" if kind == "secret" else "configmap"
    literals = [f"--from-literal={key}={value}" for key, value in _literals(deployment, kind, name)]
    words = literals or ["--from-literal=KEY=VALUE"]
    kubectl = shell_line("kubectl", "-n", namespace)
    command = f"{kubectl} create {resource} {quoted(name)} {' '.join(words)}"
    if exists:
        command += f" --dry-run=client -o yaml | {kubectl} apply -f -"
    return command


def _literals(deployment: Manifest, kind: str, name: str) -> Iterator[tuple[str, str]]:
    """Yield each key that the container reads, and its value in a shell command."""
    for entry in service_container(deployment).get("env") or []:
        reference = (entry.get("valueFrom") or {}).get(_FIELDS[kind]) or {}
        if reference.get("name") == name:
            variable = entry["name"]
            yield reference["key"], _VALUES.get(variable, f'"${variable}"')
