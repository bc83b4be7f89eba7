"""A reply that is filled into a template is, byte for byte, the one that would be serialized whole."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_server.api.render import chat
from fake_server.api.render.style import Style
from fake_server.api.render.templates import place
from fake_server.api.reply import Choice, Reply, Usage
from fake_server.api.request import ApiRequest
from fake_server.scripts import book
from fake_server.scripts.match import ScriptState
from fake_server.scripts.model import Answer
from fake_server.server.answer import answer

STYLES = [
    Style(order=order, spaced=spaced, escaped=escaped)
    for order, spaced, escaped in product(("given", "sorted", "reversed"), (False, True), (False, True))
]
TEXTS = ["", "An acorn falls.", "100 %", "%(id)s %s %%", 'a "b" \\ \n\t\0\x7f', "é 🌳 \u2028", "\ud83c", place("model")]


def dict_of(reply: Reply, style: Style) -> bytes:
    return chat.render_dict(reply, {}, style)


def reply_of(text: str, name: str = "gpt-4o", finish: str = "stop") -> Reply:
    usage = Usage(7, 5, cached_tokens=3, reasoning_tokens=2)
    return Reply((Choice(text, finish_reason=finish),), usage, name, id="chatcmpl-1", created=9)


def serialized(reply: Reply, style: Style) -> bytes:
    return style.serialize(chat._completion(reply, style))


@pytest.mark.parametrize("style", STYLES, ids=lambda style: f"{style.order}-{style.spaced:d}-{style.escaped:d}")
def test_a_text_in_every_style(style: Style) -> None:
    for text, name in product(TEXTS, TEXTS):
        reply = reply_of(text, name)
        assert dict_of(reply, style) == serialized(reply, style)


@given(st.text(), st.text(), st.sampled_from(STYLES))
def test_any_text(text: str, name: str, style: Style) -> None:
    reply = reply_of(text, name, "length")
    assert dict_of(reply, style) == serialized(reply, style)


REPLIES = [
    {"text": "An acorn falls."},
    {"text": "An acorn falls.", "finish_reason": "length"},
    {"text": "An acorn falls.", "reasoning": "Trees drop them.", "annotations": [{"type": "note"}]},
    {"refusal": "No."},
    {"text": "An acorn falls. " * 400},
    {"tool_calls": [{"name": "look", "arguments": {"at": "a tree"}}]},
    {"json": {"falls": True}},
    {"text": "An", "logprobs": [{"token": "An", "logprob": -1.0}]},
    {"choices": [{"text": "An acorn"}, {"text": "A leaf", "finish_reason": "stop"}]},
]


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: "-".join(reply))
@pytest.mark.parametrize("model", ["gpt-4o", "o3"])
def test_what_is_counted_once_is_what_each_request_would_count(reply: dict[str, object], model: str) -> None:
    scripts = book.parse([{"name": "one", "reply": reply}])
    body = {"model": model, "messages": [{"role": "user", "content": "What falls?"}], "n": 2}
    plain, looked_at = (
        answer(ApiRequest(request), scripts, ScriptState()) for request in (body, {**body, "max_tokens": None})
    )
    assert plain == looked_at


ASKED: list[dict[str, object]] = [
    {"stop": " falls"},
    {"stop": [" falls", "x"]},
    {"max_tokens": 2},
    {"max_completion_tokens": 2},
    {"logprobs": True, "top_logprobs": 2},
    {"model": "o3", "reasoning_effort": "high"},
    {"n": 3},
    {"tools": [{"type": "function", "function": {"name": "look"}}]},
    {"functions": [{"name": "look"}]},
    {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}},
    {"seed": 3, "temperature": 0, "verbosity": "low", "store": True, "modalities": ["text"]},
    {"prediction": {"type": "content", "content": "An acorn falls."}},
]


@pytest.mark.parametrize("more", ASKED, ids=lambda more: "-".join(more))
def test_whatever_is_asked_counts_as_if_nothing_had_been_counted(
    more: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = book.parse([{"name": "one", "reply": {"text": "An acorn falls."}}])
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "What falls?"}]}
    answer(ApiRequest(body), scripts, ScriptState())
    request = ApiRequest({**body, **more})
    counted = answer(request, scripts, ScriptState())
    monkeypatch.setattr(Answer, "counted", None)
    assert counted == answer(request, scripts, ScriptState())


@pytest.mark.parametrize("limit", [{"stop": " falls"}, {"max_tokens": 2}, {"max_completion_tokens": 2}])
def test_a_limit_is_kept_by_a_script_that_answered_without_one(limit: dict[str, object]) -> None:
    scripts = book.parse([{"name": "one", "reply": {"text": "An acorn falls."}}])
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "What falls?"}]}
    replies = [answer(ApiRequest({**body, **more}), scripts, ScriptState()) for more in ({}, limit, {})]
    assert [reply.choices[0].content for reply in replies if isinstance(reply, Reply)] == [
        "An acorn falls.",
        "An acorn",
        "An acorn falls.",
    ]
