"""The manifests that are rendered from answers."""

from __future__ import annotations

import ast
import functools
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from scaffold.base.checked import target_names
from scaffold.base.templates import template_path
from scaffold.cli._new import parse_answers
from scaffold.cluster import pin_image
from scaffold.cluster._kustomize import build_kustomization
from scaffold.cluster._manifests import read_target
from scaffold.errors import InvalidAnswerError, ManifestError, UnknownAnswerError
from scaffold.render._deploy import deploy_files, namespace_name
from scaffold.render._knobs import read_answers, read_targets
from scaffold.spec import JSONValue, Measurements
from tests.deploy._policies import (
    CUSTOM_KINDS,
    FIRST,
    documents,
    problems,
    problems_at,
    supported_versions,
)
from tests.deploy._specs import project_spec

MEASURED = Measurements(load_s=3.21, peak_memory_bytes=187 << 20, latency_s=0.004)
CUSTOM = CUSTOM_KINDS | {"ScaledObject"}


def write(files: dict[str, bytes], root: Path) -> Path:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text)
    return root


def manifests(files: dict[str, bytes], target: str) -> dict[str, dict[str, Any]]:
    """What `deploy` applies for a target, by kind."""
    with tempfile.TemporaryDirectory() as folder:
        found = read_target(write(files, Path(folder)), target).manifests
    return {document["kind"]: document for document in found}


AFFINITY: JSONValue = {
    "nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}]
        }
    }
}


CRON: JSONValue = {
    "type": "cron",
    "metadata": {
        "timezone": "Europe/Berlin",
        "start": "0 8 * * 1-5",
        "end": "0 18 * * 1-5",
        "desiredReplicas": "1",
    },
}


OF_A_PLATFORM: dict[str, JSONValue] = {
    "labels": {"team": "passengers"},
    "annotations": {"contact": "ada"},
    "node_selector": {"disk": "ssd"},
    "tolerations": [{"key": "gpu", "operator": "Exists"}],
    "affinity": AFFINITY,
    "priority_class": "high",
    "gpus": 1,
    "runtime_class": "nvidia",
    "ephemeral_storage": "1Gi",
}
WITH_EVERYTHING: dict[str, JSONValue] = {
    "route": "ingress",
    "host": "a.example.org",
    "auth": True,
    "service_type": "LoadBalancer",
    "internal": True,
    **OF_A_PLATFORM,
    "ingress_from": [{"namespaceSelector": {"matchLabels": {"team": "web"}}}],
}


