"""Which model answered, and when; and what several choices cost."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from contract_tests.rules import judge
from contract_tests.tests.shared import ROOT
from fake_server.wire import fixture
from fake_server.wire.exchange import Exchange


def told(name: str, asked: dict[str, Any], said: dict[str, Any], **fields: str) -> set[str]:
    """What is found in a conforming exchange with other members, and other header fields."""
    exchange: Exchange = fixture.load(ROOT / "fixtures" / "conforming" / f"{name}.yaml").exchange
    body = json.dumps({**json.loads(exchange.payload), **said}).encode()
    wanted = json.dumps({**(exchange.request.json() or {}), **asked}).encode()
    fields = {"Content-Length": str(len(body)), **fields}
    headers = tuple((name, fields.get(name, value)) for name, value in exchange.headers or ())
    changed = exchange.but(request=replace(exchange.request, body=wanted), headers=headers)
    return judge(changed.with_payload(body)).ids()


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("gpt-4o-mini", "gpt-4o-mini"),
        ("gpt-4o-mini", "gpt-4o-mini-2024-07-18"),
        ("gpt-3.5-turbo", "gpt-3.5-turbo-0125"),
        ("gpt-4-turbo-preview", "gpt-4-0125-preview"),
        ("gpt-4-vision-preview", "gpt-4-1106-vision-preview"),
        ("chat-latest", "chat-2026-01-01"),
        ("davinci-002", "davinci:2023-07-21-v2"),
        ("anthropic/claude-sonnet-4.6", "anthropic/claude-4.6-sonnet-20260217"),
        ("meta-llama/llama-3-8b-instruct:free", "meta-llama/llama-3-8b-instruct"),
        ("Qwen/Qwen3-8B", "qwen3-8b"),
    ],
)
def test_a_version_of_the_model_may_answer(asked: str, answered: str) -> None:
    assert told("poem-dict", {"model": asked}, {"model": answered}) == set()


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("gpt-4o", "gpt-4o-mini-2024-07-18"),
        ("gpt-4o", "gpt-4-0613"),
        ("gpt-4", "gpt-4.1-2025-04-14"),
        ("gpt-3.5-turbo", "llama-3-8b"),
        ("gpt-4-turbo-preview", "claude-4.6-sonnet"),
        ("Qwen/Qwen2.5-VL-7B-Instruct", "Qwen2.5-VL-72B-Instruct"),
    ],
)
def test_another_model_is_named(asked: str, answered: str) -> None:
    assert told("poem-dict", {"model": asked}, {"model": answered}) == {"chat.other-model"}


@pytest.mark.parametrize(
    ("date", "found"),
    [
        ("Thu, 09 Oct 2025 09:53:20 GMT", set()),
        ("Wed, 08 Oct 2025 23:00:00 GMT", set()),
        ("Sat, 31 Jan 2026 12:00:00 GMT", {"chat.created-now"}),
        ("Thu, 09 Oct 2025 08:53:20 +0200", {"http.date"}),
        ("yesterday", {"http.date"}),
    ],
)
def test_created_is_about_the_time_the_reply_was_sent(date: str, found: set[str]) -> None:
    assert told("dated-dict", {}, {}, Date=date) == found


@pytest.mark.parametrize(
    ("completion", "limit", "found"),
    [
        (10, 5, set()),
        (6, 5, set()),
        (5, 5, {"usage.every-choice"}),
        (5, 4000, set()),
        (2, 0, {"usage.every-choice"}),
        (4, 0, set()),
    ],
    ids=["both", "more than one", "one", "no room", "fewer than words", "as many as words"],
)
def test_every_choice_counts(completion: int, limit: int, found: set[str]) -> None:
    message: dict[str, Any] = {"role": "assistant", "content": "A tree", "refusal": None, "annotations": []}
    choice = {"message": message, "logprobs": None, "finish_reason": "length"}
    choices = [{"index": index, **choice} for index in (0, 1)]
    usage = {"prompt_tokens": 20, "completion_tokens": completion, "total_tokens": 20 + completion}
    asked = {"max_tokens": limit} if limit else {}
    assert told("two-choices-dict", asked, {"choices": choices, "usage": usage}) == found
