"""GET /docs: Swagger UI from this machine, so that it works without a network."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from fake_server.api import errors
from fake_server.server.control.responses import error_response
from fake_server.server.request_context import CONTROL

ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}


async def docs(request: Request) -> Response:
    """Serve the page, which shows /openapi.json."""
    place = request.scope.get("root_path", "")
    root = f"{place}{CONTROL}/assets"
    return get_swagger_ui_html(
        openapi_url=f"{place}/openapi.json",
        title="Fake OpenAI server",
        swagger_js_url=f"{root}/swagger-ui-bundle.js",
        swagger_css_url=f"{root}/swagger-ui.css",
        swagger_favicon_url=f"{root}/favicon.png",
        swagger_ui_parameters={
            "defaultModelsExpandDepth": 0,
            "defaultModelExpandDepth": 2,
            "displayRequestDuration": True,
            "persistAuthorization": True,
        },
    )


async def asset(request: Request) -> Response:
    """Serve a file of Swagger UI."""
    name = request.path_params["name"]
    package = find_spec("fastapi_offline")
    if name not in ASSETS or package is None or package.origin is None:
        return error_response(errors.invalid_url(request.method, request.url.path))
    return FileResponse(Path(package.origin).parent / "static" / name, media_type=ASSETS[name])
