"""One at a time before blame: failures beside other requests are played again alone, and an outage is no finding."""

from __future__ import annotations

import asyncio
import json

import pytest

from contract_tests.rules.engine.judge import Level
from contract_tests.run.outcome import ExitCode, Outcome, RunReport
from contract_tests.tests.small_target import (
    Answerer,
    Asked,
    completion,
    lead_astray,
    of,
    refusal,
    reply,
    report_of,
    sensible,
    stream,
    to_cases,
)

STREAMS = ("chat.stream.short", "chat.stream.poem", "chat.stream.no-usage", "http.accept-any")
CUT = stream().replace(b"data: [DONE]\n\n", b"")
CHATS = ("chat.short", "chat.poem", "http.charset", "http.plain", "http.gzip", *STREAMS)


@pytest.fixture(autouse=True)
def _hostile_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    lead_astray(monkeypatch)


def musts(report: RunReport) -> set[str]:
    return {finding.rule.id for finding in report.findings if finding.rule.level is Level.MUST}


def one_at_a_time(beside: Answerer, alone: Answerer = sensible) -> Answerer:
    """A target that answers with `beside` a request during which another one comes or is open."""
    running: set[int] = set()
    disturbed: set[int] = set()

    async def answer(asked: Asked) -> bytes | None:
        if not asked.body:
            return None
        number = id(asked)
        running.add(number)
        if len(running) > 1:
            disturbed.update(running)
        await asyncio.sleep(0.05)
        running.discard(number)
        reply = (beside if number in disturbed else alone)(asked)
        disturbed.discard(number)
        return reply  # type: ignore[return-value]

    return answer


@pytest.mark.parametrize("beside", [CUT, refusal(503, "busy"), reply(200, b""), CUT[:-60]])
def test_what_heals_alone_is_a_finding_of_the_relation_and_names_it(beside: bytes) -> None:
    report, _ = report_of(to_cases(one_at_a_time(lambda asked: beside)), *STREAMS)
    assert musts(report) == {"relations.as-alone"}
    findings = [finding for finding in report.findings if finding.rule.id == "relations.as-alone"]
    assert all(finding.actual.startswith("beside other requests, not alone: ") for finding in findings)
    assert report.exit_code() is ExitCode.FINDINGS
    alone, _ = report_of(to_cases(one_at_a_time(lambda asked: beside)), *STREAMS, concurrency=1)
    assert not musts(alone)


def test_what_a_slow_reply_breaks_is_not_blamed_on_others() -> None:
    first, created, rest = stream().partition(b'"created": 1700000000')
    later = first + created + rest.replace(created, b'"created": 1700000001', 1)
    assert b'"created": 1700000001' in later
    report, _ = report_of(to_cases(one_at_a_time(lambda asked: later)), *STREAMS)
    assert musts(report) == {"chat.stream.same-created"}


def test_a_fault_that_load_hid_is_named_beside_it() -> None:
    wrong = stream().replace(b"chat.completion.chunk", b"chat.completion.chnuk")
    report, _ = report_of(to_cases(one_at_a_time(lambda asked: refusal(500, "busy"), lambda asked: wrong)), *STREAMS)
    assert musts(report) == {"relations.as-alone", "chat.stream.object"}


def test_a_fault_that_is_there_alone_too_stays_what_it_is() -> None:
    def answer(asked: Asked) -> bytes | None:
        return CUT if asked.json.get("stream") else None

    crowded, target = report_of(to_cases(answer), "chat.stream")
    alone, _ = report_of(to_cases(answer), "chat.stream", concurrency=1)
    assert "relations.as-alone" not in musts(crowded)
    assert crowded.applied["relations.as-alone"] >= 1
    counted = [(result.case_id, finding.rule.id) for result in crowded.results for finding in result.findings]
    assert counted == [(result.case_id, finding.rule.id) for result in alone.results for finding in result.findings]
    assert len(target.asked) < alone.requests + 8, "what was seen alone once is not asked alone again"


