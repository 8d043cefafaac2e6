"""Manifests for KServe and Knative, and what the commands say of them."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema.validators import Draft202012Validator

from scaffold.cluster import pin_image, read_image
from scaffold.cluster._kustomize import build_kustomization
from scaffold.errors import InvalidAnswerError
from scaffold.render._deploy import deploy_files
from scaffold.render._knobs import read_answers
from scaffold.spec import JSONValue, Measurements
from tests.deploy._platforms import INFERENCE_SERVICE, KNATIVE_SERVICE
from tests.deploy._policies import documents, problems
from tests.deploy._specs import project_spec
from tests.deploy.test_manifests import OF_A_PLATFORM, write

MEASURED = Measurements(load_s=3.21, peak_memory_bytes=187 << 20, latency_s=0.004)
SCHEMAS = {"InferenceService": INFERENCE_SERVICE, "Service": KNATIVE_SERVICE}
KINDS = {"kserve": "InferenceService", "knative": "Service"}
NAMES = {"kserve": "KServe", "knative": "Knative"}
VERSIONS = {"kserve": "serving.kserve.io/v1beta1", "knative": "serving.knative.dev/v1"}
SOME: tuple[dict[str, JSONValue], ...] = (
    {},
    {"min_replicas": 0, "max_replicas": 4, "target_requests": 25},
    {"autoscaling": False, "replicas": 3},
    {"auth": True, "metrics": False, "network_policy": False, "run_as_user": 0},
    OF_A_PLATFORM,
)
Manifest = dict[str, Any]


def built(answers: dict[str, JSONValue], root: Path, target: str = "staging") -> dict[str, Manifest]:
    """The manifests of a target, as `kubectl apply -k` applies them, by kind."""
    read_answers(answers)
    write(deploy_files(project_spec(answers), MEASURED), root)
    return {one["kind"]: one for one in build_kustomization(root / "deploy" / target, root)}


def pod_of(manifest: Manifest) -> Manifest:
    spec: Manifest = manifest["spec"]
    return spec["predictor"] if "predictor" in spec else spec["template"]["spec"]


def schema_problems(manifest: Manifest) -> list[str]:
    found = Draft202012Validator(SCHEMAS[manifest["kind"]]).iter_errors(manifest)
    return [f"{'.'.join(map(str, one.absolute_path))}: {one.message}" for one in found]


@pytest.mark.parametrize(("platform", "answers"), list(itertools.product(KINDS, SOME)))
def test_the_manifest_of_a_platform_is_valid_against_the_schema_of_its_resource(
    platform: str, answers: dict[str, JSONValue], tmp_path: Path
) -> None:
    found = built({"platform": platform, "registry": "registry.example.org/models", **answers}, tmp_path)
    assert set(found) - {"NetworkPolicy"} == {"ServiceAccount", KINDS[platform]}
    manifest = found.pop(KINDS[platform])
    assert schema_problems(manifest) == []
    assert [line for one in found.values() for line in problems(one)] == []
    (container,) = pod_of(manifest)["containers"]
    assert container["image"] == "registry.example.org/models/titanic:1.0.0"
    assert container["name"] == ("kserve-container" if platform == "kserve" else "service")
    assert {"startupProbe", "readinessProbe", "livenessProbe", "resources"} <= set(container)
    for text in (tmp_path / "deploy").rglob("*.yaml"):
        documents(text.read_text("utf-8"))


def test_the_schemas_refuse_an_unknown_field_and_a_wrong_type(tmp_path: Path) -> None:
    for platform, kind in KINDS.items():
        manifest = built({"platform": platform}, tmp_path / platform)[kind]
        pod_of(manifest)["containers"][0]["lifecycles"] = {}
        pod_of(manifest)["serviceAccountName"] = 1
        assert len(schema_problems(manifest)) == 2


def test_kserve_scales_to_zero_and_gives_a_new_revision_a_share_of_the_callers(tmp_path: Path) -> None:
    answers: dict[str, JSONValue] = {
        "platform": "kserve",
        "min_replicas": 0,
        "canary": 10,
        "per_target": {"production": {"min_replicas": 2, "canary": 25}},
    }
    for target, (fewest, most, share) in {"staging": (0, 3, 10), "production": (2, 6, 25)}.items():
        manifest = built(answers, tmp_path, target)["InferenceService"]
        predictor = manifest["spec"]["predictor"]
        assert schema_problems(manifest) == []
        assert manifest["metadata"]["annotations"]["serving.kserve.io/deploymentMode"] == "Knative"
        assert predictor["minReplicas"] == fewest
        assert predictor["maxReplicas"] == most
        assert predictor["canaryTrafficPercent"] == share
    patch = yaml.safe_load((tmp_path / "deploy/production/inferenceservice.yaml").read_text())
    assert patch["spec"] == {"predictor": {"minReplicas": 2, "maxReplicas": 6, "canaryTrafficPercent": 25}}


def test_knative_reads_the_number_of_pods_from_annotations(tmp_path: Path) -> None:
    answers: dict[str, JSONValue] = {"platform": "knative", "min_replicas": 0, "metrics": False}
    template = built(answers, tmp_path)["Service"]["spec"]["template"]
    assert template["metadata"]["annotations"] == {
        "autoscaling.knative.dev/metric": "concurrency",
        "autoscaling.knative.dev/target": "10",
        "autoscaling.knative.dev/min-scale": "0",
        "autoscaling.knative.dev/max-scale": "3",
    }
    assert template["spec"]["timeoutSeconds"] == 25


@pytest.mark.parametrize("platform", KINDS)
def test_one_target_may_be_of_another_platform(platform: str, tmp_path: Path) -> None:
    answers: dict[str, JSONValue] = {"per_target": {"production": {"platform": platform}}}
    assert "Deployment" in built(answers, tmp_path, "staging")
    found = build_kustomization(tmp_path / "deploy/production", tmp_path)
    kinds = {(one["kind"], one["apiVersion"]) for one in found}
    assert kinds == {
        ("ServiceAccount", "v1"),
        ("NetworkPolicy", "networking.k8s.io/v1"),
        (KINDS[platform], VERSIONS[platform]),
    }
    assert len(found) == 3


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"route": "ingress", "host": "a.example.org"}, "the platform makes the route"),
        ({"autoscaler": "keda", "prometheus_url": "http://p:9090"}, "the platform adds pods"),
        ({"chart": True}, "the chart has a Deployment"),
        ({"canary": "10,50"}, "one percentage with platform=kserve"),
        ({"platform": "knative", "canary": 10}, "names revisions of the cluster"),
        ({"platform": "cloudrun"}, "kubernetes, kserve or knative"),
    ],
)
def test_an_answer_that_the_platform_cannot_follow_is_refused(
    answers: dict[str, JSONValue], message: str
) -> None:
    with pytest.raises(InvalidAnswerError, match=message):
        read_answers({"platform": "kserve", **answers})


@pytest.mark.parametrize("platform", KINDS)
def test_the_digest_of_an_image_is_pinned_for_a_platform(platform: str, tmp_path: Path) -> None:
    answers: dict[str, JSONValue] = {"platform": platform, "registry": "registry.example.org/models"}
    kind = KINDS[platform]
    built(answers, tmp_path)
    assert read_image(tmp_path, "staging") == "registry.example.org/models/titanic:1.0.0"
    pin_image(tmp_path, "staging", f"registry.example.org/models/titanic@sha256:{'1' * 64}")
    found = {one["kind"]: one for one in build_kustomization(tmp_path / "deploy/staging", tmp_path)}
    (container,) = pod_of(found[kind])["containers"]
    assert container["image"].endswith(f"@sha256:{'1' * 64}")
