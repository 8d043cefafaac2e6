"""The folder of one target: what kustomize adds to the base and changes in it."""

from __future__ import annotations

from collections.abc import Mapping

from scaffold.base.layout import KUSTOMIZATION
from scaffold.base.strategic_merge import is_empty, manifest_text, patch_of
from scaffold.render._manifest import render_manifest


def overlay_files(
    base: Mapping[str, bytes],
    manifests: Mapping[str, bytes],
    values: Mapping[str, object],
    target: str,
    namespace: str,
) -> dict[str, bytes]:
    """Return the files of one target: what it has more than the base, and patches for what differs.

    Args:
        base: The manifests of the base, by name.
        manifests: The target's own manifests, by name.
        values: What these were rendered with.
        target: Its name.
        namespace: The namespace that it is deployed into.
    """
    added = [file for file in manifests if file not in base]
    patches = {
        file: _patch(text, manifests.get(file), target)
        for file, text in base.items()
        if manifests.get(file) != text
    }
    kept = {file: patch for file, patch in patches.items() if patch}
    own = {"target": target, "namespace": namespace, "added": added, "patches": list(kept)}
    return {
        KUSTOMIZATION: render_manifest("kustomization.yaml.jinja", dict(values) | own),
        "namespace.yaml": render_manifest("namespace.yaml.jinja", own),
        **{file: manifests[file] for file in added},
        **kept,
    }


def _patch(base: bytes, desired: bytes | None, target: str) -> bytes:
    """Return what a target changes in a manifest of the base; nothing if they differ in comments alone."""
    import yaml

    patch = patch_of(yaml.safe_load(base), None if desired is None else yaml.safe_load(desired))
    if is_empty(patch):
        return b""
    comment = f"Not in {target}." if desired is None else f"What {target} changes in the base."
    return f"# {comment}\n{manifest_text(patch)}".encode()
