"""Two replies compared: each kind of difference has a pair that shows exactly it, and one that does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract_tests.diffing import Comparison, Difference, Kind, Role, Side, compare
from contract_tests.rules.view import View
from contract_tests.tests.shared import ROOT
from contract_tests.tests.test_legal_variations import CONFORMING, compressed, varied
from fake_server.wire import fixture
from fake_server.wire.exchange import Aspect, Ending, Exchange, Framing, Request, Write

ASKED: dict[str, Any] = {"model": "gpt-4o", "messages": [], "stream": True}
DONE = b"data: [DONE]\n\n"


def of(exchange: Exchange, role: Role = Role.OTHER) -> Side:
    return Side(View(exchange), role)


def between(a: Exchange, b: Exchange) -> Comparison:
    return compare(of(a), of(b))


def rows(found: Comparison) -> list[tuple[str, str, str, str]]:
    return [(one.kind.value, one.where, one.a, one.b) for one in found.differences]


def reply(value: Any, **asked: Any) -> Exchange:
    """A chat completion as one dict; bytes are sent as they are."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    request = Request("POST", "/v1/chat/completions", (), json.dumps({"model": "gpt-4o", **asked}).encode())
    headers = (("Content-Type", "application/json"),)
    return Exchange(request, 200, headers, (Write(body),), framing=Framing.LENGTH, reason="OK")


def events(*texts: Any) -> tuple[Write, ...]:
    return tuple(
        Write(b"data: " + (one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n\n")
        for one in texts
    )


def stream(*texts: Any) -> Exchange:
    """A chat stream with each event in a write of its own, [DONE] last."""
    request = Request("POST", "/v1/chat/completions", (), json.dumps(ASKED).encode())
    headers = (("Content-Type", "text/event-stream"),)
    return Exchange(
        request, 200, headers, (*events(*texts), Write(DONE)), framing=Framing.CHUNKED, reason="OK"
    )


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1760000000, "model": "gpt-4o"}
    return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}


def message(content: Any = "Hi", **more: Any) -> dict[str, Any]:
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1760000000, "model": "gpt-4o"}
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": content, **more},
        "finish_reason": "stop",
    }
    return {**head, "choices": [choice]}


ROLE, TEXT, MORE, END = (
    chunk({"role": "assistant"}),
    chunk({"content": "Hi"}),
    chunk({"content": "!"}),
    chunk({}, "stop"),
)
STREAM = stream(ROLE, TEXT, MORE, END)
DICT = reply(message())

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
        ("model", "the model asked for", "a snapshot of it"),
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
        ("model", "the model asked for", "the model asked for or null"),
    ),
    "a member not in all chunks": (
        STREAM,
        stream(ROLE, {name: TEXT[name] for name in TEXT if name != "id"}, MORE, END),
        ("id", "chatcmpl-…", "chatcmpl-…, not in all"),
    ),
    "an array": (DICT, reply([message()]), ("the body", "JSON object", "JSON array")),
    "no JSON": (DICT, reply(b"{oops"), ("the body", "JSON object", "text that is no JSON")),
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


def recut(exchange: Exchange) -> Exchange:
    """The exchange with its body in two writes."""
    return exchange.but(writes=(Write(exchange.payload[:9]), Write(exchange.payload[9:])))


ARGUMENTS = {
    "tool_calls": [
        {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    ]
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
            chunk(
                {"tool_calls": [{**ARGUMENTS["tool_calls"][0], "function": {"name": "f", "arguments": ""}}]}
            ),
            chunk({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}),
            END,
        ),
    ),
}


def answer(path: str, value: Any, method: str = "POST") -> Exchange:
    """One dict of another endpoint."""
    return reply(value).but(request=Request(method, path, (), b"{}"))


