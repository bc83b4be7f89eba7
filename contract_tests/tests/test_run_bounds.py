"""Bounds of a live run: on time, on requests, on patience; and what a refusal is about."""

from __future__ import annotations

import asyncio
import gc
import json
import warnings
from dataclasses import replace

import pytest

from contract_tests.rules.engine.judge import Level
from contract_tests.run.outcome import ExitCode, Outcome, RunReport
from contract_tests.run.run import Options, run
from contract_tests.target.session import Session
from contract_tests.tests.small_target import (
    QUICK,
    Asked,
    SmallTarget,
    completed,
    lead_astray,
    of,
    refusal,
    report_of,
    sensible,
    to_cases,
)
from fake_server.wire.bounds import Bounds


@pytest.fixture(autouse=True)
def _hostile_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    lead_astray(monkeypatch)


def test_json_may_nest_as_deep_as_the_bound() -> None:
    for depth, outcome in ((200, Outcome.PASS), (1, Outcome.FAIL)):
        bounds = replace(QUICK, json_depth=depth)
        report, _ = report_of(to_cases(lambda asked: None), "chat.short", bounds=bounds)
        assert of(report, "chat.short").outcome is outcome


def test_a_429_is_waited_out() -> None:
    seen: list[str] = []

    def answer(asked: Asked) -> bytes | None:
        if not asked.body:
            return None
        seen.append(asked.path)
        return refusal(429, "slowly", "Retry-After: 0") if len(seen) < 3 else None

    report, _ = report_of(to_cases(answer), "chat.short")
    assert of(report, "chat.short").outcome is Outcome.PASS
    assert len(of(report, "chat.short").exchanges) == 3


@pytest.mark.parametrize("wait", ["Retry-After: 0", "Retry-After: 3600"])
def test_a_429_without_end_is_not_reached(wait: str) -> None:
    report, _ = report_of(to_cases(lambda asked: refusal(429, "no", wait) if asked.body else None), "chat.short")
    assert of(report, "chat.short").outcome is Outcome.NOT_REACHED
    assert report.exit_code() is ExitCode.UNREACHABLE


def test_three_cases_at_a_bound_stop_the_run() -> None:
    async def hang(asked: Asked) -> bytes | None:
        return await asyncio.sleep(60, None) if asked.body else None

    report, _ = report_of(to_cases(hang), "chat", concurrency=1)
    outcomes = [one.outcome for one in report.results]
    assert outcomes[:4] == [Outcome.FAIL] * 3 + [Outcome.NOT_REACHED]
    assert set(outcomes[3:]) == {Outcome.NOT_REACHED}
    assert {one.rule.id for one in report.results[0].findings} == {"http.in-time"}
    assert "bound" in report.stopped
    assert report.exit_code() is ExitCode.FINDINGS


def test_a_quota_that_is_used_up_is_no_finding() -> None:
    def answer(asked: Asked) -> bytes | None:
        used_up = refusal(429, "You used it up.", "Retry-After: 1", code="insufficient_quota")
        return used_up if asked.body else None

    select = ("client", "chat", "http.keep-alive", "tools", "relations", "errors")
    bounds = replace(QUICK, exchange=60.0)  # main() is a program that has an SDK to load first
    report, _ = report_of(to_cases(answer), *select, bounds=bounds, run_seconds=90.0)
    assert [(one.rule.id, one.actual) for one in report.findings if one.rule.level is Level.MUST] == []
    assert report.exit_code() is ExitCode.UNREACHABLE


def test_the_limit_on_requests() -> None:
    report, target = report_of(sensible, "errors", max_requests=7, concurrency=1)
    assert len(target.asked) == report.requests == 7
    assert [one.outcome for one in report.results].count(Outcome.NOT_REACHED) == 20
    assert "limit of 7" in report.results[6].reason


def test_the_run_is_over_in_time() -> None:
    async def hang(asked: Asked) -> bytes | None:
        return await asyncio.sleep(60, None) if asked.body else None

    slow = Bounds(first_byte=30)
    report, _ = report_of(to_cases(hang), "chat.short", "errors.unknown-path", run_seconds=0.5, bounds=slow)
    assert of(report, "chat.short").outcome is Outcome.NOT_REACHED
    assert of(report, "errors.unknown-path").outcome is Outcome.PASS
    assert "0.5 s" in report.stopped


def test_a_cancelled_run_reports_what_it_has() -> None:
    async def go() -> RunReport:
        async def hang(asked: Asked) -> bytes | None:
            return await asyncio.sleep(60, None) if asked.body else None

        async with SmallTarget(to_cases(hang)) as target:
            options = Options(target.base_url, select=("errors.unknown-path", "chat.short"))
            one_done = asyncio.Event()
            running = asyncio.create_task(run(options, lambda _: one_done.set()))
            await one_done.wait()
            running.cancel()
            return await running

    report = completed(go())
    assert report.stopped == "the run was interrupted"
    assert {one.outcome for one in report.results} == {Outcome.PASS, Outcome.NOT_REACHED}


def test_a_request_cancelled_twice_leaves_no_connection_open() -> None:
    """A run that stops does so: `gather` ends with the first worker, and the others are cancelled again."""

    async def go() -> None:
        arrived = asyncio.Event()

        async def hang(asked: Asked) -> None:
            arrived.set()
            await asyncio.sleep(3600)

        async with SmallTarget(hang) as target, Session(Options(target.base_url), target.base_url) as session:
            asking = asyncio.create_task(session.exchange("any", "POST", "/chat/completions", b"{}"))
            await arrived.wait()
            asking.cancel()
            await asyncio.sleep(0)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        completed(go())
        gc.collect()
    assert [str(warning.message) for warning in caught] == []


@pytest.mark.parametrize(
    ("message", "param", "about"),
    [
        ("Unsupported parameter: 'tools' is not supported with this model.", "tools", True),
        ("Unrecognized request argument supplied: tools", None, True),
        ("tools are not available", "tools", True),
        (
            "messages with role 'tool' must be a response to a preceding message with 'tool_calls'.",
            None,
            False,
        ),
        (
            "An assistant message with 'tool_calls' must be followed by tool messages; no tools there.",
            None,
            False,
        ),
        ("'tools' is only allowed when 'stream' is enabled.", "tools", False),
        ("something else", None, False),
    ],
)
def test_a_complaint_about_a_missing_companion_is_not_unsupported(message: str, param: str | None, about: bool) -> None:
    from contract_tests.rules.engine.refused import refuses
    from contract_tests.rules.engine.view import View
    from fake_server.wire.exchange import Exchange, Request, Write

    body = json.dumps({"error": {"message": message, "param": param}}).encode()
    assert refuses(View(Exchange(Request("POST", "/"), 400, writes=(Write(body),))), "tools") is about
