"""The levels beside the measurement: a MUST breaks a client or says why it is one; no prose contradicts the table."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from contract_tests.report.breakage import ANSWERS, FINE, NOT_ASKED, load_table
from contract_tests.report.findings import format_finding
from contract_tests.rules import RULES
from contract_tests.rules.engine.judge import MUST, Finding, Rule
from contract_tests.rules.engine.node import Place
from contract_tests.tests.test_cli import contract

FAMILIES = {"openai-python": "openai-python", "0.28": "openai-python 0.28", "openai-node": "openai-node"}
"""How a harm names a client, and how the names of those clients begin in the table."""
OTHERS = {"LangChain": "LangChain"}
ERROR = re.compile(r"\b[A-Z][A-Za-z]*Error\b")


def breaking(rule: Rule) -> Mapping[str, str]:
    """The clients that break on the fixture of a rule, with the verdict."""
    fine = (FINE, ANSWERS, NOT_ASKED)
    return {client: verdict for client, verdict in load_table().of_rule(rule.id).items() if verdict not in fine}


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_a_must_breaks_a_client_or_says_why_it_is_one(rule: Rule) -> None:
    if rule.level is MUST:
        assert breaking(rule) or rule.basis
    else:
        assert not rule.basis, "only a MUST needs a reason"


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_a_client_that_the_prose_names_breaks_in_the_table(rule: Rule) -> None:
    verdicts = breaking(rule)
    named = [begin for word, begin in {**FAMILIES, **OTHERS}.items() if word in rule.harm]
    if rule.relation or not named:
        return
    for begin in named:
        assert [client for client in verdicts if client.startswith(begin)], f"no {begin} breaks: {rule.harm}"
    for error in ERROR.findall(rule.harm):
        assert f"raises {error}" in verdicts.values(), rule.harm


def test_the_reason_is_printed_where_no_client_breaks() -> None:
    rule = RULES["sse.last-event-complete"]
    assert rule.basis.startswith("WHATWG: ")
    for text in (format_finding(Finding(rule, Place(), "the stream ends")), contract("explain", rule.id).stdout):
        assert f"because {rule.basis}" in " ".join(text.split())


def test_a_must_that_is_broken_in_a_form_of_its_own_says_what_was_measured() -> None:
    finding = Finding(RULES["http.json-type"], Place(), "Content-Type: text/html", own_harm="clients report the status")
    text = " ".join(format_finding(finding).split())
    assert "clients " + "openai" not in text
    assert "because in the form that was measured, openai-python 0.28, openai-node 7: raises TypeError" in text


@pytest.mark.parametrize(
    ("rule_id", "client"),
    [
        ("tools.stream-id-once", "openai-python .stream()"),
        ("chat.stream.role-once", "openai-python .stream()"),
        ("http.content-type", "openai-node 7"),
        ("usage.stream-asked", "openai-python .stream()"),
        ("chat.stream.list-index", "openai-python .stream()"),
    ],
)
def test_a_client_decides_the_level(rule_id: str, client: str) -> None:
    assert RULES[rule_id].level is MUST
    assert client in breaking(RULES[rule_id])
