"""Faults that users of other servers reported, in forms beyond the fixtures; what looks like them and is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from contract_tests.cli.importing import import_command
from contract_tests.recordings.reading import read
from contract_tests.rules import judge
from contract_tests.tests.shared import SHARED
from contract_tests.tests.test_genuine_forms import asking, ids, load, sized
from fake_server.wire.exchange import Exchange

LONG = "The tree stands still, and listens. " * 8
PARTS = {"name": "get_weather", "arguments": '{"city":"Oslo"}'}


def streamed(*deltas: dict[str, Any], finish: str = "stop", created: int = 1760000000) -> Exchange:
    """A stream of these deltas after one with the role; the last has the reason."""
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": created, "model": "gpt-4o-mini"}
    entries = [{"role": "assistant", "content": None}, *deltas]
    body = b""
    for place, delta in enumerate(entries):
        reason = finish if place == len(entries) - 1 else None
        choices = [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]
        body += b"data: " + json.dumps({**head, "choices": choices}).encode() + b"\n\n"
    asked = load("one-call-stream" if "tool_calls" in str(deltas) else "poem-stream")
    return asked.with_payload(body + b"data: [DONE]\n\n")


def answering(name: str = "poem-dict", finish: str = "stop", **members: Any) -> Exchange:
    """A dict whose message has these members; `...` takes one away."""
    body = json.loads(load(name).payload)
    message = {**body["choices"][0]["message"], **members}
    body["choices"][0]["message"] = {key: value for key, value in message.items() if value is not ...}
    body["choices"][0]["finish_reason"] = finish
    return sized(load(name), json.dumps(body).encode())


def noted(exchange: Exchange) -> set[str]:
    return ids(exchange) - {"chat.known-members", "chat.stream.known-members"}


# -- the delta with finish_reason


@pytest.mark.parametrize(
    ("last", "found"),
    [
        ({}, False),
        ({"content": ""}, False),
        ({"content": None, "tool_calls": []}, False),
        ({"content": "."}, True),
        ({"refusal": "No."}, True),
        ({"reasoning_content": "Hm"}, True),
    ],
)
def test_what_comes_with_a_finish_reason_is_empty(last: dict[str, Any], found: bool) -> None:
    exchange = streamed({"content": "A tree"}, last)
    assert ("chat.stream.finish-alone" in ids(exchange)) is found


def test_the_end_of_a_call_does_not_come_with_the_finish_reason() -> None:
    opening = {
        "tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {**PARTS, "arguments": "{"}}]
    }
    exchange = streamed(opening, {"tool_calls": [{"index": 0, "function": {"arguments": "}"}}]}, finish="tool_calls")
    assert "chat.stream.finish-alone" in ids(exchange)


# -- null


def call(**changes: Any) -> dict[str, Any]:
    return {"tool_calls": [{"index": 0, "function": {"arguments": ""}, **changes}]}


OPENING = call(id="call_1", type="function", function=PARTS)


@pytest.mark.parametrize(
    "delta",
    [
        call(id=None),
        call(type=None),
        call(function={"name": None, "arguments": ""}),
        {"content": "Hi", "tool_calls": None},
        {"content": "Hi", "function_call": None},
    ],
)
def test_a_member_of_a_call_is_left_out_never_null(delta: dict[str, Any]) -> None:
    assert noted(streamed(OPENING, delta, {}, finish="tool_calls")) == {"tools.no-nulls"}


@pytest.mark.parametrize("name", ["tool_calls", "function_call"])
def test_a_message_has_no_null_calls(name: str) -> None:
    null: dict[str, Any] = {name: None}
    assert ids(answering(**null)) == {"tools.no-nulls"}


def test_null_where_the_schema_has_it_is_no_finding() -> None:
    assert ids(answering(refusal=None, audio=None)) == set()
    assert noted(streamed({"content": "Hi", "refusal": None}, {"content": None})) == set()


# -- when to try again

DATE = "Sun, 29 Nov 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("name", "value", "seen"),
    [
        ("Retry-After", "0", ""),
        ("Retry-After", "86400", ""),
        ("Retry-After", "86401", "1 days"),
        ("Retry-After", "1771404540", "a Unix time"),
        ("Retry-After", "1771404540123", "a Unix time"),
        ("Retry-After", "9" * 5000, "999"),
        ("Retry-After-Ms", "1500", ""),
        ("Retry-After-Ms", "1500.5", ""),
        ("Retry-After-Ms", "1771404540123", "a Unix time"),
        ("Retry-After", "Sun, 29 Nov 2026 10:01:00 GMT", ""),
        ("Retry-After", DATE, ""),
        ("Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT", "before Date"),
        ("Retry-After", "Wed, 29 Nov 2028 10:00:00 GMT", "731 days after"),
        ("Retry-After", "Xyz, 99 Foo 2028 10:00:00 GMT", ""),
    ],
)
def test_a_wait_is_a_wait(name: str, value: str, seen: str) -> None:
    refusal = load("too-many")
    others = [pair for pair in refusal.headers if pair[0].lower() not in ("retry-after", "date")]
    exchange = refusal.but(headers=(*others, ("Date", DATE), (name, value)))
    findings = [finding for finding in judge(exchange).findings if finding.rule.id == "http.retry-after-wait"]
    assert [seen in finding.actual for finding in findings] == ([True] if seen else [])


@pytest.mark.parametrize(("value", "found"), [("6ms", False), ("1m6s", False), ("60", False), ("1771404540", True)])
def test_a_limit_is_reset_after_a_duration(value: str, found: bool) -> None:
    exchange = load("limited-dict")
    others = [pair for pair in exchange.headers if pair[0].lower() != "x-ratelimit-reset-requests"]
    reset = exchange.but(headers=(*others, ("x-ratelimit-reset-requests", value)))
    assert ids(reset) == ({"http.rate-limits"} if found else set())


# -- reasoning


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content", "thinking"])
def test_an_answer_in_reasoning_alone_is_named(name: str) -> None:
    alone = {"formats.reasoning-alone"}
    assert ids(answering(content="", **{name: "A tree."})) == alone
    assert ids(streamed({name: "A"}, {name: " tree."}, {})) == alone
    assert ids(streamed({"content": "", name: "A tree."}, {})) == alone
    assert "formats.reasoning-alone" not in ids(answering(content="", finish="length", **{name: "A tree."}))
    assert "formats.reasoning-alone" not in ids(answering(refusal="No.", content=None, **{name: "Hm."}))
    assert "formats.reasoning-alone" not in ids(streamed({name: "Hm."}, {"content": "A tree."}, {}))


# -- members that are required


def test_a_message_has_the_member_refusal_since_2025() -> None:
    assert ids(answering(refusal=...)) == {"formats.refusal-member"}
    early = answering(refusal=...).payload.replace(b"1760000000", b"1715000000")
    assert ids(load("poem-dict").with_payload(early)) - {"http.complete", "http.framing"} == set()


# -- one delta


@pytest.mark.parametrize(
    ("pieces", "found"),
    [([LONG], True), (["", LONG], True), ([LONG, "."], True), ([LONG, LONG], False), ([LONG[:100]], False)],
)
def test_a_long_answer_comes_in_pieces(pieces: list[str], found: bool) -> None:
    exchange = streamed(*({"content": piece} for piece in pieces), {})
    assert noted(exchange) == ({"chat.stream.in-pieces"} if found else set())


# -- calls under two names


def test_a_call_under_two_names_is_one_too_many() -> None:
    twice = {"tool_calls": [{"id": "call_1", "type": "function", "function": PARTS}], "function_call": PARTS}
    assert ids(answering("one-call-dict", "tool_calls", **twice)) == {"tools.one-member"}
    deltas: tuple[dict[str, Any], ...] = ({**OPENING, "function_call": PARTS}, {})
    assert "tools.one-member" in ids(streamed(*deltas, finish="tool_calls"))


# -- the inside of a program


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[{'type': 'text', 'text': 'A tree.'}]", True),
        ("{'content': 'A tree.', 'role': 'assistant'}", True),
        ("[TextBlock(text='A tree.', type='text')]", True),
        ("ChatCompletionMessage(content='A tree.', role='assistant')", True),
        ("<async_generator object at 0x7f3c2a1b5d40>", True),
        ("<generator object Chat.stream at 0x7f3c2a1b5d40>", True),
        ("b'A tree.'", True),
        ("[object Object]", True),
        ("{'a': 1} is a dict in Python.", False),
        ("Use `b'x'` for bytes, or str.", False),
        ("The class TextBlock(text='x') has one member.", False),
        ('[{"type": "text", "text": "A tree."}]', False),
    ],
)
def test_a_value_of_the_program_is_no_answer(text: str, found: bool) -> None:
    assert ids(answering(content=text)) == ({"formats.no-repr"} if found else set())


def test_a_value_that_was_asked_for_is_an_answer() -> None:
    text = "[{'type': 'text', 'text': 'A tree.'}]"
    sent = [{"role": "user", "content": f"repeat: {text}"}]
    assert ids(asking(answering(content=text), messages=sent)) == set()


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ("/usr/lib/python3/dist-packages/g4f/client.py:221: KeyError", "errors.no-trace"),
        ("C:\\Users\\me\\proxy\\server.py, line 9", "errors.no-trace"),
        ("cannot encode <openai.Stream object at 0x7f3c2a1b5d40>", "errors.no-trace"),
        ("Error code: 400 - {'error': {'message': 'no', 'code': 400}}", "errors.in-words"),
        ('upstream said: {"error": {"message": "no"}}', "errors.in-words"),
        ("Unsupported file: notes.py", ""),
        ("Invalid URL (POST /v1/chat/completion)", ""),
        ("See https://platform.openai.com/docs/guides/error-codes/api.py", ""),
        ("Expected {'type': 'object'} but got a string", ""),
    ],
)
def test_an_error_says_nothing_of_the_program(message: str, found: str) -> None:
    body = {"error": {"message": message, "type": "server_error", "param": None, "code": None}}
    exchange = sized(load("no-messages"), json.dumps(body).encode())
    assert ids(exchange) == ({found} if found else set())


# -- the reports themselves

REPORTS = {
    "06-json-twice": {"formats.json-once"},
    "12-finish-beside-content": {"chat.stream.finish-alone"},
    "13-null-in-tool-deltas": {"tools.no-nulls"},
    "14-retry-after-absurd": {"http.retry-after-wait"},
    "15-answer-in-reasoning-only": {"formats.reasoning-alone"},
}


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_is_named(name: str, tmp_path: Path) -> None:
    folder = SHARED / "reports" / name
    if not folder.is_dir():
        pytest.skip(f"the reports are not at {folder} (set OPENAI_CONTRACT_SHARED)")
    url = "https://api.example.com/v1/chat/completions"
    for place, reply in enumerate(sorted(folder.glob("*.http"))):
        out = str(tmp_path / str(place))
        sent = f"@{reply.with_suffix('.json')}"
        run = CliRunner().invoke(
            import_command, ["--format", "curl", "--url", url, "--data", sent, "--out", out, str(reply)]
        )
        assert run.exit_code == 0, run.output
        found = set[str]().union(*(ids(recording.exchange) for recording in read(Path(out))))
        assert found - {"chat.stream.known-members"} == REPORTS[name], reply
