"""A reply of another form than the one that was asked for is one finding, however many rules it would break."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contract_tests.rules import judge, judge_trace
from contract_tests.rules.engine.judge import MUST
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import View
from contract_tests.run.run import Options, run
from contract_tests.tests.planted import DONE, Planted, Reply
from contract_tests.tests.replies import CHAT, MESSAGES, chunks, exchange, streamed
from fake_server import FakeServer
from fake_server.wire.fixture import load

FIXTURES = Path(__file__).parents[2] / "fixtures"
OTHER_REPLIES: list[dict[str, Any]] = [
    {"code": 0, "msg": "ok", "data": {"id": "x", "object": "chat.completion", "choices": []}},
    {"Id": "x", "Object": "chat.completion", "Choices": []},
    {"text": "hi"},
    {"id": "msg_1", "type": "message", "role": "assistant", "content": []},
    {"model": "m", "created_at": "2026", "message": {"role": "assistant", "content": "x"}, "done": True},
    {"id": "resp_1", "object": "response", "output": []},
    {"candidates": [{"content": {"parts": [{"text": "hi"}]}}]},
]


@pytest.mark.parametrize("reply", OTHER_REPLIES, ids=lambda reply: json.dumps(reply)[:24])
def test_a_reply_of_another_api_is_one_finding(reply: dict[str, Any]) -> None:
    judged = judge(exchange({"model": "m", "messages": MESSAGES}, json.dumps(reply).encode()))
    assert judged.ids(MUST) == {"chat.object"}
    (finding,) = (finding for finding in judged.findings if finding.rule.level is MUST)
    assert finding.actual.startswith("a reply that is no completion: ")


def test_lines_of_json_in_place_of_a_stream_are_one_finding() -> None:
    lines = b'{"model":"m","message":{"content":"a"},"done":false}\n{"model":"m","done":true}\n'
    body = {"model": "m", "messages": MESSAGES, "stream": True}
    assert judge(exchange(body, lines, media="application/x-ndjson")).ids(MUST) == {"chat.stream.is-stream"}


def test_deltas_that_repeat_what_came_are_counted_by_no_other_rule() -> None:
    words = [" ".join(["word"] * count) for count in range(1, 12)]
    first, _, last, done = chunks(CHAT)
    pieces = [{**first, "choices": [{**first["choices"][0], "delta": {"content": text}}]} for text in words]
    whole = streamed([first, *pieces, last, done])
    asked = {**(whole.request.json() or {}), "max_tokens": 12}
    limited = whole.but(request=replace(whole.request, body=json.dumps(asked).encode()))
    assert judge(limited).ids(MUST) == {"chat.stream.not-cumulative"}


def _each(change: Callable[[dict[str, Any]], object], *names: str) -> Callable[[Reply], None]:
    """A bug in every message, delta or choice (whichever is named) of the successful replies to chat requests."""

    def bug(reply: Reply) -> None:
        if reply.status != 200 or "messages" not in reply.asked:
            return
        values = reply.events if reply.streamed else [reply.value]
        for choice in (choice for value in values if value != DONE for choice in value["choices"]):
            for part in [choice] if not names else (choice[name] for name in names if name in choice):
                change(part)
        if reply.streamed:
            reply.events = values
        else:
            reply.value = values[0]

    return bug


def _streamed(change: Callable[[list[Any]], list[Any]]) -> Callable[[Reply], None]:
    def bug(reply: Reply) -> None:
        if reply.streamed:
            reply.events = change(reply.events)

    return bug


def _arguments(change: Callable[[str], Any]) -> Callable[[dict[str, Any]], None]:
    def spoil(said: dict[str, Any]) -> None:
        for call in said.get("tool_calls") or ():
            call["function"]["arguments"] = change(call["function"]["arguments"])

    return spoil


def _late_names(events: list[Any]) -> list[Any]:
    """The name of a function comes with the second piece of its call."""
    held: dict[int, str] = {}
    for choice in (choice for event in events if event != DONE for choice in event["choices"]):
        for call in choice["delta"].get("tool_calls") or ():
            name = call["function"].get("name")
            call["function"]["name"] = "" if name else held.pop(call["index"], "")
            held |= {call["index"]: name} if name else {}
    return events


def _one_index(delta: dict[str, Any]) -> None:
    for call in delta.get("tool_calls") or ():
        call["index"] = 0


def _cumulative(events: list[Any]) -> list[Any]:
    so_far = ""
    for choice in (choice for event in events if event != DONE for choice in event["choices"]):
        if choice["delta"].get("content"):
            so_far += choice["delta"]["content"]
            choice["delta"]["content"] = so_far
    return events


CAUSES: dict[str, tuple[Callable[[Reply], None], set[str]]] = {
    "message for delta": (
        _each(lambda choice: choice.setdefault("message", choice.pop("delta", None))),
        {"chat.stream.delta"},
    ),
    "text for message": (
        _each(lambda choice: choice.update(text=choice.pop("message")) if "message" in choice else None),
        {"chat.message"},
    ),
    "arguments as object": (_each(_arguments(json.loads), "message"), {"tools.arguments"}),
    "arguments encoded twice": (_each(_arguments(json.dumps), "message"), {"tools.arguments-json"}),
    "calls as object": (
        _each(
            lambda said: said.update(tool_calls=said["tool_calls"][0]) if said.get("tool_calls") else None, "message"
        ),
        {"tools.calls"},
    ),
    "calls under the old name": (
        _each(
            lambda said: (
                said.update(function_call=said.pop("tool_calls")[0]["function"]) if "tool_calls" in said else None
            ),
            "message",
        ),
        {"tools.finish-has-calls"},
    ),
    "no role": (_each(lambda said: said.pop("role", None), "message"), {"chat.role"}),
    "names that come late": (_streamed(_late_names), {"tools.stream-opening"}),
    "calls under one index": (_each(_one_index, "delta"), {"tools.stream-id-once"}),
    "streams that break off": (_streamed(lambda events: events[:3]), {"chat.stream.finishes"}),
    "chunks that come twice": (
        _streamed(lambda events: [event for event in events for _ in range(2 - (event == DONE))]),
        {"chat.stream.finishes-once"},
    ),
    "text that comes again": (_streamed(_cumulative), {"chat.stream.not-cumulative"}),
}
CASES = (
    "relations.text",
    "relations.calls",
    "relations.parallel",
    "tools.required",
    "tools.result",
    "chat.stream.usage",
)


@pytest.mark.slow
@pytest.mark.parametrize("cause", CAUSES)
def test_one_cause_is_one_finding_of_a_run(cause: str) -> None:
    bug, rules = CAUSES[cause]
    with FakeServer(seed=4) as fake, Planted(fake.base_url, bug) as proxy:
        report = asyncio.run(run(Options(proxy.base_url, select=CASES)))
    assert {finding.rule.id for finding in report.findings if finding.rule.level is MUST} == rules


def test_a_fault_of_its_own_beside_a_spoiled_answer_is_named() -> None:
    first, text, last, done = chunks(CHAT)
    events = [first, text, {**last, "id": "another"}, done]
    whole = {name: value for name, value in first.items() if name != "choices"}
    message = {"role": "assistant", "content": "Hi.", "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    reply = {**whole, "object": "chat.completion", "choices": [choice]}
    views = {
        "dict": View(exchange({"model": "m", "messages": MESSAGES}, json.dumps(reply).encode())),
        "stream": View(streamed(events)),
    }
    broken = frozenset[str]().union(*(judge(view).ids(MUST) for view in views.values()))
    assert "chat.stream.same-id" in broken
    assert judge_trace(Trace("t", views, deterministic=True, broken=broken)).ids() >= {"relations.same-text"}


@pytest.mark.parametrize("model", ["", None, "  "])
def test_a_model_that_nobody_named_is_missed_once(model: str | None) -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hi.", "refusal": None}, "finish_reason": "stop"}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1_796_000_000, "model": model}
    body = json.dumps({**head, "choices": [{**choice, "logprobs": None}]}).encode()
    named = {rule for rule in judge(exchange({"messages": MESSAGES}, body)).ids() if rule.endswith("model")}
    assert named == {"errors.refuses-no-model"}
    asked = judge(exchange({"model": "gpt-4o", "messages": MESSAGES}, body))
    assert {rule for rule in asked.ids() if rule.endswith("model")} == {"chat.model"}


def _spoil(value: Any, path: list[str], change: Callable[[Any], Any]) -> None:
    """Change what stands at a path in a JSON value; `*` is every item of an array, LOST takes a member out."""
    name, rest = path[0], path[1:]
    for key in range(len(value)) if name == "*" and isinstance(value, list) else [name]:
        if isinstance(value, dict) and key not in value:
            continue
        if rest:
            _spoil(value[key], rest, change)
        elif (new := change(value[key])) is LOST:
            del value[key]
        else:
            value[key] = new


LOST = object()
CHANGES: dict[str, Callable[[Any], Any]] = {
    "lost": lambda value: LOST,
    "a list": lambda value: [value],
    "a text": lambda value: value if isinstance(value, str) else json.dumps(value),
    "5": lambda value: 5,
    "empty": lambda value: type(value)() if value is not None else "",
}
SPOILED = [
    ("stop-stream", "choices.*.finish_reason", "a text", "chat.stream.finish-reason"),
    ("stop-stream", "choices.*.finish_reason", "5", "chat.stream.finish-reason"),
    ("calls-stream", "choices.*.finish_reason", "lost", "chat.stream.finishes"),
    ("text-long-stream", "choices.*.finish_reason", "lost", "completions.stream.finishes"),
    ("text-long-stream", "choices.*.finish_reason", "a list", "completions.stream.finish-reason"),
    ("limit-dict", "usage.completion_tokens", "empty", "usage.completion-counted"),
    ("top-logprobs-dict", "choices.*.logprobs.content.*.top_logprobs", "a list", "logprobs.top"),
    ("top-logprobs-dict", "choices.*.logprobs", "a text", "logprobs.given"),
    ("calls-stream", "choices.*.delta.tool_calls", "a list", "tools.stream-calls"),
    ("calls-stream", "choices.*.delta.tool_calls.*.type", "5", "tools.stream-type"),
    ("one-call-dict", "choices.*.message.tool_calls", "lost", "tools.finish-has-calls"),
    ("one-call-dict", "choices.*.message.tool_calls", "a text", "tools.calls"),
    ("legacy-call-dict", "choices.*.message.function_call", "a text", "tools.legacy-function-call"),
    ("embedding", "data", "empty", "embeddings.data"),
    ("text-echo-dict", "choices.*.text", "lost", "completions.text"),
    ("text-choices-dict", "choices", "a list", "completions.choices"),
    ("moderation", "results.*.categories", "empty", "moderations.categories"),
    ("moderation", "results.*.category_scores", "empty", "moderations.scores"),
    ("stored-updated", "metadata", "a text", "stored.metadata"),
    ("stored", "choices.*.message", "empty", "stored.choices"),
    ("limit-stream", "choices", "a list", "chat.stream.choices"),
]


@pytest.mark.parametrize(("name", "path", "change", "rule"), SPOILED, ids=lambda part: str(part))
def test_a_member_that_is_spoiled_is_one_finding(name: str, path: str, change: str, rule: str) -> None:
    whole = load(FIXTURES / "conforming" / f"{name}.yaml").exchange
    view = View(whole)
    texts = [payload.text for payload in view.payloads] or [view.body]
    values = [json.loads(text) for text in texts if text != DONE.encode()]
    for value in values:
        _spoil(value, path.split("."), CHANGES[change])
    lines = [f"data: {json.dumps(value)}\n\n" for value in values] + [f"data: {DONE}\n\n"]
    body = "".join(lines) if view.payloads else json.dumps(values[0])
    assert judge(whole.with_payload(body.encode())).ids(MUST) == {rule}