def test_no_request_of_the_plan_is_spent_on_asking_again() -> None:
    report, target = report_of(
        to_cases(one_at_a_time(lambda asked: refusal(503, "busy"))), "chat.stream", max_requests=40
    )
    assert len(target.asked) <= 40
    assert "limit" not in " ".join(result.reason for result in report.results)


# -- an outage that begins half-way


def from_request(number: int, then: Answerer, before: Answerer = sensible) -> Answerer:
    """A target that answers with `then` from its so-many-th POST on."""
    seen = [0]

    def answer(asked: Asked) -> bytes | None:
        seen[0] += bool(asked.body)
        return (then if seen[0] >= number else before)(asked)  # type: ignore[return-value]

    return answer


DOWN = {
    "bad gateway": reply(502, b"<html>502 Bad Gateway</html>", kind="text/html"),
    "key revoked": refusal(401, "The key was revoked."),
    "closes": b"",
    "model gone": refusal(404, "The model does not exist.", code="model_not_found"),
    "success that is none": reply(200, {"success": False, "message": "upstream down"}),
    "error in a success": reply(200, {"error": {"message": "down", "type": "x", "param": None, "code": None}}),
    "page": reply(200, b"<html><title>Maintenance</title></html>", kind="text/html"),
    "nothing": reply(200, b""),
}


@pytest.mark.parametrize("name", DOWN)
def test_an_outage_half_way_leaves_what_was_judged_and_blames_nothing(name: str) -> None:
    report, target = report_of(from_request(8, lambda asked: DOWN[name]), "chat", "errors", "relations", "http")
    assert not musts(report)
    outcomes = [result.outcome for result in report.results]
    assert outcomes.count(Outcome.PASS) >= 3
    assert outcomes.count(Outcome.NOT_REACHED) >= 60
    assert "the target answers no valid request (" in report.stopped
    assert report.exit_code() is ExitCode.UNREACHABLE
    assert len(target.asked) < 30


def test_a_quota_that_is_used_up_half_way_is_told_by_the_cases_that_wait() -> None:
    full = reply(429, b"<html>slow down</html>", "Retry-After: 0", kind="text/html")
    report, _ = report_of(from_request(8, lambda asked: full), "chat", concurrency=1)
    assert "still answered 429: " in report.stopped
    assert "preflight" not in report.stopped


def test_what_was_found_before_an_outage_stands() -> None:
    value = json.loads(completion().partition(b"\r\n\r\n")[2])
    wrong = reply(200, {**value, "object": "wrong"})

    def before(asked: Asked) -> bytes | None:
        return None if asked.json.get("stream") or not asked.body or asked.is_preflight else wrong

    report, _ = report_of(from_request(8, lambda asked: DOWN["bad gateway"], before), "chat", concurrency=1)
    assert musts(report) - {"chat.choice-count"} == {"chat.object"}
    assert report.stopped
    assert report.exit_code() is ExitCode.FINDINGS


def test_one_refusal_among_answers_is_a_finding_not_an_outage() -> None:
    def answer(asked: Asked) -> bytes | None:
        return refusal(500, "no pictures") if asked.json.get("n") else None

    report, _ = report_of(answer, *CHATS[:5], "chat.n")
    assert musts(report) == {"relations.accepted"}
    assert not report.stopped
    assert of(report, "chat.short").outcome is Outcome.PASS


def test_a_short_hiccup_is_no_outage() -> None:
    seen = [0]

    def answer(asked: Asked) -> bytes | None:
        seen[0] += bool(asked.body)
        return refusal(503, "restarting") if asked.body and 5 <= seen[0] <= 6 else None

    report, _ = report_of(answer, *STREAMS, "chat.short", concurrency=1)
    assert not report.stopped
    assert musts(report) == {"relations.accepted"}
