"""Texts of a reply as Jinja templates, filled in from the request, in Jinja's sandbox.

A template has `request` (the body), `last` (the user's last message), `messages` (each with `role` and
`text`), `turn`, `results` (of tools, by the tool's name, JSON as values), `headers` (less those made for credentials)
and `tools` (names).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jinja2

from fake_server.api import chat_request
from fake_server.api.request import ApiRequest
from fake_server.relay.redact.names import is_secret_field
from fake_server.scripts import sizes
from fake_server.scripts.sandbox import ENVIRONMENT, render
from fake_server.wire.budget import TooMuch, hold

_PLAIN = frozenset({"finish_reason", "faults", "timing"})


class TemplateFailed(ValueError):
    """A template that cannot be rendered; the message says which and why."""


def find_problem(value: Any) -> tuple[tuple[str | int, ...], int, str] | None:
    """The first text that is no valid template: where it is, the row in it, and why; None without one."""
    for where, text in _texts(value):
        try:
            ENVIRONMENT.parse(text)
        except jinja2.TemplateSyntaxError as error:
            rows = text.splitlines()
            row = min(error.lineno, len(rows))
            return where, row, f"{rows[row - 1].strip()!r} is no valid template: {error.message}"
        except sizes.TooMuch as error:
            return where, 1, f"{text[:60]!r} is no valid template: it {error}"
        except RecursionError:
            return where, 1, f"{text[:60]!r} is no valid template: it is nested too deeply"
    return None


def fill_in(value: Any, request: ApiRequest) -> Any:
    """Fill in every text of the value. Raises TemplateFailed, and TooMuch for what costs more than it may."""
    context = _context(request)

    def walk(part: Any, name: str = "") -> Any:
        if isinstance(part, str) and name not in _PLAIN:
            return _render(part, context)
        if isinstance(part, Mapping):
            return {key: item if key in _PLAIN else walk(item, key) for key, item in part.items()}
        return [walk(item) for item in part] if isinstance(part, (list, tuple)) else part

    return walk(value)


def _render(text: str, context: Mapping[str, Any]) -> str:
    try:
        rendered = render(text, context)
        hold(2 * len(rendered), "with what others give")
    except TooMuch as error:
        raise TooMuch(f"the template {text[:60]!r} {error}") from error
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise TemplateFailed(f"the template {text[:60]!r} cannot be rendered: {error}") from error
    except (RecursionError, MemoryError) as error:
        raise TooMuch(f"the template {text[:60]!r} takes too much memory") from error
    return rendered


def _context(request: ApiRequest) -> dict[str, Any]:
    return {
        "request": request.body,
        "last": chat_request.last_user_text(request.body),
        "messages": request.messages,
        "turn": chat_request.turn(request.body),
        "results": {result.tool: result.text if result.value is None else result.value for result in request.results},
        "headers": {name: value for name, value in request.headers.items() if not is_secret_field(name)},
        "tools": [tool.name for tool in chat_request.tools(request.body)],
    }


def _texts(value: Any, where: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Each text that is a template, with the keys and indexes that lead to it."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from () if name in _PLAIN else _texts(item, (*where, name))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _texts(item, (*where, index))
