"""The address of a live service: a load balancer, an ingress or a node port.

The first two are played by the test itself, so that any cluster will do.
"""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

import scaffold
from scaffold.cluster import Pace
from scaffold.cluster._client import Cluster
from scaffold.cluster._manifests import Target, read_target
from scaffold.cluster._service import live_service, ready_endpoints
from scaffold.errors import RolloutFailedError
from tests.cluster._support import Built
from tests.deploy._deploys import edit_manifest
from tests.http_server import serving

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
PACE = Pace(rollout_s=300, address_s=60)
OWN_CLASS = "type: LoadBalancer\n  loadBalancerClass: scaffold.test/played"
"""A class that no balancer of the cluster's own takes on."""
INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: NAME
  namespace: NAME-staging
spec:
  ingressClassName: scaffold-test-played
  rules:
    - host: localhost
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: NAME
                port:
                  name: http
"""


def test_a_load_balancer_that_never_comes_is_an_error_with_a_fix(
    cluster: Cluster, first: Built, project: Path
) -> None:
    edit_manifest(project, "service.yaml", "type: ClusterIP", OWN_CLASS)
    with pytest.raises(RolloutFailedError, match="The load balancer never got an address") as caught:
        scaffold.deploy(project, image=first.image, pace=Pace(rollout_s=300, address_s=5))
    assert "service_type NodePort, or an ingress" in str(caught.value)


def test_the_address_of_a_load_balancer_is_used_and_reported(
    cluster: Cluster, first: Built, project: Path
) -> None:
    with played(cluster, project, "/api/v1/namespaces/NAME-staging/services/NAME") as port:
        edit_manifest(project, "service.yaml", "type: ClusterIP", OWN_CLASS)
        edit_manifest(project, "service.yaml", "port: 80", f"port: {port}")
        deployed = scaffold.deploy(project, image=first.image, pace=PACE)
        assert (deployed.url, deployed.live) == (f"http://127.0.0.1:{port}", "passed")
        assert scaffold.status(project) == deployed
        assert scaffold.verify(project, url=deployed.url).passed


def test_an_ingress_is_called_with_its_host_name(
    cluster: Cluster, first: Built, project: Path, name: str
) -> None:
    edit_manifest(project, "kustomization.yaml", "  - ../base\n", "  - ../base\n  - ingress.yaml\n")
    (project / "deploy" / "staging" / "ingress.yaml").write_text(INGRESS.replace("NAME", name))
    path = "/apis/networking.k8s.io/v1/namespaces/NAME-staging/ingresses/NAME"
    with pytest.raises(RolloutFailedError, match="does not have the class 'scaffold-test-played'"):
        scaffold.deploy(project, image=first.image, pace=PACE)  # at once, and not after a minute
    try:
        socket.create_server(("127.0.0.1", 80)).close()
    except OSError as error:
        pytest.skip(f"port 80 of this machine, which an ingress has, cannot be had: {error}")
    kind = {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass"}
    metadata = {"name": "scaffold-test-played"}
    spec = {"controller": "scaffold.test/played"}
    cluster.apply({**kind, "metadata": metadata, "spec": spec}, field_manager="test")
    try:
        with played(cluster, project, path, port=80):
            deployed = scaffold.deploy(project, image=first.image, pace=PACE)
    finally:
        cluster.delete("/apis/networking.k8s.io/v1/ingressclasses/scaffold-test-played")
    assert (deployed.url, deployed.live) == ("http://localhost", "passed")


def test_a_node_port_is_called_on_a_reachable_node(
    cluster: Cluster, first: Built, project: Path, name: str
) -> None:
    edit_manifest(project, "service.yaml", "type: ClusterIP", "type: NodePort")
    deployed = scaffold.deploy(project, image=first.image, pace=PACE)
    assert deployed.live == "passed"
    service = cluster.get(f"/api/v1/namespaces/{name}-staging/services/{name}")
    assert service is not None
    port = service["spec"]["ports"][0]["nodePort"]
    reached = [host for host in hosts(cluster) if answers_at(host, port)]
    urls = [f"http://{host}:{port}" for host in reached]
    assert deployed.url in (urls or [f"http://{name}.{name}-staging.svc"])


@contextmanager
def played(cluster: Cluster, project: Path, path: str, port: int = 0) -> Iterator[int]:
    """Forward a local port to the Service, and write it into the status of the object at `path`; yield it."""
    target = read_target(project, "staging")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer("GET", b"")

        def do_POST(self) -> None:
            self._answer("POST", self.rfile.read(int(self.headers["Content-Length"])))

        def _answer(self, method: str, body: bytes) -> None:
            status, text = ask_endpoint(cluster, target, method, self.path, body)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    ended = threading.Event()

    def assign_address() -> None:
        live = path.replace("NAME", target.service)
        address = {"ip": "127.0.0.1"}
        if "/services/" in path:
            # Else kube-proxy takes over the address on its nodes, and the test may run on one.
            address["ipMode"] = "Proxy"
        status = {"status": {"loadBalancer": {"ingress": [address]}}}
        while cluster.get(live) is None:
            if ended.wait(1):
                return
        time.sleep(2)  # as slow as any: the deploy has to wait for it
        patch = "application/merge-patch+json"
        cluster.request("PATCH", f"{live}/status", body=status, content_type=patch)

    thread = threading.Thread(target=assign_address, daemon=True)
    with serving(Handler, port=port) as served_port:
        thread.start()
        try:
            yield served_port
        finally:
            ended.set()
            thread.join()


def ask_endpoint(cluster: Cluster, target: Target, method: str, path: str, body: bytes) -> tuple[int, bytes]:
    """Ask an endpoint of the Service, as a balancer and an ingress controller do."""
    endpoints = ready_endpoints(cluster, live_service(cluster, target))
    if not endpoints:
        return 503, b"no endpoint"
    forward = cluster.forward(target.namespace, endpoints[0].pod, endpoints[0].port)
    with closing(http.client.HTTPConnection("localhost", timeout=60)) as connection:
        connection.sock = forward.socket
        connection.request(method, path, body or None, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()


def hosts(cluster: Cluster) -> list[str]:
    """The addresses of the nodes."""
    return [
        address["address"]
        for node in cluster.list("/api/v1/nodes")
        for address in node["status"]["addresses"]
        if address["type"] in ("ExternalIP", "InternalIP")
    ]


def answers_at(host: str, port: int) -> bool:
    """Whether a server accepts connections at the address."""
    try:
        socket.create_connection((host, port), timeout=3).close()
    except OSError:
        return False
    return True