def random_answers(dice: random.Random) -> dict[str, JSONValue]:
    """Return some knobs, each with an allowed value."""
    knobs: dict[str, list[JSONValue]] = {
        "targets": [["staging", "production"], ["eu-1"], "dev", ["a", "b", "c", "9-lives"], ["t" * 63]],
        "registry": ["", "registry.example.org", "localhost:5000/models", "ghcr.io/some_one/x"],
        "service_type": ["ClusterIP", "NodePort", "LoadBalancer"],
        "internal": [True, False],
        "route": ["none", "ingress", "gateway"],
        "host": ["scores.example.org", "*.example.org", "localhost"],
        "path": ["/", "/titanic", "/a/b-c_d.e~f"],
        "tls": [True, False],
        "tls_issuer": ["", "letsencrypt"],
        "ingress_class": ["", "nginx", "traefik"],
        "gateway": ["gateway", "edge"],
        "gateway_namespace": ["default", "infra"],
        "autoscaling": [True, False],
        "autoscaler": ["hpa", "keda"],
        "prometheus_url": ["http://prometheus.monitoring:9090"],
        "target_requests": [1, 25],
        "cooldown_s": [0, 600],
        "triggers": [[], [CRON]],
        "replicas": [1, 2, 17],
        "min_replicas": [1, 2, 5],
        "max_replicas": [5, 9, 1000],
        "target_utilization": [1, 55, 100],
        "refresh_s": [1, 60, 1800],
        "cpu": ["100m", 1, "0.5", 1.5, "16"],
        "cpu_limit": ["", 16, "32000m"],
        "memory": ["", "256Mi", "1.5Gi", "900M"],
        "memory_limit": ["", "2Gi", "64Gi"],
        "ephemeral_storage": ["", "2Gi"],
        "gpus": [0, 2],
        "gpu_resource": ["nvidia.com/gpu", "amd.com/gpu"],
        "runtime_class": ["", "nvidia"],
        "labels": [{}, {"team": "passengers", "example.org/cost-center": "7"}],
        "annotations": [{}, {"example.org/contact": "ada: call before 9"}],
        "run_as_user": [0, 12345],
        "priority_class": ["", "high"],
        "node_selector": [{}, {"disk": "ssd"}],
        "tolerations": [[], [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}]],
        "affinity": [{}, AFFINITY],
        "ingress_from": [[], [{"namespaceSelector": {"matchLabels": {"team": "web"}}}]],
        "canary": ["", "10,50", [5], 25],
        "canary_hold_s": [0, 60, 0.5],
        "timeout_s": [0, 0.5, 30, 3600],
        "max_concurrent": [0, 1, 10_000],
        "queue_wait_s": [0, 0.25, 30],
        "auth": [True, False],
        "network_policy": [True, False],
        "service_monitor": [True, False],
        "drift": [True, False],
        "drift_hours": [1, 24, 720],
        "metrics": [True, False],
        "access_log": [True, False],
        "chart": [True, False],
    }
    answers = {name: dice.choice(values) for name, values in knobs.items() if dice.random() < 0.6}
    if answers.get("route", "none") != "none":
        answers["host"] = answers.get("host") or "scores.example.org"
    if dice.random() < 0.3:
        answers |= {"opentelemetry": True, "otlp_endpoint": "http://collector.observability:4318"}
    if answers.get("service_monitor") or answers.get("prometheus_url"):
        answers.pop("metrics", None)
    if answers.get("autoscaler") != "keda":
        answers.pop("prometheus_url", None)
        answers.pop("triggers", None)
    elif not answers.get("prometheus_url") and not answers.get("triggers"):
        answers["triggers"] = [CRON]
    if answers.get("autoscaler") == "keda" and answers.get("autoscaling", True) and answers.get("triggers"):
        answers["min_replicas"] = dice.choice([0, 1])
    if dice.random() < 0.3:
        answers["per_target"] = {"production": {"min_replicas": 3, "service_type": "LoadBalancer"}}
    return answers


def random_projects(count: int, seed: int) -> Iterator[tuple[dict[str, bytes], tuple[str, ...]]]:
    """The manifests of projects with random answers, and their targets."""
    dice = random.Random(seed)
    names = ["titanic", "a", "x" * 63, "churn-v2", "iris-0"]
    versions = ["1.0.0", "0.0.1-rc.1+build.5", "20.11.3"]
    for _ in range(count):
        spec = project_spec(
            name=dice.choice(names), version=dice.choice(versions), answers=random_answers(dice)
        )
        yield deploy_files(spec, dice.choice([None, MEASURED])), read_targets(spec.answers)


@pytest.mark.parametrize("count", [150, pytest.param(500, marks=pytest.mark.slow)])
def test_the_manifests_of_random_answers_are_valid(tmp_path: Path, count: int) -> None:
    checked: dict[str, list[str]] = {}
    for number, (files, targets) in enumerate(random_projects(count, seed=20)):
        if number % 10 == 0:
            root = write(files, tmp_path / str(number))
            found = [one for target in targets for one in read_target(root, target).manifests]
        else:
            base = (text for path, text in files.items() if path.startswith("deploy/base/"))
            found = [one for text in base for one in documents(text.decode())]
        for document in found:
            text = json.dumps(document, sort_keys=True)
            if text not in checked:
                checked[text] = problems(document)
            assert checked[text] == [], text
    assert len(checked) > count


@pytest.mark.parametrize("version", supported_versions())
def test_the_manifests_are_valid_from_the_first_version_on(version: str) -> None:
    found = {
        json.dumps(document, sort_keys=True): document
        for files, _ in random_projects(100, seed=30)
        for path, text in files.items()
        if re.match(r"deploy/base/(?!kustomization)|.*/(namespace|scaledobject)\.yaml", path)
        and "/chart/" not in path
        for document in documents(text.decode())
    }
    assert {one["kind"] for one in found.values()} >= {
        "Deployment",
        "HorizontalPodAutoscaler",
        "ScaledObject",
    }
    for text, document in found.items():
        assert problems_at(document, version) == [], text


