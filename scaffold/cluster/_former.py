"""The state of an object before a deploy, as a manifest that restores it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from scaffold.cluster._client import Manifest
from scaffold.cluster._objects import applied_copy, is_made_by_us

_ATOMIC = ("selector", "podSelector", "namespaceSelector", "labelSelector", "nodeSelector")
"""Maps that an apply replaces as a whole.

Source: `x-kubernetes-map-type: atomic` in the OpenAPI document of Kubernetes.
"""


def former_state(before: Manifest, manifest: Manifest) -> Manifest:
    """Return the former values of all fields that an apply of a manifest has changed or removed.

    Other fields are left out, so that they stay with the tools that set them.

    Args:
        before: The object as it was in the cluster, whoever made it.
        manifest: The manifest that was applied.
    """
    former = applied_copy(before)
    if former is None and is_made_by_us(before) and before["kind"] != "Deployment":
        former = {key: value for key, value in before.items() if key not in ("metadata", "status")}
    masks = [_with_data(each) for each in (manifest, former) if each is not None]
    return cast("Manifest", _masked(before, masks, ""))


def _masked(value: Any, masks: Sequence[Any], key: str) -> Any:
    """Return the part of a value that one of the masks has, too."""
    if isinstance(value, dict) and key not in _ATOMIC and all(isinstance(mask, dict) for mask in masks):
        parts = {name: [mask[name] for mask in masks if name in mask] for name in value}
        return {name: _masked(value[name], inner, name) for name, inner in parts.items() if inner}
    if _is_named(value) and all(_is_named(mask) for mask in masks):
        items = [item for mask in masks for item in mask]
        parts = {item["name"]: [each for each in items if each["name"] == item["name"]] for item in value}
        return [_masked(item, parts[item["name"]], "") for item in value if parts[item["name"]]]
    return value


def _is_named(value: Any) -> bool:
    """Whether a value is a list whose items an apply tells apart by name, such as containers."""
    return isinstance(value, list) and all(isinstance(item, dict) and "name" in item for item in value)


def _with_data(manifest: Manifest) -> Manifest:
    """Return a Secret with its `stringData` as `data`, as which the server stores them."""
    texts = manifest.get("stringData")
    return {**manifest, "data": {**texts, **(manifest.get("data") or {})}} if texts else manifest
