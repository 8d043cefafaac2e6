"""The Helm chart: Helm itself lints and renders it, and checks its values."""

from __future__ import annotations

import random
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from scaffold.render._deploy import deploy_files, deploy_values
from scaffold.spec import JSONValue
from tests.deploy._fake_pods import FakeCluster
from tests.deploy._helm import helm, lint, notes, refusal, rendered
from tests.deploy._policies import problems
from tests.deploy._specs import project_spec
from tests.deploy.test_manifests import MEASURED, manifests, random_answers, write

Chart = Callable[..., Path]


@pytest.fixture
def chart(tmp_path: Path) -> Chart:
    """Return a function that writes the chart of some answers."""

    def write_chart(**answers: JSONValue) -> Path:
        return write(deploy_files(project_spec({"chart": True, **answers})), tmp_path) / "deploy/chart"

    return write_chart


def by_kind(folder: Path, *args: Any, **kwargs: Any) -> dict[str, dict[str, Any]]:
    return {one["kind"]: one for one in rendered(folder, *args, **kwargs)}


def test_a_chart_is_rendered_only_on_request() -> None:
    assert not [path for path in deploy_files(project_spec()) if "chart" in path]
    files = deploy_files(
        project_spec({"chart": True, "auth": True, "route": "ingress", "host": "a.example.org"})
    )
    values = yaml.safe_load(files["deploy/chart/values.yaml"])
    assert values["image"]["repository"] == "titanic"
    assert values["host"] == "a.example.org"
    assert deploy_values(project_spec({"chart": True}))["has_chart"] is True


@pytest.mark.parametrize("digest", ["", "sha256:" + "a" * 64])
def test_the_chart_renders_to_valid_manifests_that_follow_its_values(tmp_path: Path, digest: str) -> None:
    dice = random.Random(7)
    values = {"image": {"digest": digest}, "cpu": "123m"}
    for number in range(40):
        answers = random_answers(dice) | {"chart": True}
        root = write(deploy_files(project_spec(answers), MEASURED), tmp_path / str(number))
        folder = root / "deploy/chart"
        repository = yaml.safe_load((folder / "values.yaml").read_text())["image"]["repository"]
        assert lint(folder) == [], answers
        for one in rendered(folder, values):
            assert problems(one) == [], f"{one['kind']} of {answers}"
            assert one["metadata"]["namespace"] == "space"
            if one["kind"] == "Deployment":
                container = one["spec"]["template"]["spec"]["containers"][0]
                assert container["image"] == (f"{repository}@{digest}" if digest else f"{repository}:1.0.0")
                assert container["resources"]["requests"]["cpu"] == "123m"


def test_a_release_has_the_objects_that_kustomize_applies(tmp_path: Path) -> None:
    """Their names, labels, secrets of the release, and the order of variables set apart."""
    dice = random.Random(11)
    for number in range(40):
        answers = random_answers(dice) | {"chart": True, "targets": ["staging"], "per_target": {}}
        files = deploy_files(project_spec(answers), MEASURED)
        base = {kind: comparable(one) for kind, one in manifests(files, "staging").items()}
        root = write(files, tmp_path / str(number))
        release = by_kind(root / "deploy/chart", release="titanic", namespace="titanic-staging")
        del base["Namespace"], release["Pod"]
        if answers.get("ingress_from") and "NetworkPolicy" in release:
            peers = release["NetworkPolicy"]["spec"]["ingress"][0]["from"]
            (test,) = (peer for peer in peers if "component" in str(peer))
            peers.remove(test)
        assert {kind: comparable(one) for kind, one in release.items()} == base, answers


def comparable(value: Any) -> Any:
    """A manifest without what a release adds."""
    if isinstance(value, dict):
        if "imagePullPolicy" in value:
            value = {**value, "image": "", "env": sorted(value["env"] or [], key=lambda one: one["name"])}
        return {key: comparable(each) for key, each in value.items() if key != "app.kubernetes.io/instance"}
    return [comparable(each) for each in value] if isinstance(value, list) else value


