"""Whether a request is what a script's `when` wants, and in words what it lacks.

Conditions are tried in a fixed order: endpoint, model, stream, turn, response_format, tools, headers, key,
body, tool_result, messages.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fake_server.api import chat_request, patterns
from fake_server.api.request import ApiRequest
from fake_server.scripts.when import ModelTest, ResultTest, TextTest, ValueTest, When, path_of
from fake_server.wire.text import shorten

if TYPE_CHECKING:
    from jsonpath_rfc9535 import JSONPathQuery

SHOWN = 80
_ABSENT = object()
_ORDER = ("last", "user", "first", "system", "any")


def conditions(when: When, asking: ApiRequest) -> Iterator[str | None]:
    """For each condition given, in order: None where it holds, else why it does not."""
    request = asking.body
    if when.endpoint is not None:
        at = asking.endpoint
        yield None if at == when.endpoint else f"endpoint: wants {when.endpoint}, got {at}"
    if when.model is not None:
        yield _model(when.model, str(request.get("model", "")))
    if when.stream is not None:
        streams = bool(request.get("stream"))
        yield None if streams is when.stream else f"stream: wants {_word(when.stream)}, got {_word(streams)}"
    if when.turn is not None:
        turn = chat_request.turn(request)
        yield None if turn == when.turn else f"turn: wants {when.turn}, this is turn {turn}"
    if when.response_format is not None:
        kind = chat_request.response_format(request)
        wanted = when.response_format
        yield None if kind == wanted else f"response_format: wants {wanted}, got {kind}"
    if when.tools is not None:
        yield _tools(when.tools.include, request)
    for name, test in when.headers.items():
        yield _value(f"headers.{name}", test, asking.headers.get(name, _ABSENT))
    if when.key is not None:
        yield _key(when.key, asking.key)
    for path, test in when.body.items():
        yield _at_path(f"body.{path}", path, test, request)
    if when.tool_result is not None:
        yield _result(when.tool_result, asking.results)
    if when.messages is not None:
        for name in _ORDER:
            test = getattr(when.messages, name)
            if test is not None:
                yield _messages(name, test, messages_at(asking, name))


def first_failure(when: When, request: ApiRequest) -> str | None:
    """Why the request does not meet the conditions: the first that it fails; None where it meets them all."""
    return next(filter(None, conditions(when, request)), None)


def messages_at(asking: ApiRequest, place: str) -> Sequence[chat_request.Message]:
    """The messages that a test of `last`, `user`, `first`, `system` or `any` is about."""
    said = asking.messages
    if place == "last":
        return said[-1:]
    if place == "user":
        return [one for one in said if one.role == "user"][-1:]
    if place == "system":
        return [one for one in said if one.role in chat_request.SYSTEM_ROLES]
    return said[:1] if place == "first" else said


def values_at(path: str, value: Any) -> Sequence[Any]:
    """The values that a JSONPath finds."""
    from jsonpath_rfc9535 import JSONPathError

    try:
        return _query(path).find(value).values()
    except JSONPathError:  # `..` in a body nested deeper than it looks
        return ()


def _tools(wanted: Sequence[str], request: Mapping[str, Any]) -> str | None:
    """A tool counts where the request offers it and its `tool_choice` lets it be called."""
    names = [tool.name for tool in chat_request.tools(request)]
    mode, allowed = chat_request.tool_choice(request)
    for name in wanted:
        if name not in names:
            return f"tools: wants {name!r}, offered: {', '.join(names[:10]) or 'none'}"
        if mode == "none" or (allowed and name not in allowed):
            return f"tools: wants {name!r}, tool_choice allows: {', '.join(allowed) or 'none'}"
    return None


def _model(test: ModelTest, model: str) -> str | None:
    if test.exact is not None and model != test.exact:
        return f"model: wants {test.exact!r}, got {model!r}"
    if test.prefix is not None and not model.startswith(test.prefix):
        return f"model: wants the prefix {test.prefix!r}, got {model!r}"
    if test.regex is not None and not _matches(test.regex, model):
        return f"model: wants a match of {test.regex!r}, got {model!r}"
    return None


def _messages(name: str, test: TextTest, candidates: Sequence[chat_request.Message]) -> str | None:
    """None where one of the messages passes the whole test, else why the last of them does not."""
    problem = f"messages.{name}: there is no such message"
    for said in candidates:
        failure = _text(test, said)
        if failure is None:
            return None
        problem = f"messages.{name}: {failure}"
    return problem


def _text(test: TextTest, said: chat_request.Message) -> str | None:
    if test.role is not None and said.role != test.role:
        return f"wants the role {test.role!r}, got {said.role!r}"
    for part in test.contains:
        if part.casefold() not in said.folded:
            return f"wants a text that contains {part!r}, got {short(said.text)}"
    if test.equals is not None and said.text != test.equals:
        return f"wants exactly {short(test.equals)}, got {short(said.text)}"
    if test.regex is not None and not _matches(test.regex, said.text):
        return f"wants a match of {test.regex!r}, got {short(said.text)}"
    return _at_paths(test.json_, said.value) if test.json_ else None


def _word(value: bool) -> str:
    return "true" if value else "false"


def _key(test: ValueTest, key: str | None) -> str | None:
    """As other values, but the key that was sent is not told."""
    return None if fits(test, _ABSENT if key is None else key) else "key: another one was sent"


def _at_path(name: str, path: str, test: ValueTest, value: Any) -> str | None:
    """None where one of the values that the path finds fits, else why the first one does not."""
    found = values_at(path, value) or [_ABSENT]
    return None if any(fits(test, one) for one in found) else _value(name, test, found[0])


def _result(test: ResultTest, results: Sequence[chat_request.ToolResult]) -> str | None:
    """None where one of the tools' results passes the whole test, else why the last of them does not."""
    problem = "tool_result: there is none"
    for result in results:
        failure = _one_result(test, result)
        if failure is None:
            return None
        problem = f"tool_result: {failure}"
    return problem


