"""The settings of the service, as far as its manifests and its Dockerfile define them.

A setting comes from `env` or `envFrom` of the container, or from `ENV` of the Dockerfile. ConfigMaps are read
where they are among the manifests. What only the cluster knows (a Secret, another ConfigMap) is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

from scaffold.cluster._client import Manifest
from scaffold.cluster._manifests import Target
from scaffold.cluster._platforms import service_container

_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
_OFF = ("0", "false", "no", "off", "f", "n")
SCRAPE = "prometheus.io/scrape"
"""The annotation of pods by which Prometheus finds them."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The settings of the service, and the manifests that they are compared with."""

    target: Target
    values: dict[str, str] = field(default_factory=dict)
    """The known settings, by name in upper case."""
    unknown: dict[str, str] = field(default_factory=dict)
    """The source of each setting whose value only the cluster knows."""
    unread: list[str] = field(default_factory=list)
    """Sources of `envFrom` that only the cluster knows: any setting may come from them."""

    @property
    def container(self) -> Manifest:
        """The container of the service."""
        return service_container(self.target.deployment)

    @property
    def template(self) -> Manifest:
        """The template of the pods."""
        return cast("Manifest", self.target.deployment["spec"]["template"])

    @property
    def is_alone(self) -> bool:
        """Whether the pod has no other container, to which probes and callers might go."""
        return len(self.template["spec"]["containers"]) == 1

    @property
    def probes(self) -> dict[str, Manifest]:
        """The request of each probe over HTTP."""
        probes = {name: self.container.get(name) or {} for name in _PROBES}
        return {name: probe["httpGet"] for name, probe in probes.items() if "httpGet" in probe}

    @property
    def ports(self) -> dict[str, str]:
        """The number of each port of the container, by its name and by its number."""
        ports = self.container.get("ports") or []
        by_name = {port["name"]: str(port["containerPort"]) for port in ports if "name" in port}
        return by_name | {number: number for number in (str(port["containerPort"]) for port in ports)}

    @property
    def numbers(self) -> str:
        """The numbers of the ports of the container, with commas."""
        return ", ".join(dict.fromkeys(self.ports.values()))

    @property
    def metrics_port(self) -> str:
        """The separate port of the metrics; empty if they share the port of the service."""
        port = self.value("METRICS_PORT", "0")
        return "" if port == "0" else port

    @property
    def is_scraped(self) -> bool:
        """Whether a Prometheus finds the pods by annotation."""
        return self.annotations.get(SCRAPE) == "true"

    @property
    def annotations(self) -> Mapping[str, str]:
        """The annotations of the pods."""
        return self.template["metadata"].get("annotations") or {}

    @property
    def policies(self) -> list[Manifest]:
        """The NetworkPolicies of the pods."""
        labels = (self.template["metadata"].get("labels") or {}).items()
        network_policies = self.of_kind("NetworkPolicy")
        return [
            policy
            for policy in network_policies
            if ((policy.get("spec", {}).get("podSelector") or {}).get("matchLabels") or {}).items() <= labels
        ]

    def of_kind(self, *kinds: str) -> list[Manifest]:
        """Return the manifests of these kinds."""
        return [manifest for manifest in self.target.manifests if manifest["kind"] in kinds]

    def value(self, name: str, default: str = "") -> str:
        """Return a setting; an empty one counts as not set."""
        return self.values.get(name) or default

    def is_on(self, name: str) -> bool:
        """Whether a setting that is on by default is on."""
        return self.value(name, "true").lower() not in _OFF

    @property
    def needs_key(self) -> bool:
        """Whether callers need an API key."""
        return bool(self.value("API_KEY_HASHES")) or "API_KEY_HASHES" in self.unknown

    def hidden(self, names: Iterable[str]) -> list[str]:
        """Return the settings among `names` whose values are unknown."""
        return [name for name in names if name in self.unknown or (self.unread and name not in self.values)]


def read_settings(target: Target, image: Mapping[str, str]) -> Scene:
    """Read the settings in the order in which later ones win: the image, `envFrom`, `env`.

    Source: kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1, `env` and `envFrom`
    """
    scene = Scene(target)
    maps = {each["metadata"]["name"]: each.get("data") or {} for each in scene.of_kind("ConfigMap")}
    for name, value in image.items():
        _set_value(scene, name, value)
    for source in scene.container.get("envFrom") or []:
        kind = "ConfigMap" if "configMapRef" in source else "Secret"
        source_name = (source.get("configMapRef") or source.get("secretRef") or {}).get("name", "")
        if kind == "ConfigMap" and source_name in maps:
            for name, value in maps[source_name].items():
                _set_value(scene, f"{source.get('prefix', '')}{name}", value)
        else:
            scene.unread.append(f"{kind}/{source_name}")
            scene.values.clear()  # this source may override any of them
    for entry in scene.container.get("env") or []:
        if "valueFrom" not in entry:
            _set_value(scene, entry["name"], entry.get("value") or "")
            continue
        reference = entry["valueFrom"].get("configMapKeyRef") or {}
        referenced = maps.get(reference.get("name"), {}).get(reference.get("key"))
        _set_value(scene, entry["name"], referenced, _origin(entry["valueFrom"]))
    return scene


def _set_value(scene: Scene, name: str, value: object, source: str = "") -> None:
    """Store a setting; without a value, mark it as unknown. Names of settings ignore case."""
    name = name.upper()
    scene.values.pop(name, None)
    scene.unknown.pop(name, None)
    if value is None:
        scene.unknown[name] = source
    else:
        scene.values[name] = str(value)


def _origin(value_from: Manifest) -> str:
    kinds = {"configMapKeyRef": "ConfigMap", "secretKeyRef": "Secret"}
    key, reference = next(iter(value_from.items()))
    return f"{kinds[key]}/{reference.get('name', '')}" if key in kinds else key


def allowed_ports(scene: Scene) -> set[str] | None:
    """Return the numbers of the ports at which the NetworkPolicies let callers in; None for any port."""
    closed = [
        policy.get("spec", {})
        for policy in scene.policies
        if "Ingress" in policy.get("spec", {}).get("policyTypes", ["Ingress"])
    ]
    rules = [rule for spec in closed for rule in spec.get("ingress") or []]
    ports = [port for rule in rules for port in rule.get("ports") or [{}]]
    if not closed or any("port" not in port or "endPort" in port for port in ports):
        return None
    return {scene.ports.get(str(port["port"]), str(port["port"])) for port in ports}