def test_helm_installs_upgrades_rolls_back_and_uninstalls(chart: Chart) -> None:
    """The API takes what Helm sends, the pods come up, and the Service of a release leads to them alone."""
    folder = chart(autoscaling=False, replicas=2)
    with FakeCluster().running() as fake, helm(fake.api, "space") as releases:
        for action, release, digest in (
            (releases.install, "blue", "a"),
            (releases.install, "green", "b"),
            (releases.upgrade, "blue", "c"),
        ):
            made = action(folder, release, {"image": {"digest": f"sha256:{digest * 64}"}})
            assert made["status"] == "deployed"
        assert images_of(fake, "blue-titanic") == ["cccc", "cccc"]
        assert fake.api.find("Deployment", "blue-titanic")["status"]["readyReplicas"] == 2
        releases.rollback("blue")
        assert images_of(fake, "blue-titanic") == ["aaaa", "aaaa"]
        assert images_of(fake, "green-titanic") == ["bbbb", "bbbb"]
        releases.uninstall("blue")
        left = [one for kind in ("Deployment", "Service", "Pod") for one in fake.api.all(kind)]
        assert {one["metadata"]["labels"]["app.kubernetes.io/instance"] for one in left} == {"green"}


def images_of(fake: FakeCluster, service: str) -> list[str]:
    """The last characters of the images of the pods that a Service leads to."""
    selector = fake.api.find("Service", service)["spec"]["selector"]
    pods = [one for one in fake.api.all("Pod") if selector.items() <= one["metadata"]["labels"].items()]
    return [one["spec"]["containers"][0]["image"][-4:] for one in pods]


def test_two_releases_fit_into_one_namespace(chart: Chart) -> None:
    folder = chart(route="ingress", host="a.example.org", auth=True)
    first = by_kind(folder, release="blue")
    second = by_kind(folder, {"host": "b.example.org"}, release="green")
    for kind, one in first.items():
        assert one["metadata"]["name"].startswith("blue-titanic"), kind
        assert one["metadata"]["name"] != second[kind]["metadata"]["name"]
    pods = second["Deployment"]["spec"]["template"]["metadata"]["labels"]
    for selector in (
        first["Service"]["spec"]["selector"],
        first["Deployment"]["spec"]["selector"]["matchLabels"],
        first["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        first["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
    ):
        assert selector.items() <= first["Deployment"]["spec"]["template"]["metadata"]["labels"].items()
        assert not selector.items() <= pods.items()
    backend = first["Ingress"]["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"]
    assert backend == first["Service"]["metadata"]["name"]
    assert first["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"] == "blue-titanic"
    assert first["Ingress"]["spec"]["tls"] != second["Ingress"]["spec"]["tls"]


@pytest.mark.parametrize(
    ("release", "name"),
    [
        ("blue", "blue-titanic"),
        ("titanic", "titanic"),
        ("my-titanic-2", "my-titanic-2"),
        ("1e3", "1e3-titanic"),
    ],
)
def test_the_name_of_the_chart_stands_once_in_the_names_of_a_release(
    chart: Chart, release: str, name: str
) -> None:
    found = by_kind(chart(), release=release)
    assert found["Deployment"]["metadata"]["name"] == name
    assert found["Deployment"]["metadata"]["labels"]["app.kubernetes.io/instance"] == release


def test_a_name_that_would_be_too_long_is_cut(tmp_path: Path) -> None:
    files = deploy_files(project_spec({"chart": True}, name="x" * 60))
    found = by_kind(write(files, tmp_path) / "deploy/chart", release="blue")
    assert found["Deployment"]["metadata"]["name"] == f"blue-{'x' * 58}"


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"replica": 3}, "replica"),
        ({"min_replicas": "3"}, "min_replicas"),
        ({"image": {"tags": "1"}}, "tags"),
        ({"image": {"digest": "1.0.0"}}, "digest"),
        ({"service_type": "Loadbalancer"}, "service_type"),
        ({"memory": "lots"}, "memory"),
        ({"tolerations": [{"keys": "gpu"}]}, "keys"),
        ({"affinity": {"nodes": {}}}, "nodes"),
        ({"labels": {"team": 7}}, "team"),
        ({"labels": {"team": "two words"}}, "team"),
        ({"labels": {"app.kubernetes.io/name": "other"}}, "app.kubernetes.io/name"),
        ({"annotations": {"prometheus.io/scrape": "false"}}, "prometheus.io/scrape"),
        ({"annotations": {"model-scaffold/canary": "10"}}, "model-scaffold/canary"),
        ({"min_replicas": 0}, "min_replicas"),
        ({"settings": {"score_timeout_s": "3"}}, "score_timeout_s"),
        ({"settings": {"SCORE_TIMEOUT_S": 3}}, "SCORE_TIMEOUT_S"),
        ({"secrets": {"api_key": "x"}}, "api_key"),
    ],
)
def test_an_unknown_value_or_one_of_a_wrong_type_is_refused(
    chart: Chart, values: dict[str, Any], named: str
) -> None:
    folder = chart(auth=True)
    assert named in refusal(folder, values)
    assert lint(folder, values)


