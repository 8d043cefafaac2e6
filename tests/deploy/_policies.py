"""The rules for every manifest: the published schemas, restricted Pod Security, valid names."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

import kubernetes_validate.utils
import yaml
from jsonschema.validators import Draft202012Validator
from packaging.version import Version
from referencing import Registry, Resource

from tests.deploy._keda import SCALED_OBJECT

KUBERNETES = "1.36.0"
FIRST = "1.30"
"""The oldest version that the manifests are for."""
CUSTOM_KINDS = {"HTTPRoute", "ServiceMonitor", "PrometheusRule", "Kustomization"}
_OWN = {"ScaledObject": Draft202012Validator(SCALED_OBJECT)}
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")

Manifest = dict[str, Any]


def supported_versions() -> list[str]:
    """Return the versions of Kubernetes from the oldest that is supported, as far as there are schemas."""
    found: set[str] = set(kubernetes_validate.utils.all_versions())
    return sorted((one for one in found if Version(one) >= Version(FIRST)), key=Version)


@functools.cache
def _validator(kind: str, api_version: str, kubernetes: str = KUBERNETES) -> Draft202012Validator:
    """The strict schema of one kind; unlike kubernetes_validate.validate, read once."""
    group, _, version = api_version.rpartition("/")
    name = "-".join(part for part in (kind.lower(), group.split(".")[0], version) if part)
    folder = f"kubernetes-json-schema/v{kubernetes}-local-strict"
    read = kubernetes_validate.utils.schema_contents
    schema = read(f"{folder}/{name}.json", kubernetes)
    definitions = _definitions(folder)
    registry: Registry[Any] = Resource.from_contents(schema) @ Registry()
    return Draft202012Validator(schema, registry=definitions @ registry)


@functools.cache
def _definitions(folder: str) -> Resource[Any]:
    contents = kubernetes_validate.utils.schema_contents(f"{folder}/_definitions.json", "")
    return Resource.from_contents(contents)


def problems(manifest: Manifest) -> list[str]:
    """Return the problems of `manifest`; an empty list if it is valid."""
    found = list(_schema_problems(manifest)) + list(_name_problems(manifest))
    if manifest["kind"] == "Deployment":
        found += _deployment_problems(manifest)
    return found


def problems_at(manifest: Manifest, kubernetes: str) -> list[str]:
    """Return what `kubernetes-validate --strict` says for one version of Kubernetes."""
    return list(_schema_problems(manifest, kubernetes))


def _schema_problems(manifest: Manifest, kubernetes: str = KUBERNETES) -> Iterator[str]:
    kind, api_version = manifest["kind"], manifest["apiVersion"]
    if kind in CUSTOM_KINDS:
        return
    own = _OWN.get(kind) or _validator(kind, api_version, kubernetes)
    for error in own.iter_errors(manifest):
        yield f"{manifest['kind']}: {'.'.join(map(str, error.absolute_path))}: {error.message}"


def _name_problems(manifest: Manifest) -> Iterator[str]:
    metadata = manifest.get("metadata", {})
    for name in (metadata.get("name"), metadata.get("namespace")):
        if name is not None and not LABEL.fullmatch(name):
            yield f"{manifest['kind']}: the name {name!r} is no label of RFC 1123"
    if manifest["kind"] == "Service" and not metadata["name"][0].isalpha():
        yield "a Service's name starts with a letter"
    for key, value in metadata.get("labels", {}).items():
        if not LABEL_VALUE.fullmatch(value):
            yield f"{manifest['kind']}: the label {key}={value!r} is not valid"


def _deployment_problems(manifest: Manifest) -> Iterator[str]:
    spec = manifest["spec"]
    pod = spec["template"]["spec"]
    labels = spec["template"]["metadata"]["labels"]
    if not spec["selector"]["matchLabels"].items() <= labels.items():
        yield "the selector does not select its own pods"
    if "app.kubernetes.io/version" in spec["selector"]["matchLabels"]:
        yield "the selector holds a label that changes, and a selector cannot be changed"
    if pod["securityContext"]["runAsNonRoot"] is not True:
        yield "restricted: runAsNonRoot"
    if pod["securityContext"]["seccompProfile"]["type"] != "RuntimeDefault":
        yield "restricted: seccompProfile"
    if any(
        set(volume) - {"name", "emptyDir", "configMap", "secret", "projected"} for volume in pod["volumes"]
    ):
        yield "restricted: volume types"
    for container in pod["containers"]:
        context = container["securityContext"]
        if context["allowPrivilegeEscalation"] or context["capabilities"] != {"drop": ["ALL"]}:
            yield "restricted: privileges"
        if not context["readOnlyRootFilesystem"]:
            yield "the root file system can be written"
        if {"startupProbe", "readinessProbe", "livenessProbe", "lifecycle", "resources"} - set(container):
            yield "probes, preStop or resources are missing"
    if spec["strategy"]["rollingUpdate"]["maxUnavailable"] != 0:
        yield "an update takes pods away before their successors are ready"
    if pod["automountServiceAccountToken"]:
        yield "the pod gets a token"


def documents(text: str) -> list[Manifest]:
    """Return the documents of `text`; fail on anchors and duplicate keys."""
    assert not re.search(r"(^|[\s:\[,-])[&*][A-Za-z]", text), f"an anchor or alias in:\n{text}"
    return [document for document in yaml.load_all(text, Loader=_UniqueKeys) if document]


class _UniqueKeys(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """A YAML loader for which a duplicate key is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"a key is given twice: {keys}"
        return super().construct_mapping(node, deep)
