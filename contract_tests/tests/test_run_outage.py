"""An outage that begins half-way: what was judged before stands, the rest is not reached, and nobody is blamed."""

from __future__ import annotations

import asyncio
import json

import pytest

from contract_tests.rules.engine.judge import Level
from contract_tests.run import again
from contract_tests.run.outcome import CaseResult, ExitCode, Outcome, RunReport
from contract_tests.run.run import Options, run
from contract_tests.tests.small_target import (
    MODEL,
    QUICK,
    USAGE,
    Answerer,
    Asked,
    SmallTarget,
    completed,
    completion,
    lead_astray,
    of,
    refusal,
    reply,
    report_of,
    sensible,
)
from fake_server.wire.bounds import Bounds

STREAMS = ("chat.stream.short", "chat.stream.poem", "chat.stream.no-usage", "http.accept-any")
CHATS = ("chat.short", "chat.poem", "http.charset", "http.plain", "http.gzip", *STREAMS)


@pytest.fixture(autouse=True)
def _hostile_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    lead_astray(monkeypatch)


def musts(report: RunReport) -> set[str]:
    return set().union(*map(musts_of, report.results))


def musts_of(result: CaseResult) -> set[str]:
    return {finding.rule.id for finding in result.findings if finding.rule.level is Level.MUST}


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


@pytest.mark.slow
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


@pytest.fixture
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(again, "PAUSES", (0.0, 0.1))


async def silent(asked: Asked) -> bytes | None:
    return await asyncio.sleep(60, None)


def outage_of(report: RunReport) -> str:
    """What is said of an outage that nothing is blamed for."""
    assert not musts(report)
    assert report.exit_code() is ExitCode.UNREACHABLE
    assert "the target answers no valid request (" in report.stopped
    return report.stopped


@pytest.mark.usefixtures("_short_pauses")
def test_a_target_that_falls_silent_half_way_is_an_outage() -> None:
    report, _ = report_of(from_request(8, silent), *CHATS, "errors")
    assert "no byte of a reply came for 0.3 s (bound: first_byte)" in outage_of(report)
    assert of(report, "chat.poem").outcome is Outcome.PASS


@pytest.mark.usefixtures("_short_pauses")
def test_a_listener_that_is_gone_half_way_is_an_outage() -> None:
    async def go() -> RunReport:
        async with SmallTarget() as target:

            async def answer(asked: Asked) -> bytes | None:
                if sum(bool(one.body) for one in target.asked) == 8:
                    await target.stop_listening()
                return None

            target.answer = answer
            return await run(Options(target.base_url, bounds=QUICK, select=(*CHATS, "errors")))

    report: RunReport = completed(go())
    assert "refused the connection" in outage_of(report)
    assert [result.outcome for result in report.results].count(Outcome.PASS) >= 3


@pytest.mark.usefixtures("_short_pauses")
def test_what_is_asked_alone_when_the_target_is_gone_keeps_what_was_found_beside() -> None:
    """chat.n gets one choice of two; alone, it finds nobody: that is the outage, and no finding."""
    there = [True]

    async def answer(asked: Asked) -> bytes | None:
        if there[0] and asked.json.get("n"):
            await asyncio.sleep(0.1)
            there[0] = False
            return completion()
        return None if there[0] else DOWN["bad gateway"]

    report, _ = report_of(answer, "chat.n", "chat.short", "chat.user")
    assert musts(report) == {"chat.choice-count"}
    assert "from chat.n on the target answers no valid request" in report.stopped


@pytest.mark.usefixtures("_short_pauses")
@pytest.mark.parametrize("name", ["bad gateway", "key revoked", "closes", "success that is none"])
@pytest.mark.parametrize("section", ["embeddings", "completions", "models"])
def test_an_outage_of_a_run_without_chat_blames_nothing(section: str, name: str) -> None:
    seen = [0]

    def answer(asked: Asked) -> bytes | None:
        seen[0] += 1
        if seen[0] > 3:
            return DOWN[name]
        return plain_answer(asked)

    report, _ = report_of(answer, section)
    assert {result.outcome for result in report.results} <= {Outcome.PASS, Outcome.WARN, Outcome.NOT_REACHED}
    outage_of(report)


def plain_answer(asked: Asked) -> bytes | None:
    """What the plainest request of an endpoint gets."""
    if asked.path == "/v1/embeddings":
        entry = {"object": "embedding", "index": 0, "embedding": [0.6, 0.8]}
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        return reply(200, {"object": "list", "data": [entry], "model": MODEL, "usage": usage})
    if asked.path == "/v1/completions":
        choice = {"index": 0, "text": "Hello.", "logprobs": None, "finish_reason": "stop"}
        head = {"id": "cmpl-1", "object": "text_completion", "created": 1_700_000_000, "model": MODEL}
        return reply(200, {**head, "choices": [choice], "usage": USAGE})
    return None


