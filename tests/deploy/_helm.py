"""A chart as Helm itself checks, renders and installs it: helm-python-sdk is Helm 4 as a library."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import helm_python

from tests.deploy._fake_api import FakeApi, running
from tests.deploy._policies import Manifest, documents

WARNING = 2
"""The severity of a warning, which `helm lint --strict` takes for an error."""


def lint(folder: Path, values: Mapping[str, Any] | None = None) -> list[str]:
    """Return what `helm lint --strict` refuses."""
    report = helm_python.lint(folder, dict(values or {}), strict=True)
    found = [one["error"] for one in report["messages"] if one["severity"] >= WARNING]
    return [*report["errors"], *found]


def refusal(folder: Path, values: Mapping[str, Any]) -> str:
    """Return why Helm does not take values; nothing if it takes them."""
    with helm_python.Chart.load(folder) as chart:
        try:
            chart.validate_schema(dict(values))
        except helm_python.HelmValuesError as error:
            return str(error)
    return ""


def notes(
    folder: Path, values: Mapping[str, Any] | None = None, *, release: str = "first", namespace: str = "space"
) -> str:
    """Return what Helm shows after an installation."""
    return next(
        text for path, text in _rendered(folder, values, release, namespace) if path.endswith("NOTES.txt")
    )


def rendered(
    folder: Path, values: Mapping[str, Any] | None = None, *, release: str = "first", namespace: str = "space"
) -> list[Manifest]:
    """Return the objects of a release."""
    return [
        document
        for path, text in _rendered(folder, values, release, namespace)
        if path.endswith(".yaml")
        for document in documents(text)
    ]


@contextlib.contextmanager
def helm(api: FakeApi, namespace: str) -> Iterator[helm_python.Config]:
    """Give what installs releases by this API; Helm keeps its record of them in memory, not in Secrets."""
    api.wants_token = False
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    with running(api) as kubeconfig:
        config = helm_python.Config(
            kubeconfig_content=kubeconfig, namespace=namespace, storage_driver="memory"
        )
        with contextlib.closing(config) as opened:
            yield opened


def _rendered(
    folder: Path, values: Mapping[str, Any] | None, release: str, namespace: str
) -> Iterator[tuple[str, str]]:
    with contextlib.closing(helm_python.Chart.load(folder)) as chart:
        chart.validate_schema(dict(values or {}))
        yield from chart.render(dict(values or {}), name=release, namespace=namespace).items()
