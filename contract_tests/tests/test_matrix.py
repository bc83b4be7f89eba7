"""`contract matrix`: features are complete, numbers are never mixed, nothing is ranked that one run alone measured."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from contract_tests.cases import CASES
from contract_tests.lab.tools.command import run_contract
from contract_tests.report.matrix.columns import Column, make_column, name_columns
from contract_tests.report.matrix.features import OTHER, feature_of_case, feature_of_rule, load_features, matches
from contract_tests.report.matrix.forms import MOST_BYTES, format_lines, format_matrix_markdown
from contract_tests.report.matrix.page import format_matrix
from contract_tests.report.matrix.table import Matrix, Row, make_matrix
from contract_tests.rules import RULES
from contract_tests.tests.made_up_reports import make_case, make_finding, make_judgement, make_many, make_run
from contract_tests.tests.page_reader import HOSTILE, Reader

CALLS = ("tools.stream-auto", "tools.stream-named", "tools.stream-none")


def column(name: str, outcomes: dict[str, str], **more: Any) -> Column:
    """A run whose cases have these outcomes; a failing one breaks `tools.stream-index`."""
    cases = [
        make_case(
            case, outcome, findings=[make_finding("tools.stream-index", case)] if outcome == "fail" else [], reason=""
        )
        for case, outcome in outcomes.items()
    ]
    return make_column(name, make_run(cases, **more))


def row_of(matrix: Matrix, feature: str) -> Row:
    (row,) = (row for row in matrix.rows if row.feature.id == feature)
    return row


def test_every_case_and_rule_has_a_feature() -> None:
    assert [case for case in CASES if feature_of_case(case).id == OTHER] == []
    assert [rule for rule in RULES if feature_of_rule(rule).id == OTHER] == []


def test_every_pattern_of_a_feature_finds_something() -> None:
    for feature in load_features().values():
        for pattern in feature.cases:
            assert any(matches(case, pattern) and feature_of_case(case) is feature for case in CASES), pattern
        for pattern in feature.rules:
            assert any(matches(rule, pattern) and feature_of_rule(rule) is feature for rule in RULES), pattern


def test_what_is_not_there_lowers_coverage_and_what_is_wrong_conformance() -> None:
    both = [
        column("a", dict(zip(CALLS, ("pass", "fail", "unsupported"), strict=True))),
        column("b", dict(zip(CALLS, ("pass", "pass", "pass"), strict=True))),
    ]
    row = row_of(make_matrix(both), "stream-tools")
    a, b = row.cells
    assert (a.state, b.state) == ("fail", "pass")
    assert (a.asked, a.reached, a.right) == ({*CALLS}, {*CALLS[:2]}, {CALLS[0]})
    assert [(places.conformance, places.coverage) for places in row.places] == [(2, 2), (1, 1)]
    assert row.order == [1, 0]


def test_what_one_run_alone_measured_is_not_ranked() -> None:
    one, two, three = CALLS
    runs = [column("a", {one: "pass", two: "fail"}), column("b", {one: "pass"}), column("c", {one: "fail"})]
    row = row_of(make_matrix(runs), "stream-tools")
    assert [places.conformance for places in row.places] == [1, 1, 3]  # the failure that a alone was asked for is left
    assert row.alone(0) == 1
    row = row_of(make_matrix([column("a", {one: "pass"}), column("b", {three: "pass"})]), "stream-tools")
    assert [places.conformance for places in row.places] == [None, None]
    assert {places.why_not for places in row.places} == {"no other run measured this"}


def test_a_run_that_was_not_asked_what_others_were_has_no_place() -> None:
    one, two, _ = CALLS
    runs = [
        column("a", {one: "pass", two: "pass"}),
        column("b", {one: "pass", two: "pass"}),
        column("c", {one: "pass"}),
    ]
    places = row_of(make_matrix(runs), "stream-tools").places
    assert [each.conformance for each in places] == [1, 1, None]
    assert places[2].why_not == "it was not asked the same cases"


def test_recordings_and_runs_without_a_verdict_have_no_place() -> None:
    outcomes = dict.fromkeys(CALLS, "pass")
    gone = dict.fromkeys(CALLS, "not reached")
    runs = [
        column("a", outcomes),
        column("b", outcomes),
        column("unreachable", gone, verdict="not reached", exit_code=3),
        column("stopped", outcomes, stopped="after 3 cases"),
        make_column("recordings", make_judgement()),
    ]
    matrix = make_matrix(runs)
    assert [places.conformance for places in matrix.places] == [1, 1, None, None, None]
    assert row_of(matrix, "stream-tools").cells[2].state == "not measured"
    assert "not ranked" in "\n".join(format_lines(matrix, 110))


def test_a_case_of_a_newer_kit_is_shown() -> None:
    matrix = make_matrix([column("a", {"holograms.one": "pass"})])
    assert row_of(matrix, OTHER).cells[0].reached == {"holograms.one"}


def test_files_of_the_same_name_are_told_apart() -> None:
    runs = [make_run(started=f"2026-01-0{day}T10:00:00+00:00") for day in (1, 2, 2)]
    names = name_columns([make_column("report", run) for run in runs])
    assert names == [
        "report 127.0.0.1:4000 2026-01-01 10:00",
        "report 127.0.0.1:4000 2026-01-02 10:00 (1)",
        "report 127.0.0.1:4000 2026-01-02 10:00 (2)",
    ]
    assert name_columns([make_column("a", runs[0]), make_column("b", runs[1])]) == ["a", "b"]


def made(text: str) -> Matrix:
    case = make_case(
        "tools.stream-auto", "fail", text, findings=[make_finding("tools.stream-index", f"a {text}", text=text)]
    )
    missing = make_case("chat.poem", "unsupported", text, reason=f"no {text}")
    run = make_run([case, missing], text, server={f"x{text}": text}, kit=f"1{text}")
    return make_matrix([make_column(f"n{text}", run), make_column("r", make_judgement(text))])


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.security("hostile files")
def test_no_text_becomes_part_of_the_page(text: str) -> None:
    page, plain = Reader(format_matrix(made(text))), Reader(format_matrix(made("plain")))
    assert page.tags == plain.tags
    assert page.code == plain.code
    assert [address for address in page.addresses if not address.startswith(("#", "data:image/svg"))] == []


@pytest.mark.parametrize(
    "text", ["<b>x</b>", "a|b", "[x](http://example.com)", "`x`", "@everybody", "x\n# y", "![](x)"]
)
@pytest.mark.security("hostile files")
def test_no_text_becomes_markdown(text: str) -> None:
    outside = re.sub(r"(`+)(?:(?!\1).)*\1", "", format_matrix_markdown(made(text)))
    for mark in ("<b>", "http://", "@every", "\n# y", "!["):
        assert mark not in outside
    plain = format_matrix_markdown(made("plain"))
    assert len(plain.splitlines()) == len(format_matrix_markdown(made(text)).splitlines())


def test_every_link_leads_somewhere() -> None:
    page = Reader(format_matrix(made("plain")))
    assert len(page.ids) == len({*page.ids})
    assert {address[1:] for address in page.addresses if address.startswith("#")} <= {*page.ids}


def test_without_examples_nothing_that_a_server_sent_is_quoted() -> None:
    assert "secret words" in format_matrix(made("secret words"))
    page = format_matrix(make_matrix([make_column("r", make_judgement("secret words"))]), with_examples=False)
    assert "secret words" not in page


def test_hundreds_of_columns_and_many_findings_have_room() -> None:
    one = make_column("many", make_many())
    matrix = make_matrix([one] * 300)
    assert len(format_matrix_markdown(matrix).encode()) <= MOST_BYTES + 100
    assert len(format_matrix(matrix)) < 12_000_000
    assert max(map(len, format_lines(matrix, 110))) <= 130


def save(path: Path, document: Any) -> str:
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


def test_the_command_writes_and_prints(tmp_path: Path) -> None:
    a, b = save(tmp_path / "alpha.json", make_run()), save(tmp_path / "beta.json", make_judgement())
    html, markdown = tmp_path / "m.html", tmp_path / "m.md"
    done = run_contract("matrix", a, b, "--html", str(html), "--markdown", str(markdown))
    assert (done.returncode, done.stderr) == (0, "")
    assert "alpha" in html.read_text(encoding="utf-8")
    assert "| `beta` |" in markdown.read_text(encoding="utf-8")
    printed = run_contract("matrix", a, b)
    assert "1  alpha" in printed.stdout
    assert "Streamed chat" in printed.stdout


def test_the_same_report_twice_is_refused(tmp_path: Path) -> None:
    a, b = save(tmp_path / "a.json", make_run()), save(tmp_path / "b.json", make_run())
    done = run_contract("matrix", a, b)
    assert done.returncode == 2
    assert f"{b} is the same report as {a}; name each once" in done.stderr
