"""While a service goes from one model to the next, and back, no request is lost."""

from __future__ import annotations

import json
import time

import pytest

from scaffold import _deploying
from scaffold.deploy import Pace
from scaffold.deploy._client import Cluster
from tests.cluster._pods import log_of, program, wait_for_phase
from tests.cluster._support import Built

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]
PACE = Pace(rollout_s=300, address_s=60)
REQUESTS = 20_000

# Bounded in requests and in time; a new connection each time, as a balancer without a pool would.
LOAD = f"""
import http.client, json, threading, time
host, total, workers = 'SERVICE', {REQUESTS}, 8
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
        time.sleep(0.03)

threads = [threading.Thread(target=work) for _ in range(workers)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(json.dumps({{'answers': answers, 'failures': failures[:20], 'failed': len(failures)}}), flush=True)
"""


def test_no_request_is_lost_while_the_model_changes(
    cluster: Cluster, first: Built, second: Built, name: str
) -> None:
    namespace = f"{name}-staging"
    deployed = _deploying.deploy(first.root, image=first.image, pace=PACE)
    # By its address: not every cluster has names.
    service = cluster.get(f"/api/v1/namespaces/{namespace}/services/{deployed.name}")
    assert service is not None
    code = LOAD.replace("SERVICE", service["spec"]["clusterIP"]).replace("BODY", '{"data": [2.0]}')
    # The service's account has the pull secret, where the registry wants a login.
    pod = program("load", namespace, first.image, code, serviceAccountName=deployed.name)
    cluster.apply(pod, manager="test")
    wait_for_phase(cluster, "load", namespace, "Running")
    while "turn" not in log_of(cluster, "load", namespace):
        time.sleep(1)
    _deploying.deploy(second.root, image=second.image, pace=PACE)
    _deploying.rollback(first.root, pace=PACE)
    _deploying.rollback(second.root, pace=PACE)
    assert wait_for_phase(cluster, "load", namespace, "Succeeded", "Failed", timeout_s=1200) == "Succeeded"
    found = json.loads(log_of(cluster, "load", namespace).splitlines()[-1])
    assert found["failed"] == 0, found["failures"]
    assert sum(found["answers"].values()) == REQUESTS
    assert set(found["answers"]) == {"4.0", "6.0"}, "both models answered while they changed"
