"""Two replies compared: each difference of shape and order has a pair that shows exactly it."""

from __future__ import annotations

from typing import Any

import pytest

from contract_tests.diffing import Difference, Kind, Role, compare
from contract_tests.diffing.verdicts import Verdict
from contract_tests.tests.diff_pairs import (
    DICT,
    END,
    MORE,
    ROLE,
    STREAM,
    TEXT,
    between,
    chunk,
    message,
    of,
    recut,
    reply,
    rows,
    stream,
)
from contract_tests.tests.test_legal_variations import compressed
from fake_server.wire.exchange import Exchange, Request

SHAPES: dict[str, tuple[Exchange, Exchange, tuple[str, str, str]]] = {
    "a member on one side": (DICT, reply({**message(), "x": 1}), ("x", "absent", "number")),
    "null and absent": (DICT, reply(message(refusal=None)), ("choices[].message.refusal", "absent", "null")),
    "null and a text": (DICT, reply(message(None)), ("choices[].message.content", "string", "null")),
    "another type": (DICT, reply({**message(), "created": "1"}), ("created", "Unix seconds", "string")),
    "a fraction": (DICT, reply({**message(), "created": 1.5}), ("created", "Unix seconds", "number")),
    "milliseconds": (
        DICT,
        reply({**message(), "created": 1760000000000}),
        ("created", "Unix seconds", "Unix milliseconds"),
    ),
    "another constant": (DICT, reply({**message(), "object": "x"}), ("object", '"chat.completion"', '"x"')),
    "another form of id": (DICT, reply({**message(), "id": "cmpl_1"}), ("id", "chatcmpl-…", "cmpl_…")),
    "an empty id": (DICT, reply({**message(), "id": ""}), ("id", "chatcmpl-…", '""')),
    "a snapshot": (
        DICT,
        reply({**message(), "model": "gpt-4o-2024-08-06"}),
        ("model", "the requested model", "a snapshot of the requested model"),
    ),
    "an object for an array": (DICT, reply({**message(), "choices": {}}), ("choices", "array", "object")),
    "the whole choice": (
        DICT,
        reply({**message(), "choices": [{"index": 0, "finish_reason": "stop"}]}),
        ("choices[].message", "object", "absent"),
    ),
    "a member of some chunks": (
        STREAM,
        stream(ROLE, {**TEXT, "model": None}, MORE, END),
        ("model", "the requested model", "the requested model or null"),
    ),
    "a member not in all chunks": (
        STREAM,
        stream(ROLE, {name: TEXT[name] for name in TEXT if name != "id"}, MORE, END),
        ("id", "chatcmpl-…", "chatcmpl-…, not in all"),
    ),
    "an array": (DICT, reply([message()]), ("the body", "JSON object", "JSON array")),
    "no JSON": (DICT, reply(b"{oops"), ("the body", "JSON object", "text that is not JSON")),
    "nothing": (DICT, DICT.but(writes=()), ("the body", "JSON object", "no body")),
    "two choices": (
        DICT,
        reply({**message(), "choices": message()["choices"] * 2}),
        ("number of choices", "1", "2"),
    ),
}


@pytest.mark.parametrize(("a", "b", "expected"), SHAPES.values(), ids=SHAPES)
def test_a_difference_of_shape_alone(a: Exchange, b: Exchange, expected: tuple[str, str, str]) -> None:
    assert rows(between(a, b)) == [("shape", *expected)]


