"""`contract shrink`'s search: the same rule stays broken, no other is, and little is left."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contract_tests.rules import RULES, judge
from contract_tests.rules.judged import Judged
from contract_tests.shrinking.oracle import BreaksRule, kind_of, run_main
from contract_tests.shrinking.shrink import shrink_judged
from contract_tests.tests.shared import ROOT
from fake_server.wire import fixture
from fake_server.wire.exchange import Ending, Exchange, Framing, Request, Write
from fake_server.wire.proof import differences
from fake_server.wire.sse import decode, encode

BROKEN = ROOT / "fixtures" / "broken"
ASKED = Request(
    "POST",
    "/v1/chat/completions",
    (("Host", "api.example.invalid"), ("Content-Type", "application/json")),
    json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Write."}], "stream": True}).encode(),
)


def stream(*data: Any, **values: Any) -> Exchange:
    texts = [item if isinstance(item, str) else json.dumps(item) for item in data]
    body = tuple(Write(encode(text), 0.01) for text in texts)
    headers = (
        ("Content-Type", "text/event-stream"),
        ("x-request-id", "req_1"),
        ("Transfer-Encoding", "chunked"),
        ("Server", "any"),
    )
    return Exchange(ASKED, 200, headers, body, framing=Framing.CHUNKED, reason="OK", **values)


def chunk(content: str = "", **values: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": None}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1760000000,
        "model": "gpt-4o-mini",
        "choices": [choice],
        **values,
    }


def long_stream(events: int, bad: dict[str, Any], at: int) -> Exchange:
    opening = chunk()
    opening["choices"][0]["delta"] = {"role": "assistant", "content": ""}
    ending = chunk()
    ending["choices"][0] |= {"delta": {}, "finish_reason": "stop"}
    middle = [chunk(f" word{number}") for number in range(events - 3)]
    middle[at] |= bad
    return stream(opening, *middle, ending, "[DONE]")


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        ({"created": "now"}, "chat.stream.created"),
        ({"id": "chatcmpl-2"}, "chat.stream.same-id"),
        ({"choices": [{"index": 0, "delta": {"content": 7}, "finish_reason": None}]}, "chat.stream.content"),
        ({"object": "chunk"}, "chat.stream.object"),
    ],
)
def test_of_500_events_at_most_three_are_left(bad: dict[str, Any], rule: str) -> None:
    whole = long_stream(500, bad, 250)
    assert rule in judge(whole).ids()

    done = shrink_judged(Judged(whole), RULES[rule])

    assert judge(done.after).ids() == {rule}
    assert len(decode(done.after.payload)) <= 3
    assert done.finished
    assert done.calls < 400
    assert len(done.after.writes) == 1


def _fixtures() -> list[str]:
    return [path.stem for path in sorted(BROKEN.glob("*.yaml")) if path.stem in RULES]


def padded(exchange: Exchange) -> Iterator[Exchange]:
    """The exchange with more of what a server may send: fields, a comment between events, a member."""
    noise = tuple((f"X-Noise-{number}", "1") for number in range(20))
    yield exchange.but(headers=(*exchange.headers, *noise))
    payload = exchange.payload
    if exchange.framing is Framing.CHUNKED and b"\n\ndata: " in payload:
        yield exchange.with_payload(payload.replace(b"\n\ndata: ", b"\n\n: still here\n\ndata: "))
        yield exchange.with_payload(payload.replace(b'"object":', b'"x_noise":{"a":[1,2]},"object":'))


@pytest.mark.slow
@pytest.mark.parametrize("name", [one for one in _fixtures() if not RULES[one].relation][::4])
def test_every_kind_of_fault_is_found_again_under_noise(name: str, tmp_path: Path) -> None:
    bare = fixture.load(BROKEN / f"{name}.yaml").exchange
    whole = bare
    for candidate in padded(bare):
        if judge(candidate).ids() == judge(bare).ids():
            whole = candidate

    done = shrink_judged(Judged(whole), RULES[name], seconds=120)

    found = judge(done.after).ids()
    assert name in found
    assert found <= judge(bare).ids()
    assert len(done.after.payload) <= len(bare.payload)
    assert not any(header.startswith("X-Noise") for header, _ in done.after.headers)
    if whole.ending is not Ending.OVERSIZED:  # the bytes of a body that exceeds a bound are kept
        assert b"still here" not in done.after.payload
    fixture.save(fixture.Fixture(done.after, name, (name,)), tmp_path / "small.yaml")
    again = fixture.load(tmp_path / "small.yaml").exchange
    assert judge(again).ids() == found
    if not differences(whole):
        assert differences(again) == []


def test_a_member_of_the_wrong_type_does_not_become_a_missing_one() -> None:
    done = shrink_judged(Judged(long_stream(20, {"created": "now"}, 3)), RULES["chat.stream.created"])

    assert b'"created": "now"' in done.after.payload


def test_other_rules_may_go_and_never_come() -> None:
    whole = long_stream(30, {"created": "now"}, 3)
    bad = chunk("late", id="chatcmpl-9")
    whole = whole.with_payload(whole.payload.replace(b"data: [DONE]", encode(json.dumps(bad)) + b"data: [DONE]"))
    assert "chat.stream.same-id" in judge(whole).ids()

    assert judge(shrink_judged(Judged(whole), RULES["chat.stream.created"]).after).ids() == {"chat.stream.created"}


def test_what_a_candidate_has_lost_does_not_come_back() -> None:
    one, both = {"created": "now"}, {"created": "now", "object": "chunk"}
    oracle = BreaksRule(RULES["chat.stream.created"], Judged(long_stream(9, both, 3)))

    assert oracle(long_stream(9, one, 3))
    assert not oracle(long_stream(9, both, 3))


def test_the_bytes_that_stay_are_the_targets_own() -> None:
    odd = b'data:{"id" : "chatcmpl-\\u0031","object":"chat.completion.chunk", "created":"now","a":{"b":[1,2]}'
    rest = b',"model":"gpt-4o-mini","choices":[]}\r\n\r\ndata: [DONE]\r\n\r\n'
    whole = stream().with_payload(odd + rest)

    left = shrink_judged(Judged(whole), RULES["chat.stream.created"]).after.payload

    assert b'data:{"id" : "chatcmpl-\\u0031","object":"chat.completion.chunk", "created":"now"' in left
    assert b"\r\n\r\n" in left
    assert b'"a"' not in left


def test_a_fault_of_the_pace_keeps_its_pauses() -> None:
    name = "chat.stream.not-held-back"
    whole = fixture.load(BROKEN / f"{name}.yaml").exchange

    after = shrink_judged(Judged(whole), RULES[name], seconds=120).after

    assert judge(after).ids() == {name}
    assert after.head_pause + sum(write.pause for write in after.writes) >= 1.0


def test_a_compressed_body_is_unpacked_where_the_fault_is_another() -> None:
    body = gzip.compress(b'{"error":{"message":7,"type":"t","param":null,"code":null}}', mtime=0)
    headers = (
        ("Content-Type", "application/json"),
        ("Content-Encoding", "gzip"),
        ("Content-Length", str(len(body))),
        ("x-request-id", "req_1"),
    )
    whole = Exchange(replace(ASKED, body=b"{}"), 404, headers, (Write(body),), framing=Framing.LENGTH)

    after = shrink_judged(Judged(whole), RULES["errors.message"]).after

    assert after.header("content-encoding") is None
    assert after.header("content-length") == str(len(after.payload))
    assert b'"message":7' in after.payload


def test_a_request_stays_one_that_can_be_asked() -> None:
    asked = {
        "model": "gpt-4o-mini",
        "messages": [
            {"role": "system", "content": "long " * 90},
            {"role": "user", "content": "hello"},
            {"role": "assistant", "content": "hello"},
            {"role": "user", "content": "and now a very long question " * 20, "name": "Ada"},
        ],
        "stream": True,
        "temperature": 0.5,
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
    }
    request = replace(ASKED, body=json.dumps(asked).encode())

    whole = replace(long_stream(9, {"created": "now"}, 3), request=request)
    after = shrink_judged(Judged(whole), RULES["chat.stream.created"])

    left = json.loads(after.after.request.body)
    assert set(left) == {"model", "messages", "stream"}
    assert [one["role"] for one in left["messages"]] == ["user"]
    assert left["messages"][0]["content"].startswith("and now a very long question")
    assert len(left["messages"][0]["content"]) <= 80
    assert after.after.request.headers == (("Content-Type", "application/json"),)


def test_a_refusal_for_what_was_asked_keeps_what_was_asked() -> None:
    body = b'{"error":{"message":"temperature is too high","type":7,"param":null,"code":null}}'
    asked = replace(ASKED, body=b'{"model":"m","messages":[{"role":"user","content":"a"}],"temperature":9}')
    whole = Exchange(asked, 400, (("Content-Type", "application/json"),), (Write(body),), framing=Framing.CLOSE)

    assert shrink_judged(Judged(whole), RULES["errors.type"]).after.request.body == asked.body


def test_the_result_is_the_same_each_time_and_is_minimal() -> None:
    whole, rule = long_stream(60, {"id": "chatcmpl-2"}, 30), RULES["chat.stream.same-id"]
    first, second = shrink_judged(Judged(whole), rule), shrink_judged(Judged(whole), rule)

    assert first.after == second.after
    assert (first.calls, first.finished) == (second.calls, True)
    assert shrink_judged(Judged(first.after), rule).after == first.after


def test_the_time_is_bounded_and_what_was_found_stands() -> None:
    whole, rule = long_stream(60, {"id": "chatcmpl-2"}, 30), RULES["chat.stream.same-id"]

    done = shrink_judged(Judged(whole), rule, max_calls=5)

    assert not done.finished
    assert done.calls == 5
    assert "chat.stream.same-id" in judge(done.after).ids()
    assert len(done.after.payload) <= len(whole.payload)


def test_what_does_not_break_the_rule_is_refused() -> None:
    with pytest.raises(ValueError, match=r"does not break chat\.stream\.id"):
        shrink_judged(Judged(long_stream(9, {}, 3)), RULES["chat.stream.id"])


def test_main_fails_the_same_way() -> None:
    whole = long_stream(30, {}, 3)
    broken = whole.with_payload(whole.payload.replace(b'data: {"id"', b'data: {"id', 1)).but(headers=whole.headers)
    before = run_main(broken)
    assert before.code == 7

    done = shrink_judged(Judged(broken), seconds=120, max_calls=14)

    assert kind_of(run_main(done.after)) == kind_of(before)
    assert len(done.after.payload) < len(broken.payload) / 4


def test_main_that_does_not_fail_cannot_be_asked() -> None:
    opening = chunk("A")
    opening["choices"][0]["delta"]["role"] = "assistant"
    ending = chunk()
    ending["choices"][0] |= {"delta": {}, "finish_reason": "stop"}
    with pytest.raises(ValueError, match="does not fail"):
        shrink_judged(Judged(stream(opening, ending, "[DONE]")))
    with pytest.raises(ValueError, match="main\\(\\) sends POST"):
        shrink_judged(Judged(replace(stream(), request=Request("GET", "/v1/models"))))
