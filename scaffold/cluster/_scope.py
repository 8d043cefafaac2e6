"""Set the namespace of objects as kustomize does."""

from __future__ import annotations

from collections.abc import Iterable

from scaffold.cluster._client import Manifest

_GROUPS = ("", "apps", "batch", "autoscaling", "policy")
_CLUSTER_SCOPED = {
    "APIService",
    "CSIDriver",
    "CSINode",
    "CertificateSigningRequest",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "DeviceClass",
    "FlowSchema",
    "IngressClass",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "MutatingWebhookConfiguration",
    "Node",
    "PersistentVolume",
    "PriorityClass",
    "PriorityLevelConfiguration",
    "RuntimeClass",
    "StorageClass",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
    "VolumeAttachment",
}
"""Kinds of Kubernetes itself that no namespace holds.

Source: `kubectl api-resources --namespaced=false`
"""
_BINDINGS = ("RoleBinding", "ClusterRoleBinding")


def set_namespace(manifests: Iterable[Manifest], namespace: str) -> None:
    """Put objects into a namespace, and let role bindings name their service accounts there.

    Source: api/filters/namespace of kustomize
    """
    listed = list(manifests)
    accounts = {_account_of(each["metadata"]) for each in listed if each["kind"] == "ServiceAccount"}
    for manifest in listed:
        if manifest["kind"] == "Namespace":
            manifest["metadata"]["name"] = namespace
        elif not _is_cluster_scoped(manifest):
            manifest["metadata"]["namespace"] = namespace
        for subject in manifest.get("subjects") or [] if manifest["kind"] in _BINDINGS else ():
            is_own = _account_of(subject) in accounts or subject.get("name") == "default"
            if is_own and subject.get("kind") == "ServiceAccount":
                subject["namespace"] = namespace


def _account_of(reference: Manifest) -> tuple[str, str]:
    return str(reference.get("name")), str(reference.get("namespace", ""))


def _is_cluster_scoped(manifest: Manifest) -> bool:
    """Whether an object is of a kind of Kubernetes itself that no namespace holds."""
    group = str(manifest.get("apiVersion", "")).rpartition("/")[0]
    return manifest["kind"] in _CLUSTER_SCOPED and (group in _GROUPS or group.endswith(".k8s.io"))