ARGUMENTS = {
    "tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
}
SAME: dict[str, tuple[Exchange, Exchange]] = {
    "texts, ids and times": (DICT, reply({**message("Other"), "id": "chatcmpl-2", "created": 1770000000})),
    "counts": (
        reply({**message(), "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}),
        reply({**message(), "usage": {"prompt_tokens": 9, "completion_tokens": 0, "total_tokens": 9}}),
    ),
    "an empty array": (reply({**message(), "x": []}), reply({**message(), "x": [{"y": 1}]})),
    "whole numbers where fractions may be": (reply({**message(), "x": 1}), reply({**message(), "x": 0.5})),
    "more chunks": (STREAM, stream(ROLE, TEXT, MORE, MORE, MORE, END)),
    "arguments in pieces": (
        stream(ROLE, chunk(ARGUMENTS), END),
        stream(
            ROLE,
            chunk({"tool_calls": [{**ARGUMENTS["tool_calls"][0], "function": {"name": "f", "arguments": ""}}]}),
            chunk({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}),
            END,
        ),
    ),
}


def answer(path: str, value: Any, method: str = "POST") -> Exchange:
    """One dict of another endpoint."""
    return reply(value).but(request=Request(method, path, (), b"{}"))


SAME |= {
    "the role in all chunks": (
        STREAM,
        stream(chunk({"role": "assistant", "content": "a"}), chunk({"role": "assistant", "content": "b"}, "stop")),
    ),
    "the role in every chunk": (
        stream(ROLE, TEXT, END),
        stream(*(chunk({"role": "assistant", "content": one}) for one in "ab"), END),
    ),
    "words that are names": (
        answer("/v1/completions", {"choices": [{"logprobs": {"top_logprobs": [{"a": -1.5}]}}]}),
        answer("/v1/completions", {"choices": [{"logprobs": {"top_logprobs": [{"b": -1.5}]}}]}),
    ),
    "models of other names": (
        answer("/v1/models", {"object": "list", "data": [{"id": "gpt-4o"}]}, "GET"),
        answer("/v1/models", {"object": "list", "data": [{"id": "llama_3"}, {"id": "x"}]}, "GET"),
    ),
    "a model that one side did not name": (DICT, reply({**message(), "model": "other"}, model=None)),
    "fields of the connection": (
        DICT,
        DICT.but(headers=(*DICT.headers, ("Connection", "close"), ("Date", "x"))),
    ),
    "compressed writes": (compressed(STREAM), recut(compressed(STREAM))),
}


@pytest.mark.parametrize(("a", "b"), SAME.values(), ids=SAME)
def test_what_naturally_varies_is_no_difference(a: Exchange, b: Exchange) -> None:
    assert [row for row in rows(between(a, b)) if row[0] != "order"] == []


def test_a_member_of_chunks_and_of_what_they_make_together_is_told_once() -> None:
    found = between(STREAM, stream(ROLE, chunk({"refusal": "No"}), END))
    assert [row[1] for row in rows(found) if row[0] == "shape"] == [
        "choices[].delta.content",
        "choices[].delta.refusal",
    ]


def test_streamed_calls_are_what_the_dict_has() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    found = between(stream(ROLE, chunk(ARGUMENTS), END), reply(message(None, tool_calls=[call])))
    assert [row[1] for row in rows(found) if row[0] == "shape"] == ["the body"]


def test_a_form_that_both_have_does_not_count_against_either() -> None:
    both = stream({**ROLE, "service_tier": "odd"}, {**TEXT, "service_tier": "default"}, {**END, "service_tier": "odd"})
    one = stream(*({**each, "service_tier": "odd"} for each in (ROLE, TEXT, END)))
    assert [each.verdict for each in between(both, one).differences] == ["the SDK knows A's form only"]


def test_an_error_and_an_answer_are_told_apart_by_the_status_alone() -> None:
    refusal = reply({"error": {"message": "no"}}).but(status=400, reason="Bad Request")
    found = compare(of(DICT, Role.FAKE), of(refusal, Role.GENUINE)).differences
    assert [(one.where, one.verdict) for one in found] == [("the answer", Verdict.B_REFUSES), ("status", None)]


def test_another_cut_of_the_same_answer_is_a_matter_of_order() -> None:
    whole = stream(chunk({"role": "assistant", "content": "Hi!"}, "stop"))
    assert rows(between(STREAM, whole)) == [
        ("order", "events", "role → content ×2 → finish → [DONE]", "role+content+finish → [DONE]")
    ]


def test_a_dict_beside_a_stream_is_told_and_what_they_say_is_compared() -> None:
    found = between(STREAM, reply(message(None), stream=True))
    assert [row for row in rows(found) if row[0] == "shape"] == [
        ("shape", "the body", "event stream", "JSON object"),
        ("shape", "merged: choices[].message.content", "string", "absent"),
    ]
    assert found.differences[0].verdict == "the SDK knows A's form only"


def test_merged_arguments_are_looked_into() -> None:
    cut = stream(
        ROLE,
        chunk({"tool_calls": [{**ARGUMENTS["tool_calls"][0], "function": {"name": "f", "arguments": '{"a'}}]}),
        END,
    )
    assert rows(between(stream(ROLE, chunk(ARGUMENTS), END), cut)) == [
        (
            "shape",
            "merged: choices[].message.tool_calls[].function.arguments",
            "string of JSON",
            "string that is not a JSON object",
        )
    ]


TURNED = {name: message()[name] for name in ("object", "id", "created", "model", "choices")}
ORDERS: dict[str, tuple[Exchange, Exchange, tuple[str, str, str]]] = {
    "members": (DICT, reply(TURNED), ("members of the dict", "id, object", "object, id")),
    "steps": (
        STREAM,
        stream(TEXT, ROLE, END),
        (
            "events",
            "role → content ×2 → finish → [DONE]",
            "content → role → finish → [DONE]",
        ),
    ),
    "no [DONE]": (
        STREAM,
        STREAM.but(writes=STREAM.writes[:-1]),
        ("events", "role → content ×2 → finish → [DONE]", "role → content ×2 → finish"),
    ),
    "an error": (
        STREAM,
        stream(ROLE, TEXT, {"error": {"message": "no"}}),
        ("events", "role → content ×2 → finish → [DONE]", "role → content → error → [DONE]"),
    ),
}


@pytest.mark.parametrize(("a", "b", "expected"), ORDERS.values(), ids=ORDERS)
def test_a_difference_of_order(a: Exchange, b: Exchange, expected: tuple[str, str, str]) -> None:
    found = [row for row in rows(between(a, b)) if row[0] != "shape"]
    assert found == [("order", *expected)]


def test_several_choices_are_followed_one_by_one() -> None:
    def second(one: dict[str, Any]) -> dict[str, Any]:
        return {**one, "choices": [{**one["choices"][0], "index": 1}]}

    interleaved = stream(ROLE, second(ROLE), TEXT, second(TEXT), END, second(END))
    in_turn = stream(ROLE, TEXT, END, second(ROLE), second(TEXT), second(END))
    assert rows(between(interleaved, in_turn)) == []
    turned = stream(ROLE, TEXT, END, second(TEXT), second(ROLE), second(END))
    assert [row[1] for row in rows(between(interleaved, turned))] == ["choice 1"]


VERDICTS = [
    (Role.FAKE, Role.OTHER, reply({**message(), "x": 1}), "both are allowed"),  # a NOTE of chat.known-members
    (Role.FAKE, Role.OTHER, reply({**message(), "id": 7}), "the proxy drifted"),
    (Role.FAKE, Role.OTHER, reply({**message(), "object": "x"}), "the proxy drifted"),
    (Role.FAKE, Role.GENUINE, reply({**message(), "x": 1}), "the SDK is behind"),
    (Role.FAKE, Role.GENUINE, reply({**message(), "service_tier": "default"}), "the fake is outdated"),
    (Role.FAKE, Role.OTHER, reply({**message(), "service_tier": "default"}), "both are allowed"),
    (Role.OTHER, Role.OTHER, reply({**message(), "id": 7}), "the SDK knows A's form only"),
]


@pytest.mark.parametrize(("a", "b", "changed", "verdict"), VERDICTS)
def test_whose_doing_it_is(a: Role, b: Role, changed: Exchange, verdict: str) -> None:
    assert [one.verdict for one in compare(of(DICT, a), of(changed, b)).differences] == [verdict]


def test_a_difference_is_a_value() -> None:
    one = Difference(Kind.SHAPE, "id", "absent", "null")
    assert {one: 1}[Difference(Kind.SHAPE, "id", "absent", "null")] == 1
