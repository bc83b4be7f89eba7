"""Looked up among many, the scripts that answer are those that answer when each is tried."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fake_server.api.request import ApiRequest
from fake_server.scripts import book as scripts
from fake_server.scripts import match
from fake_server.scripts.book import ScriptBook
from fake_server.scripts.index import FEW

WORDS = ["the weather", "WEATHER", "ether", "a", "straße", "STRASSE", "木の詩を書いて", "tree", ""]
VALUES = st.sampled_from(["a", {"equals": "b"}, 1, True, {"equals": 0, "exists": False}, {"exists": False}, [1]])
TEXTS = st.lists(st.sampled_from(WORDS), max_size=3).map(" ".join)


@st.composite
def text_tests(draw: st.DrawFn) -> dict[str, Any]:
    test: dict[str, Any] = {}
    if draw(st.booleans()):
        test["contains"] = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=2))
    if draw(st.integers(0, 3)) == 0:
        test["equals"] = draw(TEXTS)
    return test or {"role": draw(st.sampled_from(["user", "system"]))}


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    when: dict[str, Any] = {}
    named = st.sampled_from(["last", "user", "any", "first", "system"])
    places = draw(st.lists(named, unique=True, max_size=2))
    if places:
        when["messages"] = {place: draw(text_tests()) for place in places}
    if draw(st.integers(0, 2)) == 0:
        when["model"] = draw(st.sampled_from(["gpt-4o", "gpt-4", {"prefix": "gpt"}]))
    if draw(st.integers(0, 2)) == 0:
        when["tools"] = {"include": draw(st.lists(st.sampled_from(["f", "g"]), min_size=1, max_size=2))}
    if draw(st.integers(0, 2)) == 0:
        when[draw(st.sampled_from(["headers", "body"]))] = {"user": draw(VALUES)}
    if draw(st.integers(0, 3)) == 0:
        when["key"] = draw(VALUES)
    return when


@st.composite
def requests(draw: st.DrawFn) -> ApiRequest:
    roles = st.sampled_from(["user", "system", "assistant"])
    said = draw(st.lists(st.tuples(roles, TEXTS), max_size=3))
    offered = draw(st.lists(st.sampled_from(["f", "g"]), unique=True))
    user = draw(st.sampled_from(["a", "b", 1, True, 0, [1], None]))
    headers = {"user": user} if isinstance(user, str) else {}
    if draw(st.booleans()):
        headers["authorization"] = f"Bearer {draw(st.sampled_from('ab'))}"
    body: dict[str, Any] = {
        "model": draw(st.sampled_from(["gpt-4o", "gpt-4", "other"])),
        "messages": [{"role": role, "content": text} for role, text in said],
        "tools": [{"type": "function", "function": {"name": name}} for name in offered],
    }
    return ApiRequest(body if user is None else {**body, "user": user}, headers=headers)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.lists(conditions(), min_size=FEW + 1, max_size=30), requests())
def test_no_match_is_missed_and_the_order_stays(whens: list[dict[str, Any]], asking: ApiRequest) -> None:
    written = [{"name": str(n), "when": when, "reply": {"text": "x"}} for n, when in enumerate(whens)]
    book = scripts.parse(written)
    tried = [one for one in book if match.miss(one, asking) is None]
    found = [one for one in book.index.candidates(asking) if match.miss(one, asking) is None]
    assert found == tried


def test_few_are_tried_of_many() -> None:
    many = [
        {"name": str(n), "when": {"messages": {"last": {"contains": f"item {n:04}"}}}, "reply": {"text": "x"}}
        for n in range(1000)
    ]
    book = scripts.parse(many)
    request = {"model": "m", "messages": [{"role": "user", "content": "tell me of item 0123"}]}
    candidates = list(book.index.candidates(ApiRequest(request)))
    assert "123" in [one.name for one in candidates]
    assert len(candidates) < 50
    assert list(ScriptBook().index.candidates(ApiRequest(request))) == []
