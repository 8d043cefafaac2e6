"""Waiting requests are predicted in one batch, and do not affect each other."""

import http.client
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.serving._toy import Answer, Service


def together(service: Service, bodies: list[Any]) -> list[Answer]:
    """The answers to requests that are sent at once, in their order."""
    with ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(lambda body: service.post("/score", body), bodies))


@pytest.fixture(scope="module")
def slow(serve: Callable[..., Service]) -> Service:
    """A model whose calls take the same time for any number of records."""
    return serve(TOY_SLEEP_S="0.1", MAX_BATCH="8")


def test_a_lone_request_is_predicted_alone(service: Service) -> None:
    assert service.post("/score", {"value": 2}).json == {"prediction": 2.0, "together": 1}


def test_requests_that_wait_are_predicted_together_and_answered_in_order(slow: Service) -> None:
    answers = together(slow, [{"value": i} for i in range(24)])
    assert [answer.json["prediction"] for answer in answers] == list(range(24))
    assert max(answer.json["together"] for answer in answers) > 1


def test_no_more_are_predicted_together_than_the_bound(slow: Service) -> None:
    answers = together(slow, [{"value": i} for i in range(24)])
    assert max(answer.json["together"] for answer in answers) <= 8


def test_a_batch_request_is_answered_in_order_a_part_at_a_time(slow: Service) -> None:
    answers = slow.post("/score/batch", [{"value": i} for i in range(20)]).json
    assert [answer["prediction"] for answer in answers] == list(range(20))
    assert [answer["together"] for answer in answers] == [8] * 16 + [4] * 4


def test_an_empty_batch_has_an_empty_answer(service: Service) -> None:
    assert service.post("/score/batch", []).json == []


@pytest.mark.parametrize("act", ["raise", "exit", "memory"])
def test_a_record_that_the_model_fails_on_is_the_only_one_to_fail(slow: Service, act: str) -> None:
    bodies = [{"value": i, "act": act if i == 5 else "answer"} for i in range(12)]
    answers = together(slow, bodies)
    assert [answer.status for answer in answers] == [500 if i == 5 else 200 for i in range(12)]
    assert all(answer.json["prediction"] == i for i, answer in enumerate(answers) if i != 5)


def test_a_failure_has_an_id_that_stands_in_the_log_and_no_value_does(service: Service) -> None:
    answer = service.post("/score", {"value": 471_147_114_711, "act": "raise"}, **{"X-Request-ID": "find-me"})
    assert answer.status == 500
    assert answer.json == {"detail": "The model failed on the record at index 0.", "id": "find-me"}
    [line] = [line for line in service.log if line.get("request_id") == "find-me"]
    assert line["error.type"] == "builtins.ValueError"
    assert any("score.py" in frame for frame in line["stack"])
    assert "471147114711" not in str(service.log)


def test_a_batch_request_says_which_record_failed(slow: Service) -> None:
    records = [{"value": i, "act": "raise" if i == 11 else "answer"} for i in range(16)]
    assert "index 11." in slow.post("/score/batch", records).json["detail"]


def test_a_model_that_takes_one_record_is_given_one(serve: Callable[..., Service]) -> None:
    single = serve(TOY_BATCHED="0", TOY_SLEEP_S="0.02")
    answers = together(single, [{"value": i} for i in range(8)])
    assert [answer.json for answer in answers] == [{"prediction": float(i), "together": 1} for i in range(8)]
    assert single.post("/score/batch", [{"value": 1}, {"value": 2}]).json[1] == {
        "prediction": 2,
        "together": 1,
    }


def test_probes_are_answered_while_the_model_is_busy(service: Service) -> None:
    done = threading.Event()
    answers: list[Answer] = []

    def ask() -> None:
        answers.append(service.post("/score", {"value": 1, "act": "sleep"}))
        done.set()

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.2)
    assert service.get("/healthz").json == {"status": "ok"}
    assert service.get("/readyz").status == 200
    assert not done.is_set()
    asking.join()
    assert answers[0].status == 200


