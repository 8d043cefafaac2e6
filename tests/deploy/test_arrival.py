"""Callers that come over a route reach the pods of the deploy, or the deploy fails."""

from __future__ import annotations

import dataclasses
import socket
from typing import Any

import pytest

from scaffold.cluster._backends import backends_of
from scaffold.cluster._kubeconfig import connect
from scaffold.cluster._route import _is_tls
from scaffold.errors import ManifestError, NoEndpointError, RolloutFailedError
from tests.deploy._deploys import QUICK, Deploys, image
from tests.deploy._fake_api import Manifest
from tests.deploy.test_service import INGRESS, ROUTE, add_class, add_ingress, add_route

HOST = "scores.example.org"
ACCEPTED: Manifest = {"type": "Accepted", "status": "True"}
TO_OTHER = INGRESS.replace("localhost", HOST).replace("name: titanic, port", "name: other, port")


@pytest.fixture
def resolved(deploys: Deploys, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of the route leads to the balancer of the test, and ingresses get its address."""
    api = deploys.cluster.api
    add_class(deploys, "nginx")
    reconcile, connect = api.after_write, socket.create_connection

    def take_on(written: Manifest) -> None:
        reconcile(written)
        if written["kind"] == "Ingress":
            written["status"] = {"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}}

    def resolve(address: tuple[str, int], *rest: Any, **more: Any) -> socket.socket:
        if address[0] in (HOST, "127.0.0.1") and address[1] == 80:
            address = ("127.0.0.1", api.forward_port)
        return connect(address, *rest, **more)

    api.after_write = take_on
    monkeypatch.setattr(socket, "create_connection", resolve)


def add_namespace(deploys: Deploys) -> None:
    """The namespace of the target, as an administrator makes it."""
    metadata = {"name": "titanic-staging"}
    deploys.cluster.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})


def add_other(deploys: Deploys, name: str = "other", **labels: str) -> None:
    """Another Deployment of the namespace, with the same model, and a Service of it."""
    api = deploys.cluster.api
    labels = labels or {"app": name}
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "service", "image": name}]},
    }
    metadata = {"name": name, "namespace": "titanic-staging"}
    spec: Manifest = {"selector": {"matchLabels": {"app": name}}, "template": template}
    api.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})
    ports = [{"name": "http", "port": 80, "targetPort": 8000}]
    spec = {"selector": labels, "ports": ports}
    api.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})


@pytest.mark.usefixtures("resolved")
@pytest.mark.parametrize("kind", ["Ingress", "HTTPRoute"])
def test_a_route_to_another_service_fails_though_that_answers_as_the_model(
    deploys: Deploys, kind: str
) -> None:
    deploys.deploy(1)
    add_other(deploys)
    if kind == "Ingress":
        add_ingress(deploys, TO_OTHER)
    else:
        text = ROUTE.replace("titanic.example.org", HOST).replace("name: titanic, port", "name: other, port")
        add_route(deploys, text, ACCEPTED)
    with pytest.raises(NoEndpointError) as caught:
        deploys.deploy(2)
    assert str(caught.value).startswith(
        f"Callers of http://{HOST} reach other pods than those of this deploy.\n"
        f"  {kind}/titanic leads to: other\n"
        "  arrived at the pods: 0 of 2 rows of the sample, which were all answered\n"
        "Name Service/titanic in the backend of the route."
    )
    assert (deploys.status().image, deploys.status().live) == (image(1), "passed")


@pytest.mark.usefixtures("resolved")
def test_a_proxy_before_the_service_is_proven_by_the_requests_that_arrive(deploys: Deploys) -> None:
    add_namespace(deploys)
    add_other(deploys)
    deploys.cluster.proxies["other"] = "titanic"
    add_ingress(deploys, TO_OTHER)
    assert [deploys.deploy(number).live for number in (1, 2)] == ["passed", "passed"]
    assert (deploys.roll_back().live, deploys.status().url) == ("passed", f"http://{HOST}")
    del deploys.cluster.proxies["other"]
    with pytest.raises(NoEndpointError, match="reach other pods"):
        deploys.roll_back()
    assert deploys.status().live.startswith("Callers of ")
    deploys.cluster.metrics = False
    with pytest.raises(NoEndpointError, match=r"Whether callers of .* is not known\.\n.*leads to: other"):
        deploys.deploy(3)


@pytest.mark.usefixtures("resolved")
def test_a_second_service_of_the_same_pods_is_one_of_the_callers(deploys: Deploys) -> None:
    """Metrics are not needed: the selector shows that it leads to the pods, unless to others as well."""
    deploys.deploy(1)
    add_other(deploys, "other", **{"app.kubernetes.io/name": "titanic"})
    add_ingress(deploys, TO_OTHER)
    deploys.cluster.metrics = False
    assert deploys.deploy(2).live == "passed"
    stranger = dict(deploys.cluster.api.find("Pod", _other_pod(deploys)))
    labels = {**stranger["metadata"]["labels"], "app.kubernetes.io/name": "titanic"}
    stranger["metadata"] = {**stranger["metadata"], "labels": labels}
    deploys.cluster.api.write(stranger)
    with pytest.raises(NoEndpointError, match="also leads to pods that this deploy did not start"):
        deploys.deploy(3)


def _other_pod(deploys: Deploys) -> str:
    names = [str(pod["metadata"]["name"]) for pod in deploys.cluster.api.all("Pod")]
    return next(name for name in names if name.startswith("other-"))


@pytest.mark.usefixtures("resolved")
def test_of_several_paths_the_one_that_leads_to_the_pods_is_replayed(deploys: Deploys) -> None:
    deploys.deploy(1)
    add_other(deploys)
    docs = (
        "          - {path: /docs, pathType: Prefix, backend: {service: {name: other, port: {name: http}}}}\n"
    )
    text = INGRESS.replace("localhost", HOST).replace("        paths:\n", f"        paths:\n{docs}")
    add_ingress(deploys, text.replace("{path: /,", "{path: /v1,"))
    assert deploys.deploy(2).url == f"http://{HOST}/v1"


@pytest.mark.usefixtures("resolved")
@pytest.mark.parametrize("form", ["no host", "no path", "only a default", "a default beside"])
def test_an_ingress_that_takes_any_host_is_called_by_its_address(deploys: Deploys, form: str) -> None:
    default = "  defaultBackend: {service: {name: titanic, port: {name: http}}}\n"
    head, _, rules = INGRESS.partition("  rules:\n")
    texts = {
        "no host": INGRESS.replace("    - host: localhost\n      http:", "    - http:"),
        "no path": f"{head}{default}  rules: [{{host: {HOST}}}]\n",
        "only a default": head + default,
        "a default beside": f"{head}{default}  rules:\n{rules.replace('localhost', HOST)}",
    }
    add_namespace(deploys)
    add_ingress(deploys, texts[form])
    host = HOST if form in ("no path", "a default beside") else "127.0.0.1"
    assert deploys.deploy(1).url == f"http://{host}"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "  hostnames: [titanic.example.org]\n",
            "",
            "HTTPRoute/titanic names no host, so its address is not",
        ),
        ("backendRefs: [{name: titanic, port: 80}]", "filters: []", "HTTPRoute/titanic leads to no Service"),
        ("  parentRefs: [{name: gateway, namespace: gateways}]\n", "", "HTTPRoute/titanic belongs to no"),
    ],
)
def test_a_route_without_an_address_is_refused_before_anything_is_applied(
    deploys: Deploys, old: str, new: str, message: str
) -> None:
    assert old in ROUTE
    add_route(deploys, ROUTE.replace(old, new), ACCEPTED)
    with pytest.raises(ManifestError) as caught:
        deploys.deploy(1)
    assert str(caught.value).startswith(message)
    assert deploys.cluster.api.objects == {}


@pytest.mark.usefixtures("resolved")
def test_a_route_that_redirects_only_is_not_the_one_that_is_replayed(deploys: Deploys) -> None:
    """As is usual: one route to HTTPS, and one to the service."""
    redirect = ROUTE.replace("name: titanic}", "name: a-redirect}", 1)
    add_route(deploys, redirect.replace("backendRefs: [{name: titanic, port: 80}]", "filters: []"), ACCEPTED)
    (deploys.project / "deploy/staging/second.yaml").write_text(ROUTE.replace("titanic.example.org", HOST))
    deploys.edit_manifest("kustomization.yaml", "  - route.yaml\n", "  - route.yaml\n  - second.yaml\n")
    assert deploys.deploy(1).url == f"http://{HOST}"


def test_an_ingress_without_a_class_needs_a_default_one(deploys: Deploys) -> None:
    add_class(deploys, "haproxy")
    add_ingress(deploys, INGRESS.replace("  ingressClassName: nginx\n", ""))
    pace = dataclasses.replace(QUICK, address_s=300)
    with pytest.raises(RolloutFailedError) as caught:
        deploys.deploy(1, pace=pace)
    assert "  it names no class, and none of the cluster is the default: haproxy\nSet `ingr" in str(
        caught.value
    )
    default = {"ingressclass.kubernetes.io/is-default-class": "true"}
    deploys.cluster.api.find("IngressClass")["metadata"]["annotations"] = default
    with pytest.raises(RolloutFailedError) as caught:
        deploys.deploy(1, pace=pace)
    assert "names no class" not in str(caught.value)


def test_what_a_gateway_said_of_an_earlier_route_does_not_count(deploys: Deploys) -> None:
    add_route(deploys, ROUTE, {**ACCEPTED, "observedGeneration": 0})
    with pytest.raises(RolloutFailedError, match="The route never got an address"):
        deploys.deploy(1)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/titanic(/|$)(.*)", "/titanic"),
        ("/titanic/*", "/titanic"),
        ("^/titanic/.*$", "/titanic"),
        ("/(.*)", "/"),
        ("/titanic", "/titanic"),
        ("/v1.0/[a-z]+", "/v1.0"),
    ],
)
def test_of_a_pattern_the_part_that_every_path_has_is_called(pattern: str, path: str) -> None:
    service = {"name": "titanic", "port": {"number": 80}}
    place = {"path": pattern, "pathType": "ImplementationSpecific", "backend": {"service": service}}
    ingress = {"kind": "Ingress", "spec": {"rules": [{"host": HOST, "http": {"paths": [place]}}]}}
    matches = [{"path": {"type": "RegularExpression", "value": pattern}}]
    rule = {"matches": matches, "backendRefs": [{"name": "titanic", "port": 80}]}
    route = {"kind": "HTTPRoute", "metadata": {}, "spec": {"hostnames": [HOST], "rules": [rule]}}
    assert [backends_of(each)[0].path for each in (ingress, route)] == [path, path]
    place["pathType"] = "Prefix"
    assert backends_of(ingress)[0].path == pattern


@pytest.mark.parametrize(
    ("reference", "may_read", "scheme"),
    [
        ({}, True, "http"),
        ({"sectionName": "web"}, True, "http"),
        ({"sectionName": "public"}, True, "https"),
        ({"port": 8443}, True, "https"),
        ({"sectionName": "public"}, False, "http"),
        ({"sectionName": "websecure"}, False, "https"),
        ({"port": 443}, False, "https"),
    ],
)
def test_the_scheme_is_that_of_the_listener(
    deploys: Deploys, reference: Manifest, may_read: bool, scheme: str
) -> None:
    api = deploys.cluster.api
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "gateways"}})
    listeners = [
        {"name": "web", "port": 80, "protocol": "HTTP"},
        {"name": "public", "port": 8443, "protocol": "HTTPS"},
    ]
    metadata = {"name": "gateway", "namespace": "gateways"}
    kind = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway"}
    api.create({**kind, "metadata": metadata, "spec": {"listeners": listeners}})
    if not may_read:
        api.forbidden.add(("get", "gateways"))
    parent = {"name": "gateway", "namespace": "gateways", **reference}
    route = {**kind, "kind": "HTTPRoute", "metadata": {"namespace": "x"}, "spec": {"parentRefs": [parent]}}
    assert _is_tls(connect(deploys.access), route) == (scheme == "https")


@pytest.mark.usefixtures("resolved")
def test_a_rollback_takes_the_route_of_its_revision(deploys: Deploys) -> None:
    deploys.deploy(1)
    add_ingress(deploys, INGRESS.replace("localhost", HOST))
    assert HOST in deploys.deploy(2).url
    back = deploys.roll_back()
    assert (back.live, HOST in back.url) == ("passed", False)
    assert HOST in deploys.roll_back().url
