"""The API page. Its scripts come from an installed package, not from another host."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from app.serving.auth import SCHEME


def add_docs(app: FastAPI, *, with_key: bool) -> None:
    """Serve `/docs`. Its links are relative, so that it works below a path prefix."""
    app.mount("/docs/static", StaticFiles(packages=[("fastapi_offline", "static")]))

    @app.api_route("/docs", methods=["GET", "HEAD"], include_in_schema=False)
    async def docs() -> HTMLResponse:
        return get_swagger_ui_html(
            title=app.title,
            openapi_url="openapi.json",
            swagger_js_url="docs/static/swagger-ui-bundle.js",
            swagger_css_url="docs/static/swagger-ui.css",
            swagger_favicon_url="docs/static/favicon.png",
        )

    describe = app.openapi

    def openapi() -> dict[str, Any]:
        description: dict[str, Any] = _exact(describe())
        if with_key:
            scheme = SCHEME.model.model_dump(mode="json", by_alias=True, exclude_none=True)
            schemes = description["components"].setdefault("securitySchemes", {})
            schemes[SCHEME.scheme_name] = scheme  # beside those of the routes
            description["security"] = [{SCHEME.scheme_name: []}]
        return description

    app.openapi = openapi  # type: ignore[method-assign]


def _exact(value: Any) -> Any:
    """The description with exact 64-bit bounds: FastAPI makes floats of them."""
    match value:
        case float() if 2**53 <= abs(value) <= 2**64:
            return int(value)
        case list():
            return [_exact(item) for item in value]
        case dict():
            return {key: _exact(item) for key, item in value.items()}
    return value
