"""A fake cluster for Deployments: ReplicaSets with revisions, and pods that run or fail as the test says."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.deploy._fake_api import FakeApi, Manifest

REVISION = "deployment.kubernetes.io/revision"
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
    logs: str = ""
    create_failure: str = ""
    """Why no pod of a new revision is created."""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.api.after_write = self._reconcile
        self.api.pod_log = lambda _name, previous: self.logs if previous else ""

    @property
    def image(self) -> str:
        """Return the image of the ready pods."""
        ready = [pod for pod in self.api.all("Pod") if pod["status"]["containerStatuses"][0]["ready"]]
        return str(ready[0]["spec"]["containers"][0]["image"]) if ready else ""

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
        if written["kind"] == "HorizontalPodAutoscaler":
            return
        if written["kind"] != "Deployment":
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
            for one in sets:
                if one["metadata"]["name"] != current["metadata"]["name"]:
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

    def _scale(self, replica_set: Manifest, count: int, behave: Behaviour | None = None) -> None:
        pods = [pod for pod in self.api.all("Pod") if _owned(pod, replica_set)]
        for pod in pods[count:]:
            self.api.delete(self.api.path_of(pod))
        for index in range(len(pods), count):
            pod = _pod(replica_set, index)
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
        "uid": f"uid-{name}",
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


def _pod(replica_set: Manifest, index: int) -> Manifest:
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


def score_service(cluster: FakeCluster) -> type[BaseHTTPRequestHandler]:
    """The service of the ready pods."""

    class Service(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *args: object) -> None:
            """Log nothing."""

        def do_GET(self) -> None:
            self._send({"status": "ready"})

        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            cluster.asked.append((self.path, dict(self.headers)))
            factor = cluster.factors.get(cluster.image, 2.0)
            records = sent if isinstance(sent, list) else [sent]
            if cluster.sorts:
                records = sorted(records, key=lambda one: float(one["data"]))
            answers = [{"prediction": one["data"] * factor} for one in records]
            self._send(answers if isinstance(sent, list) else answers[0])

        def _send(self, body: Any) -> None:
            data = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Service
