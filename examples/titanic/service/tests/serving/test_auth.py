"""API keys."""

import hashlib

import pytest

from tests.serving.toy import Toy

KEY = "a-key"
HASHES = ",".join(hashlib.sha256(key).hexdigest() for key in (b"other", KEY.encode()))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"x_api_key": "wrong"}, 401),
        ({"authorization": "Basic a-key"}, 401),
        ({"x_api_key": KEY}, 200),
        ({"authorization": f"Bearer {KEY}"}, 200),
    ],
)
def test_a_request_needs_a_key(headers: dict[str, str], status: int) -> None:
    toy = Toy(api_key_hashes=HASHES)
    [reply] = toy.ask(toy.post("/score", {"value": 1}, **headers))
    assert reply.status == status


@pytest.mark.parametrize("body", [b"{", b"{}", b"", b"x" * 2_000_000])
def test_without_a_key_nothing_of_the_schema_is_told(body: bytes) -> None:
    toy = Toy(api_key_hashes=HASHES)
    [reply] = toy.ask(toy.post("/score", body))
    assert (reply.status, reply.json) == (401, {"detail": "A valid API key is needed."})
    assert reply.headers["www-authenticate"] == "Bearer"


def test_probes_metrics_and_the_api_page_need_no_key() -> None:
    toy = Toy(api_key_hashes=HASHES)
    paths = ["/healthz", "/readyz", "/metrics", "/docs", "/docs/static/swagger-ui.css"]
    replies = toy.ask(*map(toy.get, [*paths, "/openapi.json"]))
    assert [reply.status for reply in replies] == [200] * 6
    assert replies[-1].json["security"] == [{"APIKeyHeader": []}]


def test_all_but_the_probes_need_a_key_if_no_path_is_public() -> None:
    toy = Toy(api_key_hashes=HASHES, public_paths="")
    replies = toy.ask(*map(toy.get, ["/healthz", "/metrics", "/docs", "/openapi.json"]))
    assert [reply.status for reply in replies] == [200, 401, 401, 401]