def test_kubernetes_validate_accepts_what_is_applied(tmp_path: Path) -> None:
    for number, answers in enumerate(({}, WITH_EVERYTHING)):
        found = manifests(deploy_files(project_spec(answers), MEASURED), "staging")
        path = tmp_path / f"{number}.yaml"
        path.write_text(yaml.safe_dump_all(one for kind, one in found.items() if kind not in CUSTOM))
        for version in supported_versions():
            command = [sys.executable, "-m", "kubernetes_validate", "--strict", "-k", version, str(path)]
            ended = subprocess.run(command, capture_output=True, text=True)
            assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_target_has_only_what_differs_from_the_base() -> None:
    answers: dict[str, JSONValue] = {
        "per_target": {"production": {"min_replicas": 3, "network_policy": False}}
    }
    files = deploy_files(project_spec(answers))
    there = {path.rpartition("/")[2] for path in files if path.startswith("deploy/staging/")}
    assert there == {"kustomization.yaml", "namespace.yaml"}
    more = {path.rpartition("/")[2] for path in files if path.startswith("deploy/production/")}
    assert more == there | {"autoscaler.yaml", "network.yaml"}
    assert yaml.safe_load(files["deploy/production/autoscaler.yaml"]) == {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "titanic"},
        "spec": {"minReplicas": 3, "maxReplicas": 9},
    }


def test_the_namespace_is_not_among_what_kubectl_applies_and_deletes() -> None:
    files = deploy_files(project_spec())
    for target in ("staging", "production"):
        kustomization = yaml.safe_load(files[f"deploy/{target}/kustomization.yaml"])
        assert kustomization["namespace"] == f"titanic-{target}"
        assert kustomization["resources"] == ["../base"]
        assert manifests(files, target)["Namespace"]["metadata"]["name"] == f"titanic-{target}"


def test_pods_are_added_at_a_share_of_the_limit_whatever_is_requested() -> None:
    cases: list[tuple[dict[str, JSONValue], str]] = [
        ({}, "700m"),
        ({"cpu": "2", "target_utilization": 50}, "1000m"),
        ({"cpu_limit": "1.5"}, "1050m"),
    ]
    for answers, wanted in cases:
        found = manifests(deploy_files(project_spec(answers)), "staging")["HorizontalPodAutoscaler"]
        assert found["spec"]["metrics"][0]["resource"]["target"] == {
            "type": "AverageValue",
            "averageValue": wanted,
        }


def test_metrics_are_scraped_by_annotation_unless_the_operator_does() -> None:
    def annotations(**answers: JSONValue) -> object:
        pod = manifests(deploy_files(project_spec(answers)), "staging")["Deployment"]["spec"]["template"]
        return pod["metadata"].get("annotations")

    assert annotations() == {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": "8000",
        "prometheus.io/path": "/metrics",
    }
    assert annotations(metrics=False) is None
    assert annotations(service_monitor=True) is None


def test_prometheus_of_the_operator_passes_the_policy_and_needs_no_key() -> None:
    web: JSONValue = {"namespaceSelector": {"matchLabels": {"team": "web"}}}
    answers: dict[str, JSONValue] = {"service_monitor": True, "auth": True, "ingress_from": [web]}
    found = manifests(deploy_files(project_spec(answers)), "staging")
    assert found["NetworkPolicy"]["spec"]["ingress"][0]["from"] == [
        web,
        {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}}},
    ]
    open_to_all = manifests(deploy_files(project_spec({"service_monitor": True})), "staging")
    assert "from" not in open_to_all["NetworkPolicy"]["spec"]["ingress"][0]


def test_a_comment_never_follows_a_key_for_kustomize_cannot_patch_it_then() -> None:
    answers: dict[str, JSONValue] = {
        "route": "gateway",
        "host": "a.example.org",
        "internal": True,
        "service_type": "LoadBalancer",
        "opentelemetry": True,
        "otlp_endpoint": "http://collector:4318",
    }
    for path, text in deploy_files(project_spec(answers), MEASURED).items():
        if path.startswith("deploy/base/"):
            assert re.findall(r"^.*: *#.*$", text.decode(), re.MULTILINE) == [], path


