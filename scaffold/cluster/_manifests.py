"""The manifests of one target, with the image and labels of one deploy filled in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from scaffold.base.checked import kustomization_in, target_names
from scaffold.base.layout import BASE, DEPLOY
from scaffold.cluster._client import Manifest
from scaffold.cluster._kustomize import api_group, build_kustomization, namespace_of
from scaffold.cluster._platforms import (
    is_workload,
    platform_of,
    pod_spec,
    workload_in,
)
from scaffold.cluster._scope import set_namespace
from scaffold.errors import ManifestError
from scaffold.spec import Measurements

ANNOTATION = "model-scaffold/"
BESIDE = f"{ANNOTATION}beside"
"""On a Deployment, and so on each of its revisions: the other objects that were applied with it, as JSON."""
BESIDE_OMITTED = f"{ANNOTATION}beside-omitted"
"""On a Deployment: the names of the objects for which `BESIDE` has no room, as `ConfigMap/large`."""
CANARY = f"{ANNOTATION}canary"
"""On the manifest of a Deployment: the shares of the callers that a new revision gets, as `10,50`."""
CANARY_HOLD = f"{ANNOTATION}canary-hold-seconds"
"""On the manifest of a Deployment: how long each share is held."""
CONFIG = f"{ANNOTATION}config-sha256"
"""On the pod template: the hash of the ConfigMaps and Secrets of the project that the pods read."""
MANAGED_BY = "app.kubernetes.io/managed-by"
NAME_LABEL = "app.kubernetes.io/name"
MANAGER_NAME = "model-scaffold"
SERVICE_LABEL = f"{ANNOTATION}service"
"""The name of the Deployment, on objects whose `NAME_LABEL` is another one, as with `namePrefix`."""

# Objects that pods need come before the pods, objects that route to them come after.
_ORDER = (
    "Namespace",
    "ResourceQuota",
    "LimitRange",
    "ServiceAccount",
    "Secret",
    "ConfigMap",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "ExternalSecret",
    "SealedSecret",
    "SecretProviderClass",
    "",  # the objects of `_PROVIDERS`
    "NetworkPolicy",
    "Service",
    "Deployment",
    "PodDisruptionBudget",
    "HorizontalPodAutoscaler",
    "TriggerAuthentication",
    "ScaledObject",
)


_PROVIDERS = (
    "akeyless.io",
    "bitnami.com",
    "cert-manager.io",
    "doppler.com",
    "external-secrets.io",
    "infisical.com",
    "isindir.github.com",
    "koudingspawn.de",
    "kubernetes-client.io",
    "mittwald.de",
    "objectbucket.io",
    "onepassword.com",
    "resource.k8s.io",
    "ricoberger.de",
    "scheduling.k8s.io",
    "secrets-store.csi.x-k8s.io",
    "secrets.hashicorp.com",
    "spv.no",
    "storage.k8s.io",
)
"""Groups of APIs whose objects make what pods need: Secrets, ConfigMaps, volumes, devices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The manifests of one target, in the order in which they are applied."""

    name: str
    """The name of the target: `staging`."""
    service: str
    """The name of the Deployment, or of what stands in place of one, which is the service's."""
    namespace: str
    manifests: tuple[Manifest, ...]
    measured: Measurements | None = None
    """The measurements of the proof; None without a proof."""

    def one(self, kind: str) -> Manifest | None:
        """Return the first manifest of a kind."""
        return next((manifest for manifest in self.manifests if manifest["kind"] == kind), None)

    @property
    def deployment(self) -> Manifest:
        """The manifest of the Deployment, or of what stands in place of one."""
        manifest = workload_in(self.manifests)
        assert manifest is not None
        return manifest

    @property
    def platform(self) -> str:
        """The platform that makes the pods: `KServe` or `Knative`; empty for a Deployment."""
        return platform_of(self.deployment)

    @property
    def pull_secret(self) -> str:
        """The name of the secret that the pods pull their image with; empty where they use none."""
        account = self.one("ServiceAccount") or {}
        pod = pod_spec(self.deployment)
        names = pod.get("imagePullSecrets") or account.get("imagePullSecrets") or []
        return str(names[0]["name"]) if names else ""


def read_target(root: Path, target: str, measured: Measurements | None = None) -> Target:
    """Return the manifests of `deploy/<target>/`, as its kustomization lists them.

    Args:
        root: The project.
        target: A folder under its `deploy/`.
        measured: What the proof of the project measured.

    Raises:
        ManifestError: There is no such target, a file is no YAML, or the kustomization cannot be built.
    """
    path = _kustomization_of(root, target)
    folder = path.parent
    manifests = build_kustomization(folder, root)
    has_namespace = any(manifest["kind"] == "Namespace" for manifest in manifests)
    workloads = [manifest for manifest in manifests if is_workload(manifest)]
    if len(workloads) != 1:
        kinds = "Deployments" if not any(platform_of(each) for each in workloads) else "services"
        problem = f"{DEPLOY}/{target} holds {len(workloads)} {kinds}; one is deployed."
        names = [describe(each) if kinds == "services" else each["metadata"]["name"] for each in workloads]
        raise ManifestError(problem, names, "Put what else there is into a folder of its own.")
    metadata = workloads[0]["metadata"]
    if not metadata.get("namespace"):
        raise ManifestError(
            f"{DEPLOY}/{target} names no namespace.",
            (f"read: {path}",),
            f"Add to it: namespace: {metadata['name']}-{target}",
        )
    if not has_namespace:
        beside = namespace_of(folder)
        set_namespace(beside, metadata["namespace"])
        manifests += beside
    return Target(
        name=target,
        service=metadata["name"],
        namespace=metadata["namespace"],
        manifests=tuple(in_order(manifests)),
        measured=measured,
    )


def _kustomization_of(root: Path, target: str) -> Path:
    """Return the path of a target's kustomization.

    Raises:
        ManifestError: There is no such target.
    """
    folder = root / DEPLOY / target
    is_base = folder.resolve() == (root / BASE).resolve()
    path = kustomization_in(folder)
    if is_base or not path.is_file():
        targets = target_names(root)
        raise ManifestError(
            f"The project has no target '{target}'.",
            (
                f"{folder} is what the targets share" if is_base else f"looked for: {path}",
                f"there are: {', '.join(targets) or 'none'}",
            ),
        )
    return path


def in_order(manifests: Iterable[Manifest]) -> list[Manifest]:
    """Return manifests in the order in which they are applied."""
    return sorted(manifests, key=_rank)


def is_needed_by_pods(manifest: Manifest) -> bool:
    """Whether pods may need the object to start; such objects neither route requests to pods nor stop any."""
    return _rank(manifest) < _ORDER.index("Service") and manifest["kind"] != "NetworkPolicy"


def is_of(live: Manifest, service: str) -> bool:
    """Whether a deploy of a service applied an object, by its labels."""
    labels = live["metadata"].get("labels") or {}
    name = labels.get(SERVICE_LABEL) or labels.get(NAME_LABEL)
    return labels.get(MANAGED_BY) == MANAGER_NAME and name == service


def describe(manifest: Manifest) -> str:
    """`Deployment/titanic`."""
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def _rank(manifest: Manifest) -> int:
    kind = manifest["kind"]
    if kind in _ORDER:
        return _ORDER.index(kind)
    group = api_group(manifest)
    is_provider = any(group == each or group.endswith(f".{each}") for each in _PROVIDERS)
    return _ORDER.index("") if is_provider else len(_ORDER)
