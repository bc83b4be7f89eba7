"""Whatever the official SDK's types can spell in a chat request, validation accepts."""

from __future__ import annotations

import collections.abc
import types
import typing
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
import typing_extensions
from openai.types.chat import completion_create_params
from openai.types.responses import input_token_count_params, response_compact_params, response_create_params

from fake_server.api.validate import response_tasks, responses
from fake_server.api.validate.chat import MEMBERS, REQUIRED, validate_chat

HINTS = typing_extensions.get_type_hints(completion_create_params.CompletionCreateParamsBase) | {"stream": bool | None}
RESPONSE_HINTS = typing_extensions.get_type_hints(response_create_params.ResponseCreateParamsBase) | {
    "stream": bool | None
}
AT_LEAST = {"max_output_tokens": 16}
"""What the types do not bound."""
PLAIN: dict[Any, list[Any]] = {
    str: ["x"],
    int: [1],
    float: [1, 0.5],
    bool: [True, False],
    type(None): [None],
    object: [{}],
}
SPEAKING = ("content", "tool_calls", "function_call", "refusal", "audio")


def spelled(form: Any) -> Iterator[Any]:
    """Values of a type: one for each literal, each arm of a union and each member of a typed dict."""
    origin, arguments = typing.get_origin(form), typing.get_args(form)
    if form in PLAIN:
        yield from PLAIN[form]
    elif origin is typing.Literal:
        yield from arguments
    elif origin in (typing.Union, types.UnionType):
        for argument in arguments:
            yield from spelled(argument)
    elif origin is dict:
        yield from ({"1": value} for value in spelled(arguments[1]))
    elif origin in (list, collections.abc.Iterable, collections.abc.Sequence):
        yield from ([value] for value in spelled(arguments[0]))
    elif typing_extensions.is_typeddict(form):
        yield from members_of(form)
    else:
        raise TypeError(f"no value is known for {form!r}")


def members_of(form: Any) -> Iterator[dict[str, Any]]:
    """The least object of a typed dict, then that object with each value of each member."""
    hints = typing_extensions.get_type_hints(form)
    marked = typing_extensions.get_type_hints(form, include_extras=True)
    origins: dict[str, Any] = {name: typing.get_origin(hint) for name, hint in marked.items()}
    required = {name for name in hints if origins[name] is typing_extensions.Required}
    least = {name: next(spelled(hints[name])) for name in hints if form.__total__ or name in required}
    yield least
    for name, hint in hints.items():
        yield from ({**least, name: value} for value in spelled(hint))


def says_nothing(message: dict[str, Any]) -> bool:
    """Whether an assistant is silent, which the types allow and the API refuses."""
    return message["role"] == "assistant" and not any(message.get(name) for name in SPEAKING)


def test_the_table_has_the_members_of_the_sdk() -> None:
    assert set(MEMBERS) == set(HINTS)


def test_the_table_of_responses_has_the_members_of_the_sdk() -> None:
    assert set(responses.MEMBERS) == {*RESPONSE_HINTS, "client_metadata"}


@pytest.mark.parametrize("name", sorted(HINTS))
def test_every_form_of_a_member_is_accepted(name: str) -> None:
    count = 0
    for value in spelled(HINTS[name]):
        if name != "messages" or not says_nothing(value[0]):
            MEMBERS[name].validate(value, name)
            count += 1
    assert count


@pytest.mark.parametrize("name", sorted(RESPONSE_HINTS))
def test_every_form_of_a_member_of_a_response_is_accepted(name: str) -> None:
    count = 0
    for value in spelled(RESPONSE_HINTS[name]):
        responses.MEMBERS[name].validate(AT_LEAST.get(name, value), name)
        count += 1
    assert count


@pytest.mark.parametrize(
    ("form", "table"),
    [
        (response_create_params.ResponseCreateParamsBase, responses.MEMBERS),
        (response_compact_params.ResponseCompactParams, [*response_tasks.COMPACT_REQUIRED, *response_tasks.COMPACT]),
        (input_token_count_params.InputTokenCountParams, response_tasks.COUNT),
    ],
    ids=["create", "compact", "count"],
)
def test_the_tables_of_responses_have_the_members_of_the_sdk(form: Any, table: Iterable[str]) -> None:
    assert set(typing_extensions.get_type_hints(form)) <= set(table)


def test_the_least_request_is_accepted() -> None:
    request = {name: next(spelled(HINTS[name])) for name in REQUIRED}
    assert validate_chat(request) is None
    assert responses.validate_response({"model": "m", "input": next(spelled(RESPONSE_HINTS["input"]))}) is None
