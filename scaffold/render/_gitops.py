"""The objects by which Argo CD or Flux deploys each target from the repository of the project."""

from __future__ import annotations

from collections.abc import Mapping

from scaffold.base.layout import DEPLOY
from scaffold.render._knobs import read_gitops
from scaffold.render._manifest import render_manifest
from scaffold.spec import ProjectSpec


def gitops_files(spec: ProjectSpec, namespaces: Mapping[str, str]) -> dict[str, bytes]:
    """Return `deploy/argocd.yaml` or `deploy/flux.yaml` by path; nothing without the knob `gitops`.

    Args:
        spec: The project.
        namespaces: The namespace of each target.
    """
    gitops = read_gitops(spec.answers)
    if gitops.tool == "none":
        return {}
    folder = f"{gitops.folder}/{DEPLOY}" if gitops.folder else DEPLOY
    values = {
        "name": spec.name,
        "repository": gitops.repository or f"https://git.example.com/CHANGE-ME/{spec.name}.git",
        "is_known": bool(gitops.repository),
        "targets": [
            {"name": target, "namespace": namespace, "path": f"{folder}/{target}"}
            for target, namespace in namespaces.items()
        ],
    }
    return {f"{DEPLOY}/{gitops.tool}.yaml": render_manifest(f"{gitops.tool}.yaml.jinja", values)}
