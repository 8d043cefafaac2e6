"""The manifests of one target, with the image and labels of one deploy filled in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from scaffold.base.checked import kustomization_in, target_names
from scaffold.base.layout import BASE, DEPLOY
from scaffold.cluster._client import Manifest
from scaffold.cluster._kustomize import api_group, build_kustomization, namespace_of
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


_PLATFORMS = {
    ("serving.kserve.io", "InferenceService"): "KServe",
    ("serving.knative.dev", "Service"): "Knative",
}
"""What stands in place of a Deployment, by group and kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The manifests of one target, in the order in which they are applied."""

    name: str
    """The name of the target: `staging`."""
    service: str
    """The Deployment's name, which is the service's."""
    namespace: str
    manifests: tuple[Manifest, ...]
    measured: Measurements | None = None
    """The measurements of the proof; None without a proof."""

    def one(self, kind: str) -> Manifest | None:
        """Return the first manifest of a kind."""
        return next((manifest for manifest in self.manifests if manifest["kind"] == kind), None)

    @property
    def deployment(self) -> Manifest:
        """The manifest of the Deployment."""
        manifest = self.one("Deployment")
        assert manifest is not None
        return manifest

    @property
    def pull_secret(self) -> str:
        """The name of the secret that the pods pull their image with; empty where they use none."""
        account = self.one("ServiceAccount") or {}
        pod = self.deployment["spec"]["template"]["spec"]
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
    deployments = [manifest for manifest in manifests if manifest["kind"] == "Deployment"]
    if len(deployments) != 1:
        _refuse_other_platforms(target, manifests)
        names = [manifest["metadata"]["name"] for manifest in deployments]
        problem = f"{DEPLOY}/{target} holds {len(deployments)} Deployments; one is deployed."
        raise ManifestError(problem, names, "Put what else there is into a folder of its own.")
    metadata = deployments[0]["metadata"]
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


def workload_in(manifests: Iterable[Manifest]) -> Manifest | None:
    """Return the object that makes the pods: the first Deployment, or what stands in place of one."""
    listed = list(manifests)
    deployments = (manifest for manifest in listed if manifest["kind"] == "Deployment")
    return next(deployments, None) or next((manifest for manifest in listed if _platform(manifest)), None)


def read_workload(root: Path, target: str) -> Manifest:
    """Return the object of a target that makes the pods; it may be one that `read_target` refuses.

    Raises:
        ManifestError: As for `read_target`.
    """
    folder = _kustomization_of(root, target).parent
    manifests = build_kustomization(folder, root)
    workload = workload_in(manifests)
    if workload is None or workload["kind"] == "Deployment":
        return read_target(root, target).deployment
    return workload


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


def _platform(manifest: Manifest) -> str:
    """Return the name of the platform that makes pods of an object; empty for every other object."""
    return _PLATFORMS.get((api_group(manifest), manifest["kind"]), "")


def _refuse_other_platforms(target: str, manifests: Iterable[Manifest]) -> None:
    """Say how a target for KServe or Knative is deployed, if it is one."""
    for manifest in manifests:
        if platform := _platform(manifest):
            folder = f"{DEPLOY}/{target}"
            raise ManifestError(
                f"{folder} is for {platform}: scaffold deploys, reads and rolls back Deployments only.",
                (f"found: {describe(manifest)}, {manifest['apiVersion']}",),
                f"Type: kubectl apply -k {folder}\n"
                "Then, with the address of the service: scaffold verify --url URL\n"
                "docs/kserve.md has the commands for the state, for a rollback and for a removal.",
            )


def in_order(manifests: Iterable[Manifest]) -> list[Manifest]:
    """Return manifests in the order in which they are applied."""
    return sorted(manifests, key=_rank)


def is_needed_by_pods(manifest: Manifest) -> bool:
    """Whether pods may need the object to start; such objects neither route requests to pods nor stop any."""
    return _rank(manifest) < _ORDER.index("Service") and manifest["kind"] != "NetworkPolicy"


def service_container(workload: Manifest) -> Manifest:
    """Return the container that scores: the one named `service`, else the first."""
    spec = workload["spec"]
    pod = spec["predictor"] if "predictor" in spec else spec["template"]["spec"]
    containers = pod["containers"]
    service_containers = [container for container in containers if container["name"] == "service"]
    return cast("Manifest", (service_containers or containers)[0])


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