def test_the_manifest_has_the_measurements_of_the_proof_with_a_comment() -> None:
    text = deploy_files(project_spec(), MEASURED)["deploy/base/deployment.yaml"].decode()
    container = yaml.safe_load(text)["spec"]["template"]["spec"]["containers"][0]
    assert "Measured: 187 MiB" in text
    assert "3.2 s were measured" in text
    assert "4.0 ms" in text
    assert container["resources"]["requests"]["memory"] == "256Mi"
    assert container["resources"]["limits"]["memory"] == "384Mi"
    assert "laceholder" not in text


def test_without_a_proof_every_number_that_was_not_measured_says_so() -> None:
    text = deploy_files(project_spec())["deploy/base/deployment.yaml"].decode()
    lines = text.splitlines()
    for key in ("memory:", "failureThreshold: 30", "timeoutSeconds: 2"):
        marked = [
            index for index, line in enumerate(lines) if key in line and "not measured" in lines[index - 1]
        ]
        near = [
            i for i, line in enumerate(lines) if key in line and "not measured" in "".join(lines[i - 5 : i])
        ]
        assert marked or near, f"{key} is not marked as a placeholder"


def test_a_knob_of_one_target_leaves_the_other_alone() -> None:
    answers: dict[str, JSONValue] = {"per_target": {"production": {"min_replicas": 4, "cpu": "2"}}}
    files = deploy_files(project_spec(answers))
    hpa = {
        target: manifests(files, target)["HorizontalPodAutoscaler"] for target in ("staging", "production")
    }
    assert hpa["staging"]["spec"]["minReplicas"] == 2
    assert hpa["production"]["spec"]["minReplicas"] == 4


def test_without_autoscaling_the_deployment_sets_its_replicas() -> None:
    found = manifests(deploy_files(project_spec({"autoscaling": False, "replicas": 3})), "staging")
    assert "HorizontalPodAutoscaler" not in found
    assert found["Deployment"]["spec"]["replicas"] == 3
    scaled = manifests(deploy_files(project_spec()), "staging")
    assert "replicas" not in scaled["Deployment"]["spec"]


def test_keda_scales_by_the_requests_of_the_pods_of_a_target_and_to_zero() -> None:
    answers: dict[str, JSONValue] = {
        "autoscaler": "keda",
        "min_replicas": 0,
        "prometheus_url": "http://prometheus.monitoring:9090",
        "target_requests": 25,
        "triggers": [CRON],
        "per_target": {"production": {"min_replicas": 1, "max_replicas": 8}},
    }
    files = deploy_files(project_spec(answers))
    assert not [path for path in files if path.endswith("autoscaler.yaml")]
    for target, least, most in (("staging", 0, 3), ("production", 1, 8)):
        found = manifests(files, target)
        spec = found["ScaledObject"]["spec"]
        assert "replicas" not in found["Deployment"]["spec"]
        assert spec["scaleTargetRef"] == {"name": "titanic"}
        assert (spec["minReplicaCount"], spec["maxReplicaCount"], spec["cooldownPeriod"]) == (
            least,
            most,
            300,
        )
        ours, cron = spec["triggers"]
        assert cron == CRON
        assert ours["metadata"]["threshold"] == "25"
        query = ours["metadata"]["query"]
        assert f'namespace="titanic-{target}"' in query
        (pods,) = re.findall(r'pod=~"([^"]*)"', query)
        assert re.fullmatch(pods, "titanic-5d9f7c6b8f-x2xqz")
        assert not re.fullmatch(pods, "titanic-candidate-5d9f7c6b8f-x2xqz")
        assert not re.fullmatch(pods, "titanic-v2-5d9f7c6b8f-x2xqz")


def test_the_network_policy_allows_the_collector() -> None:
    answers: dict[str, JSONValue] = {"opentelemetry": True, "otlp_endpoint": "https://collector.example.org"}
    found = manifests(deploy_files(project_spec(answers)), "staging")
    container = found["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    value = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert value["OTEL_EXPORTER_OTLP_ENDPOINT"] == "https://collector.example.org"
    ports = [one["port"] for rule in found["NetworkPolicy"]["spec"]["egress"] for one in rule["ports"]]
    assert ports == [53, 53, 443]


def test_an_internal_load_balancer_is_requested_by_annotation() -> None:
    found = manifests(
        deploy_files(project_spec({"service_type": "LoadBalancer", "internal": True})), "staging"
    )
    service = found["Service"]
    assert service["spec"]["type"] == "LoadBalancer"
    assert (
        service["metadata"]["annotations"]["service.beta.kubernetes.io/azure-load-balancer-internal"]
        == "true"
    )


def test_api_keys_come_from_a_secret_and_never_from_the_manifest() -> None:
    found = manifests(deploy_files(project_spec({"auth": True})), "staging")
    env = found["Deployment"]["spec"]["template"]["spec"]["containers"][0]["env"]
    keys = [entry for entry in env if "valueFrom" in entry]
    assert keys[0]["valueFrom"]["secretKeyRef"]["name"] == "titanic-api-keys"


def test_the_grace_period_covers_draining_and_the_longest_request() -> None:
    found = manifests(deploy_files(project_spec({"timeout_s": 90})), "staging")
    pod = found["Deployment"]["spec"]["template"]["spec"]
    drain_s = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] > drain_s + 90


