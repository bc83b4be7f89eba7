"""Two JSON reports compared: new, gone and still there, tolerances, outcomes, cases, what they are of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contract_tests.diffing.reports import FindingPlace, compare_reports, read_report
from contract_tests.recordings.judging import judge_files
from contract_tests.recordings.recording import InputError
from contract_tests.report.files import as_json, judgement_as_json
from contract_tests.rules import judge
from contract_tests.rules.engine.judge import Finding
from contract_tests.run.outcome import CaseResult, ExitCode, Outcome, RunReport
from contract_tests.tests.shared import ROOT
from fake_server.wire import fixture

BROKEN = ROOT / "fixtures" / "broken"


def findings(name: str, case: str) -> tuple[Finding, ...]:
    exchange = fixture.load(BROKEN / f"{name}.yaml").exchange
    return judge(exchange.but(label=case)).findings


def result(case: str, outcome: Outcome, found: tuple[Finding, ...] = ()) -> CaseResult:
    return CaseResult(case, case.rpartition(".")[0], case, outcome, found)


def report(*results: CaseResult, target: str = "http://a/v1", model: str = "m") -> dict[str, Any]:
    value: dict[str, Any] = json.loads(as_json(RunReport(target, model, results), ExitCode.FINDINGS))
    return value


ID, ROLE = findings("chat.id", "chat.a"), findings("chat.role", "chat.b")
OLD = report(result("chat.a", Outcome.FAIL, ID), result("chat.b", Outcome.PASS), result("chat.c", Outcome.PASS))
NEW = report(
    result("chat.a", Outcome.FAIL, ID),
    result("chat.b", Outcome.FAIL, ROLE),
    result("chat.d", Outcome.PASS),
    target="http://b/v1",
)


def test_a_report_is_the_same_as_itself() -> None:
    found = compare_reports(OLD, OLD)
    assert found.same
    assert (found.new, found.gone, len(found.still)) == ({}, {}, 1)


def test_what_changed_is_told() -> None:
    found = compare_reports(OLD, NEW)
    assert not found.same
    assert [str(place) for place in found.still] == ["chat.id in chat.a at id"]
    assert [str(place) for place in found.new] == ["chat.role in chat.b at choices[0].message.role"]
    assert found.outcomes == (("chat.b", "pass", "fail"),)
    assert (found.added, found.removed) == (("chat.d",), ("chat.c",))
    assert ("target", "http://a/v1", "http://b/v1") in found.facts
    assert ("model", "m", "m") in found.facts


def test_turned_round_new_is_gone() -> None:
    found, turned = compare_reports(OLD, NEW), compare_reports(NEW, OLD)
    assert (found.new, found.added, found.removed) == (turned.gone, turned.removed, turned.added)


def test_a_finding_at_another_event_and_byte_still_stands() -> None:
    moved = json.loads(json.dumps(OLD))
    moved["cases"][0]["findings"][0]["at"].update(event=7, byte=700)
    assert compare_reports(OLD, moved).same


def test_a_finding_that_is_tolerated_now_is_not_gone() -> None:
    tolerated = json.loads(json.dumps(OLD))
    case = tolerated["cases"][0]
    case["tolerated"], case["findings"] = case["findings"], []
    found = compare_reports(OLD, tolerated)
    assert found.gone == {}
    assert found.tolerated == {FindingPlace("chat.id", "chat.a", "id"): (False, True)}
    assert not found.same


def test_a_second_finding_at_one_place_is_new() -> None:
    twice = json.loads(json.dumps(OLD))
    twice["cases"][0]["findings"] *= 2
    assert [str(place) for place in compare_reports(OLD, twice).new] == ["chat.id in chat.a at id (2)"]


def test_judgements_are_compared_as_well() -> None:
    one, other = (
        json.loads(judgement_as_json(judge_files([BROKEN / f"{name}.yaml"]), ExitCode.FINDINGS))
        for name in ("chat.id", "chat.role")
    )
    found = compare_reports(one, other)
    assert {place.rule for place in found.gone} == {"chat.id"}
    assert {place.rule for place in found.new} == {"chat.role"}
    with pytest.raises(InputError, match="compare two of the same kind"):
        compare_reports(one, OLD)


NO_REPORTS = [b"{oops", b"[]", b"{}", b"\xff", b"[" * 9000, b'{"format": "else"}', b"9" * 5000]


@pytest.mark.parametrize("text", NO_REPORTS, ids=range(len(NO_REPORTS)))
def test_another_file_is_no_report(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(text)
    assert read_report(str(path)) is None


def test_a_report_of_another_version_and_a_broken_one_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"format": "openai-contract-report/9"}')
    with pytest.raises(InputError, match="this kit reads openai-contract-report/1"):
        read_report(str(path))
    for broken in ({"format": OLD["format"]}, {**OLD, "cases": [1]}, {**OLD, "cases": [{"id": "x"}]}):
        with pytest.raises(InputError, match="incomplete report"):
            compare_reports(broken, OLD)
