"""The controllers of Knative and KServe on the fake API: revisions, their pods, conditions, and shares.

A model of what their sources say of the objects that a deploy reads; no controller of either runs here.
KServe's part follows `createKnativeService` and `PropagateStatus`.
"""

from __future__ import annotations

import contextlib
import copy
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.deploy._fake_api import Manifest
from tests.deploy._fake_pods import FakeCluster, pod_server
from tests.http_server import serving

LABEL = "serving.knative.dev/revision"
SERVING = "serving.knative.dev/v1"


@dataclass
class FakePlatforms:
    """KServe and Knative in a fake cluster."""

    cluster: FakeCluster
    is_local: bool = False
    """Whether only the cluster resolves the names of the services."""
    asleep: bool = False
    """Whether new revisions start without a pod."""
    reasons: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By image: the reason and the message with which its revision fails."""
    unready: tuple[str, str] | None = None
    """The reason and the message for which no route becomes ready."""
    shares: list[dict[str, int]] = field(default_factory=list)
    """The shares of the callers after each change, by image."""
    port: int = 0

    def __post_init__(self) -> None:
        others = self.cluster.api.after_write

        def reconcile(written: Manifest) -> None:
            if written["apiVersion"] == SERVING and written["kind"] == "Service":
                self._knative(written)
            elif written["kind"] == "InferenceService":
                self._kserve(written)
            else:
                others(written)

        self.cluster.api.after_write = reconcile

    @contextlib.contextmanager
    def running(self) -> Iterator[FakePlatforms]:
        """Run the gateway in front of the revisions."""
        with serving(pod_server(self._answer)) as port:
            self.port = port
            yield self

    def revisions(self) -> list[Manifest]:
        """The revisions that were made, the oldest first."""
        return sorted(self.cluster.api.all("Revision"), key=lambda one: str(one["metadata"]["name"]))

    def _answer(self, path: str, headers: dict[str, str], body: Any) -> tuple[int, Any]:
        with self.cluster.api.lock:
            [service] = [one for one in self.cluster.api.objects.values() if _is_service(one)]
            part = service["status"]
            part = part["components"]["predictor"] if "components" in part else part
            weights = {one["revisionName"]: one["percent"] for one in part["traffic"] if one["percent"]}
            [name] = random.choices([*weights], [*weights.values()])
            image = self.cluster.api.find("Revision", name)["spec"]["containers"][0]["image"]
        if body is not None:
            self.cluster.called.append(image)
        return 200, self.cluster.answer(image, path, body)

    # ---- controllers

    def _knative(self, service: Manifest) -> None:
        spec = service["spec"]
        spec.setdefault("traffic", [{"latestRevision": True, "percent": 100}])
        template = spec["template"]
        created, ready = self._make_revision(service, service["metadata"]["name"], template)
        traffic = [
            {"revisionName": ready if one.get("latestRevision") else one["revisionName"], **one}
            for one in spec["traffic"]
            if ready or not one.get("latestRevision")
        ]
        status = {"latestCreatedRevisionName": created, "latestReadyRevisionName": ready, "traffic": traffic}
        service["status"] = {
            **status,
            "url": self._url(service),
            "conditions": [self._ready(created, ready)],
            "observedGeneration": service["metadata"]["generation"],
        }
        self._keep_pods(service, traffic, created)

    def _kserve(self, service: Manifest) -> None:
        predictor = copy.deepcopy(service["spec"]["predictor"])
        percent = predictor.pop("canaryTrafficPercent", None)
        # All labels and annotations of the InferenceService are those of the revision too.
        metadata = {key: service["metadata"].get(key) for key in ("labels", "annotations")}
        former = service.get("status", {}).get("components", {}).get("predictor", {})
        name = f"{service['metadata']['name']}-predictor"
        created, ready = self._make_revision(service, name, {"metadata": metadata, "spec": predictor})
        full = former.get("latestRolledoutRevision", "")
        traffic: list[Manifest] = [{"revisionName": ready, "latestRevision": True, "percent": 100}]
        if percent is not None and full:
            traffic[0]["percent"] = percent
            traffic += [{"revisionName": full, "tag": "prev", "percent": 100 - percent}]
        traffic = traffic if ready else []
        if traffic and traffic[0]["percent"] == 100:
            full = ready
        predictor_status = {
            "latestCreatedRevision": created,
            "latestReadyRevision": ready,
            "latestRolledoutRevision": full,
            "traffic": traffic,
        }
        # This version of KServe sets no `observedGeneration`.
        service["status"] = {
            "components": {"predictor": predictor_status},
            "url": self._url(service),
            "conditions": [self._ready(created, ready)],
        }
        self._keep_pods(service, traffic, created)

    def _make_revision(self, service: Manifest, name: str, template: Manifest) -> tuple[str, str]:
        """Make a revision of a new template, and its pod; return the newest one and the newest ready one."""
        own = [one for one in self.revisions() if one["metadata"]["name"].startswith(f"{name}-")]
        text = json.dumps(template, sort_keys=True)
        if not own or own[-1]["text"] != text:
            number = f"{name}-{len(own) + 1:05d}"
            image = template["spec"]["containers"][0]["image"]
            failed = image in self.cluster.behaviours or image in self.reasons
            condition = {"type": "Ready", "status": "Unknown" if failed else "True"}
            if image in self.reasons:
                reason, message = self.reasons[image]
                condition = {"type": "Ready", "status": "False", "reason": reason, "message": message}
            revision: Manifest = {
                "apiVersion": SERVING,
                "kind": "Revision",
                "metadata": self._metadata(service, number),
                "spec": copy.deepcopy(template["spec"]),
                "status": {"conditions": [condition]},
                "text": text,
            }
            self.cluster.api.objects[self.cluster.api.path_of(revision)] = revision
            own.append(revision)
        ready = [one for one in own if one["status"]["conditions"][0]["status"] == "True"]
        return own[-1]["metadata"]["name"], ready[-1]["metadata"]["name"] if ready else ""

    def _ready(self, created: str, ready: str) -> Manifest:
        revision = self.cluster.api.find("Revision", created)["status"]["conditions"][0]
        if self.unready:
            reason, message = self.unready
            return {"type": "Ready", "status": "False", "reason": reason, "message": message}
        if revision["status"] == "False":
            message = f'Revision "{created}" failed with message: {revision["message"]}.'
            return {"type": "Ready", "status": "False", "reason": "RevisionFailed", "message": message}
        return {"type": "Ready", "status": "True" if created == ready else "Unknown"}

    def _keep_pods(self, service: Manifest, traffic: list[Manifest], created: str) -> None:
        """Run a pod of each revision that a route names, and of the newest; none of others."""
        named = {one["revisionName"] for one in traffic if one["percent"] or "tag" in one} | {created}
        api = self.cluster.api
        for pod in api.all("Pod"):
            if pod["metadata"]["labels"].get(LABEL, created) not in named:
                api.delete(api.path_of(pod))
        for name in sorted(named - {""}):
            spec = copy.deepcopy(api.find("Revision", name)["spec"])
            pod = {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": self._metadata(service, f"{name}-deployment-x", {LABEL: name}),
                "spec": {"containers": [*spec["containers"], {"name": "queue-proxy", "image": "queue"}]},
                "status": {
                    "conditions": [{"type": "Ready", "status": "True"}],
                    "containerStatuses": [
                        {"name": each, "ready": True, "restartCount": 0, "state": {"running": {}}}
                        for each in ("queue-proxy", spec["containers"][0]["name"])
                    ],
                },
            }
            if api.path_of(pod) in api.objects or self.asleep:
                continue
            api.objects[api.path_of(pod)] = pod
            if behave := self.cluster.behaviours.get(spec["containers"][0]["image"]):
                behave(pod)
        images = {one["metadata"]["name"]: one["spec"]["containers"][0]["image"] for one in self.revisions()}
        shares = {images[one["revisionName"]]: one["percent"] for one in traffic if one["percent"]}
        if self.shares[-1:] != [shares]:
            self.shares.append(shares)

    def _url(self, service: Manifest) -> str:
        metadata = service["metadata"]
        local = f"http://{metadata['name']}.{metadata['namespace']}.svc.cluster.local"
        return local if self.is_local else f"http://127.0.0.1:{self.port}"

    @staticmethod
    def _metadata(owner: Manifest, name: str, labels: dict[str, str] | None = None) -> Manifest:
        return {
            "name": name,
            "namespace": owner["metadata"]["namespace"],
            "uid": f"uid-{owner['metadata']['uid']}-{name}",
            "labels": labels or {},
            "ownerReferences": [{"uid": owner["metadata"]["uid"], "kind": owner["kind"]}],
        }


def _is_service(manifest: Manifest) -> bool:
    return manifest["kind"] == "InferenceService" or (
        manifest["kind"] == "Service" and manifest["apiVersion"] == SERVING
    )
