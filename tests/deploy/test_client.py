"""The client of a cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaffold.cluster._kubeconfig import ClusterAccess, connect
from scaffold.errors import ClusterUnreachableError


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
