"""The wait for a service whose owner may have moved its routes."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from scaffold.base.client import Client, Readiness, wait_until_ready
from scaffold.base.package import find_package
from scaffold.spec import SCORE_PROTOCOL, Protocol

_MOST_PREFIXES = 50
_MOST_REFUSALS = 5
"""How often `/readyz` may be refused in a row: the generated code has that route from the start."""


def await_routes(
    client: Client, root: Path, *, timeout_s: float, poll_s: float, is_over: Callable[[], bool]
) -> Readiness:
    """Wait until a service that was just started is ready, and let the client ask at the service's paths.

    Args:
        client: A client of the service. It gets the prefix of the routes and the paths of the protocol.
        root: The project, whose code is searched for the prefix if `/readyz` is a 404.
        timeout_s: How long to wait.
        poll_s: Seconds between two probes.
        is_over: Whether the service has ended.
    """

    def wait() -> Readiness:
        return wait_until_ready(
            client, timeout_s=timeout_s, poll_s=poll_s, is_over=is_over, most_refusals=_MOST_REFUSALS
        )

    ready = wait()
    if ready.last == "404" and not is_over():
        prefix = _find_prefix(root, client)
        if prefix:
            client.url += prefix
            ready = wait()
    if ready.is_ready:
        client.protocol = find_protocol(client)
    return ready


def _find_prefix(root: Path, client: Client) -> str:
    """Return the string in the owner's code below which the service is ready; empty where there is none."""
    for prefix in possible_prefixes(root):
        if Client(client.url + prefix, headers=client.headers).probe() in ("200", "503"):
            return prefix
    return ""


def find_protocol(client: Client) -> Protocol:
    """Return the paths of a service that is ready: those of its description that end alike."""
    default = SCORE_PROTOCOL
    answer = client.get(default.openapi)
    paths = answer.body.get("paths") if isinstance(answer.body, dict) else None
    if answer.status != 200 or not isinstance(paths, dict):
        return default
    single, batch = (
        [path for path in paths if path.endswith(route.path)] for route in (default.single, default.batch)
    )
    if default.single.path in single or len(single) != 1 or len(batch) != 1:
        return default
    return replace(
        default,
        single=replace(default.single, path=single[0]),
        batch=replace(default.batch, path=batch[0]),
    )


def possible_prefixes(root: Path) -> list[str]:
    """Return the strings in the owner's package that may be a prefix of the routes, the shortest first."""
    package = root / (find_package(root) or ".")
    texts: set[str] = set()
    for path in sorted(package.rglob("*.py")):
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            continue
        strings = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
        texts |= {text.rstrip("/") for text in strings if isinstance(text, str) and text.startswith("/")}
    prefixes = {text for text in texts if text and text.isprintable() and " " not in text}
    return sorted(prefixes, key=len)[:_MOST_PREFIXES]
