"""The paths of a service whose owner put its routes below a prefix."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

from scaffold.base.client import Client
from scaffold.base.package import find_package
from scaffold.spec import SCORE_PROTOCOL, Protocol

_MOST_PREFIXES = 20


def find_prefix(root: Path, url: str) -> str:
    """Return the path below which the service at `url` is ready; empty where no path in its code is one.

    Args:
        root: The project; the strings of its package that begin with a slash are tried.
        url: The service, whose `/readyz` is a 404.
    """
    for prefix in _prefixes(root)[:_MOST_PREFIXES]:
        if Client(url + prefix).probe() in ("200", "503"):
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


def _prefixes(root: Path) -> list[str]:
    """The strings in the owner's package that may be a prefix, the shortest first."""
    package = root / (find_package(root) or ".")
    texts: set[str] = set()
    for path in sorted(package.glob("*.py")):
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            continue
        strings = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
        texts |= {text.rstrip("/") for text in strings if isinstance(text, str) and text.startswith("/")}
    return sorted({text for text in texts if text and text.isprintable() and " " not in text}, key=len)
