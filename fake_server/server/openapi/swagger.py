"""GET /docs and /openapi.json: Swagger UI from this machine, so that it works without a network."""

from __future__ import annotations

import json
from functools import cache
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response

from fake_server.api import errors
from fake_server.server.error_response import error_response
from fake_server.server.paths import CONTROL

ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}
NOT_INSTALLED = """\
Swagger UI is not installed: pip install 'openai-contract-kit[docs]'
The document that it would show is at {url}
"""
_PAGE = """\
<!DOCTYPE html>
<html>
<head>
<meta name="viewport" content="width=device-width, initial-scale=1.0">
<link type="text/css" rel="stylesheet" href="{root}/swagger-ui.css">
<link rel="shortcut icon" href="{root}/favicon.png">
<title>Fake OpenAI server</title>
</head>
<body>
<div id="swagger-ui"></div>
<script src="{root}/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle(Object.assign({options}, {{presets: [SwaggerUIBundle.presets.apis]}}))</script>
</body>
</html>
"""


async def openapi(request: Request) -> Response:
    """The OpenAPI document; where an app mounts the fake below a path, `servers` says so."""
    place = request.scope.get("root_path", "").rstrip("/")
    servers = {"servers": [{"url": place}]} if place else {}
    return JSONResponse({**_document(), **servers})


async def docs(request: Request) -> Response:
    """The page, which shows /openapi.json; 501 where Swagger UI is not installed (the extra `docs`)."""
    place = request.scope.get("root_path", "")
    if _assets() is None:
        return PlainTextResponse(NOT_INSTALLED.format(url=f"{place}/openapi.json"), status_code=501)
    options = {
        "url": f"{place}/openapi.json",
        "dom_id": "#swagger-ui",
        "layout": "BaseLayout",
        "deepLinking": True,
        "showExtensions": True,
        "showCommonExtensions": True,
        "defaultModelsExpandDepth": 0,
        "defaultModelExpandDepth": 2,
        "displayRequestDuration": True,
        "persistAuthorization": True,
    }
    return HTMLResponse(_PAGE.format(root=escape(f"{place}{CONTROL}/assets"), options=_script_json(options)))


async def asset(request: Request) -> Response:
    """A file of Swagger UI."""
    name = request.path_params["name"]
    folder = _assets()
    if name not in ASSETS or folder is None:
        return error_response(errors.invalid_url(request.method, request.url.path))
    return FileResponse(folder / name, media_type=ASSETS[name])


@cache
def _document() -> dict[str, Any]:
    """The document; its models take a while to make, so nothing is made before somebody asks."""
    from fake_server.server.openapi.document import document

    return document()


def _assets() -> Path | None:
    """The folder of Swagger UI's files; fastapi-offline is not imported for them, FastAPI comes with it."""
    package = find_spec("fastapi_offline")
    return Path(package.origin).parent / "static" if package and package.origin else None


def _script_json(value: Any) -> str:
    """JSON that may stand in a <script>: nothing in it ends the element."""
    return json.dumps(value).replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")