def test_a_namespace_that_would_be_too_long_is_shortened_and_stays_unique() -> None:
    names = {namespace_name("x" * 60, target) for target in ("staging", "production", "stagings")}
    assert len(names) == 3
    assert all(len(name) <= 63 for name in names)


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"targets": ["Prod EU"]}, "The answer 'targets' is 'Prod EU'."),
        ({"targets": ["../../etc"]}, "The answer 'targets' is '../../etc'."),
        ({"targets": ["a", "a"]}, "It takes each name once."),
        ({"targets": ["base"]}, "except 'base' and 'chart'"),
        ({"route": "ingress"}, "the host name that the ingress answers to"),
        ({"otlp_endpoint": "http://collector:4318"}, "opentelemetry to be on"),
        ({"opentelemetry": True, "otlp_endpoint": "collector:4318"}, "a URL, as in http://"),
        ({"opentelemetry": True, "otlp_endpoint": "http://collector:70000"}, "a URL, as in http://"),
        ({"host": 'x"\nkind: Secret'}, "The answer 'host' is"),
        ({"host": "a.example.org\n"}, "The answer 'host' is"),
        ({"min_replicas": 5, "max_replicas": 2}, "It takes at least min_replicas, which is 5."),
        ({"min_replicas": True}, "a whole number from 0 to 1000"),
        ({"cpu": "2", "cpu_limit": "500m"}, "at least what is requested, which is 2"),
        ({"service_monitor": True, "metrics": False}, "metrics to be on"),
        ({"memory": "lots"}, "bytes, as in 512Mi or 2Gi"),
        *(({"cpu": none}, "cores, as in 250m, 1.5 or 2") for none in (0, "0", "0.0", "0m", 0.0)),
        ({"cpu": True}, "cores, as in 250m, 1.5 or 2"),
        ({"canary": "50,10"}, "rising percentages from 1 to 99, as in 10,50"),
        ({"canary": [100]}, "rising percentages"),
        ({"canary": True}, "rising percentages"),
        ({"labels": {"team": "two words"}}, "names and texts"),
        ({"labels": {"app.kubernetes.io/name": "other"}}, "none of the template"),
        ({"annotations": {"model-scaffold/canary": "10"}}, "none of the template"),
        ({"annotations": {"prometheus.io/scrape": "false"}}, "no name that the manifests have"),
        ({"annotations": {"checkov.io/skip2": "CKV_1=x"}}, "no name that the manifests have"),
        ({"tolerations": {"key": "gpu"}}, "a list of objects with some of key, operator"),
        ({"affinity": {"nodes": []}}, "an object with some of nodeAffinity, podAffinity"),
        (
            {"per_target": {"staging": {"cpus": "1"}}},
            "The template has no question 'per_target.staging.cpus'. Did you mean 'per_target.staging.cpu'?",
        ),
        ({"autoscaler": "vpa"}, "hpa or keda"),
        ({"autoscaler": "keda"}, "prometheus_url or triggers"),
        ({"prometheus_url": "http://prometheus:9090"}, "autoscaler to be keda"),
        ({"autoscaler": "keda", "prometheus_url": "prometheus"}, "http://prometheus.monitoring:9090"),
        ({"autoscaler": "keda", "triggers": [{"type": "cron"}]}, "type and metadata"),
        (
            {"autoscaler": "keda", "prometheus_url": "http://prometheus:9090", "metrics": False},
            "metrics to be on",
        ),
        ({"min_replicas": 0}, "a service without pods has no metrics"),
        (
            {"autoscaler": "keda", "prometheus_url": "http://prometheus:9090", "min_replicas": 0},
            "sees work while no pod runs",
        ),
        ({"per_target": []}, None),
        ({"per_target": [1]}, "answers by target"),
    ],
)
def test_an_answer_that_no_manifest_can_hold_is_refused(
    answers: dict[str, JSONValue], message: str | None
) -> None:
    spec = project_spec(answers)
    if message is None:
        assert deploy_files(spec)
        return
    with pytest.raises((InvalidAnswerError, UnknownAnswerError)) as caught:
        deploy_files(spec)
    assert message in str(caught.value)


