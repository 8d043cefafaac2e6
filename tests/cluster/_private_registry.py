"""A registry that refuses every login, on localhost of each node, where containerd uses plain HTTP."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from scaffold.cluster._client import Cluster
from scaffold.verbs._release import docker_config
from tests.cluster._pods import program
from tests.cluster._support import wait_until_gone

PORT = 39471
CODE = f"""
import http.server

class Locked(http.server.BaseHTTPRequestHandler):
    def handle(self):
        if self.rfile.peek(1)[:1] == b'\\x16':  # containerd tries TLS first, and falls back to HTTP
            self.wfile.write(b'HTTP/1.1 400 Bad Request\\r\\n\\r\\n')
        else:
            super().handle()
    def do_GET(self):
        self.send_response(401)
        self.send_header('WWW-Authenticate', 'Basic realm="private"')
        self.send_header('Content-Length', '0')
        self.end_headers()
    do_HEAD = do_GET

http.server.ThreadingHTTPServer(('127.0.0.1', {PORT}), Locked).serve_forever()
"""


@contextlib.contextmanager
def private_registry(cluster: Cluster, namespace: str, image: str) -> Iterator[str]:
    """Run the registry on every node during the block; yield its name."""
    labels = {"pod-security.kubernetes.io/enforce": "privileged"}
    metadata = {"name": namespace, "labels": labels}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}, field_manager="test")
    login = {".dockerconfigjson": docker_config(image) or '{"auths": {}}'}
    secret: dict[str, object] = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/dockerconfigjson",
    }
    secret |= {"metadata": {"name": "pull", "namespace": namespace}, "stringData": login}
    cluster.apply(secret, field_manager="test")
    pod = program("registry", namespace, image, CODE, hostNetwork=True, imagePullSecrets=[{"name": "pull"}])
    del pod["spec"]["restartPolicy"]
    pod["metadata"] = {"labels": {"test": "registry"}}
    path = f"/apis/apps/v1/namespaces/{namespace}/daemonsets/registry"
    try:
        cluster.apply(
            {
                "apiVersion": "apps/v1",
                "kind": "DaemonSet",
                "metadata": {"name": "registry", "namespace": namespace},
                "spec": {
                    "selector": {"matchLabels": {"test": "registry"}},
                    "template": {"metadata": pod["metadata"], "spec": pod["spec"]},
                },
            },
            field_manager="test",
        )
        _wait_until_ready(cluster, path)
        yield f"localhost:{PORT}"
    finally:
        wait_until_gone(cluster, [namespace])


def _wait_until_ready(cluster: Cluster, path: str, timeout_s: float = 180) -> None:
    end = time.monotonic() + timeout_s
    while True:
        status = (cluster.get(path) or {}).get("status") or {}
        wanted = status.get("desiredNumberScheduled", 0)
        if wanted and status.get("numberReady", 0) >= wanted:
            return
        assert time.monotonic() < end, f"the registry's pods are not ready: {status}"
        time.sleep(1)
