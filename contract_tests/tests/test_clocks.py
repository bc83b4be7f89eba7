"""The clocks of the suite bind its own work too: judging takes time in proportion, and stops when it is told to."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from contract_tests.lab.tools.command import run_contract
from contract_tests.recordings import judging
from contract_tests.rules import RULES, judge
from contract_tests.rules.engine import limits, view
from contract_tests.rules.engine.judge import Judgement, Section, judge_relation
from contract_tests.rules.engine.judge import judge as judge_by
from contract_tests.rules.engine.node import Budget, Document, Node
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import View
from contract_tests.rules.evidence import with_evidence
from contract_tests.rules.http import message
from contract_tests.rules.judged import Judged
from contract_tests.run.outcome import ExitCode, Outcome
from contract_tests.shrinking.shrink import shrink_judged
from contract_tests.tests.hostile_replies import CHAT, REPLIES, answered, choice, chunk, completion, events
from contract_tests.tests.proportion import SIZE, Work, assert_in_proportion
from contract_tests.tests.shared import ROOT
from contract_tests.tests.small_target import Asked, reply, report_of, to_cases
from contract_tests.tests.small_target import completion as small_completion
from fake_server.wire import fixture, jsontext
from fake_server.wire.exchange import Exchange
from fake_server.wire.fixture import Fixture

pytestmark = pytest.mark.security("clocks of the suite")

FULL_OF_VALUES = {
    *("choices of numbers", "choices of empty objects", "nested arrays", "events of broken JSON", "events of numbers"),
    *("comments", "comments in one block", "nothing but line ends", "ids", "chunks that say nothing, then errors"),
}
"""Replies with a value, an event or a line in every few bytes."""


def judged(exchange: Exchange) -> Judgement:
    view = View(exchange)
    judgement = judge(view)
    return replace(judgement, findings=with_evidence(judgement.findings, (view,), ("a-secret-of-the-run",)))


@pytest.mark.slow
@pytest.mark.parametrize("name", REPLIES)
def test_judging_takes_time_in_proportion(name: str) -> None:
    judged(REPLIES[name](1000))

    def of_size(size: int) -> Work:
        exchange = REPLIES[name](size)
        return lambda: judged(exchange)

    assert_in_proportion(of_size, SIZE // 8 if name in FULL_OF_VALUES else SIZE)


@pytest.mark.parametrize("name", ["many members", "one name again and again", "a member before the others"])
def test_a_text_is_read_once_however_many_places_are_sought(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    members = jsontext.Locator._members

    def counting(self: jsontext.Locator, position: int) -> Iterator[tuple[str | int, int]]:
        read.append(position)
        return members(self, position)

    monkeypatch.setattr(jsontext.Locator, "_members", counting)
    judgement = judged(REPLIES[name](SIZE))
    assert len(judgement.findings) > 1
    assert len(read) == len(set(read))


@pytest.mark.parametrize(
    "value", [[[1] * 1000] * 1000, [{}] * 100_000, {"a": [0] * 100_000}, {f"m{n}": n for n in range(9999)}]
)
def test_a_value_is_serialized_no_further_than_it_is_shown(value: object) -> None:
    node = Node(value, Document(b"", None, Budget()))
    assert len(str(node)) == 70
    assert json.dumps(value).startswith(str(node)[:-1])


def test_what_was_seen_is_shown_in_part() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "n" * 100_000, "arguments": "{}"}}
    judgement = judged(completion([choice(message={"role": "assistant", "content": None, "tool_calls": [call]})]))
    assert {"tools.name-offered"} <= judgement.ids()
    assert max(len(finding.actual) for finding in judgement.findings) <= 2000


@pytest.mark.parametrize("name", REPLIES)
def test_what_was_judged_is_freed_at_once(name: str) -> None:
    """What a View keeps must not lead back to it: the collector, which is paused meanwhile, would have to find it."""
    judged_view = View(REPLIES[name](2000))
    left = weakref.ref(judged_view)
    gc.disable()
    try:
        judge(judged_view)
        del judged_view
        assert left() is None
    finally:
        gc.enable()


# -- the deadline of judging


endless = Section("endless", "Rules without end", "")


@endless.rule("subjects", over=lambda _: count(), harm="none")
def _subjects(_: int) -> Iterable[Any]:
    """There is always another subject."""
    return ()


@pytest.mark.parametrize("looks", [0, 1, 2, 100])
def test_a_rule_without_end_is_left_when_the_time_is_up(looks: int) -> None:
    left = iter(range(looks))
    judgement = judge_by([_subjects], completion([choice()]), lambda: next(left, None) is None)
    assert judgement == Judgement(left_out=frozenset({"endless.subjects"}))


def test_what_was_found_in_time_stands() -> None:
    broken = completion([choice(finish_reason="none")])
    judgement = judge_by([RULES["chat.finish-reason"], _subjects], broken, _late_after(100))
    assert judgement.ids() == {"chat.finish-reason"}
    assert judgement.left_out == {"endless.subjects"}


def test_relations_are_left_out_when_the_time_is_up() -> None:
    trace = Trace("chat.poem", {"dict": View(completion([choice()]))})
    assert judge_relation(RULES.values(), trace, "", lambda: True).left_out


def _late_after(looks: int) -> Callable[[], bool]:
    left = iter(range(looks))
    return lambda: next(left, None) is None


@pytest.fixture
def without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of the rules has subjects without end in what a case asks for."""
    monkeypatch.setitem(RULES, _subjects.id, _subjects)


