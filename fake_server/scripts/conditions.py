"""Whether a request meets a script's `when`, and which condition it fails.

Conditions are tried in a fixed order: endpoint, method, path, model, stream, turn, response_format, tools, headers,
key, body, tool_result, messages.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fake_server.api import chat_request
from fake_server.api.request import ApiRequest
from fake_server.scripts.when import ModelTest, ResultTest, TextTest, ToolsTest, ValueTest, When, path_of
from fake_server.wire import patterns
from fake_server.wire.text import shorten

if TYPE_CHECKING:
    from fake_server.faults.jsonpath import BoundedPath

SHOWN = 80
_ABSENT = object()
_PLACES = ("last", "user", "first", "system", "any")


def conditions(when: When, request: ApiRequest) -> Iterator[str | None]:
    """Check each condition, in order: yields None if it holds, else why it does not."""
    for name in when.given:
        check = _CHECKS.get(name)
        if check is not None:
            yield check(getattr(when, name), request)
        elif name == "headers":
            for header, test in when.headers.items():
                yield _value(f"headers.{header}", test, request.headers.get(header, _ABSENT))
        elif name == "body":
            for path, test in when.body.items():
                yield _at_path(f"body.{path}", path, test, request.body)
        elif name == "messages" and when.messages is not None:
            for place in _PLACES:
                if (wanted := getattr(when.messages, place)) is not None:
                    yield _message(place, wanted, request)


def first_failure(when: When, request: ApiRequest) -> str | None:
    """Why the request does not meet the conditions: the first that it fails; None where it meets them all."""
    return next(filter(None, conditions(when, request)), None)


def messages_at(request: ApiRequest, place: str) -> Sequence[chat_request.Message]:
    """The messages that a test under `last`, `user`, `first`, `system` or `any` applies to."""
    messages = request.messages
    if place == "last":
        return messages[-1:]
    if place == "user":
        return [message for message in messages if message.role == "user"][-1:]
    if place == "system":
        return [message for message in messages if message.role in chat_request.SYSTEM_ROLES]
    return messages[:1] if place == "first" else messages


def values_at(path: str, value: Any) -> Sequence[Any]:
    """Find the values at a JSONPath."""
    from jsonpath import JSONPathError

    try:
        return _query(path).findall(value)
    except (JSONPathError, RecursionError):  # `..` in a body nested deeper than it looks
        return ()


def _endpoint(wanted: str, request: ApiRequest) -> str | None:
    at = request.endpoint
    return None if at == wanted else f"endpoint: expected {wanted}, got {at}"


def _method(wanted: str, request: ApiRequest) -> str | None:
    method = wanted.upper()
    return None if request.method == method else f"method: expected {method}, got {request.method}"


def _path(test: ValueTest, request: ApiRequest) -> str | None:
    return None if passes(test, request.path.removeprefix("/v1")) else _value("path", test, request.path)


def _stream(wanted: bool, request: ApiRequest) -> str | None:
    streams = request.streams
    return None if streams is wanted else f"stream: expected {str(wanted).lower()}, got {str(streams).lower()}"


def _turn(wanted: int, request: ApiRequest) -> str | None:
    turn = chat_request.turn(request.body)
    return None if turn == wanted else f"turn: expected {wanted}, this is turn {turn}"


def _response_format(wanted: str, request: ApiRequest) -> str | None:
    kind = chat_request.response_format(request.body)
    return None if kind == wanted else f"response_format: expected {wanted}, got {kind}"


def _tool_result(test: ResultTest, request: ApiRequest) -> str | None:
    return _nearest("tool_result", _result, test, request.results, "there is no result")


def _message(place: str, test: TextTest, request: ApiRequest) -> str | None:
    return _nearest(f"messages.{place}", _text, test, messages_at(request, place), "there is no such message")


def _tools(test: ToolsTest, request: ApiRequest) -> str | None:
    """A tool counts where the request offers it and its `tool_choice` lets it be called."""
    body = request.body
    names = chat_request.offered_names(body)
    built_in = names[len(chat_request.tools(body)) :]
    mode, allowed = chat_request.tool_choice(body)
    for name in test.include:
        if name not in names:
            return f"tools: expected {name!r}, offered: {', '.join(names[:10]) or 'none'}"
        if name not in built_in and (mode == "none" or (allowed and name not in allowed)):
            return f"tools: expected {name!r}, tool_choice allows: {', '.join(allowed) or 'none'}"
    return None


def _model(test: ModelTest, request: ApiRequest) -> str | None:
    model = request.model
    if test.exact is not None and model != test.exact:
        return f"model: expected {test.exact!r}, got {model!r}"
    if test.prefix is not None and not model.startswith(test.prefix):
        return f"model: expected the prefix {test.prefix!r}, got {model!r}"
    if test.regex is not None and not _matches(test.regex, model):
        return f"model: expected a match for {test.regex!r}, got {model!r}"
    return None


def _nearest(
    name: str, check: Callable[[Any, Any], str | None], test: Any, things: Sequence[Any], absent: str
) -> str | None:
    """None if one of the messages or results passes the whole test, else why the last of them does not."""
    failure: str | None = absent
    for thing in things:
        failure = check(test, thing)
        if failure is None:
            return None
    return f"{name}: {failure}"


def _text(test: TextTest, message: chat_request.Message) -> str | None:
    if test.role is not None and message.role != test.role:
        return f"expected the role {test.role!r}, got {message.role!r}"
    for part in test.contains:
        if part.casefold() not in message.folded:
            return f"expected a text that contains {part!r}, got {short(message.text)}"
    if test.equals is not None and message.text != test.equals:
        return f"expected exactly {short(test.equals)}, got {short(message.text)}"
    if test.regex is not None and not _matches(test.regex, message.text):
        return f"expected a match for {test.regex!r}, got {short(message.text)}"
    return _at_paths(test.json_, message.value) if test.json_ else None


def _key(test: ValueTest, request: ApiRequest) -> str | None:
    """As for other values, but the message does not show the key that was sent."""
    key = request.key
    return None if passes(test, _ABSENT if key is None else key) else "key: a different key was sent"


def _at_path(name: str, path: str, test: ValueTest, value: Any) -> str | None:
    """None if one of the values at the path passes, else why the first does not."""
    found = values_at(path, value) or [_ABSENT]
    return None if any(passes(test, value) for value in found) else _value(name, test, found[0])


def _result(test: ResultTest, result: chat_request.ToolResult) -> str | None:
    if test.name is not None and test.name != result.tool:
        return f"expected the result of {test.name!r}, got that of {result.tool or 'an unknown tool'!r}"
    if test.id is not None and test.id != result.id:
        return f"expected the result of the call {test.id!r}, got that of {result.id!r}"
    if test.contains is not None and test.contains.casefold() not in result.text.casefold():
        return f"expected a text that contains {test.contains!r}, got {short(result.text)}"
    if test.regex is not None and not _matches(test.regex, result.text):
        return f"expected a match for {test.regex!r}, got {short(result.text)}"
    return _at_paths(test.json_, result.value) if test.json_ else None


def _at_paths(tests: Mapping[str, ValueTest], value: Any) -> str | None:
    failures = (_at_path(path, path, test, value) for path, test in tests.items())
    return next((failure for failure in failures if failure is not None), None)


def _value(name: str, test: ValueTest, value: Any) -> str | None:
    """None if the value passes, else what was expected and what it is."""
    if passes(test, value):
        return None
    wanted = {key: getattr(test, key) for key in ("equals", "contains", "regex", "exists")}
    expected = ", ".join(f"{key} {wanted[key]!r}" for key in wanted if key in test.model_fields_set)
    got = "nothing" if value is _ABSENT else short(value if isinstance(value, str) else json.dumps(value))
    return f"{name}: expected {expected.removeprefix('equals ')}, got {got}"


def passes(test: ValueTest, value: Any) -> bool:
    """Whether the value passes the test."""
    given = test.model_fields_set
    if test.exists is False:
        return value is _ABSENT
    if value is _ABSENT:
        return False
    if "equals" in given and (test.equals != value or isinstance(test.equals, bool) != isinstance(value, bool)):
        return False
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if test.contains is not None and test.contains.casefold() not in text.casefold():
        return False
    return test.regex is None or _matches(test.regex, text)


def _matches(pattern: str, text: str) -> bool:
    return patterns.search(pattern, text, ours=True)


_CHECKS: Mapping[str, Callable[[Any, ApiRequest], str | None]] = {
    "endpoint": _endpoint,
    "method": _method,
    "path": _path,
    "model": _model,
    "stream": _stream,
    "turn": _turn,
    "response_format": _response_format,
    "tools": _tools,
    "key": _key,
    "tool_result": _tool_result,
}
"""How each condition is checked that is a single one."""


@lru_cache(1000)
def _query(path: str) -> BoundedPath:
    return path_of(path)


def short(text: str) -> str:
    """Quote a text for a message: on one line, cut if it is long."""
    return repr(shorten(" ".join(text.split()), SHOWN))
