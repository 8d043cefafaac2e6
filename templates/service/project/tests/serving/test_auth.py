"""API keys."""

import hashlib

import pytest
from fastapi import Security
from fastapi.security import HTTPBearer

from app.serving.settings import ServingSettings
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


@pytest.mark.parametrize(
    ("public", "metrics", "docs"),
    [(None, 200, 200), ("", 401, 401), ("/metrics", 200, 401)],
)
def test_probes_and_public_paths_need_no_key(
    monkeypatch: pytest.MonkeyPatch, public: str | None, metrics: int, docs: int
) -> None:
    monkeypatch.setenv("API_KEY_HASHES", HASHES)
    if public is not None:
        monkeypatch.setenv("PUBLIC_PATHS", public)
    toy = Toy()
    paths = ["/healthz", "/readyz", "/metrics", "/docs", "/docs/static/swagger-ui.css"]
    replies = toy.ask(*map(toy.get, [*paths, "/openapi.json"]))
    assert [reply.status for reply in replies] == [200, 200, metrics, docs, docs, docs]
    assert docs != 200 or replies[-1].json["security"] == [{"APIKeyHeader": []}]


def test_the_schema_has_the_key_beside_the_security_of_the_routes() -> None:
    toy = Toy(api_key_hashes=HASHES)

    @toy.app.get("/mine", dependencies=[Security(HTTPBearer())])
    async def mine() -> None:
        pass

    [reply] = toy.ask(toy.get("/openapi.json"))
    assert reply.json["components"]["securitySchemes"].keys() == {"APIKeyHeader", "HTTPBearer"}
    assert reply.json["paths"]["/mine"]["get"]["security"] == [{"HTTPBearer": []}]


@pytest.mark.parametrize("hashes", ["", " ", KEY])
def test_what_is_no_hash_ends_the_process_and_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, hashes: str
) -> None:
    monkeypatch.setenv("API_KEY_HASHES", hashes)
    with pytest.raises(SystemExit, match=r"^API_KEY_HASHES is not a valid setting: ") as raised:
        ServingSettings.from_environment()
    assert KEY not in str(raised.value)


def test_another_empty_variable_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "TLS_CERT", "LOG_LEVEL"):
        monkeypatch.setenv(name, "")
    found = ServingSettings()
    assert (found.port, found.tls_cert, found.log_level) == (8000, None, "info")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("TLS_CERT", "/nowhere", "TLS_CERT is not a valid setting: Path does not point to a file."),
        ("TLS_KEY", __file__, "TLS_KEY is not a valid setting: Value error, it needs TLS_CERT."),
    ],
)
def test_a_wrong_setting_of_tls_is_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        ServingSettings.from_environment()
    assert str(ended.value) == message
