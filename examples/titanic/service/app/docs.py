"""The API page, with its scripts from an installed package: nothing is fetched from elsewhere."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from app.settings import settings


def add_docs(app: FastAPI) -> None:
    """Serve `/docs`. Its links are relative, so it works below a prefix too."""
    app.mount("/docs/static", StaticFiles(packages=[("fastapi_offline", "static")]))

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return get_swagger_ui_html(
            title=app.title,
            openapi_url="openapi.json",
            swagger_js_url="docs/static/swagger-ui-bundle.js",
            swagger_css_url="docs/static/swagger-ui.css",
            swagger_favicon_url="docs/static/favicon.png",
        )

    # Scoring is asked for more often than its description, which FastAPI looks for first.
    app.router.routes.append(app.router.routes.pop(0))
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        description: dict[str, Any] = _exact(describe())
        if settings.api_key_hashes:
            scheme = {"type": "apiKey", "in": "header", "name": "X-API-Key"}
            description["components"]["securitySchemes"] = {"key": scheme}
            description["security"] = [{"key": []}]
        return description

    app.openapi = openapi  # type: ignore[method-assign]


def _exact(value: Any) -> Any:
    """The description with its 64-bit bounds to the last digit: FastAPI makes floats of them."""
    match value:
        case float() if 2**53 <= abs(value) <= 2**64:
            return int(value)
        case list():
            return [_exact(item) for item in value]
        case dict():
            return {key: _exact(item) for key, item in value.items()}
    return value
