"""The live proof goes the way that callers go: a Service that leads nowhere fails the deploy."""

from __future__ import annotations

import dataclasses
import socket
from typing import Any

import pytest

from scaffold.errors import (
    ClusterRefusedError,
    LiveAnswersDifferError,
    ManifestError,
    NoEndpointError,
    RolloutFailedError,
)
from scaffold.render._deploy import deploy_files
from scaffold.spec import JSONValue
from tests.deploy._deploys import MEASURED, QUICK, Deploys, image
from tests.deploy._fake_api import Manifest
from tests.deploy._specs import project_spec

INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: titanic}
spec:
  ingressClassName: nginx
  rules:
    - host: localhost
      http:
        paths:
          - {path: /, pathType: Prefix, backend: {service: {name: titanic, port: {name: http}}}}
"""


def add_ingress(deploys: Deploys, text: str = INGRESS) -> None:
    (deploys.project / "deploy/staging/ingress.yaml").write_text(text)
    deploys.edit_manifest("kustomization.yaml", "resources:\n", "resources:\n  - ingress.yaml\n")


def add_class(deploys: Deploys, name: str) -> None:
    deploys.cluster.api.write(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IngressClass",
            "metadata": {"name": name, "uid": name},
        }
    )


def calls(deploys: Deploys) -> list[int]:
    """The statuses that callers of the Service get."""
    return [deploys.cluster.call("/score", {"data": 1.5})[0] for _ in range(5)]


def test_a_selector_that_selects_other_pods_is_refused_before_anything_is_applied(deploys: Deploys) -> None:
    deploys.deploy(1)
    old = "  selector:\n    app.kubernetes.io/name: titanic"
    deploys.edit_manifest("service.yaml", old, old.replace("titanic", "titanik"))
    with pytest.raises(ManifestError) as caught:
        deploys.deploy(2)
    assert str(caught.value) == (
        "Service/titanic does not select the pods of the Deployment.\n"
        "  selector: app.kubernetes.io/name=titanik\n"
        "  labels of the pods: app.kubernetes.io/name=titanic, app.kubernetes.io/version=1.0.0\n"
        "Give `selector` in service.yaml labels of the pod template in deployment.yaml."
    )
    assert deploys.status().image == image(1)
    assert calls(deploys) == [200] * 5


def test_a_target_port_that_the_pods_do_not_have_is_refused_by_its_name(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.edit_manifest("service.yaml", "targetPort: http", "targetPort: web")
    with pytest.raises(ManifestError) as caught:
        deploys.deploy(2)
    assert str(caught.value).startswith(
        "Service/titanic leads to a port that the pods do not have.\n"
        "  targetPort: web\n"
        "  ports of the pods: http (8000)\n"
    )
    assert calls(deploys) == [200] * 5


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("PORT", "9000", "The service listens on a port that its container does not name."),
        ("TLS_CERT", "/tls/tls.crt", "The service expects TLS, and its probes ask without"),
    ],
)
def test_settings_that_the_manifest_contradicts_are_refused(
    deploys: Deploys, variable: str, value: str, message: str
) -> None:
    setting = f'env:\n            - {{name: {variable}, value: "{value}"}}\n'
    deploys.edit_manifest("deployment.yaml", "env:\n", setting)
    with pytest.raises(ManifestError, match=message):
        deploys.deploy(1)
    if variable == "PORT":
        deploys.edit_manifest("deployment.yaml", "containerPort: 8000", "containerPort: 9000")
        deploys.cluster.ports[image(1)] = 9000
    else:
        deploys.edit_manifest("deployment.yaml", "port: http }", "port: http, scheme: HTTPS }")
    assert deploys.deploy(1).live == "passed"


def test_a_target_port_where_nothing_listens_fails_before_callers_meet_it(deploys: Deploys) -> None:
    deploys.edit_manifest("service.yaml", "targetPort: http", "targetPort: 9000")
    with pytest.raises(NoEndpointError) as caught:
        deploys.deploy(1)
    message = str(caught.value)
    assert message.startswith(
        "The pods are ready, but nothing answers on port 9000 of the pods (targetPort of Service/titanic)."
    )
    assert "connect: connection refused" in message


def test_a_service_that_only_the_cluster_has_is_followed(deploys: Deploys) -> None:
    """The manifests leave the Service to someone else, whose selector selects no pod."""
    deploys.edit_manifest("kustomization.yaml", "  - service.yaml\n", "")
    with pytest.raises(NoEndpointError, match="No Service leads to the pods"):
        deploys.deploy(1)
    spec: Manifest = {
        "selector": {"app": "other"},
        "ports": [{"name": "http", "port": 80, "targetPort": 8000}],
    }
    metadata = {"name": "titanic", "namespace": "titanic-staging"}
    deploys.cluster.api.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    with pytest.raises(NoEndpointError) as caught:
        deploys.deploy(2)
    assert str(caught.value).startswith(
        "Service/titanic has no endpoint: every caller is refused.\n"
        "  selector: app=other\n"
        "  labels of the pods: app.kubernetes.io/name=titanic, "
    )
    assert deploys.status().live.startswith("Service/titanic has no endpoint")


def test_a_service_that_also_leads_to_other_pods_fails_the_deploy(deploys: Deploys) -> None:
    deploys.deploy(1)
    other = dict(deploys.cluster.api.find("Pod"))
    other["metadata"] = {**other["metadata"], "name": "intruder", "ownerReferences": []}
    deploys.cluster.api.write(other)
    with pytest.raises(NoEndpointError) as caught:
        deploys.deploy(2)
    assert "Service/titanic also leads to pods that this deploy did not start.\n" in str(caught.value)
    assert "other pods: intruder" in str(caught.value)


def test_another_service_among_the_manifests_does_not_stand_for_that_of_the_target(deploys: Deploys) -> None:
    ports = "ports: [{name: redis, port: 6379}]"
    text = (
        f"apiVersion: v1\nkind: Service\nmetadata: {{name: cache}}\nspec: {{selector: {{app: c}}, {ports}}}\n"
    )
    (deploys.project / "deploy/staging/cache.yaml").write_text(text)
    deploys.edit_manifest("kustomization.yaml", "resources:\n", "resources:\n  - cache.yaml\n")
    assert deploys.deploy(1).url == "http://titanic.titanic-staging.svc"


def test_endpoints_that_come_late_are_waited_for(deploys: Deploys) -> None:
    slices, asked = deploys.cluster.api.slices, []

    def late(namespace: str) -> list[Manifest]:
        asked.append(namespace)
        return slices(namespace) if len(asked) > 3 else []

    deploys.cluster.api.slices = late
    assert deploys.deploy(1, pace=dataclasses.replace(QUICK, patience=1)).live == "passed"


def test_an_ingress_whose_class_the_cluster_does_not_have_fails_at_once(deploys: Deploys) -> None:
    add_ingress(deploys)
    add_class(deploys, "haproxy")
    with pytest.raises(RolloutFailedError) as caught:
        deploys.deploy(1, pace=dataclasses.replace(QUICK, address_s=300, patience=1))
    assert str(caught.value).startswith(
        "No controller serves the ingress: the cluster does not have the class 'nginx'.\n"
        "  classes of the cluster: haproxy\n"
        "Set `ingressClassName` in ingress.yaml to one of them."
    )


def test_an_ingress_that_no_controller_touches_is_not_waited_for_in_full(deploys: Deploys) -> None:
    """An account that may not look at classes sees that nobody but us wrote to the ingress."""
    add_ingress(deploys)
    deploys.cluster.api.forbidden.add(("list", "ingressclasses"))
    with pytest.raises(RolloutFailedError, match=r"The ingress never got an address\.\n.*none after 0 s"):
        deploys.deploy(1, pace=dataclasses.replace(QUICK, address_s=300))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{name: http}", "{name: web}", "Ingress/titanic leads to a port that the Service does not have."),
        (
            "name: titanic, port",
            "name: titanik, port",
            "Ingress/titanic leads to Service/titanik, which is not",
        ),
    ],
)
def test_an_ingress_that_leads_nowhere_is_named(deploys: Deploys, old: str, new: str, message: str) -> None:
    add_class(deploys, "nginx")
    assert old in INGRESS
    add_ingress(deploys, INGRESS.replace(old, new))
    with pytest.raises(ManifestError) as caught:
        deploys.deploy(1)
    assert str(caught.value).startswith(message)


ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: titanic}
spec:
  parentRefs: [{name: gateway, namespace: gateways}]
  hostnames: [titanic.example.org]
  rules: [{backendRefs: [{name: titanic, port: 80}]}]
"""


