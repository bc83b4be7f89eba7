"""Where a request goes: its path, its space and its fields, read from the ASGI scope."""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.types import Scope

from fake_server.server.settings import Settings
from fake_server.server.state.space import Space, split_space

_ABSOLUTE = re.compile(r"^https?://[^/]*", re.IGNORECASE)
"""What an absolute-form target has before its path; servers must accept it (RFC 9112 section 3.2.2)."""


STYLE = "fake_server.style"
"""Where the scope says how its reply is written."""


ENTRY = "fake_server.entry"
"""Where the scope says what the journal knows of a request."""


CONTROL, METRICS = "/__fake__", "/metrics"


OPEN_PATHS = frozenset({"/", "/health", "/docs", "/openapi.json", "/metrics"})


def controls(path: str) -> bool:
    """Whether a path is for the server itself: no fault strikes there, and the journal does not count it."""
    return path.startswith(CONTROL) or path == METRICS


def space_of(scope: Scope, fields: Mapping[str, str], settings: Settings) -> tuple[Space, str]:
    """The space that a request is made in, and its path there. Raises ValueError for a bad name."""
    name, path = split_space(_path(scope), fields)
    return settings.spaces(name), path


def _path(scope: Scope) -> str:
    """The path that is asked for, below the place where another app mounts this one."""
    target: str = scope["path"]
    target = target if target[:1] == "/" else _ABSOLUTE.sub("", target) or "/"
    place: str = scope.get("root_path", "")
    return target.removeprefix(place) if place and target.startswith(f"{place}/") else target


def headers_of(scope: Scope) -> dict[str, str]:
    """The request's header fields, names in lower case, several of a name joined (RFC 9110 section 5.3)."""
    found: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name, text = raw.decode("latin-1").lower(), value.decode("latin-1")
        found[name] = f"{found[name]}, {text}" if name in found else text
    return found
