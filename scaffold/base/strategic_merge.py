"""Strategic merge patches of Kubernetes objects: what kustomize applies to a base for each target.

A patch is an object that holds only what differs. Mappings are merged key by key, and `null` removes a key.
A list is replaced, unless its items have a merge key (the containers of a pod by name): then items are merged
by that key, and an item with `$patch: delete` is removed. The merge keys are those of the Kubernetes API
(`x-kubernetes-patch-merge-key` in its OpenAPI document).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_MERGE_KEYS: Mapping[str, tuple[str, ...]] = {
    "containers": ("name",),
    "env": ("name",),
    "ephemeralContainers": ("name",),
    "hostAliases": ("ip",),
    "imagePullSecrets": ("name",),
    "initContainers": ("name",),
    "ports": ("containerPort", "port"),
    "secrets": ("name",),
    "topologySpreadConstraints": ("topologyKey",),
    "volumeDevices": ("devicePath",),
    "volumeMounts": ("mountPath",),
    "volumes": ("name",),
}
_BUILT_IN = (
    "v1",
    "apps/",
    "batch/",
    "autoscaling/",
    "policy/",
    "networking.k8s.io/",
    "rbac.authorization.k8s.io/",
)
"""What the `apiVersion` of an object begins with if the API server knows merge keys for its kind."""
_DIRECTIVE = "$patch"
_DELETE = "delete"


def patched(document: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return an object with a patch applied; `None` if the patch deletes it."""
    if patch.get(_DIRECTIVE) == _DELETE:
        return None
    return _merged(document, patch, has_keys=_has_keys(document))


def patch_of(document: Mapping[str, Any], target: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the patch that makes `target` of an object: one that deletes it if `target` is `None`.

    The patch names its object; it holds nothing else if the two are equal.
    """
    name = {"name": document["metadata"]["name"]}
    head = {"apiVersion": document["apiVersion"], "kind": document["kind"], "metadata": name}
    if target is None:
        return {_DIRECTIVE: _DELETE, **head}
    difference = _difference(document, target, has_keys=_has_keys(document))
    return {**head, **difference, "metadata": {**name, **difference.get("metadata", {})}}


def is_empty(patch: Mapping[str, Any]) -> bool:
    """Whether a patch changes nothing."""
    return set(patch) == {"apiVersion", "kind", "metadata"} and set(patch["metadata"]) == {"name"}


def _has_keys(document: Mapping[str, Any]) -> bool:
    version = str(document.get("apiVersion", ""))
    return any(
        version == prefix or (prefix.endswith("/") and version.startswith(prefix)) for prefix in _BUILT_IN
    )


def _merged(document: Mapping[str, Any], patch: Mapping[str, Any], *, has_keys: bool) -> dict[str, Any]:
    result = dict(document)
    for key, value in patch.items():
        current = result.get(key)
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping):
            result[key] = _merged(current if isinstance(current, Mapping) else {}, value, has_keys=has_keys)
        elif isinstance(value, list) and (name := _merge_key(key, current or [], value, has_keys)):
            result[key] = _merged_items(current or [], value, name)
        else:
            result[key] = value
    return result


def _merged_items(current: Sequence[Any], items: Sequence[Any], name: str) -> list[Any]:
    by_name = {item[name]: item for item in current}
    for item in items:
        if item.get(_DIRECTIVE) == _DELETE:
            by_name.pop(item[name], None)
        else:
            by_name[item[name]] = _merged(by_name.get(item[name], {}), item, has_keys=True)
    return list(by_name.values())


def _difference(document: Mapping[str, Any], target: Mapping[str, Any], *, has_keys: bool) -> dict[str, Any]:
    difference: dict[str, Any] = {key: None for key in document if key not in target}
    for key, value in target.items():
        current = document.get(key)
        if value == current and key in document:
            continue
        if isinstance(value, Mapping) and isinstance(current, Mapping):
            difference[key] = _difference(current, value, has_keys=has_keys)
        elif isinstance(value, list) and (name := _merge_key(key, current, value, has_keys)):
            difference[key] = _differing_items(current or [], value, name)
        else:
            difference[key] = value
    return difference


def _differing_items(current: Sequence[Any], target: Sequence[Any], name: str) -> list[Any]:
    old = {item[name]: item for item in current}
    new = {item[name]: item for item in target}
    changed = [
        {name: key, **_difference(old.get(key, {}), item, has_keys=True)}
        for key, item in new.items()
        if item != old.get(key)
    ]
    return changed + [{_DIRECTIVE: _DELETE, name: key} for key in old if key not in new]


def _merge_key(key: str, current: Any, items: Sequence[Any], has_keys: bool) -> str | None:
    """Return the merge key of two lists: a key that each item has, with unique values; else None."""
    if not has_keys or not isinstance(current, list):
        return None
    for name in _MERGE_KEYS.get(key, ()):
        lists = (current, items)
        if all(isinstance(item, Mapping) and name in item for each in lists for item in each) and all(
            len({item[name] for item in each}) == len(each) for each in lists
        ):
            return name
    return None


def manifest_text(value: Any) -> str:
    """Return an object, or a part of one, as YAML: keys in their order, lists indented."""
    import yaml

    class Indented(yaml.SafeDumper):
        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
            super().increase_indent(flow, indentless=False)

    return yaml.dump(value, Dumper=Indented, sort_keys=False, allow_unicode=True)
