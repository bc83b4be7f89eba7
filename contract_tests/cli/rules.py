"""`contract rules` and `contract explain RULE`: the contract in words."""

from __future__ import annotations

import difflib
from pathlib import Path

import click

from contract_tests.rules import RULES, find
from contract_tests.rules.engine import Rule, judge
from fake_server.wire import fixture

CHECKOUT = Path(__file__).resolve().parents[2]


def fixtures() -> Path:
    """Where the kit's fixtures are: beside the packages in a checkout, inside when installed."""
    import fake_server

    inside = Path(fake_server.__file__).parent / "fixtures"
    return inside if inside.is_dir() else CHECKOUT / "fixtures"


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
    """Say what a rule means, where it comes from, who breaks on it, and which fixtures show it."""
    if rule_id not in RULES:
        raise click.UsageError(_unknown(rule_id))
    rule = RULES[rule_id]
    broken = fixtures() / "broken" / f"{rule.id}.yaml"
    kept = _kept_by(rule)
    rows = [
        ("level", rule.level.value),
        ("see", rule.see),
        ("expected", rule.expected),
        ("breaks", rule.harm),
        ("needs", ", ".join(sorted(rule.needs))),
        ("yields to", ", ".join(rule.yields_to)),
        ("speaks of", "several exchanges of one case" if rule.relation else "one exchange"),
        ("kept by", _shown(kept) if kept else ""),
        ("broken by", _shown(broken) if broken.exists() else ""),
    ]
    click.echo(f"{rule.id}\n  {rule.clause}")
    for name, text in rows:
        if text:
            click.echo(f"    {name:10} {text}")
    return 0


def _kept_by(rule: Rule) -> Path | None:
    """The first conforming fixture that the rule speaks of."""
    if rule.relation:
        return None
    conforming = fixture.find(fixtures() / "conforming")
    fits = (one for one in conforming if rule.id in judge([rule], fixture.load(one).exchange).applied)
    return next(fits, None)


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, RULES, 3, 0.5)
    hint = f"did you mean {', '.join(near)}?" if near else "`contract rules` lists them"
    return f"no rule is called {name!r}; {hint}"
