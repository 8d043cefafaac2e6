"""No request is lost while a service changes to the next model and back, and none meets a wrong service."""

from __future__ import annotations

import hashlib
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

import scaffold
from scaffold.cluster import Pace
from scaffold.cluster._client import Cluster
from scaffold.errors import CanaryFailedError, LiveAnswersDifferError, ManifestError
from scaffold.events import Event, Finished
from tests.cluster._pods import log_of, program, wait_for_phase
from tests.cluster._support import Built
from tests.deploy._deploys import edit_manifest

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]
PACE = Pace(rollout_s=300, address_s=60)
REQUESTS = 20_000
CANARY = '    model-scaffold/canary: "30,60"\n    model-scaffold/canary-hold-seconds: "20"\n'
SETTING = "            - {name: LOG_LEVEL, value: debug}\n"

# Bounded in requests and in time; a new connection each time, as a balancer without a pool would.
LOAD = f"""
import http.client, json, sys, threading, time
host, total, workers = 'SERVICE', {REQUESTS}, 8

def answers_at(host, port):
    try:
        connection = http.client.HTTPConnection(host, port, timeout=5)
        connection.request('GET', '/readyz')
        return connection.getresponse().status == 200
    except OSError:
        return False

until = time.monotonic() + 60
while not answers_at(host, 80):
    if time.monotonic() > until and answers_at('POD', 8000):
        sys.exit('NO ROUTE')
    time.sleep(1)
end = time.monotonic() + 1200
left, answers, failures, lock = [total], {{}}, [], threading.Lock()

def work():
    while True:
        with lock:
            if not left[0] or time.monotonic() > end:
                return
            left[0] -= 1
            turn = total - left[0]
        try:
            connection = http.client.HTTPConnection(host, 80, timeout=30)
            connection.request('POST', '/score', 'BODY', {{'Content-Type': 'application/json'}})
            response = connection.getresponse()
            text = response.read().decode()
            connection.close()
            if response.status != 200:
                raise ValueError(f'{{response.status}} {{text}}')
            value = str(round(json.loads(text)['prediction'], 6))
            with lock:
                answers[value] = answers.get(value, 0) + 1
        except Exception as error:
            with lock:
                failures.append(f'{{turn}}: {{error!r}}')
        if turn % 200 == 0:
            print('turn', turn, flush=True)
        time.sleep(0.1)

threads = [threading.Thread(target=work) for _ in range(workers)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(json.dumps({{'answers': answers, 'failures': failures[:20], 'failed': len(failures)}}), flush=True)
"""


def pod_address(cluster: Cluster, namespace: str) -> str:
    """The address of one of the service's pods."""
    return str(cluster.list(f"/api/v1/namespaces/{namespace}/pods")[0]["status"]["podIP"])


def start_load(cluster: Cluster, first: Built, namespace: str) -> None:
    """Deploy the first model, and call its Service from a pod until `REQUESTS` are sent."""
    deployed = scaffold.deploy(first.root, image=first.image, pace=PACE)
    # By its address: not every cluster has names.
    service = cluster.get(f"/api/v1/namespaces/{namespace}/services/{deployed.name}")
    assert service is not None
    replaced = {"SERVICE": service["spec"]["clusterIP"], "POD": pod_address(cluster, namespace)}
    code = LOAD
    for word, value in (replaced | {"BODY": '{"data": [2.0]}'}).items():
        code = code.replace(word, value)
    # The service's account has the pull secret, where the registry wants a login.
    pod = program("load", namespace, first.image, code, serviceAccountName=deployed.name)
    cluster.apply(pod, field_manager="test")
    wait_for_phase(cluster, "load", namespace, "Running", "Failed")
    while "turn" not in (log := log_of(cluster, "load", namespace)):
        if "NO ROUTE" in log:
            pytest.skip("pods are reached and Services are not: nothing routes to them in this cluster")
        time.sleep(1)


def result_of_load(cluster: Cluster, namespace: str) -> dict[str, Any]:
    """Wait for the last answer; return how often each value was answered, and the failures."""
    assert wait_for_phase(cluster, "load", namespace, "Succeeded", "Failed", timeout_s=1200) == "Succeeded"
    return dict(json.loads(log_of(cluster, "load", namespace).splitlines()[-1]))


