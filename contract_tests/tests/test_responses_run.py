"""Responses in a run: a target that has them, one that lacks them and says so in its own way, and what it breaks."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from contract_tests.cases import CASES
from contract_tests.cli.offline import THINKING_MODEL
from contract_tests.run.outcome import ExitCode, Outcome, RunReport
from contract_tests.run.run import Options, run
from contract_tests.tests import planted
from contract_tests.tests.small_target import Answer, Asked, completed, refusal, reply, report_of
from fake_server.bugs.catalogue import bugs
from fake_server.testing.server import FakeServer

SECTIONS = ("responses", "conversations")
UNKNOWN_PATH = reply(404, {"detail": "Not Found"})

LACKS: dict[str, Answer] = {
    "404": refusal(404, "there is no such path"),
    "405": reply(405, {"detail": "Method Not Allowed"}, "Allow: GET"),
    "501": refusal(501, "Not yet."),
    "html": reply(404, b"<h1>Lost?</h1>", kind="text/html"),
    "go": reply(404, b"404 page not found\n", kind="text/plain"),
    "words with 400": refusal(400, "The Responses API is not supported by this provider."),
    "words with 403": refusal(403, "This endpoint is not enabled on this gateway"),
    "words with 500": reply(500, {"error": "endpoint /v1/responses not implemented"}),
    "words with 200": reply(200, {"error": "Unexpected endpoint or method. (POST /v1/responses). Unsupported route"}),
    "express": reply(404, b"<pre>Cannot POST /v1/responses</pre>", kind="text/html"),
}


@pytest.mark.parametrize("form", LACKS)
def test_a_target_without_responses_is_asked_once_and_is_no_drift(form: str) -> None:
    def answer(asked: Asked) -> Answer | None:
        return LACKS[form] if asked.path.startswith(tuple(f"/v1/{section}" for section in SECTIONS)) else None

    report, target = report_of(answer, *SECTIONS)
    assert {(result.outcome, len(result.findings)) for result in report.results} == {(Outcome.UNSUPPORTED, 0)}
    counted = [one.path for one in target.asked if one.path.startswith("/v1/responses")]
    assert len(counted) <= 2  # before the first case, and in it


def test_a_page_at_every_path_is_no_response() -> None:
    page = reply(200, b"<!doctype html><title>Console</title>", kind="text/html")
    there = ("/v1/models", "/v1/chat/completions")
    report, _ = report_of(lambda asked: None if asked.path in there else page, "chat.short", *SECTIONS)
    assert {result.outcome for result in report.results[1:]} == {Outcome.UNSUPPORTED}


def test_a_model_that_responses_do_not_know_is_asked_once() -> None:
    wrong = refusal(400, "This model is not supported in the Responses API.", param="model")
    report, target = report_of(
        lambda asked: wrong if asked.path == "/v1/responses" else None, "chat.short", "responses"
    )
    assert {result.outcome for result in report.results[1:]} == {Outcome.NOT_REACHED}
    assert "--model responses=NAME" in report.results[1].reason
    assert sum(one.path == "/v1/responses" for one in target.asked) == 1


def test_a_refusal_of_a_valid_request_is_a_finding_and_no_lack() -> None:
    no = refusal(400, "Unknown parameter: 'input'.", param="input")
    report, _ = report_of(lambda asked: no if asked.path == "/v1/responses" else None, "chat.short", "responses.short")
    assert {finding.rule.id for finding in report.findings} >= {"relations.accepted"}


def test_required_responses_that_are_not_there_fail_the_run() -> None:
    report, _ = report_of(lambda asked: None, "chat.short", "responses")
    assert report.exit_code() is ExitCode.OK
    assert replace(report, required=("responses",)).exit_code() is ExitCode.FINDINGS


def test_a_target_that_has_responses_alone_is_judged() -> None:
    """It lists no models either: the plainest request is that for a Response."""
    with FakeServer(seed=2) as fake:

        def answer(asked: Asked) -> Answer | None:
            if asked.path != "/v1/responses":
                return UNKNOWN_PATH
            kind: Any = {"content-type": "application/json"}
            got = httpx.post(f"{fake.base_url}/responses", content=asked.body, headers=kind)
            return reply(got.status_code, got.content, kind=got.headers["content-type"])

        report, _ = report_of(answer, "responses.short", "responses.stream.short")
    assert [result.outcome for result in report.results] == [Outcome.PASS] * 2, report.results


THINKING = {case_id: THINKING_MODEL for case_id in CASES if "reasoning" in case_id}
"""The cases that ask a model to think, which the usual one of the fake does not do."""


def _run(target: str, *select: str) -> RunReport:
    report: RunReport = completed(run(Options(target, models=THINKING, select=select or SECTIONS)))
    return report


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 21))])
def test_the_fake_has_no_finding_at_any_level_within_what_cases_may_cost(seed: int) -> None:
    with FakeServer(seed=seed) as fake:
        report = _run(fake.base_url)
    assert [(one.label, one.rule.id, one.actual) for one in report.findings] == []
    assert {result.outcome for result in report.results} == {Outcome.PASS}, [
        (one.case_id, one.outcome, one.reason) for one in report.results if one.outcome is not Outcome.PASS
    ]
    for result in report.results:
        tokens = rb'"output_tokens": ?(\d+)|"completion_tokens": ?(\d+)'
        counts = [list(re.finditer(tokens, exchange.payload)) for exchange in result.exchanges if exchange.request.body]
        used = sum(int(found[-1][1] or found[-1][2]) for found in counts if found)
        assert len(result.exchanges) <= CASES[result.case_id].requests, result.case_id
        assert used <= CASES[result.case_id].tokens, result.case_id


ASKED = tuple(
    f"responses.{name}"
    for name in (
        *("plain", "call", "reasoning", "stream.short", "stream.call", "stream.calls", "stored.previous"),
        *("max-output-tokens", "stream.max-output-tokens"),
    )
)
"""The cases between them show every known bug of these endpoints."""
BUGS = {bug.id: set(bug.breaks) for bug in bugs().values() if bug.endpoint == "responses" and bug.breaks}


@pytest.mark.parametrize("bug", BUGS)
def test_a_known_bug_is_seen_in_a_run(bug: str) -> None:
    with FakeServer(plain=True, bugs=[bug]) as fake:  # a bug that rewrites text is not seen in every style of JSON
        report = _run(fake.base_url, *ASKED)
    assert {one.rule.id for one in report.findings} & BUGS[bug]


def _spoiled(change: Callable[[dict[str, Any]], object], wanted: Callable[[dict[str, Any]], object]) -> planted.Bug:
    """Change JSON replies of this kind on their way."""

    def bug(answered: planted.Reply) -> None:
        if not answered.streamed and answered.status == 200 and answered.body.strip().startswith(b"{"):
            value = answered.value
            if wanted(value):
                change(value)
                answered.value = value

    return bug


def _is(kind: str) -> Callable[[dict[str, Any]], object]:
    return lambda value: value.get("object") == kind


def _say_other(value: dict[str, Any]) -> None:
    for item in value["output"]:
        for part in item.get("content", ()):
            part["text"] = "Something else."


SPOILED: dict[str, tuple[str, planted.Bug, str]] = {
    "another text in the dict": (
        "responses.same-text",
        _spoiled(_say_other, _is("response")),
        "relations.response-same-output",
    ),
    "another count in the dict": (
        "responses.same-call",
        _spoiled(
            lambda value: value["usage"].update(input_tokens=1, total_tokens=value["usage"]["output_tokens"] + 1),
            lambda value: value.get("object") == "response",
        ),
        "relations.response-same-usage",
    ),
    "another count beforehand": (
        "responses.input-tokens",
        _spoiled(lambda value: value.update(input_tokens=1), _is("response.input_tokens")),
        "relations.counted-beforehand",
    ),
    "chat says something else": (
        "responses.as-chat",
        _spoiled(lambda value: value["choices"][0]["message"].update(content="No."), _is("chat.completion")),
        "relations.as-chat",
    ),
    "an input item lost": (
        "responses.stored.life",
        _spoiled(lambda value: value.update(data=value["data"][:1], last_id=value["data"][0]["id"]), _is("list")),
        "relations.response-input-kept",
    ),
    "an item of a conversation twice": (
        "conversations.items",
        _spoiled(
            lambda value: value.update(data=value["data"] * 2),
            lambda value: value.get("object") == "list" and len(value["data"]) == 1,  # of one page
        ),
        "conversations.items",
    ),
    "old labels of a conversation": (
        "conversations.life",
        _spoiled(lambda value: value.update(metadata={"topic": "old"}), _is("conversation")),
        "conversations.metadata",
    ),
}


@pytest.mark.parametrize("what", SPOILED)
def test_what_a_proxy_spoils_is_seen_in_a_run(what: str) -> None:
    case_id, bug, rule = SPOILED[what]
    with FakeServer(seed=1) as fake, planted.Planted(fake.base_url, bug) as proxy:
        report = _run(proxy.base_url, case_id)
    assert rule in {one.rule.id for one in report.findings}, [one.rule.id for one in report.findings]


def test_a_target_that_stores_nothing_is_asked_for_it_once() -> None:
    """It has Responses and says that it keeps none: whatever needs one is unsupported."""
    with FakeServer(seed=4) as fake, planted.Planted(fake.base_url, _KeepsNothing()) as proxy:
        report = _run(proxy.base_url, "responses.stored", "responses.short")
    outcomes = {result.case_id: result.outcome for result in report.results}
    assert outcomes.pop("responses.short") is Outcome.PASS
    assert outcomes.pop("responses.stored.previous-unknown") is Outcome.PASS
    assert set(outcomes.values()) == {Outcome.UNSUPPORTED}
    assert sum(len(result.exchanges) for result in report.results) <= 4


class _KeepsNothing:
    def __call__(self, answered: planted.Reply) -> None:
        if not answered.streamed and b'"store"' in answered.body:
            value = answered.value
            if value.get("object") == "response":
                answered.value = {**value, "store": False}
