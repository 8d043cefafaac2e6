"""The service gives the model's answers, and refuses what is no record."""

import json
import math
from typing import Any

import pytest

from tests.service import OPENAPI, RECORDED, Service

SAMPLE = json.loads(RECORDED.read_text(encoding="utf-8"))
ROWS = list(zip(SAMPLE["requests"], SAMPLE["answers"], strict=True))
ACCEPT = "If this change is meant, accept it: python -m tests.record"


def same(found: Any, expected: Any) -> bool:
    """Equal; floats to six digits, which is what another machine may differ in."""
    if isinstance(expected, dict):
        return (
            isinstance(found, dict)
            and found.keys() == expected.keys()
            and all(same(found[key], expected[key]) for key in expected)
        )
    if isinstance(expected, list):
        return (
            isinstance(found, list)
            and len(found) == len(expected)
            and all(map(same, found, expected))
        )
    if isinstance(expected, float) and isinstance(found, float | int):
        return math.isclose(found, expected, rel_tol=1e-6, abs_tol=1e-6)
    return type(found) is type(expected) and bool(found == expected)


@pytest.mark.parametrize(("request_body", "expected"), ROWS)
def test_a_record_gets_the_models_answer(
    service: Service, request_body: Any, expected: Any
) -> None:
    status, answer = service.post("/score", request_body)
    assert status == 200, f"{answer}\n{ACCEPT}"
    assert same(answer, expected), f"{answer} instead of {expected}\n{ACCEPT}"


def test_a_batch_gets_the_same_answers_in_the_same_order(service: Service) -> None:
    status, answers = service.post("/score/batch", SAMPLE["requests"])
    assert status == 200, answers
    assert same(answers, SAMPLE["answers"]), ACCEPT


def test_the_description_of_the_api_is_the_one_in_openapi_json(service: Service) -> None:
    if not OPENAPI.exists():
        pytest.skip("There is no openapi.json: python -m tests.record writes it")
    _, description = service.get("/openapi.json")
    expected = json.loads(OPENAPI.read_text(encoding="utf-8"))
    assert description == expected, f"openapi.json differs. {ACCEPT}"


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b'{"a": 1, "a": 1}', b'{"a": NaN}'])
def test_what_is_no_record_is_refused(service: Service, body: bytes) -> None:
    status, answer = service.post("/score", body)
    assert status == 422
    assert all(fault["loc"] and fault["msg"] for fault in answer["detail"])


def test_what_is_no_json_is_refused(service: Service) -> None:
    body = json.dumps(SAMPLE["requests"][0]).encode()
    assert service.request("POST", "/score", body, "text/plain")[0] == 415


def test_probes_are_answered(service: Service) -> None:
    assert service.get("/healthz") == (200, {"status": "ok"})
    assert service.get("/readyz") == (200, {"status": "ready"})
