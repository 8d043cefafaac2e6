"""A new revision gets a share of the callers, step by step, before it replaces the former one."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest

from scaffold.cluster import _canary_route
from scaffold.cluster._canary import Canary
from scaffold.cluster._manifests import Target
from scaffold.cluster._traffic import Traffic, find_fault, read_traffic
from scaffold.errors import (
    CanaryFailedError,
    DeployError,
    LiveAnswersDifferError,
    ManifestError,
    RolloutFailedError,
)
from scaffold.events import Event, Finished
from scaffold.render._deploy import deploy_files
from scaffold.spec import JSONValue
from tests.deploy._deploys import MEASURED, QUICK, Deploys, image
from tests.deploy._fake_api import Manifest
from tests.deploy._fake_pods import REVISION
from tests.deploy._specs import project_spec
from tests.deploy.test_candidate import calling, of_candidate
from tests.deploy.test_service import ROUTE, add_route

PACE = dataclasses.replace(QUICK, rollout_s=30, patience=1)
ANSWERS: dict[str, JSONValue] = {"canary": "10,50", "canary_hold_s": 0.4, "replicas": 9, "autoscaling": False}


@pytest.fixture(autouse=True)
def with_canary(project: Path, deploys: Deploys, monkeypatch: pytest.MonkeyPatch) -> None:
    """The project asks for a canary, and revision 1 is deployed; the proxies of a gateway are quick."""
    monkeypatch.setattr(_canary_route, "_SETTLED_S", 0.1)
    for path, text in deploy_files(project_spec(ANSWERS), MEASURED).items():
        (project / path).write_bytes(text)
    deploys.deploy(1)
    deploys.events.clear()


def of_canary(deploys: Deploys) -> list[str]:
    return [one["metadata"]["name"] for one in deploys.cluster.api.objects.values() if "-canary" in str(one)]


def steps(deploys: Deploys) -> list[str]:
    return [one.detail for one in deploys.events if isinstance(one, Finished) and one.stage == "canary"]


def pods_at_each_step(deploys: Deploys) -> list[dict[str, int]]:
    """Deploy image 2; return how many pods of each image the Service selected after each step."""
    seen: list[dict[str, int]] = []

    class Looking(list[Event]):
        def append(self, event: Event) -> None:
            super().append(event)
            if isinstance(event, Finished) and event.stage == "canary":
                seen.append(selected(deploys))

    deploys.events = Looking()
    deploys.deploy(2, pace=PACE)
    return seen


def selected(deploys: Deploys, service: str = "titanic") -> dict[str, int]:
    """How many pods of each image a Service selects."""
    selector = deploys.cluster.api.find("Service", service)["spec"]["selector"]
    counts: dict[str, int] = {}
    for pod in deploys.cluster.api.all("Pod"):
        if selector.items() <= pod["metadata"]["labels"].items():
            name = pod["spec"]["containers"][0]["image"]
            counts[name] = counts.get(name, 0) + 1
    return counts


def test_each_share_of_the_callers_is_that_of_the_pods(deploys: Deploys) -> None:
    assert pods_at_each_step(deploys) == [{image(1): 9, image(2): 1}, {image(1): 9, image(2): 9}]
    assert selected(deploys) == {image(2): 9}
    assert of_canary(deploys) == []
    assert (deploys.status().image, deploys.status().live) == (image(2), "passed")
    first, second = steps(deploys)
    assert first.startswith("10 %: 1 of 10 pods, 0.4 s; 2 rows of the sample answered; ")
    assert second.startswith("50 %: 9 of 18 pods, 0.4 s; 2 rows of the sample answered; ")


def test_a_good_canary_loses_no_request_and_is_compared_with_the_former_pods(deploys: Deploys) -> None:
    deploys.cluster.pod_step_s = 0.02
    with calling(deploys) as callers:
        deploys.deploy(2, pace=PACE)
    assert callers.failures == []
    assert set(callers.answers) == {3.0}
    counts = re.search(r"0 of (\d+) requests failed.*former pods: 0 of (\d+) ", steps(deploys)[1])
    assert counts is not None
    assert min(int(one) for one in counts.groups()) > 20


def test_a_canary_that_fails_requests_is_removed_and_the_former_pods_serve_on(deploys: Deploys) -> None:
    deploys.cluster.failing[image(2)] = 3
    deploys.cluster.logs = "Traceback: no such feature"
    with calling(deploys) as callers, pytest.raises(CanaryFailedError) as caught:
        deploys.deploy(2, pace=PACE)
    text = str(caught.value)
    assert text.startswith("The canary fails more requests than the former pods.\n  canary: ")
    assert "\n  former pods: 0 of " in text
    assert "The pods of the canary are removed, and the former pods answer all callers." in text
    assert of_canary(deploys) == []
    assert selected(deploys) == {image(1): 9}
    assert (deploys.status().image, deploys.status().revision) == (image(1), 1)
    assert len(callers.failures) < sum(callers.answers.values()) / 4


def weights(deploys: Deploys) -> list[tuple[str, int]]:
    """The backends of the route, each with its weight."""
    [rule] = deploys.cluster.api.find("HTTPRoute")["spec"]["rules"]
    return [(one["name"], one.get("weight", 1)) for one in rule["backendRefs"]]


def test_behind_a_gateway_the_weights_of_the_route_are_the_shares(deploys: Deploys) -> None:
    """The gateway of the fake cluster has no address, so the deploy fails after the rollout."""
    add_route(deploys, ROUTE)
    with pytest.raises(RolloutFailedError, match="The route never got an address"):
        deploys.deploy(1, pace=PACE, roll_back=False)
    seen = []

    class Looking(list[Event]):
        def append(self, event: Event) -> None:
            super().append(event)
            if isinstance(event, Finished) and event.stage == "canary":
                seen.append((weights(deploys), selected(deploys), selected(deploys, "titanic-canary")))

    deploys.events = Looking()
    with pytest.raises(RolloutFailedError, match="The route never got an address"):
        deploys.deploy(2, pace=PACE, roll_back=False)
    assert seen == [
        ([("titanic", 90), ("titanic-canary", 10)], {image(1): 9}, {image(2): 1}),
        ([("titanic", 50), ("titanic-canary", 50)], {image(1): 9}, {image(2): 5}),
    ]
    assert steps(deploys)[0].startswith("10 %: by the weights of HTTPRoute/titanic, 0.4 s; ")
    assert weights(deploys) == [("titanic", 1)]
    assert of_canary(deploys) == []


def test_a_canary_that_fails_gives_the_route_back(deploys: Deploys) -> None:
    add_route(deploys, ROUTE.replace("rules: [{", "rules: [{matches: [{path: {value: /}}], "))
    with pytest.raises(RolloutFailedError):
        deploys.deploy(1, pace=PACE, roll_back=False)
    deploys.cluster.failing[image(2)] = 1
    with calling(deploys), pytest.raises(CanaryFailedError):
        deploys.deploy(2, pace=PACE)
    assert weights(deploys) == [("titanic", 1)]
    assert of_canary(deploys) == []


def test_a_wrong_service_is_refused_before_the_canary(deploys: Deploys) -> None:
    deploys.cluster.factors[image(2)] = 3.0
    with (
        calling(deploys) as callers,
        pytest.raises(LiveAnswersDifferError, match="No caller reached the"),
    ):
        deploys.deploy(2, pace=PACE)
    assert set(callers.answers) == {3.0}
    assert of_candidate(deploys) + of_canary(deploys) == []


def test_a_pod_of_the_canary_that_is_started_anew_ends_it(deploys: Deploys) -> None:
    def restart(written: Manifest) -> None:
        reconcile(written)
        for pod in deploys.cluster.api.all("Pod"):
            if "-canary" in pod["metadata"]["name"]:
                pod["status"]["containerStatuses"][0]["restartCount"] = 2

    reconcile = deploys.cluster.api.after_write
    deploys.cluster.api.after_write = restart
    with pytest.raises(CanaryFailedError, match=r"A pod of the canary was started anew\.\n  pod: "):
        deploys.deploy(2, pace=PACE)
    assert of_canary(deploys) == []


def test_an_interrupted_canary_is_removed(deploys: Deploys) -> None:
    class Interrupting(list[Event]):
        def append(self, event: Event) -> None:
            if isinstance(event, Finished) and event.stage == "canary":
                raise KeyboardInterrupt

    deploys.events = Interrupting()
    with pytest.raises(DeployError, match="The pods of the canary are removed, and the former pods answer"):
        deploys.deploy(2, pace=PACE)
    assert of_canary(deploys) == []


def test_a_canary_of_a_killed_deploy_is_removed_by_the_next_deploy(deploys: Deploys) -> None:
    deploys.cluster.failing[image(2)] = 1
    deploys.cluster.api.forbidden |= {("delete", "deployments")}
    with calling(deploys), pytest.raises(CanaryFailedError):
        deploys.deploy(2, pace=dataclasses.replace(PACE, patience=0))
    assert of_canary(deploys) != []
    deploys.cluster.api.forbidden -= {("delete", "deployments")}
    deploys.deploy(1, pace=PACE)
    assert of_canary(deploys) == []


def test_metrics_that_cannot_be_read_are_said(deploys: Deploys) -> None:
    deploys.cluster.metrics = False
    deploys.deploy(2, pace=PACE)
    assert steps(deploys)[0].endswith("; its metrics cannot be read")


def test_no_canary_without_a_candidate_or_new_pods(deploys: Deploys) -> None:
    deploys.deploy(1, pace=PACE)
    deploys.deploy(2, pace=PACE, candidate=False)
    assert steps(deploys) == []


def test_the_steps_are_no_record_of_a_deploy(deploys: Deploys) -> None:
    deploys.edit_manifest("deployment.yaml", 'canary: "10,50"', 'canary: "50"')
    plan = deploys.plan(1)
    assert "+    model-scaffold/canary: '50'" in plan.diff
    notes = deploys.cluster.api.find("Deployment")["metadata"]["annotations"]
    assert notes[REVISION] == "1"


@pytest.mark.parametrize("text", ["50,10", "0", "100", "ten", "10;50", "10,10"])
def test_steps_that_cannot_be_are_refused_before_anything_is_applied(deploys: Deploys, text: str) -> None:
    deploys.edit_manifest("deployment.yaml", 'canary: "10,50"', f"canary: {json.dumps(text)}")
    with pytest.raises(ManifestError, match=r"The steps of the canary cannot be read\.") as caught:
        deploys.deploy(2, image=lambda: pytest.fail("an image was built"))
    assert f"model-scaffold/canary: {text!r}" in str(caught.value)


METRICS = """\
# TYPE http_requests_total counter
http_requests_total{route="/score",status="200"} 90.0
http_requests_total{route="/score",status="500"} 5.0
http_requests_total{route="any",status="503"} 5.0
http_requests_total{route="/readyz",status="503"} 70.0
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{le="0.01",route="/score"} 90.0
http_request_duration_seconds_bucket{le="0.02",route="/score"} 100.0
http_request_duration_seconds_bucket{le="+Inf",route="/score"} 100.0
http_request_duration_seconds_bucket{le="+Inf",route="/metrics"} 100.0
"""


def test_the_traffic_of_callers_is_read_from_the_metrics() -> None:
    traffic = read_traffic(METRICS)
    assert (traffic.requests, traffic.failed) == (100, 10)
    assert traffic.p95_s == pytest.approx(0.015)
    assert str(traffic) == "10 of 100 requests failed, p95 15 ms"
    assert str(traffic - traffic) == "0 of 0 requests failed"
    assert Traffic().p95_s is None


@pytest.mark.parametrize(
    ("failed", "former_failed", "slower", "found"),
    [
        (0, 0, 1.0, ""),
        (2, 0, 1.0, ""),
        (3, 0, 1.0, "The canary fails more requests than the former pods."),
        (10, 100, 1.0, ""),
        (0, 0, 2.0, ""),
        (0, 0, 3.0, "The canary is slower than the former pods."),
    ],
)
def test_a_canary_is_worse_if_it_fails_more_or_takes_longer(
    failed: int, former_failed: int, slower: float, found: str
) -> None:
    former = Traffic(requests=1000, failed=former_failed, within={0.01: 1000})
    canary = Traffic(requests=100, failed=failed, within={0.01 * slower: 100})
    assert find_fault(canary, former) == found


def test_few_requests_say_nothing() -> None:
    assert find_fault(Traffic(requests=19, failed=19), Traffic(requests=1000)) == ""


@pytest.mark.parametrize("hold", ["inf", "1e400", "1e6", "nan", "60s"])
def test_a_hold_without_a_usable_time_is_refused(deploys: Deploys, hold: str) -> None:
    deploys.edit_manifest("deployment.yaml", 'canary-hold-seconds: "0.4"', f'canary-hold-seconds: "{hold}"')
    with pytest.raises(ManifestError, match="seconds, up to an hour"):
        deploys.deploy(2)


def test_an_annotation_that_is_misspelt_is_refused(deploys: Deploys) -> None:
    deploys.edit_manifest("deployment.yaml", "model-scaffold/canary:", "model-scaffold/canaries:")
    with pytest.raises(ManifestError, match="found: model-scaffold/canaries"):
        deploys.deploy(2)


def test_a_share_that_needs_many_more_pods_than_there_are_is_refused(deploys: Deploys) -> None:
    deploys.edit_manifest("deployment.yaml", '"10,50"', '"10,99"')
    with pytest.raises(ManifestError, match="Write at most 80"):
        deploys.deploy(2)


def test_a_canary_that_answers_otherwise_while_it_is_held_fails_its_step(
    deploys: Deploys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the replays of a step the service begins to give another answer."""
    hold = Canary._hold

    def hold_and_change(canary: Canary, own: Target) -> str:
        deploys.cluster.factors[image(2)] = 9.0
        return hold(canary, own)

    monkeypatch.setattr(Canary, "_hold", hold_and_change)
    with pytest.raises(LiveAnswersDifferError, match="The canary answers, but not as the model does"):
        deploys.deploy(2, pace=PACE)
    assert steps(deploys) == []
    assert selected(deploys) == {image(1): 9}