def test_a_full_queue_returns_503_at_once(serve: Callable[..., Service]) -> None:
    small = serve(TOY_SLEEP_S="0.3", MAX_BATCH="1", MAX_WAITING="4")
    answers = together(small, [{"value": i} for i in range(16)])
    refused = [answer for answer in answers if answer.status == 503]
    assert {answer.status for answer in answers} == {200, 503}
    assert len(refused) >= 10
    assert all(answer.headers["retry-after"] == "1" for answer in refused)
    assert small.post("/score", {"value": 1}).status == 200


def test_a_request_that_waits_too_long_is_a_504(serve: Callable[..., Service]) -> None:
    queue = serve(TOY_SLEEP_S="0.5", MAX_BATCH="1", QUEUE_TIMEOUT_S="0.7")
    answers = together(queue, [{"value": i} for i in range(6)])
    assert {answer.status for answer in answers} == {200, 504}
    assert queue.post("/score", {"value": 1}).status == 200


def test_a_prediction_that_hangs_is_abandoned_and_the_next_one_runs(serve: Callable[..., Service]) -> None:
    hanging = serve(SCORE_TIMEOUT_S="0.4")
    for _ in range(3):
        assert hanging.post("/score", {"value": 20, "act": "sleep"}).status == 504
        assert hanging.post("/score", {"value": 1}).json["prediction"] == 1.0
    assert hanging.get("/healthz").status == 200


def test_a_service_whose_predictions_all_hang_asks_for_a_restart(serve: Callable[..., Service]) -> None:
    hanging = serve(SCORE_TIMEOUT_S="0.2")
    for _ in range(4):
        assert hanging.post("/score", {"value": 30, "act": "sleep"}).status == 504
    assert hanging.get("/healthz").status == 503
    assert hanging.get("/readyz").status == 503


def test_two_threads_predict_side_by_side_if_asked_to(serve: Callable[..., Service]) -> None:
    double = serve(WORKER_THREADS="2", MAX_BATCH="1", SCORE_TIMEOUT_S="10")
    with ThreadPoolExecutor(1) as pool:
        sleeper = pool.submit(double.post, "/score", {"value": 1.5, "act": "sleep"})
        time.sleep(0.2)
        assert double.post("/score", {"value": 1}).status == 200
        assert not sleeper.done()


def test_a_connection_goes_on_after_a_request_was_turned_away(serve: Callable[..., Service]) -> None:
    small = serve(MAX_BATCH="1", MAX_WAITING="1")
    with ThreadPoolExecutor(2) as pool:
        for _ in range(2):
            pool.submit(small.post, "/score", {"value": 1.5, "act": "sleep"})
            time.sleep(0.3)  # until one is predicted, then until one waits
        connection = http.client.HTTPConnection("127.0.0.1", small.port, timeout=30)
        for _ in range(3):
            connection.request("POST", "/score", b'{"value": 1}', {"Content-Type": "application/json"})
            answer = connection.getresponse()
            assert (answer.status, answer.headers["retry-after"]) == (503, "1")
            assert "wait" in json.loads(answer.read())["detail"]
    connection.request("POST", "/score", b'{"value": 2}', {"Content-Type": "application/json"})
    assert json.loads(connection.getresponse().read())["prediction"] == 2.0
    assert small.metric('http_requests_total{route="any",status="503"}') == 3


def test_a_burst_is_admitted_up_to_the_limit(serve: Callable[..., Service]) -> None:
    small = serve(MAX_BATCH="1", MAX_WAITING="4")
    connections = [http.client.HTTPConnection("127.0.0.1", small.port, timeout=30) for _ in range(16)]
    for connection in connections:
        connection.request("GET", "/healthz")
        connection.getresponse().read()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(small.post, "/score", {"value": 1.5, "act": "sleep"})
        time.sleep(0.3)  # until it is predicted
        os.kill(small.process.pid, signal.SIGSTOP)  # so that all are there at its next look
        for connection in connections:
            connection.request("POST", "/score", b'{"value": 1}', {"Content-Type": "application/json"})
        os.kill(small.process.pid, signal.SIGCONT)
        statuses = sorted(connection.getresponse().status for connection in connections)
    assert statuses == [200] * 4 + [503] * 12
    assert small.metric('http_requests_total{route="any",status="503"}') == 12