@pytest.mark.usefixtures("_short_pauses")
@pytest.mark.parametrize("name", ["bad gateway", "closes", "success that is none"])
def test_an_outage_under_main_blames_nothing(name: str) -> None:
    report, _ = report_of(
        from_request(2, lambda asked: DOWN[name]), "client", bounds=Bounds(), run_seconds=60.0, concurrency=1
    )
    assert "from client.main-dict on" in outage_of(report)
    assert {result.outcome for result in report.results} == {Outcome.NOT_REACHED}


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


FORMS = {
    "page": reply(429, b"<html><title>Busy</title>slow down</html>", "Retry-After: 0", kind="text/html"),
    "nothing": reply(429, b"", "Retry-After: 0"),
    "words": reply(429, b"slow down", "Retry-After: 0", kind="text/plain"),
    "JSON of another form": reply(429, {"detail": "slow down"}, "Retry-After: 0"),
    "gateway": reply(503, b"<html>503 Service Unavailable</html>", kind="text/html"),
    "firewall": reply(403, b"<html>Request blocked</html>", kind="text/html"),
    "empty refusal": reply(403, b"", kind="text/html"),
    "time-out of a gateway": reply(504, {"message": "upstream timed out"}),
}
OF_FORM = {"errors.body", "errors.object"}


@pytest.mark.usefixtures("_short_pauses")
@pytest.mark.parametrize("form", FORMS)
def test_whatever_an_outage_is_answered_with_is_no_finding(form: str) -> None:
    report, target = report_of(from_request(8, lambda asked: FORMS[form]), *CHATS, "errors", "tools")
    assert not musts(report)
    assert report.exit_code() is ExitCode.UNREACHABLE
    assert [result.outcome for result in report.results].count(Outcome.PASS) >= 3
    assert len(target.asked) < 60


@pytest.mark.usefixtures("_short_pauses")
@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("form", FORMS)
def test_the_form_of_refusals_that_come_and_go_is_a_finding_once(form: str, concurrency: int) -> None:
    seen = [0]

    def answer(asked: Asked) -> bytes | None:
        seen[0] += bool(asked.body)
        return FORMS[form] if asked.body and seen[0] > 2 and seen[0] % 4 == 0 else None

    report, _ = report_of(answer, *CHATS, "chat.user", "chat.max-tokens", "chat.unusual-text", concurrency=concurrency)
    counted = [finding.rule.id for finding in report.findings if finding.rule.level is Level.MUST]
    assert len([rule for rule in counted if rule in OF_FORM]) == 1
    assert counted.count("relations.accepted") + counted.count("relations.as-alone") <= 1
    assert set(counted) <= {*OF_FORM, "relations.accepted", "relations.as-alone"}
    assert not report.stopped


@pytest.mark.usefixtures("_short_pauses")
@pytest.mark.parametrize("form", ["gateway", "firewall", "empty refusal"])
def test_a_target_that_refuses_whoever_comes_beside_others_is_named_once(form: str) -> None:
    open_requests: list[Asked] = []

    async def answer(asked: Asked) -> bytes | None:
        if not asked.body:
            return None
        open_requests.append(asked)
        await asyncio.sleep(0.02)
        refused = len(open_requests) > 2
        open_requests.remove(asked)
        return FORMS[form] if refused else None

    report, _ = report_of(answer, *CHATS, "chat.user", "chat.unusual-text", "errors.bad-json", run_seconds=100.0)
    counted = [finding.rule.id for finding in report.findings if finding.rule.level is Level.MUST]
    assert counted.count("errors.body") <= 1
    assert counted.count("relations.accepted") + counted.count("relations.as-alone") in (1, 2)


def test_a_quota_that_is_used_up_is_told_with_what_was_answered() -> None:
    report, _ = report_of(from_request(8, lambda asked: FORMS["page"]), "chat")
    assert report.stopped.endswith("(slow down)")


def test_what_always_refuses_one_kind_of_request_is_a_finding_of_each_case() -> None:
    down = FORMS["gateway"]
    report, _ = report_of(
        lambda asked: down if asked.json.get("n") or asked.json.get("user") else None, "chat.n", "chat.user"
    )
    assert [musts_of(result) for result in report.results] == [{"relations.accepted", "errors.body"}] * 2