def test_no_request_is_lost_while_the_model_changes(
    cluster: Cluster, first: Built, second: Built, name: str
) -> None:
    namespace = f"{name}-staging"
    start_load(cluster, first, namespace)
    scaffold.deploy(second.root, image=second.image, pace=PACE)
    scaffold.rollback(first.root, pace=PACE)
    scaffold.rollback(second.root, pace=PACE)
    found = result_of_load(cluster, namespace)
    assert found["failed"] == 0, found["failures"]
    assert sum(found["answers"].values()) == REQUESTS
    assert set(found["answers"]) == {"4.0", "6.0"}, "both models answered while they changed"


def test_no_request_is_lost_while_a_canary_serves(
    cluster: Cluster, first: Built, project: Path, name: str
) -> None:
    """The same model again with another setting, so that its pods are new."""
    namespace = f"{name}-staging"
    start_load(cluster, first, namespace)
    edit_manifest(project, "deployment.yaml", "    checkov.io/skip1", f"{CANARY}    checkov.io/skip1")
    edit_manifest(project, "deployment.yaml", "env:\n", f"env:\n{SETTING}")
    events: list[Event] = []
    scaffold.deploy(project, image=first.image, pace=PACE, on_event=events.append)
    steps = [one.detail for one in events if isinstance(one, Finished) and one.stage == "canary"]
    pods = [step.partition(";")[0] for step in steps]
    assert pods == ["30 %: 1 of 3 pods, 20 s", "60 %: 3 of 5 pods, 20 s"]
    assert all(re.search(r"answered; 0 of [1-9]\d* requests failed, p95 ", step) for step in steps), steps
    found = result_of_load(cluster, namespace)
    assert found["failed"] == 0, found["failures"]
    assert found["answers"] == {"4.0": REQUESTS}


def test_a_canary_that_fails_its_callers_is_taken_back(
    cluster: Cluster, first: Built, project: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new revision wants an API key, which the replay sends and the callers do not."""
    start_load(cluster, first, f"{name}-staging")
    monkeypatch.setenv("SCAFFOLD_API_KEY", "a key of the test")
    hashed = hashlib.sha256(b"a key of the test").hexdigest()
    edit_manifest(project, "deployment.yaml", "    checkov.io/skip1", f"{CANARY}    checkov.io/skip1")
    entry = f"            - {{name: API_KEY_HASHES, value: {hashed!r}}}\n"
    edit_manifest(project, "deployment.yaml", "env:\n", f"env:\n{entry}")
    with pytest.raises(CanaryFailedError) as caught:
        scaffold.deploy(project, image=first.image, pace=PACE)
    assert str(caught.value).startswith("The canary fails more requests than the former pods.")
    assert "The pods of the canary are removed, and the former pods answer all callers." in str(caught.value)
    found = scaffold.status(project)
    assert (found.revision, found.live) == (1, "passed")
    found_there = cluster.list(f"/apis/apps/v1/namespaces/{name}-staging/deployments")
    names = [one["metadata"]["name"] for one in found_there if "deletionTimestamp" not in one["metadata"]]
    assert names == [name]


def test_a_service_that_answers_wrongly_never_answers_a_caller(
    cluster: Cluster, first: Built, second: Built, project: Path, name: str
) -> None:
    """Two deploys fail while callers ask: the image of another model, and a Service that leads nowhere."""
    namespace = f"{name}-staging"
    start_load(cluster, first, namespace)
    with pytest.raises(LiveAnswersDifferError):
        scaffold.deploy(first.root, image=second.image, pace=PACE)
    edit_manifest(project, "service.yaml", "targetPort: http", "targetPort: 9000")
    with pytest.raises(ManifestError, match="would not lead to the former pods"):
        scaffold.deploy(project, image=second.image, pace=PACE)
    assert wait_for_phase(cluster, "load", namespace, "Running", "Succeeded", "Failed") == "Running"
    found = result_of_load(cluster, namespace)
    assert found["failed"] == 0, found["failures"]
    assert found["answers"] == {"4.0": REQUESTS}
