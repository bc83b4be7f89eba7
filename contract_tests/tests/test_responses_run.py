"""Responses in a run: a target that has them, one that lacks them and says so in its own way, and what it breaks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from contract_tests.cases import CASES
from contract_tests.run.outcome import ExitCode, Outcome
from contract_tests.run.run import Options, run
from contract_tests.tests.small_target import Answer, Asked, completed, refusal, reply, report_of
from fake_server.testing.server import FakeServer

SECTIONS = ("responses", "conversations")
KNOWN = [section for section in SECTIONS if any(case.endpoint == section for case in CASES.values())]
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

    report, target = report_of(answer, *KNOWN)
    assert {(result.outcome, len(result.findings)) for result in report.results} == {(Outcome.UNSUPPORTED, 0)}
    counted = [one.path for one in target.asked if one.path.startswith("/v1/responses")]
    assert len(counted) <= 2  # before the first case, and in it


def test_a_page_at_every_path_is_no_response() -> None:
    page = reply(200, b"<!doctype html><title>Console</title>", kind="text/html")
    there = ("/v1/models", "/v1/chat/completions")
    report, _ = report_of(lambda asked: None if asked.path in there else page, "chat.short", *KNOWN)
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


@pytest.mark.parametrize("seed", range(1, 21))
def test_the_fake_has_no_finding_at_any_level(seed: int) -> None:
    with FakeServer(seed=seed) as fake:
        report = completed(run(Options(fake.base_url, select=tuple(KNOWN))))
    assert [(one.label, one.rule.id, one.actual) for one in report.findings] == []
    assert {result.outcome for result in report.results} == {Outcome.PASS}, [
        (one.case_id, one.outcome, one.reason) for one in report.results if one.outcome is not Outcome.PASS
    ]