def add_route(deploys: Deploys, text: str, *conditions: Manifest) -> None:
    """Add a route, which a gateway gives these conditions."""
    (deploys.project / "deploy/staging/route.yaml").write_text(text)
    deploys.edit_manifest("kustomization.yaml", "resources:\n", "resources:\n  - route.yaml\n")
    reconcile = deploys.cluster.api.after_write

    def take_on(written: Manifest) -> None:
        reconcile(written)
        if written["kind"] == "HTTPRoute":
            written["status"] = {"parents": [{"conditions": list(conditions)}]}

    deploys.cluster.api.after_write = take_on


@pytest.mark.parametrize(
    ("file", "kind", "answers"),
    [
        ("ingress.yaml", "Ingress", {"route": "ingress", "ingress_class": "played"}),
        ("route.yaml", "HTTPRoute", {"route": "gateway"}),
    ],
)
def test_a_deploy_is_proven_over_the_host_name_of_its_route(
    deploys: Deploys,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    kind: str,
    answers: dict[str, JSONValue],
) -> None:
    """The name leads to the balancer of the test, which asks the endpoints of the Service."""
    host = "scores.example.org"
    rendered = deploy_files(
        project_spec({**answers, "host": host, "tls": False, "targets": ["staging"]}), MEASURED
    )
    for path, text in rendered.items():
        (deploys.project / path).write_bytes(text)
    assert any(path.endswith(file) for path in rendered)
    api = deploys.cluster.api
    add_class(deploys, "played")
    status: dict[str, Manifest] = {
        "Ingress": {"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}},
        "HTTPRoute": {"parents": [{"conditions": [{"type": "Accepted", "status": "True"}]}]},
    }
    reconcile, connect = api.after_write, socket.create_connection
    named: list[tuple[str, int]] = []

    def take_on(written: Manifest) -> None:
        reconcile(written)
        if written["kind"] == kind:
            written["status"] = status[kind]

    def resolve(address: tuple[str, int], *rest: Any, **more: Any) -> socket.socket:
        if address[0] == host:
            named.append(address)
            address = ("127.0.0.1", api.forward_port)
        return connect(address, *rest, **more)

    api.after_write = take_on
    monkeypatch.setattr(socket, "create_connection", resolve)
    for number in (1, 2):
        deployed = deploys.deploy(number)
        assert (deployed.url, deployed.live) == (f"http://{host}", "passed")
        assert deploys.cluster.called.count(image(number)) > 5
    assert set(named) == {(host, 80)}
    deploys.cluster.factors[image(3)] = 3.0
    with pytest.raises(LiveAnswersDifferError, match=f"http://{host}/score, row 0"):
        deploys.deploy(3, candidate=False)


def test_a_route_whose_backend_the_gateway_does_not_find_is_named(deploys: Deploys) -> None:
    message = "Service titanic-staging/titanic not found"
    resolved = {"type": "ResolvedRefs", "status": "False", "message": message}
    add_route(deploys, ROUTE, {"type": "Accepted", "status": "True"}, resolved)
    with pytest.raises(RolloutFailedError) as caught:
        deploys.deploy(1)
    problem = "The gateway does not find what the route leads to."
    assert str(caught.value).startswith(f"{problem}\n  {message}\n")


def test_a_route_to_a_port_that_the_service_does_not_have_is_named(deploys: Deploys) -> None:
    add_route(deploys, ROUTE.replace("port: 80", "port: 8000"))
    with pytest.raises(ManifestError, match="HTTPRoute/titanic leads to a port that the Service does not"):
        deploys.deploy(1)
    assert deploys.cluster.api.objects == {}


def test_a_port_forward_that_is_not_allowed_is_refused_at_once(deploys: Deploys) -> None:
    deploys.cluster.api.forbidden.add(("create", "pods/portforward"))
    with pytest.raises(ClusterRefusedError) as caught:
        deploys.deploy(1, pace=dataclasses.replace(QUICK, patience=10, address_s=300))
    message = str(caught.value)
    assert message.startswith(
        "Your account may not forward ports to pods, and the replay needs port-forwards.\n"
    )
    assert 'User "ada" cannot create resource "pods/portforward"' in message
    assert "-+-+-" not in message
