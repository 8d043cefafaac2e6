"""Ask a service as a browser does for the page of another origin."""

from tests.serving._scrape import KEY
from tests.serving._toy import Service

ORIGIN = "https://www.example.com"
OTHER = "https://shop.example.org"


def assert_called_from_pages(service: Service, origin: str, other: str) -> None:
    """Check that pages of two origins can call a service with API keys, and that no others can."""
    wanted = {"Access-Control-Request-Method": "POST"}
    # The last two: binary tensors of the Open Inference Protocol, and a trace.
    asked = "content-type, x-api-key, inference-header-content-length, traceparent"
    wanted["Access-Control-Request-Headers"] = asked
    for page in (origin, other):
        preflight = service.request("OPTIONS", "/score", None, {"Origin": page, **wanted})
        assert preflight.status == 200
        assert preflight.headers["access-control-allow-origin"] == page
        assert "POST" in preflight.headers["access-control-allow-methods"]
        assert preflight.headers["access-control-allow-headers"] == asked
        for key, status in ((KEY, 200), ("wrong", 401)):
            answer = service.post("/score", {"value": 1.0}, **{"X-API-Key": key, "Origin": page})
            assert answer.status == status
            assert answer.headers["access-control-allow-origin"] == page
    stranger = {"Origin": "https://evil.example.com"}
    assert service.request("OPTIONS", "/score", None, {**stranger, **wanted}).status == 400
    answer = service.post("/score", {"value": 1.0}, **{"X-API-Key": KEY, **stranger})
    assert "access-control-allow-origin" not in answer.headers
    assert "access-control-allow-origin" not in service.get("/healthz").headers
