"""`contract diff` and `contract run` agree on what is allowed; differences are grouped by the rule they break."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from contract_tests.diffing import reports
from contract_tests.diffing.compare import compare
from contract_tests.diffing.difference import Comparison, Kind, Role, Side
from contract_tests.diffing.sources import Pairs
from contract_tests.diffing.terminal import print_differences, print_report_differences
from contract_tests.diffing.verdicts import Verdict
from contract_tests.lab.clients.corpus import pair_of
from contract_tests.report.terminal import Terminal
from contract_tests.rules import RULES, judge
from contract_tests.rules.engine.judge import Level
from contract_tests.rules.engine.node import show_path
from contract_tests.rules.engine.view import View
from contract_tests.tests.shared import ROOT
from fake_server.wire import fixture
from fake_server.wire.exchange import Exchange, Write

BROKEN, CONFORMING = ROOT / "fixtures" / "broken", ROOT / "fixtures" / "conforming"
POEM = fixture.load(CONFORMING / "poem-dict.yaml").exchange


def with_value(exchange: Exchange, change: dict[str, Any]) -> Exchange:
    body = json.loads(exchange.payload)
    body["choices"][0]["message"] |= change.pop("message", {})
    return exchange.but(writes=(Write(json.dumps(body | change).encode()),))


def with_fake(changed: Exchange) -> Comparison:
    return compare(Side(View(changed), Role.OTHER), Side(View(POEM), Role.FAKE), [Kind.SHAPE])


@pytest.mark.parametrize(
    ("change", "verdict", "rule"),
    [
        ({"provider": "x"}, Verdict.ALLOWED, "chat.known-members"),
        ({"message": {"tool_calls": []}}, Verdict.DRIFTED, "tools.calls-not-empty"),
        ({"message": {"refusal": ""}}, Verdict.ALLOWED, "formats.null-refusal"),
        ({"id": 7}, Verdict.DRIFTED, "chat.id"),
        ({"message": {"audio": None}}, Verdict.ALLOWED, ""),
    ],
)
def test_what_a_rule_faults_has_drifted_and_what_it_only_notes_is_allowed(
    change: dict[str, Any], verdict: Verdict, rule: str
) -> None:
    (difference,) = with_fake(with_value(POEM, dict(change))).differences
    assert (difference.verdict, difference.rule) == (verdict, rule)


@pytest.mark.parametrize("path", sorted(BROKEN.glob("*.yaml")), ids=lambda path: path.stem)
def test_no_difference_is_allowed_at_a_place_that_a_run_faults(path: Path) -> None:
    view = View(fixture.load(path).exchange)
    faults = {
        show_path(finding.place.path).replace("[0]", "[]")
        for finding in judge(view).findings
        if finding.rule.level is not Level.NOTE and finding.place.path
    }
    like = CONFORMING / ("poem-stream.yaml" if view.wants_stream else "poem-dict.yaml")
    for difference in compare(Side(view), Side(View(fixture.load(like).exchange), Role.FAKE)).differences:
        if difference.kind is Kind.SHAPE and difference.where in faults:
            assert difference.verdict is not Verdict.ALLOWED
            assert difference.rule


@pytest.mark.parametrize("path", sorted(BROKEN.glob("*.yaml")), ids=lambda path: path.stem)
def test_nothing_is_allowed_where_one_side_alone_breaks_a_rule_and_nothing_else_says_so(path: Path) -> None:
    """Beside the exchange it was made from, a broken fixture differs in what breaks its rule."""
    broken, kept = View(fixture.load(path).exchange), View(fixture.load(pair_of(path)).exchange)
    faults = {finding.rule.id for finding in judge(broken).findings if finding.rule.level is not Level.NOTE}
    alone = {rule for rule in faults - judge(kept).ids() if not rule.startswith(("http.", "sse."))}
    differences = compare(Side(broken), Side(kept, Role.FAKE)).differences
    verdicts = {difference.verdict for difference in differences if difference.kind is not Kind.TIMING}
    assert not (alone and verdicts == {Verdict.ALLOWED}), differences


def _shown(comparisons: list[Comparison]) -> list[str]:
    console = Console(file=io.StringIO(), width=120, highlight=False)
    print_differences(Terminal(console), comparisons, Pairs(()))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_differences_are_grouped_by_the_rule_they_break() -> None:
    lines = _shown([with_fake(with_value(POEM, {"id": 7, "provider": "x", "message": {"audio": None}}))])
    heads = [line for line in lines if line[:1] in "✗!·"]
    assert [line for line in heads if line] == [
        "✗ chat.id   MUST",
        "· chat.known-members   NOTE",
        "· no rule is broken",
    ]
    assert lines[lines.index("✗ chat.id   MUST") + 1].startswith("id ")


def test_header_fields_of_a_vendor_are_folded() -> None:
    fields = (("cf-ray", "1-OSL"), ("x-envoy-upstream-service-time", "5"), ("x-vendor", "v"), ("WWW-Authenticate", "B"))
    other = POEM.but(headers=(*POEM.headers, *fields))
    lines = _shown([compare(Side(View(other)), Side(View(POEM)), [Kind.FRAMING])])
    assert "only A      3 header fields of its own: cf-ray, x-envoy-upstream-service-time, x-vendor" in lines
    assert not any(line.startswith("header cf-ray") for line in lines)
    assert any(line.startswith("header www-authenticate") for line in lines)


def test_new_findings_of_reports_are_one_line_a_rule() -> None:
    places = {
        reports.FindingPlace("usage.adds-up", f"chat.{number}", "usage.total_tokens"): reports.ReportedFinding(
            "MUST", f"14 + 6 is not {number}", False
        )
        for number in range(12)
    }
    single = {
        reports.FindingPlace("tools.no-nulls", "tools.auto", "x"): reports.ReportedFinding("SHOULD", "null", False)
    }
    console = Console(file=io.StringIO(), width=200, highlight=False)
    print_report_differences(Terminal(console), replace(reports.ReportDiff(), new={**single, **places}), 1)
    assert isinstance(console.file, io.StringIO)
    lines = [line for line in console.file.getvalue().splitlines() if line.startswith("new ")]
    assert lines == [
        "new       MUST   usage.adds-up in chat.0, chat.1, chat.2 and 9 more (12 findings): 14 + 6 is not 0",
        "new       SHOULD tools.no-nulls in tools.auto at x: null",
    ]
    assert {place.rule for place in places} <= RULES.keys()
