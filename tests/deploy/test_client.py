"""The client of a cluster."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import socket
import ssl
import struct
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from scaffold.cluster import read_status
from scaffold.cluster._kubeconfig import ClusterAccess, connect
from scaffold.cluster._refusal import handshake_error
from scaffold.errors import ClusterUnreachableError
from tests.deploy._deploys import Deploys


def test_inside_a_pod_without_a_kubeconfig_the_pods_own_account_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, content in {"token": "token-of-the-pod", "ca.crt": "a certificate"}.items():
        (tmp_path / name).write_text(content)
    loader = "kubernetes.config.incluster_config"
    monkeypatch.setattr(f"{loader}.SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(f"{loader}.SERVICE_CERT_FILENAME", str(tmp_path / "ca.crt"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "1")
    cluster = connect()
    assert cluster.server == "https://127.0.0.1:1"
    assert cluster.context == "in-cluster"
    assert cluster.login_headers() == {"authorization": "bearer token-of-the-pod"}
    with pytest.raises(ClusterUnreachableError, match="The cluster does not answer"):
        cluster.request("GET", "/version")  # no server listens


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: v1\nkind: Config\nusers: [{name: a, user: {token: hunter2}}]\ncontexts: []\n",
        "users:\n- name: x\n  user: {token: hunter2\nclusters: [",
        '{"users": [{"token": "hunter2"',
    ],
)
@pytest.mark.parametrize("named", ["argument", "environment"])
def test_no_error_contains_a_password_of_a_kubeconfig(
    text: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", text)
    access = ClusterAccess(kubeconfig=text if named == "argument" else None, context="missing")
    assert "hunter2" not in repr(access)
    with pytest.raises(ClusterUnreachableError) as caught:
        connect(access)
    assert "hunter2" not in str(caught.value)
    assert "context: missing" in str(caught.value)
    assert "the text that was given" in str(caught.value)


def kubeconfig(server: str, user: dict[str, Any], **cluster: str) -> str:
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "eks", "cluster": {"server": server, **cluster}}],
            "users": [{"name": "ada", "user": user}],
            "contexts": [{"name": "eks", "context": {"cluster": "eks", "user": "ada"}}],
            "current-context": "eks",
        }
    )


def plugin(command: str, *arguments: str, **more: str) -> dict[str, Any]:
    version = "client.authentication.k8s.io/v1beta1"
    return {"exec": {"apiVersion": version, "command": command, "args": list(arguments), **more}}


@pytest.mark.parametrize(
    ("hint", "fix"),
    [
        ("", "Install it: gcloud components install gke-gcloud-auth-plugin"),
        ("Ask the platform team.", "Ask the platform team."),
    ],
)
def test_a_login_plugin_that_is_not_installed_is_named(
    hint: str, fix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deploys: Deploys
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    more = {"installHint": hint} if hint else {}
    text = kubeconfig("http://127.0.0.1:1", plugin("gke-gcloud-auth-plugin", **more))
    with pytest.raises(ClusterUnreachableError) as caught:
        connect(ClusterAccess(kubeconfig=text))
    message = str(caught.value)
    problem = "The login plugin of the kubeconfig is not installed: gke-gcloud-auth-plugin."
    assert message.splitlines()[0] == problem
    assert message.endswith(fix)


@pytest.mark.parametrize(
    ("name", "words", "login"),
    [
        ("aws", ["eks", "get-token"], "aws sso login"),
        ("kubelogin", ["get-token", "--login", "azurecli"], "az login"),
        ("gke-gcloud-auth-plugin", [], "gcloud auth login"),
    ],
)
def test_a_login_that_ran_out_shows_what_the_plugin_says_and_the_command(
    name: str,
    words: list[str],
    login: str,
    tmp_path: Path,
    deploys: Deploys,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Never on as `system:anonymous`: no request is made."""
    command = tmp_path / name
    command.write_text("#!/bin/sh\necho 'The token of ada has expired' >&2\nexit 255\n")
    command.chmod(0o755)
    server = json.loads(deploys.kubeconfig)["clusters"][0]["cluster"]["server"]
    text = kubeconfig(server, plugin(str(command), *words))
    path = tmp_path / "config"
    path.write_text(text)
    for given in (text, path):
        with pytest.raises(ClusterUnreachableError) as caught:
            read_status(deploys.project, target="staging", access=ClusterAccess(kubeconfig=given))
        message = str(caught.value)
        assert message.startswith("The login plugin of the kubeconfig failed.\n")
        assert f"  plugin: {' '.join([str(command), *words])}\n" in message
        assert "The token of ada has expired" in message
        assert message.endswith(f"Log in, then repeat this: {login}")
    assert capfd.readouterr().err == ""
    assert deploys.cluster.api.calls == []