def test_the_values_of_the_chart_and_those_of_helm_are_taken(chart: Chart) -> None:
    folder = chart(auth=True, memory="900M", cpu=2)
    for values in ({}, {"global": {"region": "eu"}}, {"cpu": 1.5}, {"cpu": "500m"}, {"memory": "1.5Gi"}):
        assert refusal(folder, values) == ""


def test_what_a_platform_asks_for_are_values(chart: Chart) -> None:
    values = {
        "labels": {"team": "passengers"},
        "annotations": {"contact": "ada"},
        "run_as_user": 1_000_660_000,
        "node_selector": {"disk": "ssd"},
        "tolerations": [{"key": "gpu", "operator": "Exists", "tolerationSeconds": 3_000_000}],
        "affinity": {"podAffinity": {}},
        "priority_class": "high",
        "runtime_class": "nvidia",
        "gpus": 1,
        "ephemeral_storage": "1Gi",
        "settings": {"THRESHOLD": "0.5"},
    }
    found = by_kind(chart(), values)
    for kind, one in found.items():
        assert one["metadata"]["labels"]["team"] == "passengers", kind
    template = found["Deployment"]["spec"]["template"]
    assert template["metadata"]["annotations"]["contact"] == "ada"
    pod = template["spec"]
    assert pod["securityContext"]["runAsUser"] == 1_000_660_000
    assert (pod["nodeSelector"], pod["tolerations"], pod["affinity"]) == (
        values["node_selector"],
        values["tolerations"],
        values["affinity"],
    )
    assert (pod["priorityClassName"], pod["runtimeClassName"]) == ("high", "nvidia")
    container = pod["containers"][0]
    limits = container["resources"]["limits"]
    assert (limits["nvidia.com/gpu"], limits["ephemeral-storage"]) == (1, "1Gi")
    assert {"name": "THRESHOLD", "value": "0.5"} in container["env"]
    plain = by_kind(chart(), {"run_as_user": 0})["Deployment"]["spec"]["template"]["spec"]
    assert not {"priorityClassName", "nodeSelector", "tolerations", "affinity"} & set(plain)
    assert "runAsUser" not in plain["securityContext"]


def test_the_answers_of_one_target_are_a_file_of_values(chart: Chart) -> None:
    production: JSONValue = {"min_replicas": 3, "gpus": 1, "access_log": True, "network_policy": False}
    folder = chart(per_target={"production": production})
    assert not (folder / "values-staging.yaml").exists()
    text = (folder / "values-production.yaml").read_text()
    assert "also change templates, which are those for all targets: network.yaml" in text
    values = yaml.safe_load(text)
    assert values == {
        "min_replicas": 3,
        "max_replicas": 9,
        "gpus": 1,
        "settings": {"ACCESS_LOG": "true"},
    }
    found = by_kind(folder, values)
    assert found["HorizontalPodAutoscaler"]["spec"]["minReplicas"] == 3
    container = found["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    assert {"name": "ACCESS_LOG", "value": "true"} in container["env"]


def test_the_notes_name_the_address_and_a_request(chart: Chart) -> None:
    folder = chart(auth=True)
    text = notes(folder, release="blue", namespace="space")
    assert "kubectl -n space port-forward service/blue-titanic 8000:80" in text
    assert "create secret generic titanic-api-keys" in text
    (request,) = (line for line in text.splitlines() if line.startswith("  curl"))
    assert shlex.split(request)[-1] == "$URL/score"
    balanced = notes(folder, {"service_type": "LoadBalancer"})
    assert "port-forward" not in balanced
    assert "get service first-titanic" in balanced
    routed = notes(chart(route="ingress", host="a.example.org", path="/x"), {"host": "b.example.org"})
    assert "URL=https://b.example.org/x" in routed
    assert "API-Key" not in routed


def test_the_test_of_a_release_is_a_pod_that_no_object_selects(chart: Chart) -> None:
    web: JSONValue = [{"namespaceSelector": {"matchLabels": {"team": "web"}}}]
    found = by_kind(chart(ingress_from=web), release="blue")
    pod = found["Pod"]
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    labels = pod["metadata"]["labels"]
    assert not found["Service"]["spec"]["selector"].items() <= labels.items()
    (container,) = pod["spec"]["containers"]
    assert container["image"] == found["Deployment"]["spec"]["template"]["spec"]["containers"][0]["image"]
    assert "http://blue-titanic/readyz" in container["command"][-1]
    compile(container["command"][-1], "readyz", "exec")
    peers = found["NetworkPolicy"]["spec"]["ingress"][0]["from"]
    assert any(
        peer.get("podSelector", {}).get("matchLabels", {"": ""}).items() <= labels.items() for peer in peers
    )
