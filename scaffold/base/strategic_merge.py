"""Strategic merge patches of Kubernetes objects: what kustomize applies to a base for each target.

A patch is an object that holds only what differs. Mappings are merged key by key, and `null` removes a key.
A list is replaced, unless its items have a merge key (the containers of a pod by name): then items are merged
by that key, and an item with `$patch: delete` is removed. The merge keys are those of the Kubernetes API
(`x-kubernetes-patch-merge-key` in its OpenAPI document).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

Keys = Mapping[str, tuple[str, ...]]

_MERGE_KEYS: Keys = {
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
_ATOMIC = {"ServiceAccount": ("imagePullSecrets",)}
"""Lists without a merge key in one kind, though others have one of that name."""
_DIRECTIVE = "$patch"
_DELETE = "delete"
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0o[0-7]+")
"""Numbers of YAML 1.2, which kubectl reads, and which PyYAML, for YAML 1.1, leaves unquoted as texts.

Source: yaml.org/spec/1.2.2, 10.3.2 "Tag Resolution"
"""


def patched(document: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return an object with a patch applied; `None` if the patch deletes it."""
    if patch.get(_DIRECTIVE) == _DELETE:
        return None
    return _merged(document, patch, keys=_keys_of(document))


def patch_of(document: Mapping[str, Any], target: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the patch that makes `target` of an object: one that deletes it if `target` is `None`.

    The patch names its object; it holds nothing else if the two are equal.
    """
    name = {"name": document["metadata"]["name"]}
    head = {"apiVersion": document["apiVersion"], "kind": document["kind"], "metadata": name}
    if target is None:
        return {_DIRECTIVE: _DELETE, **head}
    difference = _difference(document, target, keys=_keys_of(document))
    return {**head, **difference, "metadata": {**name, **difference.get("metadata", {})}}


def is_empty(patch: Mapping[str, Any]) -> bool:
    """Whether a patch changes nothing."""
    return set(patch) == {"apiVersion", "kind", "metadata"} and set(patch["metadata"]) == {"name"}


def _keys_of(document: Mapping[str, Any]) -> Keys:
    """Return the merge keys of the lists in an object; none if the API server does not know its kind."""
    version = str(document.get("apiVersion", ""))
    if not any(
        version == prefix or (prefix.endswith("/") and version.startswith(prefix)) for prefix in _BUILT_IN
    ):
        return {}
    atomic = _ATOMIC.get(document["kind"], ())
    return {name: keys for name, keys in _MERGE_KEYS.items() if name not in atomic}


def _merged(document: Mapping[str, Any], patch: Mapping[str, Any], *, keys: Keys) -> dict[str, Any]:
    result = dict(document)
    for key, value in patch.items():
        current = result.get(key)
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping):
            result[key] = _merged(current if isinstance(current, Mapping) else {}, value, keys=keys)
        elif isinstance(value, list) and (name := _merge_key(current or [], value, keys.get(key, ()))):
            result[key] = _merged_items(current or [], value, name, keys)
        else:
            result[key] = value
    return result


def _merged_items(
    current: Sequence[Any], items: Sequence[Any], name: str, keys: Keys
) -> list[dict[str, Any]]:
    """Return the items of a patch, merged, and then the others: the order that kustomize gives them."""
    others = {item[name]: item for item in current}
    merged = []
    for item in items:
        former = others.pop(item[name], {})
        if item.get(_DIRECTIVE) != _DELETE:
            merged.append(_merged(former, item, keys=keys))
    return [*merged, *others.values()]


def _difference(document: Mapping[str, Any], target: Mapping[str, Any], *, keys: Keys) -> dict[str, Any]:
    difference: dict[str, Any] = {key: None for key in document if key not in target}
    for key, value in target.items():
        current = document.get(key)
        if value == current and key in document:
            continue
        if isinstance(value, Mapping) and isinstance(current, Mapping):
            difference[key] = _difference(current, value, keys=keys)
        elif isinstance(value, list) and (name := _merge_key(current, value, keys.get(key, ()))):
            difference[key] = _differing_items(current or [], value, name, keys)
        else:
            difference[key] = value
    return difference


def _differing_items(current: Sequence[Any], target: Sequence[Any], name: str, keys: Keys) -> list[Any]:
    old = {item[name]: item for item in current}
    new = {item[name]: item for item in target}
    changed = [
        {name: key, **_difference(old.get(key, {}), item, keys=keys)}
        for key, item in new.items()
        if item != old.get(key)
    ]
    return changed + [{_DIRECTIVE: _DELETE, name: key} for key in old if key not in new]


def _merge_key(current: Any, items: Sequence[Any], names: Sequence[str]) -> str | None:
    """Return the merge key of two lists: a name that each item has, with unique values; else None."""
    if not isinstance(current, list):
        return None
    for name in names:
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

    def represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
        if _NUMBER.fullmatch(text):
            return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="'")
        return dumper.represent_str(text)

    Indented.add_representer(str, represent_text)
    return yaml.dump(value, Dumper=Indented, sort_keys=False, allow_unicode=True)