def test_a_login_plugin_that_works_is_used(tmp_path: Path) -> None:
    credential = {"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential"}
    answer = json.dumps({**credential, "status": {"token": "token-of-the-plugin"}})
    aws = tmp_path / "aws"
    aws.write_text(f"#!/bin/sh\necho '{answer}'\n")
    aws.chmod(0o755)
    cluster = connect(ClusterAccess(kubeconfig=kubeconfig("http://127.0.0.1:1", plugin(str(aws)))))
    assert cluster.login_headers() == {"authorization": "Bearer token-of-the-plugin"}


def test_a_kubeconfig_without_a_login_is_used_as_it_is() -> None:
    """As for `kubectl proxy`."""
    assert connect(ClusterAccess(kubeconfig=kubeconfig("http://127.0.0.1:1", {}))).login_headers() == {}


def test_a_certificate_of_an_unknown_ca_is_explained(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    command += [
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        str(key),
        "-out",
        str(certificate),
    ]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        thread = threading.Thread(target=refuse_certificates, args=(server, context), daemon=True)
        thread.start()
        url = f"https://127.0.0.1:{server.getsockname()[1]}"
        cluster = connect(ClusterAccess(kubeconfig=kubeconfig(url, {"token": "t"})))
        with pytest.raises(ClusterUnreachableError) as caught:
            cluster.request("GET", "/version")
    message = str(caught.value)
    assert message.startswith(
        "The certificate of the cluster's API is signed by a CA that the kubeconfig does not name.\n"
    )
    assert "  certificate verify failed: self" in message
    assert "HTTPSConnectionPool" not in message


def refuse_certificates(server: socket.socket, context: ssl.SSLContext) -> None:
    """Shake hands with clients, who go away, until the server is closed."""
    while True:
        try:
            connection = server.accept()[0]
        except OSError:
            return
        with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True):
            pass


def test_a_refused_websocket_is_read_in_both_forms_of_its_text() -> None:
    body = '{"kind":"Status","message":"pods \\"x\\" is forbidden: User \\"ada\\"","reason":"Forbidden"}'
    head = "Handshake status 403 Forbidden -+-+- {'a': 'b'} -+-+- "
    for text in (head + body, head + repr(body.encode())):
        error = handshake_error(text)
        assert (error.status, error.reason) == (403, "Forbidden")
        assert error.message == 'pods "x" is forbidden: User "ada"'
    assert handshake_error("Connection refused").status == 0
    assert handshake_error("Handshake status 404 Not Found -+-+- {} -+-+- None").status == 404


def reset_after_handshake(server: socket.socket) -> None:
    """Accept a websocket, and reset the connection at its first byte, as a proxy that restarts does."""
    connection = server.accept()[0]
    request = b""
    while b"\r\n\r\n" not in request:
        request += connection.recv(4096)
    [key] = re.findall(rb"Sec-WebSocket-Key: (\S+)", request)
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
    connection.sendall(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n".encode()
    )
    connection.recv(1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def test_a_port_forward_that_breaks_ends_its_connection_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tracebacks: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", tracebacks.append)
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=reset_after_handshake, args=(server,), daemon=True).start()
        cluster = connect(
            ClusterAccess(kubeconfig=kubeconfig(f"http://127.0.0.1:{server.getsockname()[1]}", {}))
        )
        forward = cluster.forward("titanic-staging", "titanic-1", 8000)
        forward.socket.settimeout(10)
        forward.socket.sendall(b"GET /readyz HTTP/1.1\r\n\r\n")
        assert forward.socket.recv(1) == b""
    assert forward.error() != ""
    assert tracebacks == []


def answer_once(port: int) -> None:
    """Answer the next request at the port with an empty object, and stop listening."""
    with socket.create_server(("127.0.0.1", port)) as server, server.accept()[0] as connection:
        connection.recv(65536)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
        connection.sendall(head + b"Content-Length: 2\r\n\r\n{}")


def test_an_api_that_restarts_during_a_deploy_is_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    cluster = connect(ClusterAccess(kubeconfig=kubeconfig(f"http://127.0.0.1:{port}", {})))
    start = time.monotonic()
    with pytest.raises(ClusterUnreachableError):
        cluster.request("GET", "/version")
    assert time.monotonic() - start < 3  # one that never answered is not waited for
    for pause_s in (0.3, 2.5):
        timer = threading.Timer(pause_s, answer_once, (port,))
        timer.daemon = True
        timer.start()
        if pause_s < 1:
            time.sleep(0.6)
        assert cluster.request("PATCH", "/api/v1/namespaces/titanic", body={}) == {}
