"""`contract rules` and `contract explain RULE`: the rules of the contract, listed and explained."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from contract_tests.cli import completion
from contract_tests.cli.shared_options import console
from contract_tests.report.breakage import format_breakage, load_table
from contract_tests.report.examples import find_broken, find_conforming
from contract_tests.report.findings import count
from contract_tests.report.terminal import Terminal
from contract_tests.report.traces import Parts, find_example
from contract_tests.rules import RULES, find
from contract_tests.rules.engine.judge import Rule
from contract_tests.rules.history import since
from contract_tests.sandwich.rules import catalogue as sandwich
from contract_tests.target.options import below
from fake_server.wire.packed import archive_of
from fake_server.wire.text import did_you_mean

INDENT = 15
"""Columns before the texts of an explanation."""


@click.command("rules")
@click.argument("prefix", required=False, default="", shell_complete=completion.RULE_OR_SECTION)
def rules_command(prefix: str) -> int:
    """List the rules, or only the rule or section PREFIX.

    `sandwich` are those about both sides of a proxy.
    """
    rules = list(RULES.values()) if not prefix else _find(prefix)
    if not rules:
        raise click.UsageError(_unknown(prefix))
    width = max(len(rule.id) for rule in rules)
    terminal = Terminal(console())
    for rule in rules:
        terminal.print(f"{rule.id:{width}}  {rule.level:6}  {rule.clause}")
    return 0


@click.command("explain")
@click.argument("rule_id", metavar="RULE", shell_complete=completion.RULE)
def explain_command(rule_id: str) -> int:
    """Explain a rule: its source, its harm, and examples in bytes."""
    rule = RULES.get(rule_id) or sandwich.RULES.get(rule_id)
    if rule is None:
        several = f"it names {count(len(_find(rule_id)), 'rule')}; `contract rules {rule_id}` lists them"
        raise click.UsageError(f"no rule is called {rule_id!r}; {several}" if _find(rule_id) else _unknown(rule_id))
    rows = [
        ("level", rule.level.value),
        ("breaks", rule.harm),
        ("clients", format_clients(rule)),
        ("because", rule.basis),
        ("see", rule.see),
        ("since", since(rule.id)),
        ("expected", rule.expected),
        ("needs", ", ".join(sorted(rule.needs))),
        ("yields to", ", ".join(rule.yields_to)),
        ("applies to", _subject_of(rule)),
    ]
    terminal = Terminal(console())
    terminal.print(f"{rule.id}\n  {rule.clause}")
    for name, text in rows:
        if text:
            _rows(terminal, name, text)
    for name, excerpt in (("kept by", find_conforming(rule)), ("broken by", find_broken(rule))):
        if excerpt:
            excerpt = excerpt.fit(terminal.console.width - INDENT)
            _rows(
                terminal, name, _relative(excerpt.path), excerpt.title, *excerpt.lines, *filter(None, [excerpt.pointer])
            )
    if example := find_example(rule):
        _rows(terminal, "kept by", *_parts(example.kept))
        _rows(terminal, "broken by", *_parts(example.broken), f"→ {example.complaint}")
    return 0


def _find(prefix: str) -> list[Rule]:
    """The rules with this id or below this prefix, those about both sides of a proxy too."""
    return find(prefix) or [rule for rule in sandwich.RULES.values() if below(rule.id, prefix)]


def _subject_of(rule: Rule) -> str:
    if rule.id in sandwich.RULES:
        return "both sides of a proxy, which `contract sandwich` judges"
    return "several exchanges of one case" if rule.relation else "one exchange"


def format_clients(rule: Rule) -> str:
    """How real clients take the fixture that breaks the rule, and when that was measured."""
    breakage = format_breakage(load_table().of_rule(rule.id))
    return f"{breakage} (measured {load_table().measured})" if breakage else ""


def _rows(terminal: Terminal, name: str, *texts: str) -> None:
    """Print lines of text with the name before the first."""
    for place, text in enumerate(texts):
        terminal.print(f"    {name if not place else '':10} {text}")


def _parts(parts: Parts) -> Iterator[str]:
    for role, text in parts.items():
        yield f"{role:10} {text}"


def _relative(path: Path) -> str:
    here = Path.cwd()
    if archive_of(path.parent).exists():
        path = archive_of(path.parent) / path.name
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _unknown(name: str) -> str:
    known = (*RULES, *dict.fromkeys(rule.section for rule in RULES.values()))
    hint = did_you_mean(name, known, "`contract rules` lists them", 3)
    return f"no rule is called {name!r}; {hint}"
