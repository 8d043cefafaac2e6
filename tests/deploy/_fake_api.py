"""A small Kubernetes API server over real HTTP, with the rules and error bodies of the API.

It keeps objects in memory, does server-side apply with field owners and conflicts, dry runs, label selectors,
optimistic locking, immutable selectors and garbage collection. What happens to pods is `_fake_pods`.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import hashlib
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.http_server import serving

Manifest = dict[str, Any]
FieldPath = tuple[Any, ...]

KINDS: dict[str, list[tuple[str, str, bool]]] = {
    "v1": [
        ("Namespace", "namespaces", False),
        ("Node", "nodes", False),
        ("Pod", "pods", True),
        ("Service", "services", True),
        ("Secret", "secrets", True),
        ("ConfigMap", "configmaps", True),
        ("ServiceAccount", "serviceaccounts", True),
        ("Event", "events", True),
    ],
    "apps/v1": [("Deployment", "deployments", True), ("ReplicaSet", "replicasets", True)],
    "autoscaling/v2": [("HorizontalPodAutoscaler", "horizontalpodautoscalers", True)],
    "keda.sh/v1alpha1": [("ScaledObject", "scaledobjects", True)],
    "policy/v1": [("PodDisruptionBudget", "poddisruptionbudgets", True)],
    "networking.k8s.io/v1": [
        ("NetworkPolicy", "networkpolicies", True),
        ("Ingress", "ingresses", True),
        ("IngressClass", "ingressclasses", False),
    ],
    "cert-manager.io/v1": [("Certificate", "certificates", True)],
    "external-secrets.io/v1": [("SecretStore", "secretstores", True)],
    "networking.istio.io/v1": [("VirtualService", "virtualservices", True)],
    "gateway.networking.k8s.io/v1": [("HTTPRoute", "httproutes", True), ("Gateway", "gateways", True)],
    "serving.knative.dev/v1": [("Service", "services", True), ("Revision", "revisions", True)],
    "serving.kserve.io/v1beta1": [("InferenceService", "inferenceservices", True)],
    "discovery.k8s.io/v1": [("EndpointSlice", "endpointslices", True)],
    "coordination.k8s.io/v1": [("Lease", "leases", True)],
}
MOST_ANNOTATIONS = 256 << 10
"""Bytes. Source: TotalAnnotationSizeLimitB of k8s.io/apimachinery."""
_VERBS = ["create", "delete", "get", "list", "patch", "update"]
_TOKEN = "token-of-the-test"


class Refused(Exception):
    """An answer other than 2xx."""

    def __init__(
        self, status: int, reason: str, message: str, causes: list[dict[str, str]] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "message": message,
            "reason": reason,
            "details": {"causes": causes or []},
            "code": status,
        }


class FakeApi:
    """The objects by path, the managers of their fields, and the calls that were made."""

    def __init__(self) -> None:
        self.objects: dict[str, Manifest] = {}
        self.owners: dict[str, dict[str, set[FieldPath]]] = {}
        self.calls: list[tuple[str, str, str, str]] = []
        """(verb, group, resource with its subresource, namespace)."""
        self.refusals: list[Callable[[str, Manifest], Refused | None]] = []
        """Admission: asked with the verb and the object before it is written."""
        self.forbidden: set[tuple[str, str]] = set()
        """(verb, resource) that the account may not do."""
        self.role: set[tuple[str, str, str]] | None = None
        """All that the account may do, as (verb, group, resource); everything where it is None."""
        self.after_write: Callable[[Manifest], None] = lambda _: None
        self.pod_log: Callable[[str, bool], str] = lambda _name, _previous: ""
        self.log_container: Callable[[str], None] = lambda _container: None
        """Told the container of each log that is asked for."""
        self.wants_token = True
        """Helm sends a token over TLS only."""
        self.forward_port = 0
        """A local port that leads to the Service, as a load balancer and the ports of the nodes do."""
        self.dial: Callable[[str, str, int], int | None] = lambda _namespace, _pod, _port: None
        """The local port that stands for a port of a pod; None where nothing listens there."""
        self.broken_forward = ""
        """Why the API server opens no port-forward; empty where it does."""
        self.slices: Callable[[str], list[Manifest]] = lambda _namespace: []
        """The EndpointSlices of a namespace, which a controller keeps."""
        self.hiccups: list[int] = []
        """Statuses that the next reads of a Deployment get instead of an answer."""
        self.failure: Callable[[str, str], int] = lambda _verb, _path: 0
        """The status of a request that fails on its way, by its verb and path; 0 where it does not."""
        self.lock = threading.RLock()
        self._version = 0

    # ---- paths

    @staticmethod
    def path_of(manifest: Manifest) -> str:
        api_version, kind = manifest["apiVersion"], manifest["kind"]
        plural, namespaced = next((p, n) for k, p, n in KINDS[api_version] if k == kind)
        root = "/api/" if "/" not in api_version else "/apis/"
        scope = f"/namespaces/{manifest['metadata']['namespace']}" if namespaced else ""
        return f"{root}{api_version}{scope}/{plural}/{manifest['metadata']['name']}"

    def find(self, kind: str, name: str = "") -> Manifest:
        """The first object of a kind, for assertions."""
        return next(one for one in self.all(kind) if name in ("", one["metadata"]["name"]))

    def all(self, kind: str) -> list[Manifest]:
        with self.lock:
            return [one for one in self.objects.values() if one["kind"] == kind]

    # ---- verbs

    def apply(self, manifest: Manifest, manager: str, *, force: bool, dry_run: bool) -> Manifest:
        path = self.path_of(manifest)
        live = self.objects.get(path)
        self._admit("apply", manifest)
        applied = set(_leaves(manifest))
        owners = copy.deepcopy(self.owners.get(path, {}))
        conflicts = [
            (other, leaf)
            for other, leaves in owners.items()
            for leaf in sorted(applied & leaves, key=str)
            if other != manager and live is not None and _at(live, leaf) != _at(manifest, leaf)
        ]
        if conflicts and not force:
            causes = [
                {
                    "reason": "FieldManagerConflict",
                    "message": f'conflict with "{other}"',
                    "field": "." + ".".join(str(step) for step in leaf),
                }
                for other, leaf in conflicts
            ]
            raise Refused(409, "Conflict", f"Apply failed with {len(causes)} conflict(s)", causes)
        for other, leaf in conflicts:
            owners[other].discard(leaf)
        made = copy.deepcopy(live) if live else {"metadata": {}}
        for leaf in owners.get(manager, set()) - applied:
            if not any(leaf in leaves for other, leaves in owners.items() if other != manager):
                _remove(made, leaf)
        _merge(made, manifest)
        owners[manager] = applied
        made = self._finished(path, made, live)
        if not dry_run:
            self.owners[path] = owners
            self.write(made)
        return made

    def write(self, made: Manifest) -> None:
        """Store an object and run the controllers on it."""
        path = self.path_of(made)
        self._version += 1
        made["metadata"]["resourceVersion"] = str(self._version)
        self.objects[path] = made
        self.after_write(made)

    def edit(self, path: str, manager: str, change: Manifest) -> None:
        """Change an object as another tool, which then manages the changed fields."""
        with self.lock:
            live = copy.deepcopy(self.objects[path])
            _merge(live, change)
            self.owners.setdefault(path, {}).setdefault(manager, set()).update(_leaves(change))
            self.write(self._finished(path, live, self.objects[path]))

    def create(self, manifest: Manifest) -> Manifest:
        path = self.path_of(manifest)
        if path in self.objects:
            raise Refused(409, "AlreadyExists", f'"{manifest["metadata"]["name"]}" already exists')
        self._admit("create", manifest)
        made = self._finished(path, copy.deepcopy(manifest), None)
        self.write(made)
        return made

    def replace(self, path: str, manifest: Manifest) -> Manifest:
        live = self.get(path)
        if manifest["metadata"].get("resourceVersion") != live["metadata"]["resourceVersion"]:
            raise Refused(409, "Conflict", "the object has been modified; please apply your changes to it")
        made = self._finished(path, copy.deepcopy(manifest), live)
        self.write(made)
        return made

    def get(self, path: str) -> Manifest:
        if path not in self.objects:
            raise Refused(404, "NotFound", f'{path.split("/")[-2]} "{path.split("/")[-1]}" not found')
        return self.objects[path]

    def list(self, path: str, selector: str) -> list[Manifest]:
        wanted = dict(part.split("=") for part in selector.split(",") if part)
        found = [one for key, one in self.objects.items() if key.rpartition("/")[0] == path]
        return [
            {key: value for key, value in one.items() if key not in ("kind", "apiVersion")}
            for one in found
            if wanted.items() <= (one["metadata"].get("labels") or {}).items()
        ]

    def delete(self, path: str, uid: str = "", version: str = "") -> Manifest:
        gone = self.get(path)
        if uid and gone["metadata"]["uid"] != uid:
            raise Refused(409, "Conflict", "Precondition failed: UID in precondition")
        if version and gone["metadata"]["resourceVersion"] != version:
            raise Refused(409, "Conflict", "Precondition failed: ResourceVersion in precondition")
        del self.objects[path]
        self.owners.pop(path, None)
        for other_path, other in list(self.objects.items()):
            owners = other["metadata"].get("ownerReferences", [])
            is_inside = gone["kind"] == "Namespace" and other_path.startswith(f"{path}/")
            is_inside |= gone["kind"] == "Namespace" and f"/namespaces/{path.split('/')[-1]}/" in other_path
            if other_path in self.objects and (
                is_inside or any(o["uid"] == gone["metadata"]["uid"] for o in owners)
            ):
                self.delete(other_path)
        return gone

    def _admit(self, verb: str, manifest: Manifest) -> None:
        namespace = manifest["metadata"].get("namespace")
        if namespace and f"/api/v1/namespaces/{namespace}" not in self.objects:
            raise Refused(404, "NotFound", f'namespaces "{namespace}" not found')
        for refuse in self.refusals:
            refused = refuse(verb, manifest)
            if refused:
                raise refused

    def _finished(self, path: str, made: Manifest, live: Manifest | None) -> Manifest:
        """Add the fields that the server sets."""
        metadata = made["metadata"]
        notes = metadata.get("annotations") or {}
        if sum(len(key.encode()) + len(value.encode()) for key, value in notes.items()) > MOST_ANNOTATIONS:
            message = f"metadata.annotations: Too long: may not be more than {MOST_ANNOTATIONS} bytes"
            raise Refused(422, "Invalid", message)
        metadata["uid"] = (
            live["metadata"]["uid"] if live else hashlib.sha1(f"{path}{self._version}".encode()).hexdigest()
        )
        metadata["creationTimestamp"] = "2026-01-01T00:00:00Z"
        if made["kind"] == "Deployment":
            made["spec"].setdefault("replicas", 1)
            before = live["spec"] if live else None
            if before and before["selector"] != made["spec"]["selector"]:
                raise Refused(422, "Invalid", "spec.selector: Invalid value: field is immutable")
            metadata["generation"] = metadata.get("generation", 0) + (before != made["spec"])
        if made["kind"] == "Secret":
            for key, text in made.pop("stringData", {}).items():
                made.setdefault("data", {})[key] = base64.b64encode(text.encode()).decode()
        if made["kind"] in ("HTTPRoute", "InferenceService") or made["apiVersion"].startswith("serving."):
            is_changed = live is None or live["spec"] != made["spec"]
            metadata["generation"] = metadata.get("generation", 0) + is_changed
        if made["kind"] == "Service" and made["apiVersion"] == "v1":
            made["spec"].setdefault("clusterIP", "10.0.0.1")
            if made["spec"].get("type") == "NodePort":
                made["spec"]["ports"][0].setdefault("nodePort", self.forward_port)
        return made


# ---- field paths


def _leaves(value: Any, path: FieldPath = ()) -> Iterator[FieldPath]:
    """Return the paths of all values; lists of named items are maps by name, as in the real schemas."""
    if path in (("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace")):
        return
    if isinstance(value, dict) and value and not _is_atomic(path):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif _is_keyed(value):
        for inner in value:
            yield from _leaves(inner, (*path, ("name", inner["name"])))
    else:
        yield path


def _is_atomic(path: FieldPath) -> bool:
    """Whether an apply replaces a map as a whole: a selector of labels."""
    return bool(path) and path[-1] in ("selector", "podSelector", "nodeSelector")


def _is_keyed(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(one, dict) and "name" in one for one in value)
    )


def _at(value: Any, path: FieldPath) -> Any:
    for step in path:
        if isinstance(step, tuple):
            value = next((one for one in value or [] if one.get("name") == step[1]), None)
        else:
            value = (value or {}).get(step)
    return value


def _remove(value: Any, path: FieldPath) -> None:
    for step in path[:-1]:
        value = _at(value, (step,))
        if value is None:
            return
    if isinstance(value, dict):
        value.pop(path[-1], None)


def _merge(live: Any, applied: Any) -> None:
    for key, value in applied.items():
        if isinstance(value, dict) and isinstance(live.get(key), dict) and not _is_atomic((key,)):
            _merge(live[key], value)
        elif _is_keyed(value) and _is_keyed(live.get(key)):
            for one in value:
                there = _at(live[key], (("name", one["name"]),))
                if there is None:
                    live[key].append(copy.deepcopy(one))
                else:
                    _merge(there, one)
        else:
            live[key] = copy.deepcopy(value)


# ---- HTTP


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    api: FakeApi

    def log_message(self, *args: object) -> None:
        """Log nothing."""

    def do_GET(self) -> None:
        self._answer("get")

    def do_POST(self) -> None:
        self._answer("create")

    def do_PUT(self) -> None:
        self._answer("update")

    def do_PATCH(self) -> None:
        self._answer("patch")

    def do_DELETE(self) -> None:
        self._answer("delete")

    def _answer(self, verb: str) -> None:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        sent = json.loads(body) if body else {}
        if self.api.wants_token and self.headers.get("Authorization") != f"Bearer {_TOKEN}":
            self._send(
                401, {"kind": "Status", "code": 401, "reason": "Unauthorized", "message": "Unauthorized"}
            )
            return
        try:
            with self.api.lock:
                found = self._dispatch(verb, unquote(parts.path).rstrip("/"), query, sent)
        except Refused as refused:
            self._send(refused.status, refused.body)
            return
        if callable(found):
            found()
        else:
            self._send(201 if verb == "create" else 200, found)

    def _dispatch(self, verb: str, path: str, query: dict[str, str], sent: Manifest) -> Any:
        api = self.api
        if path == "/version":
            return {"major": "1", "minor": "36", "gitVersion": "v1.36.0"}
        if path == "/api":
            return {"kind": "APIVersions", "versions": ["v1"]}
        if path == "/apis":
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": _groups()}
        if path == "/openapi/v3":
            paths = [f"api/{one}" if one == "v1" else f"apis/{one}" for one in KINDS]
            return {"paths": {one: {"serverRelativeURL": f"/openapi/v3/{one}"} for one in paths}}
        if path.startswith("/openapi/v3/"):
            return _described(path.removeprefix("/openapi/v3/").partition("/")[2])
        api_version = path.removeprefix("/apis/").removeprefix("/api/")
        if api_version in KINDS:
            return _resources(api_version)
        group, resource, namespace, name, subresource = _parse(path)
        real = "list" if verb == "get" and not name else verb
        self._allow(real, group, resource, subresource, namespace)
        if failure := api.failure(verb, path):
            raise Refused(failure, "InternalError", "etcdserver: leader changed")
        if api.hiccups and verb == "get" and resource == "deployments" and path in api.objects:
            raise Refused(api.hiccups.pop(0), "Unavailable", "the API server is starting")
        if verb == "get" and subresource == "log":
            api.log_container(query.get("container", ""))
            return api.pod_log(name, query.get("previous") == "true")
        if verb == "get" and subresource == "portforward":
            self._allow("create", group, resource, subresource, namespace)
            if api.broken_forward:
                raise Refused(502, "BadGateway", api.broken_forward)
            return lambda: _forward(self, namespace, name, int(query["ports"]))
        if verb == "get" and resource == "endpointslices":
            wanted = dict([query["labelSelector"].split("=")]) if "labelSelector" in query else {}
            slices = api.slices(namespace)
            return {"items": [one for one in slices if wanted.items() <= one["metadata"]["labels"].items()]}
        if verb == "get":
            return api.get(path) if name else {"items": api.list(path, query.get("labelSelector", ""))}
        if verb == "patch":
            assert self.headers["Content-Type"] == "application/apply-patch+yaml"
            if path not in api.objects:
                self._allow("create", group, resource, subresource, namespace)
            flags = {"force": query["force"] == "true", "dry_run": query.get("dryRun") == "All"}
            return api.apply(sent, query["fieldManager"], **flags)
        if verb == "create":
            return api.create(sent)
        if verb == "update":
            return api.replace(path, sent)
        preconditions = sent.get("preconditions") or {}
        return api.delete(path, preconditions.get("uid", ""), preconditions.get("resourceVersion", ""))

    def _allow(self, verb: str, group: str, resource: str, subresource: str, namespace: str) -> None:
        full = f"{resource}/{subresource}" if subresource else resource
        self.api.calls.append((verb, group, full, namespace))
        role = self.api.role
        if (verb, full) in self.api.forbidden or (role is not None and (verb, group, full) not in role):
            where = f' in the namespace "{namespace}"' if namespace else " at the cluster scope"
            what = f'{full} is forbidden: User "ada" cannot {verb} resource "{full}"'
            message = f'{what} in API group "{group}"{where}'
            raise Refused(403, "Forbidden", message)

    def _send(self, status: int, body: Any) -> None:
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if isinstance(body, str) else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _groups() -> list[Manifest]:
    versions = [{"groupVersion": one, "version": one.partition("/")[2]} for one in KINDS if "/" in one]
    return [
        {"name": one["groupVersion"].partition("/")[0], "versions": [one], "preferredVersion": one}
        for one in versions
    ]


def _described(api_version: str) -> Manifest:
    """An OpenAPI document that says of each kind that the server validates its fields."""
    group, _, version = api_version.rpartition("/")
    patch = {"parameters": [{"name": "fieldValidation", "in": "query"}]}
    paths = {
        f"/{plural}/{{name}}": {
            "patch": {
                **patch,
                "x-kubernetes-group-version-kind": {"group": group, "version": version, "kind": kind},
            }
        }
        for kind, plural, _ in KINDS[api_version]
    }
    return {"openapi": "3.0.0", "info": {"title": "", "version": ""}, "paths": paths}


def _resources(api_version: str) -> Manifest:
    resources = [
        {"name": plural, "kind": kind, "namespaced": namespaced, "verbs": _VERBS}
        for kind, plural, namespaced in KINDS[api_version]
    ]
    return {"kind": "APIResourceList", "groupVersion": api_version, "resources": resources}


def _parse(path: str) -> tuple[str, str, str, str, str]:
    """(group, resource, namespace, name, subresource) as the API's authorizer sees them."""
    parts = path.strip("/").split("/")
    group, rest = ("", parts[2:]) if parts[0] == "api" else (parts[1], parts[3:])
    if not rest:
        raise Refused(404, "NotFound", "the server could not find the requested resource")
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    elif rest[0] == "namespaces" and len(rest) == 2:
        namespace = rest[1]
    rest += [""] * (3 - len(rest))
    known = {plural for kinds in KINDS.values() for _, plural, _ in kinds}
    if rest[0] not in known:
        raise Refused(404, "NotFound", "the server could not find the requested resource")
    return group, rest[0], namespace, rest[1], rest[2]


