"""A fake cluster for Deployments: ReplicaSets with revisions, and pods that run or fail as the test says.

Services lead to the pods that their selector selects, at the port to which `targetPort` resolves there.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.deploy._fake_api import FakeApi, Manifest
from tests.http_server import serving

REVISION = "deployment.kubernetes.io/revision"
_SERVICE_NAME = "kubernetes.io/service-name"
Behaviour = Callable[[Manifest], None]


@dataclass
class FakeCluster:
    """The API with the controllers behind it, and the service that its pods run."""

    api: FakeApi = field(default_factory=FakeApi)
    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    """By image: changes a new pod into one that does not come to life."""
    factors: dict[str, float] = field(default_factory=dict)
    """By image: what the model multiplies by."""
    sorts: bool = False
    """Whether the service answers a batch in the order of its values."""
    failing: dict[str, int] = field(default_factory=dict)
    """By image: each how many requests of callers one is answered with 500."""
    metrics: bool = True
    """Whether the pods have metrics."""
    logs: str = ""
    create_failure: str = ""
    """Why no pod of a new revision is created."""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """The path and the headers of each request to a pod, through the API."""
    called: list[str] = field(default_factory=list)
    """The images of the pods that answered callers of the Service."""
    proxies: dict[str, str] = field(default_factory=dict)
    """By image: the Service to which a proxy in it passes on what it is asked."""
    ports: dict[str, int] = field(default_factory=dict)
    """By image: the port at which the service in it listens, where it is not 8000."""
    locked: int = 0
    """The status with which the service answers requests without an API key; 0 where it wants none."""
    contents: dict[str, str] = field(default_factory=dict)
    """By tag: the digest that it names now; nodes report it for new pods."""
    pod_step_s: float = 0
    """How long a rollout takes for each pod that becomes ready or goes; at once where it is 0."""
    statuses: dict[str, dict[int, int]] = field(default_factory=dict)
    """By pod: how many callers got each status."""
    _servers: dict[str, int] = field(default_factory=dict)
    _ended: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __post_init__(self) -> None:
        self.api.after_write = self._reconcile
        self.api.pod_log = lambda _name, previous: self.logs if previous else ""
        self.api.dial = self._dial
        self.api.slices = self._slices

    @contextlib.contextmanager
    def running(self) -> Iterator[FakeCluster]:
        """Run the balancer in front of the Services, and the pods."""
        with self._ended, serving(_balancer(self)) as port:
            self.api.forward_port = port
            yield self

    # ---- the way to a pod

    def answer(self, image: str, path: str, body: Any) -> Any:
        """What the service in an image answers to a request."""
        if path.endswith("/readyz"):
            return {"status": "ready"}
        factor = self.factors.get(image, 2.0)
        records = body if isinstance(body, list) else [body]
        if self.sorts:
            records = sorted(records, key=lambda one: float(one["data"]))
        answers = [{"prediction": one["data"] * factor} for one in records]
        return answers if isinstance(body, list) else answers[0]

    def call(self, path: str, body: Any, host: str = "", service: str = "") -> tuple[int, Any]:
        """What a caller of a Service, or of the host of a route, gets: a status, and the body."""
        with self.api.lock:
            names = {service} if service else self._behind(host)
            services = [one for one in self.api.all("Service") if not names or _name(one) in names]
            ready = [
                (one["targetRef"]["name"], part["ports"][0]["port"])
                for service in services
                for part in self._slices(service["metadata"]["namespace"])
                if part["ports"] and part["metadata"]["labels"][_SERVICE_NAME] == _name(service)
                for one in part["endpoints"]
                if one["conditions"]["ready"]
            ]
            if not ready:
                return 503, {"detail": "no endpoint"}
            name, port = random.choice(ready)  # as a balancer does
            image = _image_of(self.api.find("Pod", name))
        if image in self.proxies:
            return self.call(path, body, service=self.proxies[image])
        if port != self.ports.get(image, 8000):
            return 502, {"detail": "connection refused"}
        self.called.append(image)
        each = self.failing.get(image)
        status = 500 if each and self.called.count(image) % each == 0 else 200
        with self.api.lock:
            counts = self.statuses.setdefault(name, {200: 0, 500: 0})
            counts[status] += 1
        return status, self.answer(image, path, body)

    def _behind(self, host: str) -> set[str]:
        """The Services to which the Ingresses and HTTPRoutes of a host lead; none where it has no route."""
        names = set()
        for route in [*self.api.all("Ingress"), *self.api.all("HTTPRoute")]:
            spec = route["spec"]
            rules = spec.get("rules") or [{}]
            hosts = spec.get("hostnames") or [rule.get("host", host) for rule in rules]
            if host and host in hosts:
                paths = [path for rule in rules for path in (rule.get("http") or {}).get("paths") or []]
                backends = [*(path["backend"] for path in paths), spec.get("defaultBackend") or {}]
                names |= {one["service"]["name"] for one in backends if one}
                names |= {one["name"] for rule in rules for one in rule.get("backendRefs") or []}
        return names

    def metrics_text(self, name: str) -> str:
        """What the service in a pod shows at `/metrics`."""
        with self.api.lock:
            counts = self.statuses.get(name, {})
            total = sum(counts.values())
            lines = [
                f'http_requests_total{{route="/score",status="{status}"}} {count}'
                for status, count in counts.items()
            ]
        bucket = f'http_request_duration_seconds_bucket{{le="0.01",route="/score"}} {total}'
        types = "# TYPE http_requests_total counter\n", "\n# TYPE http_request_duration_seconds histogram\n"
        return types[0] + "\n".join(lines) + types[1] + bucket + "\n"

    def _dial(self, namespace: str, name: str, port: int) -> int | None:
        with self.api.lock:
            pod = self.api.get(f"/api/v1/namespaces/{namespace}/pods/{name}")
            image = _image_of(pod)
            if port != self.ports.get(image, 8000):
                return None
            if name not in self._servers:
                self._servers[name] = self._ended.enter_context(serving(_pod(self, image, name)))
            return self._servers[name]

    def _slices(self, namespace: str) -> list[Manifest]:
        """The EndpointSlices of the Services of a namespace, as their controller keeps them."""
        found = []
        for service in self.api.all("Service"):
            selector = service["spec"].get("selector")
            if service["metadata"]["namespace"] != namespace or not selector:
                continue
            pods = [
                pod
                for pod in self.api.all("Pod")
                if pod["metadata"]["namespace"] == namespace
                and selector.items() <= pod["metadata"]["labels"].items()
            ]
            by_port: dict[int | None, list[Manifest]] = {}
            for pod in pods:
                by_port.setdefault(_target_port(service, pod), []).append(pod)
            found += [_slice(service, port, members) for port, members in by_port.items()]
        return found

    def event(self, name: str, reason: str, message: str, namespace: str) -> None:
        """Add an event about an object."""
        count = len(self.api.all("Event"))
        self.api.write(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": f"{name}.{count}", "namespace": namespace, "uid": str(count)},
                "involvedObject": {"name": name},
                "reason": reason,
                "message": message,
                "type": "Warning",
                "lastTimestamp": f"2026-01-01T00:00:{count:02}Z",
            }
        )

    def _reconcile(self, written: Manifest) -> None:
        if written["kind"] == "Deployment":
            self._roll_out(written)
        if written["kind"] in ("Deployment", "ScaledObject"):
            self._scale_as_keda()

    def _scale_as_keda(self) -> None:
        """Do what KEDA does without an active trigger: at once, as long after the last request."""
        for scaler in self.api.all("ScaledObject"):
            name, least = scaler["spec"]["scaleTargetRef"]["name"], scaler["spec"].get("minReplicaCount", 0)
            deployment = self.api.find("Deployment", name)
            count = deployment["spec"]["replicas"]
            if count < least or (count and not least):
                self.api.edit(self.api.path_of(deployment), "keda", {"spec": {"replicas": least}})

    def _roll_out(self, written: Manifest) -> None:
        if written["spec"].get("paused"):
            generation = written["metadata"]["generation"]
            status = {**written.get("status", {}), "observedGeneration": generation, "updatedReplicas": 0}
            written["status"] = {
                **status,
                "conditions": [{"type": "Progressing", "reason": "DeploymentPaused"}],
            }
            return
        template = written["spec"]["template"]
        digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:10]
        name = f"{written['metadata']['name']}-{digest}"
        sets = [one for one in self.api.all("ReplicaSet") if _owned(one, written)]
        current = next((one for one in sets if one["metadata"]["name"] == name), None)
        newest = max((_revision(one) for one in sets), default=0)
        if current is None:
            current = _replica_set(written, name, digest)
        if _revision(current) != newest or newest == 0:
            current["metadata"]["annotations"][REVISION] = str(newest + 1)
        notes = written["metadata"].setdefault("annotations", {})
        notes[REVISION] = current["metadata"]["annotations"][REVISION]
        current["metadata"]["annotations"] |= notes
        self.api.objects[self.api.path_of(current)] = current
        self._run(written, current, sets)

    def _run(self, deployment: Manifest, current: Manifest, sets: list[Manifest]) -> None:
        wanted = deployment["spec"]["replicas"]
        status: Manifest = {"observedGeneration": deployment["metadata"]["generation"], "conditions": []}
        deployment["status"] = status
        behave = self.behaviours.get(current["spec"]["template"]["spec"]["containers"][0]["image"])
        if behave is None and not self.create_failure:
            others = [one for one in sets if one["metadata"]["name"] != current["metadata"]["name"]]
            if self.pod_step_s and self._count(others):
                threading.Thread(target=self._roll, args=(deployment, current, others), daemon=True).start()
                return
            for one in others:
                self._scale(one, 0)
            self._scale(current, wanted)
            counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
            status.update(dict.fromkeys(counts, wanted))
            return
        old = [pod for pod in self.api.all("Pod") if not _owned(pod, current)]
        status.update(
            replicas=len(old) + 1, updatedReplicas=1, readyReplicas=len(old), availableReplicas=len(old)
        )
        if self.create_failure:
            failure = {
                "type": "ReplicaFailure",
                "status": "True",
                "reason": "FailedCreate",
                "message": self.create_failure,
            }
            status["conditions"].append(failure)
        elif behave is not None:
            self._scale(current, 1, behave)

    def _count(self, sets: list[Manifest]) -> int:
        return len([pod for pod in self.api.all("Pod") if any(_owned(pod, one) for one in sets)])

    def _roll(self, deployment: Manifest, current: Manifest, others: list[Manifest]) -> None:
        """One pod of the new revision after the other becomes ready, and one of the old goes."""
        path, generation = self.api.path_of(deployment), deployment["metadata"]["generation"]
        wanted = deployment["spec"]["replicas"]
        new = old = -1
        while (new, old) != (wanted, 0):
            time.sleep(self.pod_step_s)
            with self.api.lock:
                live = self.api.objects.get(path)
                if live is None or live["metadata"]["generation"] != generation:
                    return
                new, old = self._count([current]), self._count(others)
                if new < wanted and new + old <= wanted:
                    self._scale(current, new + 1)
                elif old:
                    oldest = next(one for one in others if self._count([one]))
                    self._scale(oldest, self._count([oldest]) - 1)
                new, old = self._count([current]), self._count(others)
                live["status"] = {
                    "observedGeneration": generation,
                    "conditions": [],
                    "replicas": new + old,
                    "updatedReplicas": new,
                    "readyReplicas": new + old,
                    "availableReplicas": new + old,
                }

    def _scale(self, replica_set: Manifest, count: int, behave: Behaviour | None = None) -> None:
        pods = [pod for pod in self.api.all("Pod") if _owned(pod, replica_set)]
        for pod in pods[count:]:
            self.api.delete(self.api.path_of(pod))
        for index in range(len(pods), count):
            pod = _pod_of(replica_set, index)
            image = _image_of(pod)
            content = f"{image.rpartition(':')[0]}@{self.contents.get(image, 'sha256:' + '0' * 64)}"
            pod["status"]["containerStatuses"][0]["imageID"] = image if "@" in image else content
            self.api.objects[self.api.path_of(pod)] = pod
            if behave is not None:
                behave(pod)


def _revision(manifest: Manifest) -> int:
    return int(manifest["metadata"]["annotations"].get(REVISION, 0))


def _owned(manifest: Manifest, owner: Manifest) -> bool:
    return any(
        one["uid"] == owner["metadata"]["uid"] for one in manifest["metadata"].get("ownerReferences", [])
    )


def _child(owner: Manifest, name: str, digest: str) -> Manifest:
    labels = owner["spec"]["template"]["metadata"]["labels"] | {"pod-template-hash": digest}
    return {
        "name": name,
        "namespace": owner["metadata"]["namespace"],
        "uid": f"uid-{owner['metadata']['namespace']}-{name}",
        "labels": labels,
        "annotations": {},
        "ownerReferences": [{"uid": owner["metadata"]["uid"], "kind": owner["kind"]}],
    }


def _replica_set(deployment: Manifest, name: str, digest: str) -> Manifest:
    metadata = _child(deployment, name, digest)
    template = copy.deepcopy(deployment["spec"]["template"])
    template["metadata"]["labels"]["pod-template-hash"] = digest
    spec = {"template": template}
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": spec}


def _pod_of(replica_set: Manifest, index: int) -> Manifest:
    digest = replica_set["metadata"]["labels"]["pod-template-hash"]
    container = {"name": "service", "ready": True, "restartCount": 0, "state": {"running": {}}}
    spec = copy.deepcopy(replica_set["spec"]["template"]["spec"])
    spec["imagePullSecrets"] = [{"name": "titanic-registry"}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": _child(replica_set, f"{replica_set['metadata']['name']}-{index}", digest),
        "spec": spec,
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [container],
        },
    }


def waiting(reason: str, message: str = "", **more: Any) -> Behaviour:
    """A pod whose container does not start."""

    def behave(pod: Manifest) -> None:
        pod["status"]["phase"] = "Pending"
        pod["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
        state = {"waiting": {"reason": reason, "message": message}}
        pod["status"]["containerStatuses"] = [
            {"name": "service", "ready": False, "restartCount": 0, "state": state, **more}
        ]

    return behave


def unschedulable(message: str) -> Behaviour:
    """A pod that no node can run."""

    def behave(pod: Manifest) -> None:
        condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
        pod["status"] = {"phase": "Pending", "conditions": [condition], "containerStatuses": []}
        pod["status"]["containerStatuses"] = [{"name": "service", "ready": False, "restartCount": 0}]

    return behave


def pod_server(reply: Callable[[str, dict[str, str], Any], tuple[int, Any]]) -> type[BaseHTTPRequestHandler]:
    class Service(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *args: object) -> None:
            """Log nothing."""

        def do_GET(self) -> None:
            if self.path.endswith("/openapi.json"):  # not shown, as by many services
                self._send(404, {"detail": "Not Found"})
            else:
                self._send(*reply(self.path, dict(self.headers), None))

        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._send(*reply(self.path, dict(self.headers), sent))

        def _send(self, status: int, body: Any) -> None:
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Service


def _pod(cluster: FakeCluster, image: str, name: str) -> type[BaseHTTPRequestHandler]:
    """The service in a pod, reached through the API."""

    def reply(path: str, headers: dict[str, str], body: Any) -> tuple[int, Any]:
        if path == "/metrics":
            return (200, cluster.metrics_text(name)) if cluster.metrics else (404, {"detail": "Not Found"})
        if body is not None and cluster.locked and "x-api-key" not in map(str.lower, headers):
            return cluster.locked, {"detail": "no key"}
        if body is not None:
            cluster.asked.append((path, headers))
        return 200, cluster.answer(image, path, body)

    return pod_server(reply)


def _balancer(cluster: FakeCluster) -> type[BaseHTTPRequestHandler]:
    """What stands before the Services: each request goes to an endpoint behind the route of its host."""

    def reply(path: str, headers: dict[str, str], body: Any) -> tuple[int, Any]:
        return cluster.call(path, body, host=headers["Host"].partition(":")[0])

    return pod_server(reply)


def _name(manifest: Manifest) -> str:
    return str(manifest["metadata"]["name"])


def _image_of(pod: Manifest) -> str:
    return str(pod["spec"]["containers"][0]["image"])


def _target_port(service: Manifest, pod: Manifest) -> int | None:
    port = service["spec"]["ports"][0]
    wanted = port.get("targetPort", port["port"])
    if isinstance(wanted, int):
        return wanted
    ports = pod["spec"]["containers"][0].get("ports", [])
    return next((one["containerPort"] for one in ports if one.get("name") == wanted), None)


def _slice(service: Manifest, port: int | None, pods: list[Manifest]) -> Manifest:
    name = service["metadata"]["name"]
    endpoints = [
        {
            "addresses": ["10.1.0.1"],
            "conditions": {"ready": any(c == {"type": "Ready", "status": "True"} for c in _conditions(pod))},
            "targetRef": {"kind": "Pod", "name": pod["metadata"]["name"]},
        }
        for pod in pods
    ]
    ports = [] if port is None else [{"name": service["spec"]["ports"][0].get("name", ""), "port": port}]
    labels = {_SERVICE_NAME: name}
    return {"metadata": {"name": f"{name}-{port}", "labels": labels}, "ports": ports, "endpoints": endpoints}


def _conditions(pod: Manifest) -> list[Manifest]:
    return list(pod["status"].get("conditions") or [])