def test_two_targets_do_not_share_a_host() -> None:
    answers: dict[str, JSONValue] = {"route": "ingress", "host": "a.example.org"}
    with pytest.raises(InvalidAnswerError) as caught:
        read_answers(answers)
    assert "production.a.example.org" in str(caught.value)
    own: JSONValue = {"production": {"host": "production.a.example.org"}}
    assert read_answers({**answers, "per_target": own})
    assert read_answers({**answers, "targets": ["staging"]})


def test_what_a_platform_asks_for_is_in_the_pod() -> None:
    answers: dict[str, JSONValue] = {**WITH_EVERYTHING, "tls_issuer": "ours", "run_as_user": 0}
    found = manifests(deploy_files(project_spec(answers)), "staging")
    assert len(found) > 7
    for kind, one in found.items():
        if kind != "Namespace":
            assert one["metadata"]["labels"]["team"] == "passengers", kind
            assert one["metadata"]["annotations"]["contact"] == "ada", kind
    template = found["Deployment"]["spec"]["template"]
    assert "team" not in found["Deployment"]["spec"]["selector"]["matchLabels"]
    assert (template["metadata"]["labels"]["team"], template["metadata"]["annotations"]["contact"]) == (
        "passengers",
        "ada",
    )
    pod = template["spec"]
    assert pod["nodeSelector"] == {"disk": "ssd"}
    assert pod["tolerations"] == [{"key": "gpu", "operator": "Exists"}]
    assert pod["affinity"] == AFFINITY
    assert (pod["priorityClassName"], pod["runtimeClassName"]) == ("high", "nvidia")
    assert "runAsUser" not in pod["securityContext"]
    limits = pod["containers"][0]["resources"]["limits"]
    assert (limits["nvidia.com/gpu"], limits["ephemeral-storage"]) == (1, "1Gi")


def test_numbers_on_the_command_line_are_cores_and_a_user() -> None:
    words = ["cpu=1", "cpu_limit=2", "run_as_user=12345", 'per_target={"production": {"cpu": 1.5}}']
    files = deploy_files(project_spec(parse_answers(words)))
    for target, cpu in (("staging", 1), ("production", 1.5)):
        pod = manifests(files, target)["Deployment"]["spec"]["template"]["spec"]
        resources = pod["containers"][0]["resources"]
        assert (float(resources["requests"]["cpu"]), float(resources["limits"]["cpu"])) == (cpu, 2)
        assert pod["securityContext"]["runAsUser"] == 12345


def test_the_oldest_version_of_kubernetes_is_the_same_in_docs_chart_manifests_and_tests() -> None:
    documents = Path(__file__).parents[2] / "docs/deploy.md"
    files = deploy_files(project_spec({"chart": True}))
    texts = [documents.read_text(), files["deploy/base/kustomization.yaml"].decode()]
    found = [re.findall(r"Kubernetes (\d+\.\d+) or later", text) for text in texts]
    chart = yaml.safe_load(files["deploy/chart/Chart.yaml"])["kubeVersion"]
    assert [*found, chart] == [[FIRST], [FIRST], f">={FIRST}.0-0"]


def test_rendering_twice_gives_the_same_bytes() -> None:
    spec = project_spec({"route": "gateway", "host": "a.example.org", "chart": True})
    assert list(deploy_files(spec, MEASURED).items()) == list(deploy_files(spec, MEASURED).items())


