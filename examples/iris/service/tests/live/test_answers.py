"""The deployed service gives the recorded answers."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.service import OPENAPI
from tests.test_service import ROWS, SAMPLE, same

if TYPE_CHECKING:
    import httpx


@pytest.mark.parametrize(("record", "expected"), ROWS)
def test_a_record_gets_the_recorded_answer(
    live: "httpx.Client", record: Any, expected: Any
) -> None:
    response = live.post("/score", json=record)
    assert response.status_code == 200, response.text
    assert same(response.json(), expected), f"{response.text} instead of {expected}"


def test_a_batch_gets_the_recorded_answers_in_order(live: "httpx.Client") -> None:
    response = live.post("/score/batch", json=SAMPLE["requests"])
    assert response.status_code == 200, response.text
    assert same(response.json(), SAMPLE["answers"])


def test_it_takes_and_gives_what_openapi_json_says(live: "httpx.Client") -> None:
    response = live.get("/openapi.json")
    if response.status_code != 200 or not OPENAPI.exists():
        pytest.skip("There is no description to compare")
    # Limits, paths and keys may differ where the service is deployed; records may not.
    expected = json.loads(OPENAPI.read_text(encoding="utf-8"))
    assert response.json()["components"]["schemas"] == expected["components"]["schemas"]


def test_it_is_ready(live: "httpx.Client") -> None:
    assert live.get("/readyz").status_code == 200
