"""Every rule is kept by one fixture and broken, alone, by another; its prose keeps to the house style."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from contract_tests.rules import RULES, judge
from contract_tests.rules.engine.judge import Rule
from contract_tests.rules.engine.judge import judge as judge_by
from fake_server.wire import fixture

FIXTURES = Path(__file__).parents[2] / "fixtures"
CONFORMING = fixture.find(FIXTURES / "conforming")
BROKEN = fixture.find(FIXTURES / "broken")
EXCHANGE_RULES = {name: rule for name, rule in RULES.items() if not rule.relation}


@pytest.mark.parametrize("path", CONFORMING, ids=lambda path: path.stem)
def test_a_conforming_fixture_has_no_finding(path: Path) -> None:
    findings = judge(fixture.load(path).exchange).findings
    assert [(one.rule.id, str(one.place), one.actual) for one in findings] == []


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_fixture_has_the_findings_it_names(path: Path) -> None:
    broken = fixture.load(path)
    assert judge(broken.exchange).ids() == set(broken.breaks)
    assert broken.breaks[0] == path.stem, "a broken fixture is named after the rule it breaks"


def test_every_rule_is_broken_by_one_fixture() -> None:
    assert {path.stem for path in BROKEN} == set(EXCHANGE_RULES)


def test_every_rule_applies_to_a_conforming_fixture() -> None:
    applied = frozenset[str]().union(*(judge(fixture.load(path).exchange).applied for path in CONFORMING))
    assert set(EXCHANGE_RULES) - applied == set()


@pytest.mark.parametrize("rule", EXCHANGE_RULES.values(), ids=lambda rule: rule.id)
def test_a_rule_without_its_body_is_noticed(rule: Rule) -> None:
    silent = dataclasses.replace(rule, check=lambda subject: ())
    others = [silent if one is rule else one for one in EXCHANGE_RULES.values()]
    broken = fixture.load(FIXTURES / "broken" / f"{rule.id}.yaml")
    assert judge_by(others, broken.exchange).ids() != set(broken.breaks)


def test_a_rule_yields_to_rules_that_exist() -> None:
    named = {other for rule in RULES.values() for other in rule.yields_to}
    assert named <= set(RULES)


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_a_clause_is_one_sentence_with_a_source(rule: Rule) -> None:
    assert rule.clause.endswith("."), "a clause is a sentence"
    assert ". " not in rule.clause, "a clause is one sentence"
    assert rule.clause[0].isupper() or rule.clause[0] == "`"
    assert not {"should", "must", "will", "shall"} & set(rule.clause.lower().split()), "present tense"
    assert rule.see.startswith("https://")


def test_findings_name_the_byte_where_the_fault_is() -> None:
    broken = fixture.load(FIXTURES / "broken" / "tools.arguments.yaml")
    (finding,) = judge(broken.exchange).findings
    assert finding.place.offset is not None
    assert broken.exchange.payload[finding.place.offset :].startswith(b'{"city":"Oslo"}')
    assert finding.place.path == ("choices", 0, "message", "tool_calls", 0, "function", "arguments")


def test_a_shape_rule_is_silent_where_a_named_one_reports() -> None:
    broken = fixture.load(FIXTURES / "broken" / "chat.created.yaml").exchange
    text = broken.payload.replace(b"1760000000123", b'"yesterday"')
    assert judge(broken.with_payload(text)).ids() == {"chat.created"}


def test_a_rule_that_needs_what_is_not_known_is_not_reached() -> None:
    from fake_server.wire.exchange import Aspect

    exchange = fixture.load(FIXTURES / "broken" / "http.content-type.yaml").exchange
    judgement = judge(exchange.but(unknown=frozenset({Aspect.ALL_HEADERS})))
    assert "http.content-type" in judgement.not_reached
    assert "http.content-type" not in judgement.applied
    assert judgement.findings == ()