PATCHES = """patches:
  - path: network.yaml
  - path: disruption.yaml
  - patch: |-
      apiVersion: apps/v1
      kind: Deployment
      metadata:
        name: titanic
      spec:
        template:
          spec:
            containers:
              - name: service
                env:
                  - name: SHUTDOWN_S
                    $patch: delete
                  - name: EXTRA
                    value: "1"
                ports:
                  - containerPort: 9000
                    name: admin
            volumes:
              - name: tmp
                $patch: delete
              - name: other
                emptyDir: {}
"""
NO_DISRUPTION = """apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: titanic
$patch: delete
"""
NETWORK = """apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: titanic
  labels:
    team: passengers
spec:
  policyTypes: null
  egress: []
"""


@pytest.fixture
def kubectl() -> str:
    found = shutil.which("kubectl")
    if found is None:
        pytest.skip("kubectl is not installed, so there is nothing to compare with")
    return found


def built_by(kubectl: str, folder: Path) -> dict[tuple[str, str], Any]:
    built = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=True).stdout
    return {(one["kind"], one["metadata"]["name"]): sorted_lists(one) for one in yaml.safe_load_all(built)}


def read_by_us(root: Path, target: str) -> dict[tuple[str, str], Any]:
    found = read_target(root, target).manifests
    return {
        (one["kind"], one["metadata"]["name"]): sorted_lists(one)
        for one in found
        if one["kind"] != "Namespace"
    }


def sorted_lists(value: Any) -> Any:
    """The value without the order of its lists: kustomize puts items of a patch first."""
    if isinstance(value, dict):
        return {key: sorted_lists(each) for key, each in value.items()}
    by_text = functools.partial(json.dumps, sort_keys=True)
    return sorted(map(sorted_lists, value), key=by_text) if isinstance(value, list) else value


def test_a_kustomization_is_read_as_kubectl_reads_it(project: Path, kubectl: str) -> None:
    path = project / "deploy/staging/kustomization.yaml"
    text = path.read_text().replace("titanic-staging", "elsewhere")
    text = text.replace("newName: titanic", "newName: registry.example.org/m/titanic")
    path.write_text(text + PATCHES)
    path.with_name("network.yaml").write_text(NETWORK)
    path.with_name("disruption.yaml").write_text(NO_DISRUPTION)
    ours = read_by_us(project, "staging")
    assert ("PodDisruptionBudget", "titanic") not in ours
    assert ours == built_by(kubectl, path.parent)


def test_a_pinned_image_is_read_as_kubectl_reads_it(project: Path, kubectl: str) -> None:
    image = f"registry.example.org/m/titanic@sha256:{'a' * 64}"
    pin_image(project, "staging", image)
    ours = read_by_us(project, "staging")
    [container] = ours["Deployment", "titanic"]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == image.replace("@", ":1.0.0@")
    assert ours == built_by(kubectl, project / "deploy/staging")


IMAGES = """\
images:
  - {name: a/one, newName: registry.example.org/one}
  - {name: a/two, newTag: "6"}
  - {name: a/three, digest: "sha256:DIGEST"}
  - {name: a/four, newTag: "5", digest: "sha256:DIGEST"}
  - {name: a/five, newName: registry.example.org/five, digest: "sha256:DIGEST"}
  - {name: a/six, newTag: ""}
"""


def test_images_are_read_as_kubectl_reads_them(tmp_path: Path, kubectl: str) -> None:
    """With and without a tag and a digest in the base, in containers of any kind of object."""
    names = [f"a/{number}" for number in ("one", "two", "three", "four", "five", "six", "other")]
    images = [name + suffix for name in names for suffix in ("", ":1.2", "@sha256:" + "b" * 64)]
    images += [f"a/one:1.2@sha256:{'b' * 64}", f"a/three:1.2@sha256:{'b' * 64}"]
    containers = [{"name": f"c{place}", "image": image} for place, image in enumerate(images)]
    pod = {"containers": containers, "initContainers": containers[:3]}
    job = {"template": {"metadata": {}, "spec": pod}}
    objects = [
        {"apiVersion": "batch/v1", "kind": "CronJob", "spec": {"jobTemplate": {"spec": job}}},
        {"apiVersion": "apps/v1", "kind": "Deployment", "spec": job},
    ]
    for document in objects:
        document["metadata"] = {"name": "jobs"}
    (tmp_path / "jobs.yaml").write_text("---\n".join(f"{json.dumps(one)}\n" for one in objects))
    text = IMAGES.replace("DIGEST", "a" * 64)
    (tmp_path / "kustomization.yaml").write_text(f"resources: [jobs.yaml]\n{text}")
    ours = {
        (one["kind"], one["metadata"]["name"]): sorted_lists(one)
        for one in build_kustomization(tmp_path, tmp_path)
    }
    assert ours == built_by(kubectl, tmp_path)


