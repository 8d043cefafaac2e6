"""A new revision is proven in a pod outside of the Service before callers reach it."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import threading
from collections.abc import Iterator

import pytest

from scaffold.cluster import deploy_project
from scaffold.errors import DeployError, LiveAnswersDifferError, RolloutFailedError
from scaffold.events import Event, Finished
from tests.deploy._deploys import QUICK, RELEASE, Deploys, image
from tests.deploy._fake_api import Manifest, Refused
from tests.deploy._fake_pods import waiting

GRADUAL = dataclasses.replace(QUICK, rollout_s=30, patience=1)
CALLERS = 4
PATCH = """\
patches:
  - patch: |
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
                  - name: LOG_LEVEL
                    value: debug
"""


@dataclasses.dataclass
class Callers:
    """What the callers of the Service got."""

    answers: dict[float, int] = dataclasses.field(default_factory=dict)
    failures: list[str] = dataclasses.field(default_factory=list)


@contextlib.contextmanager
def calling(deploys: Deploys) -> Iterator[Callers]:
    """Call the Service from several threads during the block, each request over a new connection."""
    found, ended, lock = Callers(), threading.Event(), threading.Lock()

    def call() -> None:
        while not ended.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", deploys.cluster.api.forward_port, timeout=10)
            try:
                connection.request("POST", "/score", json.dumps({"data": 1.5}))
                response = connection.getresponse()
                body = json.loads(response.read())
            finally:
                connection.close()
            with lock:
                if response.status == 200:
                    answer = body["prediction"]
                    found.answers[answer] = found.answers.get(answer, 0) + 1
                else:
                    found.failures.append(f"{response.status} {body}")

    threads = [threading.Thread(target=call) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def of_candidate(deploys: Deploys) -> list[str]:
    return [
        f"{one['kind']}/{one['metadata']['name']}"
        for one in deploys.cluster.api.objects.values()
        if "candidate" in one["metadata"]["name"]
    ]


def test_a_service_that_answers_wrongly_never_answers_a_caller(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.cluster.pod_step_s = 0.02
    deploys.cluster.factors[image(2)] = 3.0
    with calling(deploys) as callers, pytest.raises(LiveAnswersDifferError) as caught:
        deploys.deploy(2, pace=GRADUAL)
    assert str(caught.value).startswith("The new revision answers, but not as the model does.\n")
    assert str(caught.value).endswith(
        "No caller reached the new pods: they were a candidate outside of the Service, and are removed."
    )
    assert callers.failures == []
    assert set(callers.answers) == {3.0}
    assert set(deploys.cluster.called) == {image(1)}
    assert (deploys.status().image, deploys.status().revision) == (image(1), 1)
    assert deploys.status().live == "passed"
    assert of_candidate(deploys) == []


def test_without_a_candidate_callers_meet_a_wrong_service_until_the_rollback(deploys: Deploys) -> None:
    """What the candidate is for: the same deploy under the same load."""
    deploys.deploy(1)
    deploys.cluster.pod_step_s = 0.02
    deploys.cluster.factors[image(2)] = 3.0
    with calling(deploys) as callers, pytest.raises(LiveAnswersDifferError):
        deploys.deploy(2, pace=GRADUAL, candidate=False)
    assert set(callers.answers) == {3.0, 4.5}
    assert deploys.status().image == image(1)


def test_a_good_deploy_loses_no_request(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.cluster.pod_step_s = 0.02
    with calling(deploys) as callers:
        assert deploys.deploy(2, pace=GRADUAL).live == "passed"
    assert callers.failures == []
    assert set(callers.answers) == {3.0}
    assert image(2) in deploys.cluster.called
    assert of_candidate(deploys) == []


def test_the_first_pods_are_proven_before_there_is_a_service(deploys: Deploys) -> None:
    deploys.cluster.factors[image(1)] = 3.0
    with pytest.raises(LiveAnswersDifferError, match="The new revision answers, but not as the model does"):
        deploys.deploy(1)
    assert deploys.cluster.api.all("Service") == []
    assert deploys.cluster.api.find("Deployment")["metadata"]["name"] == "titanic"


def test_pods_that_never_went_live_are_proven_before_there_is_a_service(deploys: Deploys) -> None:
    """The same image again: no pod is renewed, and still no caller may meet it."""
    deploys.cluster.factors[image(1)] = 3.0
    for _ in range(2):
        with pytest.raises(LiveAnswersDifferError, match="The new revision answers, but not as"):
            deploys.deploy(1)
        assert deploys.cluster.api.all("Service") == []
    assert deploys.deploy(2).live == "passed"


def test_the_first_pods_are_a_candidate_where_a_service_leads_to_them_already(deploys: Deploys) -> None:
    deploys.deploy(1)
    api = deploys.cluster.api
    api.delete(api.path_of(api.find("Deployment")))
    deploys.cluster.factors[image(2)] = 3.0
    with pytest.raises(LiveAnswersDifferError, match="No caller reached the new pods"):
        deploys.deploy(2)
    assert deploys.cluster.called == []
    assert api.all("Deployment") == []


def seen_candidate(deploys: Deploys, number: int = 2) -> dict[str, Manifest]:
    """Deploy, and return what belonged to the candidate while it was replayed, by kind."""
    seen: dict[str, Manifest] = {}

    def look(event: Event) -> None:
        if isinstance(event, Finished) and event.stage == "candidate":
            for one in deploys.cluster.api.objects.values():
                if "candidate" in one["metadata"]["name"]:
                    seen.setdefault(one["kind"], json.loads(json.dumps(one)))

    deploy_project(
        deploys.project,
        target="staging",
        image=image(number),
        release=RELEASE,
        access=deploys.access,
        pace=QUICK,
        on_event=look,
    )
    return seen


def test_nothing_that_selects_the_pods_of_the_service_selects_the_candidate(deploys: Deploys) -> None:
    deploys.deploy(1)
    seen = seen_candidate(deploys)
    labels = seen["Pod"]["metadata"]["labels"]
    api = deploys.cluster.api
    main = api.find("Deployment")["spec"]["selector"]["matchLabels"]
    budget = api.find("PodDisruptionBudget")["spec"]["selector"]["matchLabels"]
    service = api.find("Service")["spec"]["selector"]
    for selector in (main, budget, service):
        assert not selector.items() <= labels.items()
    own = seen["Deployment"]["spec"]["selector"]["matchLabels"]
    assert own.items() <= labels.items()
    assert not own.items() <= api.find("Deployment")["spec"]["template"]["metadata"]["labels"].items()


def test_a_service_that_selects_by_another_label_does_not_lead_to_the_candidate(deploys: Deploys) -> None:
    labels = "    metadata:\n      labels:\n"
    deploys.edit_manifest("deployment.yaml", labels, f"{labels}        team: ml\n")
    deploys.deploy(1)
    ports = [{"name": "http", "port": 80, "targetPort": 8000}]
    deploys.cluster.api.create(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "team", "namespace": "titanic-staging"},
            "spec": {"selector": {"team": "ml"}, "ports": ports},
        }
    )
    assert seen_candidate(deploys)["Pod"]["metadata"]["labels"]["team"] == "ml-candidate"


def test_the_candidate_is_the_pod_of_the_new_revision(deploys: Deploys) -> None:
    deploys.deploy(1)
    seen = seen_candidate(deploys)
    assert seen["Deployment"]["spec"]["replicas"] == 1
    live = deploys.cluster.api.find("Deployment")["spec"]
    assert seen["Deployment"]["spec"]["minReadySeconds"] == live["minReadySeconds"] > 0
    ours = seen["Pod"]["spec"]["containers"][0]
    theirs = deploys.cluster.api.find("Pod")["spec"]["containers"][0]
    assert ours == {key: value for key, value in theirs.items() if key != "lifecycle"}
    policy = seen["NetworkPolicy"]["spec"]
    assert policy["podSelector"]["matchLabels"].items() <= seen["Pod"]["metadata"]["labels"].items()
    real = deploys.cluster.api.find("NetworkPolicy", "titanic")["spec"]
    assert {**policy, "podSelector": None} == {**real, "podSelector": None}


def test_the_candidate_has_what_a_patch_of_the_target_says(deploys: Deploys) -> None:
    deploys.deploy(1)
    path = deploys.project / "deploy/staging/kustomization.yaml"
    path.write_text(path.read_text() + PATCH)
    [container] = seen_candidate(deploys)["Pod"]["spec"]["containers"]
    assert {"name": "LOG_LEVEL", "value": "debug"} in container["env"]
    assert container["image"] == image(2)


def test_a_deploy_that_changes_no_pod_starts_no_candidate(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.edit_manifest("autoscaler.yaml", "maxReplicas: 6", "maxReplicas: 9")
    deploys.events.clear()
    deploys.deploy(1)
    assert [one for one in deploys.events if isinstance(one, Finished) and one.stage == "candidate"] == []


def test_a_candidate_of_a_killed_deploy_is_removed_by_the_next_deploy_or_by_undeploy(
    deploys: Deploys,
) -> None:
    deploys.deploy(1)
    forbidden = {("delete", "deployments"), ("delete", "networkpolicies")}
    for clean_up in (lambda: deploys.deploy(1), deploys.undeploy):
        deploys.cluster.behaviours[image(2)] = waiting("RunContainerError", "no such file")
        deploys.cluster.api.forbidden |= forbidden
        with pytest.raises(RolloutFailedError):
            deploys.deploy(2)
        assert len(of_candidate(deploys)) >= 3
        deploys.cluster.api.forbidden -= forbidden
        clean_up()
        assert of_candidate(deploys) == []


def test_a_candidate_that_the_quota_does_not_allow_says_so_and_removes_itself(deploys: Deploys) -> None:
    deploys.deploy(1)
    deploys.cluster.create_failure = 'pods "x" is forbidden: exceeded quota: small'
    with pytest.raises(RolloutFailedError, match="quota does not allow the pods") as caught:
        deploys.deploy(2)
    assert "--no-candidate" in str(caught.value)
    assert of_candidate(deploys) == []


def test_a_policy_that_refuses_the_candidate_is_quoted(deploys: Deploys) -> None:
    deploys.deploy(1)

    def refuse(_verb: str, manifest: Manifest) -> Refused | None:
        is_candidate = manifest["kind"] == "Deployment" and manifest["metadata"]["name"] != "titanic"
        return Refused(400, "BadRequest", "admission webhook denied the request") if is_candidate else None

    deploys.cluster.api.refusals.append(refuse)
    with pytest.raises(DeployError, match="The cluster does not take Deployment/titanic-candidate"):
        deploys.deploy(2)
    assert of_candidate(deploys) == []


def test_an_interrupted_candidate_is_removed(deploys: Deploys) -> None:
    deploys.deploy(1)

    class Interrupting(list[Event]):
        def append(self, event: Event) -> None:
            if isinstance(event, Finished) and event.stage == "candidate":
                raise KeyboardInterrupt

    deploys.events = Interrupting()
    with pytest.raises(DeployError, match="No caller reached the new pods"):
        deploys.deploy(2)
    assert of_candidate(deploys) == []
    assert deploys.status().live == "passed"
