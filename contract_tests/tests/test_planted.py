"""Bugs planted between the fake and the suite turn the run red and are named, and nothing else is."""

from __future__ import annotations

import asyncio

import pytest

from contract_tests.rules.engine.judge import Level
from contract_tests.run.outcome import ExitCode, Outcome, RunReport
from contract_tests.run.run import Options, run
from contract_tests.tests import planted
from contract_tests.tests.test_responses_run import THINKING
from fake_server.testing.server import FakeServer

SECTIONS = ("chat", "tools", "relations", "models", "errors")

BUGS: list[tuple[planted.Bug, set[str]]] = [
    (planted.no_done, {"chat.stream.done-last"}),
    (planted.no_finish_reason, {"chat.finish-reason", "chat.stream.finishes"}),
    (planted.changing_ids, {"chat.stream.same-id"}),
    (planted.arguments_as_object, {"tools.arguments"}),
    (planted.wrong_sum, {"usage.adds-up"}),
    (planted.error_as_detail, {"errors.object"}),
    (planted.single_newlines, {"sse.one-json-per-event"}),
    (planted.no_blank_line, {"sse.last-event-complete"}),
    (planted.dict_for_stream, {"chat.stream.is-stream"}),
    (planted.lost_text, {"relations.same-text"}),
    (planted.AnotherCaller(), {"relations.own-answer"}),
]
SELECTED = {"another_caller": ("chat.short", "relations.callers", "relations.stream-callers")}
"""What a bug is asked, where not all: a reply to a request alone is held back, in case that another comes."""
ALSO = {
    "no_finish_reason": {"chat.stream.finish-reason-member"},
    "arguments_as_object": {"relations.same-calls", "relations.accepted"},
    "no_blank_line": {"chat.stream.not-empty"},
    "dict_for_stream": {"chat.choice-count", "tools.choice-kept", "logprobs.given", "usage.prompt-read"},
    "lost_text": {
        "relations.echo-whole",
        "relations.answer-under-load",
        "formats.schema-kept",
        "formats.json-text",
    },
}
"""What else a bug rightly breaks: a target may refuse its own message, a cut text is no JSON.

`another_caller` is left out: who gets the answer to another request sees everything that does not fit.
"""


def _run(target: str, *select: str) -> RunReport:
    return asyncio.run(run(Options(target, models=THINKING, select=select)))


def _named(report: RunReport) -> set[str]:
    return {one.rule.id for one in report.findings if one.rule.level is Level.MUST}


def _short_of(report: RunReport) -> list[tuple[str, str, str]]:
    """The cases that neither passed nor warned; without a key there is one that cannot be asked."""
    return [
        (one.case_id, one.outcome, one.reason)
        for one in report.results
        if one.outcome not in (Outcome.PASS, Outcome.WARN) and one.case_id != "errors.keys"
    ]


def _name(bug: planted.Bug) -> str:
    return getattr(bug, "__name__", "another_caller")


@pytest.mark.slow
@pytest.mark.parametrize(("bug", "rules"), BUGS, ids=[_name(bug) for bug, _ in BUGS])
def test_a_planted_bug_is_named(bug: planted.Bug, rules: set[str]) -> None:
    with FakeServer(seed=1) as fake, planted.Planted(fake.base_url, bug) as proxy:
        report = _run(proxy.base_url, *SELECTED.get(_name(bug), SECTIONS))
    assert rules <= _named(report)
    assert report.exit_code() is ExitCode.FINDINGS
    if not isinstance(bug, planted.AnotherCaller):
        assert not _named(report) - rules - ALSO.get(_name(bug), set())


def test_a_proxy_without_a_bug_passes() -> None:
    with FakeServer(seed=1) as fake, planted.Planted(fake.base_url, lambda reply: None) as proxy:
        report = _run(proxy.base_url, *SECTIONS)
    assert not _named(report)
    assert _short_of(report) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
def test_the_untouched_fake_keeps_every_must(seed: int) -> None:
    with FakeServer(seed=seed) as fake:
        report = _run(fake.base_url, *(SECTIONS if seed > 1 else ()))
    assert not _named(report), [one for one in report.findings if one.rule.level is Level.MUST]
    assert report.exit_code() is ExitCode.OK
    assert _short_of(report) == []
