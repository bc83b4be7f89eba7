"""A bad request that is put off, "retry later", while good ones are answered: named, and nobody waits for it."""

from __future__ import annotations

import json
from time import monotonic

import pytest

from contract_tests.rules.engine.judge import Level
from contract_tests.run.outcome import Outcome, RunReport
from contract_tests.tests.small_target import MODEL, USAGE, Answerer, Asked, completion, refusal, report_of, stream

BAD = (
    "errors.bad-json",
    "errors.missing-messages",
    "errors.empty-messages",
    "errors.unknown-model",
    "errors.no-tokens",
)
RULE = "relations.refused-for-good"
NOTHING = {**USAGE, "completion_tokens": 0, "total_tokens": 5}


def is_bad(asked: Asked) -> bool:
    messages, model = asked.json.get("messages"), asked.json.get("model", "")
    return not messages or not isinstance(messages, list) or "no-such" in model or asked.json.get("max_tokens", 1) < 1


def putting_off(status: int) -> Answerer:
    later = refusal(status, "Try again later.", "Retry-After: 1")

    def answer(asked: Asked) -> bytes | None:
        if asked.method != "POST" or asked.is_preflight:
            return None
        return later if is_bad(asked) else None

    return answer


def musts(report: RunReport) -> set[str]:
    return {finding.rule.id for finding in report.findings if finding.rule.level is Level.MUST}


@pytest.mark.parametrize("status", [429, 503])
def test_a_mistake_is_not_put_off(status: int) -> None:
    began = monotonic()
    report, _ = report_of(putting_off(status), *BAD, "chat.short")
    assert musts(report) == {RULE}
    assert [result.outcome for result in report.results].count(Outcome.FAIL) == len(BAD)
    assert not report.stopped
    assert monotonic() - began < 10


def test_a_target_that_is_busy_is_waited_for() -> None:
    """It puts off valid requests as well, and later refuses the bad one."""
    busy = [True, True]

    def answer(asked: Asked) -> bytes | None:
        if asked.method != "POST" or asked.is_preflight:
            return None
        if busy:
            busy.pop()
            return refusal(429, "Too many requests.", "Retry-After: 1")
        return refusal(400, "There are no messages.", param="messages") if is_bad(asked) else None

    report, _ = report_of(answer, "errors.empty-messages")
    assert [result.outcome for result in report.results] == [Outcome.PASS]
    assert not busy


def test_one_refusal_that_comes_late_is_chance() -> None:
    statuses = [429]

    def answer(asked: Asked) -> bytes | None:
        if asked.method != "POST" or not is_bad(asked):
            return None
        status = statuses.pop() if statuses else 400
        return refusal(status, "There are no messages.", "Retry-After: 1", param="messages")

    report, _ = report_of(answer, "errors.empty-messages")
    assert report.applied[RULE] == 1
    assert not musts(report)


@pytest.mark.parametrize("streamed", [False, True])
def test_an_empty_success_is_none(streamed: bool) -> None:
    def answer(asked: Asked) -> bytes | None:
        if asked.method != "POST" or asked.is_preflight:
            return None
        if not asked.json.get("stream"):
            return _sized(completion("").replace(json.dumps(USAGE).encode(), json.dumps(NOTHING).encode()))
        chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": MODEL}
        event = f"data: {json.dumps({**chunk, 'choices': [], 'usage': NOTHING})}\n\ndata: [DONE]".encode()
        return _sized(stream("").replace(b"data: [DONE]", event))

    case = "chat.stream.usage" if streamed else "chat.short"
    report, _ = report_of(answer, case)
    assert ("chat.stream.not-blank" if streamed else "chat.not-blank") in musts(report)


def _sized(reply: bytes) -> bytes:
    """The reply with the Content-Length of its body."""
    head, _, body = reply.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length")]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(body)]) + b"\r\n\r\n" + body
