"""Texts of a reply as Jinja templates of the request, in Jinja's sandbox.

A template sees `request` (the body), `last` (what the user said last), `messages` (each with `role` and
`text`), `turn`, `results` (what tools gave back, by the tool's name, JSON as values), `headers` and `tools`
(names).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jinja2

from fake_server.api import chat_request
from fake_server.api.request import ApiRequest
from fake_server.scripts.sandbox import ENVIRONMENT, TooMuch, render

_PLAIN = frozenset({"finish_reason", "faults", "timing"})


class TemplateFailed(ValueError):
    """A template that cannot be filled in; the text says which and why."""


def problem(value: Any) -> tuple[tuple[str | int, ...], int, str] | None:
    """Where the first text stands that is no template, the row in it, and what is wrong; None: nothing."""
    for where, text in _texts(value):
        try:
            ENVIRONMENT.parse(text)
        except jinja2.TemplateSyntaxError as error:
            rows = text.splitlines()
            row = min(error.lineno, len(rows))
            return where, row, f"{rows[row - 1].strip()!r} is no template: {error.message}"
        except RecursionError:
            return where, 1, f"{text[:60]!r} is no template: it is nested too deep"
    return None


def filled(value: Any, asking: ApiRequest) -> Any:
    """The value with its texts filled in. Raises TemplateFailed."""
    context = _context(asking)

    def walk(one: Any, name: str = "") -> Any:
        if isinstance(one, str) and name not in _PLAIN:
            return _filled(one, context)
        if isinstance(one, Mapping):
            return {key: item if key in _PLAIN else walk(item, key) for key, item in one.items()}
        return [walk(item) for item in one] if isinstance(one, (list, tuple)) else one

    return walk(value)


def _filled(text: str, context: Mapping[str, Any]) -> str:
    try:
        return render(text, context)
    except TooMuch as error:
        raise TemplateFailed(f"the template {text[:60]!r} {error}") from error
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise TemplateFailed(f"the template {text[:60]!r} cannot be filled in: {error}") from error
    except (RecursionError, MemoryError) as error:
        raise TemplateFailed(f"the template {text[:60]!r} takes too much memory") from error


def _context(asking: ApiRequest) -> dict[str, Any]:
    return {
        "request": asking.body,
        "last": chat_request.last_user_text(asking.body),
        "messages": asking.messages,
        "turn": chat_request.turn(asking.body),
        "results": {one.tool: one.text if one.value is None else one.value for one in asking.results},
        "headers": {name: value for name, value in asking.headers.items() if name != "authorization"},
        "tools": [tool.name for tool in chat_request.tools(asking.body)],
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
