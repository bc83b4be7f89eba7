"""The inspector's page: one HTML text with its style and script in it, which asks no other server for anything."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, Template
from markupsafe import Markup

HERE = Path(__file__).parent
ROWS = 100
"""Requests that stand in the page itself; the script gets the others."""

EXAMPLE = '{"error": {"status": 503, "message": "busy"}}'
"""A reply as it may be queued, which the page shows where one is written."""


def render_page(base: str, rows: Sequence[Mapping[str, Any]], **values: Any) -> str:
    """The page that speaks with the control API at `base`, with the newest of `rows`, oldest first.

    `title`, `url` (for clients), `space`, `spaces` (names), `held`, `dropped`, `replay` and `locked` (a key is needed,
    and nothing is shown) are in `values`. Anybody may have written these texts: the template escapes them.
    """
    shown = rows[::-1][:ROWS]
    return _template().render(
        base=base, rows=shown, style=_read("style.css"), script=_read("script.js"), example=EXAMPLE, **values
    )


@cache
def page_headers() -> dict[str, str]:
    """The header fields of the page: nothing but its own script and style applies, and nothing can embed it."""
    policy = {
        "default-src": "'none'",
        "script-src": _hash("script.js"),
        "style-src": _hash("style.css"),
        "connect-src": "'self'",
        "img-src": "data:",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    return {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "cache-control": "no-store",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "vary": "accept",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
    }


def accepts_html(accept: str) -> bool:
    """Whether who asks would show a page, as browsers do; no client of an API asks for HTML."""
    return "text/html" in accept


@cache
def _read(name: str) -> Markup:
    return Markup((HERE / name).read_text(encoding="utf-8").strip())  # noqa: S704 - our own files


def _hash(name: str) -> str:
    digest = hashlib.sha256(_read(name).encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string((HERE / "page.html").read_text(encoding="utf-8"))
