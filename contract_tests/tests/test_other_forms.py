"""A reply of another form than the one that was asked for is one finding, however many rules it would break."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from contract_tests.rules import judge
from contract_tests.rules.engine.judge import MUST
from contract_tests.tests.replies import CHAT, MESSAGES, chunks, exchange, streamed

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
