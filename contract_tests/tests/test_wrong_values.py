"""Requests with values that the reference excludes, odd ones, and what may come back with a reply."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import Any

import pytest

from contract_tests.rules import judge
from contract_tests.rules.engine.view import View
from contract_tests.tests.test_genuine_forms import asking, edited, ids, load, sized
from fake_server.wire.exchange import Exchange

KEY = "sk-live-4c1e77a0b2d9"
TOOL = {"type": "function", "function": {"name": "get_time"}}
SCHEMA = {"name": "tree", "schema": {"type": "object"}}


def with_status(exchange: Exchange, status: int) -> Exchange:
    return exchange.but(status=status)


@pytest.mark.parametrize(
    ("members", "wrong"),
    [
        ({"max_tokens": 0}, True),
        ({"max_tokens": -1}, True),
        ({"max_completion_tokens": 0}, True),
        ({"max_tokens": 1}, False),
        ({"max_tokens": None}, False),
        ({"tool_choice": "required"}, True),
        ({"tool_choice": "required", "tools": []}, True),
        ({"tool_choice": {"type": "function", "function": {"name": "get_time"}}}, True),
        ({"tool_choice": "sometimes", "tools": [TOOL]}, True),
        ({"tool_choice": "any", "tools": [TOOL]}, False),  # Mistral's word
        ({"tool_choice": "auto"}, False),
        ({"tool_choice": None, "tools": None}, False),
        ({"temperature": 99}, True),
        ({"temperature": None}, False),
    ],
)
def test_a_value_that_is_excluded_is_to_be_refused(members: dict[str, Any], wrong: bool) -> None:
    answered = asking(load("poem-dict"), **members)
    found = ids(answered) - {"chat.limit-kept"}  # of a limit of 1
    assert found == ({"errors.refuses-wrong-values"} if wrong else set())  # one cause, one finding
    refused = asking(load("wrong-value"), **members)
    assert "errors.refuses-wrong-values" not in ids(refused)


@pytest.mark.parametrize(
    ("encoding", "wrong"), [("md5", True), (7, True), ("float", False), ("int8", False), (None, False)]
)
def test_an_unknown_encoding_is_to_be_refused(encoding: Any, wrong: bool) -> None:
    answered = asking(load("embedding"), encoding_format=encoding)
    assert ("errors.refuses-wrong-values" in ids(answered)) is wrong


def described(**members: Any) -> dict[str, Any]:
    """A response_format of this schema; `...` takes a member away."""
    known = {name: value for name, value in {**SCHEMA, **members}.items() if value is not ...}
    return {"type": "json_schema", "json_schema": known}


@pytest.mark.parametrize(
    ("form", "wrong"),
    [
        ("json", True),
        ([], True),
        ({}, True),
        ({"type": "xml"}, True),
        ({"type": "json_schema"}, True),
        (described(name=...), True),
        (described(strict="yes"), True),
        (described(schema="a tree"), True),
        (described(schema=...), False),  # the reference does not require it
        (described(strict=None), False),
        ({"type": "text"}, False),
        (None, False),
    ],
)
def test_a_wrong_format_is_to_be_refused(form: Any, wrong: bool) -> None:
    answered = asking(load("json-dict"), response_format=form)
    assert ("errors.refuses-wrong-format" in ids(answered)) is wrong
    in_words = ids(asking(load("poem-dict"), response_format=form))
    assert not wrong or in_words == {"errors.refuses-wrong-format"}  # one cause, one finding


def test_a_format_without_a_schema_promises_nothing() -> None:
    assert ids(asking(load("poem-dict"), response_format=described(schema=...))) == set()
    assert ids(asking(load("poem-dict"), response_format=described())) == {"formats.json-text"}


@pytest.mark.parametrize(("status", "accused"), [(200, False), (400, False), (500, True), (502, True), (429, False)])
def test_an_odd_request_is_answered_or_refused(status: int, accused: bool) -> None:
    for odd in ({"no_such_member": True}, {"response_format": described(schema=...)}):
        answered = asking(load("json-dict" if status == 200 else "wrong-value"), temperature=1, **odd)
        assert ("errors.callers-mistake" in ids(with_status(answered, status))) is accused
    plain = load("poem-dict" if status == 200 else "wrong-value")
    typed = (("Content-Type", "text/plain;charset=UTF-8"),)
    request = replace(plain.request, headers=typed)
    assert ("errors.callers-mistake" in ids(with_status(plain, status).but(request=request))) is accused


def test_422_is_named_with_what_else_is_wrong() -> None:
    detail = b'{"detail":[{"loc":["body","messages"],"msg":"Field required","type":"missing"}]}'
    assert {"errors.not-422", "errors.object"} <= ids(sized(with_status(load("no-messages"), 422), detail))


@pytest.mark.parametrize("name", ["text-stream", "text-usage-stream"])
def test_the_id_of_a_chat_in_a_text_stream(name: str) -> None:
    assert ids(edited(load(name), ("cmpl-", "chatcmpl-"))) == {"completions.id-prefix"}


def test_what_is_foreign_in_calls_and_counts() -> None:
    assert ids(edited(load("calls-stream"), ('"type":"function"', '"type":"function","x":1'))) == {
        "tools.known-members"
    }
    assert ids(edited(load("usage-stream"), ('"usage":{', '"usage":{"queue_time":0.1,'))) == {"usage.known-members"}


# -- a key that comes back


def secret(exchange: Exchange) -> set[str]:
    return judge(View(exchange, secrets=(KEY,))).ids()


def test_a_key_comes_back_in_no_reply() -> None:
    clean = load("wrong-value")
    assert secret(clean) == set()
    said = sized(clean, clean.payload.replace(b"Invalid", f"{KEY} Invalid".encode()))
    assert secret(said) == {"http.key-kept"}
    zipped = sized(said, gzip.compress(said.payload)).but(headers=(*said.headers, ("Content-Encoding", "gzip")))
    assert "http.key-kept" in secret(zipped)
    assert secret(clean.but(headers=(*clean.headers, ("X-Seen", f"Bearer {KEY}")))) == {"http.key-kept"}


def test_a_key_comes_back_in_pieces() -> None:
    pieces = [f'"content":"{piece}"' for piece in (KEY[:9], KEY[9:])]
    exchange = edited(load("poem-stream"), ('"content":"A"', pieces[0]), ('"content":" tree"', pieces[1]))
    assert KEY.encode() not in exchange.payload
    assert secret(exchange) == {"http.key-kept"}


def test_a_key_that_was_part_of_the_request_may_come_back() -> None:
    asked = asking(load("poem-dict"), model=KEY)
    assert "http.key-kept" not in secret(edited(asked, ("stands still", KEY)))


def test_a_short_wrong_key_is_repeated_as_api_openai_com_does() -> None:
    keyed = load("with-key-dict").request
    (key,) = [value.removeprefix("Bearer ") for name, value in keyed.headers or () if name == "Authorization"]
    error = {"message": f"Incorrect API key provided: {key}.", "type": "e", "param": None, "code": "invalid_api_key"}
    refused = sized(load("no-key"), json.dumps({"error": error}).encode()).but(request=keyed)
    assert "http.key-kept" not in ids(refused)
