"""The API page, with its scripts from an installed package: nothing is fetched from elsewhere."""

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

    if settings.api_key_hashes:
        description = app.openapi()  # FastAPI keeps it, so it can be added to
        scheme = {"type": "apiKey", "in": "header", "name": "X-API-Key"}
        description["components"]["securitySchemes"] = {"key": scheme}
        description["security"] = [{"key": []}]
