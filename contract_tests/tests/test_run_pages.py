"""A page of HTML that comes in place of an answer, and goes: told once in a run, and blamed on nobody else."""

from __future__ import annotations

from itertools import count

import pytest

from contract_tests.rules.engine.judge import Level
from contract_tests.run.outcome import Outcome
from contract_tests.tests.small_target import Answerer, Asked, reply, report_of

CASES = ("chat.short", "chat.system", "chat.poem", "chat.stream.poem", "chat.stream.short")


def _page(number: int, status: int) -> bytes:
    body = b"<html><head><title>Oops</title></head><body>Something went wrong, id %d</body></html>" % number
    return reply(status, body, kind="text/html; charset=utf-8")


def _flaky(status: int) -> Answerer:
    """The first request of each kind gets a page, and an answer when it is asked again."""
    numbers, seen = count(1), set[bytes]()

    def answer(asked: Asked) -> bytes | None:
        if asked.method != "POST" or asked.is_preflight or asked.body in seen:
            return None
        seen.add(asked.body)
        return _page(next(numbers), status)

    return answer


@pytest.mark.parametrize("status", [500, 200])
def test_a_page_that_comes_and_goes_is_told_once(status: int) -> None:
    """It was told in each case that met it, by three rules, and as a fault of requests beside each other."""
    report, _ = report_of(_flaky(status), *CASES)
    told = {result.case_id for result in report.results if any(f.rule.level is Level.MUST for f in result.findings)}
    assert len(told) == 1
    rules = {finding.rule.id for finding in report.findings if finding.rule.level is Level.MUST}
    assert rules == ({"errors.body", "relations.accepted"} if status == 500 else rules & {"chat.is-dict"})
    assert [note for note in report.notes if "a page came in place of an answer in" in note]
    assert report.exit_code() == 1


@pytest.mark.parametrize("status", [500, 200])
def test_a_page_that_always_comes_for_one_request_is_told_there(status: int) -> None:
    flaky = _flaky(status)

    def answer(asked: Asked) -> bytes | None:
        broken = (
            asked.method == "POST"
            and not asked.is_preflight
            and any(message.get("role") == "system" for message in asked.json.get("messages", []))
        )
        return _page(7, status) if broken else flaky(asked)  # type: ignore[return-value]

    report, _ = report_of(answer, *CASES)
    outcomes = {result.case_id: result.outcome for result in report.results}
    assert outcomes["chat.system"] is Outcome.FAIL
