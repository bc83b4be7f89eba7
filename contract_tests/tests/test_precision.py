"""The rules beside the ground truth: genuine recordings of api.openai.com are never accused."""

from __future__ import annotations

import pytest

from contract_tests.recordings.judging import Summary, judge_files
from contract_tests.rules import RULES
from contract_tests.rules.engine.judge import Level
from contract_tests.tests.shared import SHARED, needs_recordings

ENDPOINTS = ("chat/completions", "completions", "embeddings", "models", "models/{id}", "moderations")
RESPONSES = ("responses", "responses/{id}", "responses/{id}/input_items", "responses/input_tokens", "responses/compact")

CONVERSATIONS_RECORDED = ("conversations.is-object", "conversations.object")
"""There are three recordings of a conversation that is made."""

# What no recording can show: these need a socket, all headers, or a request that recorders did not keep.
NOT_IN_RECORDINGS = {
    "errors.callers-mistake",  # no recording of a mistake
    "chat.created-now",  # no recording kept a Date field
    "chat.stream.created-now",
    "http.in-time",
    "http.bounded",
    "http.complete",
    "http.framing",
    "http.tidy",
    "http.one-length",
    "http.content-type",
    "http.text-type",
    "sse.no-gap-after-id",  # OpenAI sends no ids
    "tools.stream-function-call",
    "usage.stream-asked",  # a recorder does not tell how a reply ended
    "http.content-coding",
    "http.coding-asked",
    "http.request-id",
    "http.key-kept",  # no recording kept a key
    "http.json-no-bom",
    "http.json-surrogates",
    "logprobs.unasked",
    "completions.stop-kept",
    "completions.echo",
    "completions.logprobs",
    "completions.logprobs-given",
    "completions.logprobs-tell-the-text",
    "completions.stream.stop-kept",
    "completions.stream.not-blank",  # no stream that ended by itself with its usage
    "completions.stream.length-said",
    "completions.stream.length-true",
    "completions.stream.limit-kept",
    "chat.stream.list-index",
    "errors.refuses-no-input",
    "errors.refuses-no-model",
    "errors.refuses-wrong-values",
    "errors.refuses-wrong-format",
    "http.cors-origin",
    "chat.stream.not-held-back",
    "http.date",
    "http.retry-after-wait",
    "http.once",
    "errors.says-when",
    "errors.ends-the-stream",
    "errors.challenge",
    "errors.before-the-stream",
    "errors.allow",
    "errors.refuses-bad-json",
    "errors.refuses-no-messages",
    "errors.unknown-model",
    "errors.unknown-path",
    "errors.wrong-method",
    *(rule for rule in RULES if rule.startswith("stored.")),  # nobody has published a recording of these
    "responses.least-limit",
    "responses.refuses-wrong-values",
    "responses.refuses-no-input",
    *(
        "responses.refused-turn",
        "responses.stream.websocket-complete",
        "responses.stream.websocket-frames",
    ),  # a WebSocket
    "responses.built-in-called",  # none forces a built-in tool
    "responses.unknown-previous",
    "responses.deleted",
    *(rule for rule in RULES if rule.startswith("conversations.") and rule not in CONVERSATIONS_RECORDED),
}


@pytest.fixture(scope="module")
def genuine() -> Summary:
    return judge_files([SHARED / "recordings" / "openai.jsonl"])


@pytest.mark.slow
@needs_recordings
def test_no_genuine_recording_has_a_must_finding(genuine: Summary) -> None:
    accused = [(one.label, one.rule.id, one.actual) for one in genuine.findings if one.rule.level is Level.MUST]
    assert accused == []
    assert sum(genuine.per_endpoint[name] for name in ENDPOINTS) >= 1300


@needs_recordings
def test_should_findings_are_few_and_understood(genuine: Summary) -> None:
    # Three streams that asked for usage, by the recorder's word, and have no usage member in any chunk.
    assert dict(genuine.flagged) == {"usage.stream-recorded": 3}


@needs_recordings
def test_every_rule_that_a_recording_can_show_really_applied(genuine: Summary) -> None:
    assert set(genuine.never_applied) <= NOT_IN_RECORDINGS


@needs_recordings
def test_every_recording_of_a_response_is_judged_and_none_is_accused(genuine: Summary) -> None:
    names = (*RESPONSES, "conversations")
    assert {name: genuine.unjudged[name] for name in names} == dict.fromkeys(names, 0)
    assert sum(genuine.per_endpoint[name] for name in names) >= 830
    assert genuine.applied["responses.object"] == 815
    assert genuine.applied["responses.stream.ends-once"] == 200
    assert not [rule for rule in genuine.flagged if rule.startswith(("responses.", "conversations."))]


@needs_recordings
def test_no_chat_or_models_exchange_goes_unjudged(genuine: Summary) -> None:
    assert {name: genuine.unjudged[name] for name in ENDPOINTS} == dict.fromkeys(ENDPOINTS, 0)