def _forward(handler: _Handler, namespace: str, pod: str, port: int) -> None:
    """A websocket with the channels of a port-forward, to what listens at the port of the pod."""
    key = handler.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    handler.send_response(101)
    handler.send_header("Upgrade", "websocket")
    handler.send_header("Connection", "Upgrade")
    handler.send_header(
        "Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
    )
    handler.send_header("Sec-WebSocket-Protocol", "v4.channel.k8s.io")
    handler.end_headers()
    handler.close_connection = True
    for channel in (0, 1):
        _send_frame(handler, bytes([channel]) + struct.pack("<H", port))
    local = handler.api.dial(namespace, pod, port)
    if local is None:
        refused = f"dial tcp4 127.0.0.1:{port}: connect: connection refused"
        message = (
            f"error forwarding port {port} to pod {pod}: failed to connect to localhost:{port}: {refused}"
        )
        _send_frame(handler, b"\1" + message.encode())
        while _read_frame(handler) is not None:
            pass
        return
    with socket.create_connection(("127.0.0.1", local)) as service:
        back = threading.Thread(target=_pump, args=(service, handler), daemon=True)
        back.start()
        with contextlib.suppress(OSError):
            while (data := _read_frame(handler)) is not None:
                service.sendall(data[1:])
            service.shutdown(socket.SHUT_RDWR)
        back.join()