def _one_result(test: ResultTest, result: chat_request.ToolResult) -> str | None:
    if test.name is not None and test.name != result.tool:
        return f"wants one of {test.name!r}, this is of {result.tool or 'an unknown tool'!r}"
    if test.id is not None and test.id != result.id:
        return f"wants that of the call {test.id!r}, this is of {result.id!r}"
    if test.contains is not None and test.contains.casefold() not in result.text.casefold():
        return f"wants a text that contains {test.contains!r}, got {short(result.text)}"
    if test.regex is not None and not _matches(test.regex, result.text):
        return f"wants a match of {test.regex!r}, got {short(result.text)}"
    return _at_paths(test.json_, result.value) if test.json_ else None


def _at_paths(tests: Mapping[str, ValueTest], value: Any) -> str | None:
    failures = (_at_path(path, path, test, value) for path, test in tests.items())
    return next((failure for failure in failures if failure is not None), None)


def _value(name: str, test: ValueTest, value: Any) -> str | None:
    """None where the value fits, else what was wanted and what came."""
    if fits(test, value):
        return None
    wanted = {key: getattr(test, key) for key in ("equals", "contains", "regex", "exists")}
    told = ", ".join(f"{key} {wanted[key]!r}" for key in wanted if key in test.model_fields_set)
    got = "nothing" if value is _ABSENT else short(value if isinstance(value, str) else json.dumps(value))
    return f"{name}: wants {told.removeprefix('equals ')}, got {got}"


def fits(test: ValueTest, value: Any) -> bool:
    """Whether the value passes the test."""
    given = test.model_fields_set
    if test.exists is False:
        return value is _ABSENT
    if value is _ABSENT:
        return False
    if "equals" in given and (
        test.equals != value or isinstance(test.equals, bool) != isinstance(value, bool)
    ):
        return False
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if test.contains is not None and test.contains.casefold() not in text.casefold():
        return False
    return test.regex is None or _matches(test.regex, text)


def _matches(pattern: str, text: str) -> bool:
    return patterns.search(pattern, text, ours=True)


@lru_cache(1000)
def _query(path: str) -> JSONPathQuery:
    return path_of(path)


def short(text: str) -> str:
    """A text for a message: on one line, its beginning if it is long."""
    return repr(shorten(" ".join(text.split()), SHOWN))