@pytest.mark.parametrize("name", ["kustomization.yml", "Kustomization"])
def test_a_kustomization_has_one_of_the_names_that_kustomize_takes(project: Path, name: str) -> None:
    before = read_by_us(project, "staging")
    for folder in ("base", "staging"):
        path = project / "deploy" / folder / "kustomization.yaml"
        path.rename(path.with_name(name))
    assert target_names(project) == ["production", "staging"]
    assert read_by_us(project, "staging") == before
    pin_image(project, "staging", f"titanic@sha256:{'a' * 64}")
    assert "a" * 64 in (project / "deploy/staging" / name).read_text()
    (project / "deploy/base/kustomization.yaml").write_text("")
    with pytest.raises(ManifestError, match="has more than one kustomization"):
        read_target(project, "staging")


def test_a_folder_without_a_kustomization_is_named(project: Path) -> None:
    (project / "deploy/base/kustomization.yaml").unlink()
    with pytest.raises(ManifestError, match="deploy/base has no kustomization"):
        read_target(project, "staging")


def test_a_suffix_of_a_tag_is_left_to_kubectl(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = project / "deploy/staging/kustomization.yaml"
    path.write_text(re.sub("newTag: .*", "tagSuffix: -rc1", path.read_text()))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ManifestError, match="builds only with kubectl: images with tagSuffix"):
        read_target(project, "staging")


@pytest.mark.parametrize(
    "address",
    [
        "https://git.example.org/team/base//deploy?ref=v1",
        "git@git.example.org:team/base.git",
        "github.com/team/base?ref=v1",
        "ssh://git@git.example.org/team/base",
    ],
)
def test_a_remote_base_is_left_to_kubectl(
    project: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = project / "deploy/staging/kustomization.yaml"
    path.write_text(path.read_text().replace("resources:\n", f"resources:\n  - {address}\n", 1))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ManifestError, match="builds only with kubectl: remote resources"):
        read_target(project, "staging")


@pytest.mark.parametrize("count", [10, pytest.param(40, marks=pytest.mark.slow)])
def test_rendered_targets_are_read_as_kubectl_reads_them(tmp_path: Path, kubectl: str, count: int) -> None:
    for number, (files, targets) in enumerate(random_projects(count, seed=8)):
        root = write(files, tmp_path / str(number))
        for target in targets[:2]:
            assert read_by_us(root, target) == built_by(kubectl, root / "deploy" / target)


def test_what_is_not_built_here_is_built_by_kubectl(project: Path, kubectl: str) -> None:
    path = project / "deploy/staging/kustomization.yaml"
    path.write_text(path.read_text() + "commonAnnotations:\n  team: passengers\n")
    found = read_by_us(project, "staging")
    assert all(one["metadata"]["annotations"]["team"] == "passengers" for one in found.values())
    assert found == built_by(kubectl, path.parent)


def test_a_file_outside_of_the_project_is_not_read(project: Path) -> None:
    (project.parent / "secret.yaml").write_text("apiVersion: v1\nkind: Secret\nmetadata: {name: x}\n")
    path = project / "deploy/staging/kustomization.yaml"
    path.write_text(path.read_text().replace("  - ../base", "  - ../base\n  - ../../../secret.yaml"))
    with pytest.raises(ManifestError, match=r"secret\.yaml, which is not in the project"):
        read_target(project, "staging")


def test_every_setting_that_a_manifest_gives_is_one_that_the_service_reads() -> None:
    source = (template_path("service") / "project/app/serving/settings.py").read_text()
    (settings,) = (node for node in ast.parse(source).body if isinstance(node, ast.ClassDef))
    known = {node.target.id.upper() for node in settings.body if isinstance(node, ast.AnnAssign)}
    answers: dict[str, JSONValue] = {
        "auth": True,
        "metrics": False,
        "access_log": True,
        "max_concurrent": 5,
        "queue_wait_s": 1,
        "route": "ingress",
        "host": "a.example.org",
        "path": "/x",
    }
    found = manifests(deploy_files(project_spec(answers)), "staging")["Deployment"]
    given = {entry["name"] for entry in found["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert len(given) == 8
    assert given <= known
