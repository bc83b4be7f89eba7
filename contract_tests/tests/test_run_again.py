"""One at a time before blame: failures beside other requests are played again alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from contract_tests.cases import client
from contract_tests.rules.engine.judge import Level
from contract_tests.run import again
from contract_tests.run.outcome import CaseResult, ExitCode, RunReport
from contract_tests.target.main_program import MainOutcome
from contract_tests.tests.small_target import (
    MODEL,
    Answerer,
    Asked,
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
PATIENT = 200.0
"""Seconds of a run: a part of them may be spent on asking again, and a busy machine takes long for it."""
CUT = stream().replace(b"data: [DONE]\n\n", b"")


@pytest.fixture(autouse=True)
def _hostile_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    lead_astray(monkeypatch)


def musts(report: RunReport) -> set[str]:
    return set().union(*map(musts_of, report.results))


def musts_of(result: CaseResult) -> set[str]:
    return {finding.rule.id for finding in result.findings if finding.rule.level is Level.MUST}


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
    report, _ = report_of(to_cases(one_at_a_time(lambda asked: beside)), *STREAMS, run_seconds=PATIENT)
    assert musts(report) == {"relations.as-alone"}
    findings = [finding for finding in report.findings if finding.rule.id == "relations.as-alone"]
    assert all(finding.actual.startswith("beside other requests, not alone: ") for finding in findings)
    assert report.exit_code() is ExitCode.FINDINGS
    alone, _ = report_of(to_cases(one_at_a_time(lambda asked: beside)), *STREAMS, concurrency=1)
    assert not musts(alone)


SPOILED: dict[str, Callable[[], bytes]] = {
    "half a stream": lambda: reply(200, stream().partition(b"\r\n\r\n")[2][:300], kind="text/event-stream"),
    "no end": lambda: reply(200, stream().partition(b"\r\n\r\n")[2][:-14], kind="text/event-stream"),
    "closed early": lambda: stream()[:-60],
    "half a JSON text": lambda: reply(200, b"{"),
}


@pytest.mark.parametrize("spoiled", SPOILED)
def test_what_only_callers_at_the_same_time_get_is_a_finding_of_the_relation(spoiled: str) -> None:
    beside, case = SPOILED[spoiled], "relations.stream-callers"
    report, _ = report_of(to_cases(one_at_a_time(lambda asked: beside())), case)
    assert musts(report) == {"relations.as-alone"}
    report, _ = report_of(to_cases(lambda asked: beside() if asked.json.get("stream") else None), case)
    assert musts(report)
    assert "relations.as-alone" not in musts(report)


def test_what_a_slow_reply_breaks_is_not_blamed_on_others() -> None:
    first, created, rest = stream().partition(b'"created": 1700000000')
    later = first + created + rest.replace(created, b'"created": 1700000001', 1)
    assert b'"created": 1700000001' in later
    report, _ = report_of(to_cases(one_at_a_time(lambda asked: later)), *STREAMS, run_seconds=PATIENT)
    assert musts(report) == {"chat.stream.same-created"}


def test_a_fault_that_load_hid_is_named_beside_it() -> None:
    wrong = stream().replace(b"chat.completion.chunk", b"chat.completion.chnuk")
    report, _ = report_of(
        to_cases(one_at_a_time(lambda asked: refusal(500, "busy"), lambda asked: wrong)), *STREAMS, run_seconds=PATIENT
    )
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


@pytest.mark.parametrize("limit", [{"max_requests": 7}, {}])
def test_where_nobody_could_be_asked_alone_it_is_said(limit: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the requests, or of the time, nothing is left for asking again."""
    monkeypatch.setattr(again, "SHARE", again.SHARE if limit else -1.0)
    target = one_at_a_time(lambda asked: CUT)
    report, _ = report_of(to_cases(target), *STREAMS, **limit)
    failed = {result.case_id for result in report.results if musts_of(result) - {"relations.as-alone"}}
    assert failed
    (note,) = report.notes
    assert note.startswith("failed beside other cases and not asked alone: ")
    assert len([case_id for case_id in failed if case_id in note]) == min(len(failed), 3)
    assert "--concurrency 1" in note
    alone, _ = report_of(to_cases(target), *STREAMS, concurrency=1)
    assert alone.notes == ()


async def quick_main(base_url: str, *options: str, seconds: float, slack: float) -> MainOutcome:
    """What main() does, less the seconds that a process and an SDK take to start."""
    url = urlsplit(base_url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    body = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": "poem"}], "stream": True}).encode()
    head = f"POST {url.path}/chat/completions HTTP/1.1\r\nHost: {url.netloc}\r\nConnection: close\r\n"
    writer.write(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    whole = b"[DONE]" in await reader.read()
    writer.close()
    return MainOutcome(0, "", True) if whole else MainOutcome(5, "client.py: the stream ended", True)


def test_a_stream_of_main_that_others_cut_is_a_finding_of_the_relation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "run_main_program", quick_main)
    report, _ = report_of(
        to_cases(one_at_a_time(lambda asked: CUT)), "client.main-stream", *STREAMS, run_seconds=PATIENT
    )
    assert musts(report) == {"relations.as-alone"}
    healed = [finding.actual for finding in of(report, "client.main-stream").findings]
    assert "beside other requests, not alone: client.main-stream: exit code 5: client.py: the stream ended" in healed
    alone, _ = report_of(to_cases(one_at_a_time(lambda asked: CUT)), "client.main-stream", *STREAMS, concurrency=1)
    assert not musts(alone)