@pytest.mark.usefixtures("without_end")
@pytest.mark.parametrize("concurrency", [1, 4])
def test_the_clock_of_a_run_binds_judging(concurrency: int) -> None:
    report, _ = report_of(lambda _: None, "chat.short", "chat.stream.short", run_seconds=1.0, concurrency=concurrency)
    assert {result.outcome for result in report.results} == {Outcome.NOT_REACHED}
    assert report.results[0].reason.startswith("not judged")
    assert report.exit_code() is ExitCode.UNREACHABLE


@pytest.mark.usefixtures("without_end")
@pytest.mark.parametrize("concurrency", [1, 4])
def test_what_a_run_found_in_time_stands(concurrency: int) -> None:
    def answer(asked: Asked) -> bytes | None:
        return completion_as_bytes(finish_reason="none") if asked.body else None

    report, _ = report_of(to_cases(answer), "chat.short", "chat.poem", run_seconds=1.0, concurrency=concurrency)
    assert {finding.rule.id for finding in report.findings} == {"chat.finish-reason"}
    assert {result.reason.partition(":")[0] for result in report.results} <= {
        *("not judged", "not judged by all rules", "the run's 1 s are up"),
    }
    assert report.exit_code() is ExitCode.FINDINGS


def completion_as_bytes(**members: Any) -> bytes:
    body = small_completion().partition(b"\r\n\r\n")[2]
    value = json.loads(body)
    value["choices"][0].update(members)
    return reply(200, value)


@pytest.mark.usefixtures("without_end")
def test_a_recording_is_judged_for_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "SECONDS", 0.2)
    fixture.save(Fixture(completion([choice()])), tmp_path / "a.yaml")
    result = run_contract("judge", str(tmp_path / "a.yaml"))
    assert "not judged by" in result.stdout
    assert result.returncode in (ExitCode.FINDINGS, ExitCode.UNREACHABLE)


# -- how much is judged


def test_more_items_than_rules_look_at_are_left_out_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    conforming = fixture.load(ROOT / "fixtures/conforming/poem-dict.yaml")
    monkeypatch.setattr(limits, "MAX_ITEMS", 0)
    judgement = judge(conforming.exchange)
    assert judgement.findings == ()
    assert "chat.finish-reason" in judgement.left_out
    fixture.save(conforming, tmp_path / "a.yaml")
    result = run_contract("judge", str(tmp_path / "a.yaml"))
    assert "not judged by" in result.stdout
    assert result.returncode == ExitCode.UNREACHABLE


def test_honest_replies_are_within_the_bounds() -> None:
    alternatives = [{"token": " word", "logprob": -12.345678, "bytes": [32, 119, 111, 114, 100]}] * 20
    token = {**alternatives[0], "top_logprobs": alternatives}
    assert not judge(completion([choice(logprobs={"content": [token] * 300})])).left_out
    for value in (json.dumps(token).encode(), b"-0.012345678"):
        whole = b"[" + value + (b"," + value) * (15_000_000 // len(value)) + b"]"
        assert not jsontext._has_more_values(whole, jsontext.MAX_VALUES)


@pytest.mark.parametrize("body", ["[" + "1," * 40 + "1]", "[" + "{}," * 20 + "{}]", '{"a":' * 30 + "1" + "}" * 30])
def test_a_text_of_too_many_values_is_a_finding(body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsontext, "MAX_VALUES", 25)
    findings = {finding.rule.id: finding.actual for finding in judged(answered(body)).findings}
    assert findings["http.json-syntax"] == "the text holds more than 25 values, which is the bound"


def test_commas_in_a_text_are_no_values() -> None:
    assert jsontext.parse(b'["' + b",[{" * 100 + b'"]', max_values=10).ok


def test_a_stream_of_too_many_lines_is_judged_in_part_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = events([chunk({"role": "assistant", "content": "a"}), *([chunk({"content": "a"})] * 50)])
    for module in (view, message):
        monkeypatch.setattr(module, "MAX_LINES", 20)
    findings = {finding.rule.id: finding.actual for finding in judged(whole).findings}
    assert "more than 20 lines" in findings["http.bounded"]
    assert not {"chat.stream.done-last", "chat.stream.finishes", "sse.last-event-complete"} & findings.keys()


# -- shrinking


@pytest.mark.usefixtures("without_end")
def test_shrinking_ends_though_judging_does_not() -> None:
    original = Judged(completion([choice(finish_reason="none")]))
    original.judgement = judge_by([RULES["chat.finish-reason"]], original.exchange)
    result = shrink_judged(original, RULES["chat.finish-reason"], seconds=0.3)
    assert (result.finished, result.after) == (False, original.exchange)


def test_requests_are_read_once_for_all_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    plain = type(CHAT).json

    def counting(self: Any) -> Any:
        read.append(1)
        return plain(self)

    monkeypatch.setattr(type(CHAT), "json", counting)
    assert len(judged(completion([choice(finish_reason="none", index=7)])).findings) > 2
    assert len(read) == 1