def _pump(service: socket.socket, handler: _Handler) -> None:
    with contextlib.suppress(OSError):
        while data := service.recv(65536):
            _send_frame(handler, b"\0" + data)


def _send_frame(handler: _Handler, data: bytes) -> None:
    size = len(data)
    head = bytes([0x82, size]) if size < 126 else bytes([0x82, 126]) + struct.pack(">H", size)
    if size > 0xFFFF:
        head = bytes([0x82, 127]) + struct.pack(">Q", size)
    handler.wfile.write(head + data)
    handler.wfile.flush()


def _read_frame(handler: _Handler) -> bytes | None:
    head = handler.rfile.read(2)
    if len(head) < 2 or head[0] & 0x0F == 8:
        return None
    size = head[1] & 0x7F
    if size == 126:
        size = struct.unpack(">H", handler.rfile.read(2))[0]
    elif size == 127:
        size = struct.unpack(">Q", handler.rfile.read(8))[0]
    mask = handler.rfile.read(4)
    masked = handler.rfile.read(size)
    return bytes(byte ^ mask[i % 4] for i, byte in enumerate(masked))


@contextlib.contextmanager
def running(api: FakeApi) -> Iterator[str]:
    """Serve `api`; yield a kubeconfig as text."""
    handler = type("Handler", (_Handler,), {"api": api})
    with serving(handler) as port:
        yield json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "fake", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
                "users": [{"name": "ada", "user": {"token": _TOKEN}}],
                "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "ada"}}],
                "current-context": "fake",
            }
        )
