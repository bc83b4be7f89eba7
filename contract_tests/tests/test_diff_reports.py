"""Two JSON reports compared: new, gone and still there, tolerances, outcomes, cases, what they are of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contract_tests.diffing.reports import FindingPlace, compare_reports
from contract_tests.lab.tools.command import run_contract
from contract_tests.recordings.judging import judge_files
from contract_tests.recordings.recording import InputError
from contract_tests.report.document import Document
from contract_tests.report.files import finish, judgement_document, run_document
from contract_tests.report.saved import read_if_report
from contract_tests.rules import judge
from contract_tests.rules.engine.judge import Finding
from contract_tests.run.outcome import REACHED, CaseResult, ExitCode, Outcome, RunReport
from contract_tests.tests.shared import ROOT
from fake_server.wire import fixture
from fake_server.wire.text import dump_json

BROKEN = ROOT / "fixtures" / "broken"


def findings(name: str, case: str) -> tuple[Finding, ...]:
    exchange = fixture.load(BROKEN / f"{name}.yaml").exchange
    return judge(exchange.but(label=case)).findings


def result(case: str, outcome: Outcome, found: tuple[Finding, ...] = ()) -> CaseResult:
    return CaseResult(case, case.rpartition(".")[0], case, outcome, found)


def report(*results: CaseResult, target: str = "http://a/v1", model: str = "m") -> Document:
    return run_document(RunReport(target, model, results), ExitCode.FINDINGS)


def copy(report: Document) -> Any:
    """One that may be changed."""
    return finish(report, ())


ID, ROLE = findings("chat.id", "chat.a"), findings("chat.role", "chat.b")
OLD = report(result("chat.a", Outcome.FAIL, ID), result("chat.b", Outcome.PASS), result("chat.c", Outcome.PASS))
NEW = report(
    result("chat.a", Outcome.FAIL, ID),
    result("chat.b", Outcome.FAIL, ROLE),
    result("chat.d", Outcome.PASS),
    target="http://b/v1",
)


def write_json(path: Path, value: Any) -> Path:
    path.write_text(dump_json(value), encoding="utf-8")
    return path


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
    moved = copy(OLD)
    moved["cases"][0]["findings"][0]["at"].update(event=7, byte=700)
    assert compare_reports(OLD, moved).same


def test_a_finding_that_is_tolerated_now_is_not_gone() -> None:
    tolerated = copy(OLD)
    case = tolerated["cases"][0]
    case["tolerated"], case["findings"] = case["findings"], []
    found = compare_reports(OLD, tolerated)
    assert found.gone == {}
    assert found.tolerated == {FindingPlace("chat.id", "chat.a", "id"): (False, True)}
    assert not found.same


def test_a_second_finding_at_one_place_is_new() -> None:
    twice = copy(OLD)
    twice["cases"][0]["findings"] *= 2
    assert [str(place) for place in compare_reports(OLD, twice).new] == ["chat.id in chat.a at id (2)"]


def test_judgements_are_compared_as_well() -> None:
    one, other = (
        copy(judgement_document(judge_files([BROKEN / f"{name}.yaml"]), ExitCode.FINDINGS))
        for name in ("chat.id", "chat.role")
    )
    found = compare_reports(one, other)
    assert {place.rule for place in found.not_asked_in_b} == {"chat.id"}, "B judged another recording"
    assert {place.rule for place in found.not_asked_in_a} == {"chat.role"}
    assert (found.new, found.gone, found.same) == ({}, {}, False)
    for report in (one, other):
        report["judged"] = ["chat.id", "chat.role"]
    found = compare_reports(one, other)
    assert {place.rule for place in found.gone} == {"chat.id"}
    assert {place.rule for place in found.new} == {"chat.role"}
    with pytest.raises(InputError, match="compare two of the same kind"):
        compare_reports(one, OLD)


def test_a_rule_that_b_did_not_judge_by_is_not_gone() -> None:
    whole, part = (
        judgement_document(judge_files([BROKEN / "chat.id.yaml"], select), ExitCode.FINDINGS)
        for select in ((), ("chat.role",))
    )
    found = compare_reports(whole, part)
    assert (found.gone, {place.rule for place in found.not_asked_in_b}) == ({}, {"chat.id"})


@pytest.mark.parametrize("outcome", [None, *(outcome for outcome in Outcome if outcome not in REACHED)])
def test_what_b_did_not_reach_is_not_gone(outcome: Outcome | None) -> None:
    after = report(*([result("chat.a", outcome)] if outcome else []), result("chat.b", Outcome.PASS))
    found = compare_reports(OLD, after)
    assert (found.gone, [place.rule for place in found.not_asked_in_b]) == ({}, ["chat.id"])
    assert not found.same
    turned = compare_reports(after, OLD)
    assert (turned.new, [place.rule for place in turned.not_asked_in_a]) == ({}, ["chat.id"])


def test_what_b_reached_and_does_not_find_is_gone() -> None:
    found = compare_reports(OLD, report(result("chat.a", Outcome.PASS)))
    assert ([place.rule for place in found.gone], found.not_asked_in_b) == (["chat.id"], {})


def test_every_form_tells_what_is_gone_from_what_was_not_asked(tmp_path: Path) -> None:
    a, b, made, page = (tmp_path / name for name in ("a.json", "b.json", "d.json", "d.html"))
    a.write_text(dump_json(OLD))
    b.write_text(dump_json(report(result("chat.b", Outcome.PASS))))
    done = run_contract("diff", str(a), str(b), "--json", str(made), "--html", str(page))
    assert done.returncode == 1
    assert "not asked in B MUST   chat.id in chat.a" in done.stdout
    assert "DIFFERENT  findings: 0 new, 0 gone, 1 not asked in B, 0 still there" in done.stdout
    listed = json.loads(made.read_text())["not_asked_in"]
    assert ([finding["rule"] for finding in listed["b"]], listed["a"]) == (["chat.id"], [])
    assert "Not asked in B" in page.read_text()
    assert "1 not asked in B" in page.read_text()


NO_REPORTS = [b"{oops", b"[]", b"{}", b"\xff", b"[" * 9000, b'{"format": "else"}', b"9" * 5000]


@pytest.mark.parametrize("text", NO_REPORTS, ids=range(len(NO_REPORTS)))
def test_another_file_is_no_report(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(text)
    assert read_if_report(path) is None


def test_a_report_of_another_version_and_a_broken_one_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"format": "openai-contract-report/9"}')
    with pytest.raises(InputError, match="this kit reads openai-contract-report/1"):
        read_if_report(path)
    for broken in ({"format": OLD["format"]}, {**OLD, "cases": [1]}, {**OLD, "cases": [{"id": "x"}]}):
        with pytest.raises(InputError, match="the report is damaged"):
            read_if_report(write_json(path, broken))