SAME |= {
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
    assert [one for one in rows(between(a, b)) if one[0] != "order"] == []


def test_a_member_of_chunks_and_of_what_they_make_together_is_told_once() -> None:
    found = between(STREAM, stream(ROLE, chunk({"refusal": "No"}), END))
    assert [one[1] for one in rows(found) if one[0] == "shape"] == [
        "choices[].delta.content",
        "choices[].delta.refusal",
    ]


def test_streamed_calls_are_what_the_dict_has() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    found = between(stream(ROLE, chunk(ARGUMENTS), END), reply(message(None, tool_calls=[call])))
    assert [one[1] for one in rows(found) if one[0] == "shape"] == ["the body"]


def test_a_form_that_both_have_does_not_count_against_either() -> None:
    both = stream(
        {**ROLE, "service_tier": "odd"}, {**TEXT, "service_tier": "default"}, {**END, "service_tier": "odd"}
    )
    one = stream(*({**each, "service_tier": "odd"} for each in (ROLE, TEXT, END)))
    assert [each.verdict for each in between(both, one).differences] == ["the SDK knows A's form only"]


def test_an_error_and_an_answer_are_told_apart_by_the_status_alone() -> None:
    refusal = reply({"error": {"message": "no"}}).but(status=400, reason="Bad Request")
    found = compare(of(DICT, Role.FAKE), of(refusal, Role.GENUINE)).differences
    assert [(one.where, one.verdict) for one in found] == [("the body", None), ("status", None)]


def test_another_cut_of_the_same_answer_is_a_matter_of_order() -> None:
    whole = stream(chunk({"role": "assistant", "content": "Hi!"}, "stop"))
    assert rows(between(STREAM, whole)) == [
        ("order", "events", "role → content ×2 → finish → [DONE]", "role+content+finish → [DONE]")
    ]


def test_a_dict_beside_a_stream_is_told_and_what_they_say_is_compared() -> None:
    found = between(STREAM, reply(message(None), stream=True))
    assert [one for one in rows(found) if one[0] == "shape"] == [
        ("shape", "the body", "event stream", "JSON object"),
        ("shape", "merged: choices[].message.content", "string", "absent"),
    ]
    assert found.differences[0].verdict == "the SDK knows A's form only"


def test_merged_arguments_are_looked_into() -> None:
    cut = stream(
        ROLE,
        chunk(
            {"tool_calls": [{**ARGUMENTS["tool_calls"][0], "function": {"name": "f", "arguments": '{"a'}}]}
        ),
        END,
    )
    assert rows(between(stream(ROLE, chunk(ARGUMENTS), END), cut)) == [
        (
            "shape",
            "merged: choices[].message.tool_calls[].function.arguments",
            "string of JSON",
            "string that is no JSON object",
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
    found = [one for one in rows(between(a, b)) if one[0] != "shape"]
    assert found == [("order", *expected)]


def test_several_choices_are_followed_one_by_one() -> None:
    def second(one: dict[str, Any]) -> dict[str, Any]:
        return {**one, "choices": [{**one["choices"][0], "index": 1}]}

    interleaved = stream(ROLE, second(ROLE), TEXT, second(TEXT), END, second(END))
    in_turn = stream(ROLE, TEXT, END, second(ROLE), second(TEXT), second(END))
    assert rows(between(interleaved, in_turn)) == []
    turned = stream(ROLE, TEXT, END, second(TEXT), second(ROLE), second(END))
    assert [one[1] for one in rows(between(interleaved, turned))] == ["choice 1"]


def rewritten(old: bytes, new: bytes) -> Exchange:
    """The stream with bytes replaced in each write."""
    return STREAM.but(writes=tuple(Write(one.data.replace(old, new)) for one in STREAM.writes))


LONG = b"".join(write.data for write in STREAM.writes)
FRAMINGS: dict[str, tuple[Exchange, Exchange, tuple[str, str, str]]] = {
    "status": (DICT, DICT.but(status=201), ("status", "200", "201")),
    "reason": (DICT, DICT.but(reason="Fine"), ("reason phrase", "OK", "Fine")),
    "version": (DICT, DICT.but(http_version="1.0"), ("HTTP version", "1.1", "1.0")),
    "transfer": (
        DICT,
        DICT.but(framing=Framing.CLOSE),
        ("end of the body", "content-length", "the connection closes"),
    ),
    "1xx": (DICT, DICT.but(informational=((103, ()),)), ("informational", "absent", "103")),
    "trailers": (DICT, DICT.but(trailers=(("X-T", "1"),)), ("trailers", "absent", "X-T")),
    "a field": (DICT, DICT.but(headers=(*DICT.headers, ("Via", "x"))), ("header via", "absent", "x")),
    "a value": (
        DICT,
        DICT.but(headers=(("Content-Type", "text/plain"),)),
        ("header content-type", "application/json", "text/plain"),
    ),
    "case": (
        DICT,
        DICT.but(headers=(("content-type", "application/json"),)),
        ("case of header names", "Title-Case", "lower case"),
    ),
    "ending": (DICT, DICT.but(ending=Ending.CUT), ("ending", "clean", "cut")),
    "spacing": (
        DICT,
        reply(json.dumps(message(), separators=(",", ":")).encode()),
        ("JSON spacing", "spaced", "compact"),
    ),
    "lines": (
        DICT,
        reply(json.dumps(message(), indent=1).encode()),
        ("JSON spacing", "spaced", "over lines"),
    ),
    "escapes": (
        reply(message("é")),
        reply(json.dumps(message("é"), ensure_ascii=False).encode()),
        ("letters beyond ASCII", "escaped", "as they are"),
    ),
    "line ends": (STREAM, rewritten(b"\n", b"\r\n"), ("line ends", "LF", "CRLF")),
    "no space": (STREAM, rewritten(b"data: ", b"data:"), ("space after data:", "one", "none")),
    "comments": (STREAM, rewritten(b"data: ", b": x\ndata: "), ("comments", "absent", "present")),
    "event: lines": (
        STREAM,
        rewritten(b"data: ", b"event: message\ndata: "),
        ("event: lines", "absent", "present"),
    ),
    "blank lines first": (
        STREAM,
        rewritten(b'data: {"id"', b'\n\ndata: {"id"'),
        ("blank lines", "one", "several in a row"),
    ),
    "other fields": (STREAM, rewritten(b"data: ", b"x: y\ndata: "), ("other fields", "absent", "x")),
    "a BOM": (
        STREAM,
        STREAM.but(writes=(Write(b"\xef\xbb\xbf" + STREAM.writes[0].data), *STREAM.writes[1:])),
        ("byte order mark", "absent", "first"),
    ),
    "an unfinished event": (
        STREAM,
        STREAM.but(writes=(*STREAM.writes[:-1], Write(b"data: [DONE]\n"))),
        ("last event", "finished", "unfinished"),
    ),
    "writes": (STREAM, STREAM.with_payload(LONG), ("writes", "one for each event", "all in one")),
    "cut events": (
        STREAM,
        STREAM.but(writes=(Write(LONG[:20]), Write(LONG[20:]))),
        ("writes", "one for each event", "events cut, several events in one"),
    ),
}


@pytest.mark.parametrize(("a", "b", "expected"), FRAMINGS.values(), ids=FRAMINGS)
def test_a_difference_of_framing_alone(a: Exchange, b: Exchange, expected: tuple[str, str, str]) -> None:
    assert rows(between(a, b)) == [("framing", *expected)]


def test_header_values_that_vary_are_compared_by_kind() -> None:
    def answered(request_id: str, took: str, cookie: str) -> Exchange:
        more = (("x-request-id", request_id), ("openai-processing-ms", took), ("set-cookie", cookie))
        return DICT.but(headers=(*DICT.headers, *more))

    one = answered("req_0123", "12", "a=1")
    assert rows(between(one, answered("req_4567", "9000", "b=secret"))) == []
    assert rows(between(one, answered("77", "9000", "b"))) == [
        ("framing", "header x-request-id", "an id req_…", "a number")
    ]


def test_times_are_told_where_they_differ_notably() -> None:
    def paced(head: float, pause: float) -> Exchange:
        return STREAM.but(head_pause=head, writes=tuple(Write(one.data, pause) for one in STREAM.writes))

    assert rows(between(paced(0.1, 0.02), paced(0.14, 0.025))) == []
    found = between(paced(0.1, 0.02), paced(0.5, 0.02))
    assert rows(found) == [
        ("timing", "time to the head", "100 ms", "500 ms (×5)"),
        ("timing", "time to the first write", "120 ms", "520 ms (×4.33)"),
        ("timing", "time in all", "200 ms", "600 ms (×3)"),
    ]
    assert found.same
    assert "pause between writes" in [one[1] for one in rows(between(paced(0.1, 0.02), paced(0.1, 0.2)))]
    assert between(paced(0.1, 0.02), STREAM).unknown == ("times (B does not tell)",)


def test_what_a_side_does_not_know_is_said_once_and_not_compared() -> None:
    dim = STREAM.but(
        headers=(),
        reason="",
        framing=None,
        ending=Ending.UNKNOWN,
        http_version="1.0",
        writes=(Write(LONG.replace(b"\n", b"\r\n")),),
        unknown=frozenset(Aspect) - {Aspect.REQUEST},
    )
    found = between(STREAM, dim)
    assert rows(found) == []
    assert len([one for one in found.unknown if "(B does not tell)" in one]) == 1


def test_only_some_kinds() -> None:
    other = reply({"x": 1, **TURNED}).but(status=201)
    assert {one.kind for one in between(DICT, other).differences} == {Kind.SHAPE, Kind.ORDER, Kind.FRAMING}
    for kind in Kind:
        assert {one.kind for one in compare(of(DICT), of(other), (kind,)).differences} <= {kind}


VERDICTS = [
    (Role.FAKE, Role.OTHER, reply({**message(), "x": 1}), "the proxy drifted"),
    (Role.FAKE, Role.GENUINE, reply({**message(), "x": 1}), "the SDK is behind"),
    (Role.FAKE, Role.GENUINE, reply({**message(), "service_tier": "default"}), "the fake is outdated"),
    (Role.FAKE, Role.OTHER, reply({**message(), "service_tier": "default"}), "both are allowed"),
    (Role.OTHER, Role.OTHER, reply({**message(), "id": 7}), "the SDK knows A's form only"),
]


@pytest.mark.parametrize(("a", "b", "changed", "verdict"), VERDICTS)
def test_whose_doing_it_is(a: Role, b: Role, changed: Exchange, verdict: str) -> None:
    assert [one.verdict for one in compare(of(DICT, a), of(changed, b)).differences] == [verdict]


@pytest.mark.parametrize("path", CONFORMING, ids=lambda path: path.stem)
def test_legal_variations_show_as_what_they_are(path: Path) -> None:
    exchange = fixture.load(path).exchange
    for name, variant in varied(exchange):
        found = {one.kind for one in between(exchange, variant).differences}
        also = {
            "other order": {Kind.ORDER},
            "more members": {Kind.SHAPE, Kind.ORDER},
            "dated model": {Kind.SHAPE},
        }
        assert found <= {Kind.FRAMING, *also.get(name, set())}, name


BROKEN = fixture.find(ROOT / "fixtures" / "broken")


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_fixture_is_the_same_as_itself_and_unlike_another_both_ways(path: Path) -> None:
    exchange = fixture.load(path).exchange
    assert between(exchange, exchange).differences == ()
    other = fixture.load(ROOT / "fixtures" / "conforming" / "poem-stream.yaml").exchange
    assert mirrored(between(exchange, other)) == sorted_rows(between(other, exchange))


def mirrored(found: Comparison) -> list[tuple[str, str, str, str]]:
    return sorted((kind, where, b, a) for kind, where, a, b in rows(found))


def sorted_rows(found: Comparison) -> list[tuple[str, str, str, str]]:
    return sorted(rows(found))


DEEP = b'{"choices":' + b"[" * 5000 + b"]" * 5000 + b"}"
HOSTILE: dict[str, bytes] = {
    "deep": DEEP,
    "deep in an event": b"data: " + DEEP + b"\n\n",
    "deep but read": b'{"x":' * 190 + b"1" + b"}" * 190,
    "not UTF-8": b'{"id": "\xff\xfe", "choices": [{"message": {"\xff": 1}}]}',
    "many names": json.dumps({str(number): number for number in range(50_000)}).encode(),
    "many events": b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n' * 5_000,
    "lone surrogates": b'{"id":"\\ud800","object":"\\udfff","choices":[]}',
    "a huge number": b'{"created":' + b"9" * 5000 + b"}",
    "NaN": b'{"created": NaN, "choices": null}',
    "wrong everywhere": b'{"choices":[null,1,"x",[],{"index":"a","delta":[]}],"error":0,"usage":[]}',
    "wrong in events": b'data: {"choices":[{"index":[],"delta":{"tool_calls":[1,{"function":[]}]}}]}\n\n'
    b"data: 7\n\n",
    "only a mark": b"\xef\xbb\xbf",
    "control characters": b'data: {"type":"\\u001b[2J","x":1}\n\n',
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("like", [DICT, STREAM], ids=["dict", "stream"])
def test_hostile_replies_are_compared_all_the_same(like: Exchange, body: bytes) -> None:
    hostile = like.with_payload(body)
    assert between(hostile, hostile).differences == ()
    assert mirrored(between(like, hostile)) == sorted_rows(between(hostile, like))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "choices", "delta", "message", "content", "usage", "x"]), inner
        )
    ),
    max_leaves=12,
)
BODIES = (
    st.binary(max_size=60)
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.lists(JSON, max_size=4).map(lambda found: b"".join(write.data for write in events(*found)))
)


@settings(max_examples=120, deadline=None)
@given(BODIES, BODIES, st.sampled_from([DICT, STREAM]))
def test_any_two_bodies_can_be_compared(one: bytes, other: bytes, like: Exchange) -> None:
    a, b = like.with_payload(one), like.with_payload(other)
    assert between(a, a).differences == ()
    assert mirrored(between(a, b)) == sorted_rows(between(b, a))


def test_a_difference_is_a_value() -> None:
    one = Difference(Kind.SHAPE, "id", "absent", "null")
    assert {one: 1}[Difference(Kind.SHAPE, "id", "absent", "null")] == 1
