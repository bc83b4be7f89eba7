"""`contract rules` and `contract explain RULE`: the contract in words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from contract_tests.report.breakage import breakage, table
from contract_tests.report.examples import Excerpt, broken_by, kept_by
from contract_tests.report.traces import Parts, example_of
from contract_tests.rules import RULES, find
from contract_tests.rules.engine.judge import Rule
from fake_server.wire.text import did_you_mean


@click.command("rules")
@click.argument("prefix", required=False, default="")
def rules_command(prefix: str) -> int:
    """List the rules, or those below PREFIX."""
    found = list(RULES.values()) if not prefix else find(prefix)
    if not found:
        raise click.UsageError(_unknown(prefix))
    width = max(len(rule.id) for rule in found)
    for rule in found:
        click.echo(f"{rule.id:{width}}  {rule.level:6}  {rule.clause}")
    return 0


@click.command("explain")
@click.argument("rule_id", metavar="RULE")
def explain_command(rule_id: str) -> int:
    """Say what a rule means, where it comes from, who breaks on it, and what it looks like in bytes."""
    if rule_id not in RULES:
        raise click.UsageError(_unknown(rule_id))
    rule = RULES[rule_id]
    rows = [
        ("level", rule.level.value),
        ("breaks", rule.harm),
        ("clients", measured(rule)),
        ("see", rule.see),
        ("expected", rule.expected),
        ("needs", ", ".join(sorted(rule.needs))),
        ("yields to", ", ".join(rule.yields_to)),
        ("speaks of", "several exchanges of one case" if rule.relation else "one exchange"),
    ]
    click.echo(f"{rule.id}\n  {rule.clause}")
    for name, text in rows:
        if text:
            _rows(name, text)
    for name, excerpt in (("kept by", kept_by(rule)), ("broken by", broken_by(rule))):
        if excerpt:
            _rows(name, _shown(excerpt.path), excerpt.title, *excerpt.lines, *_mark(excerpt))
    if example := example_of(rule):
        _rows("kept by", *_parts(example.kept))
        _rows("broken by", *_parts(example.broken), f"→ {example.said}")
    return 0


def measured(rule: Rule) -> str:
    """What real clients make of the fixture that breaks the rule, and when that was seen."""
    told = breakage(table().of_rule(rule.id))
    return f"{told} (measured {table().measured})" if told else ""


def _rows(name: str, *texts: str) -> None:
    """Lines of text with the name before the first."""
    for place, text in enumerate(texts):
        click.echo(f"    {name if not place else '':10} {text}")


def _mark(excerpt: Excerpt) -> Iterator[str]:
    """The line that points at the place above it and says what is wrong there."""
    if excerpt.column is not None:
        yield f"{' ' * excerpt.column}^ {excerpt.said}".rstrip()
    elif excerpt.said:
        yield f"→ {excerpt.said}"


def _parts(parts: Parts) -> Iterator[str]:
    for role, text in parts.items():
        yield f"{role:10} {text}"


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _unknown(name: str) -> str:
    hint = did_you_mean(name, RULES, "`contract rules` lists them", 3)
    return f"no rule is called {name!r}; {hint}"
