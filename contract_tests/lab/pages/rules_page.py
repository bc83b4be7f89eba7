"""`python -m contract_tests.lab.pages.rules_page`: rules/RULES.md, every rule with why and examples."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from contract_tests.lab.tools.checkout import ROOT
from contract_tests.report.breakage import format_breakage, load_table
from contract_tests.report.examples import find_broken, find_conforming
from contract_tests.report.traces import SOURCE, find_example
from contract_tests.rules import RULES
from contract_tests.rules.catalogue import SECTIONS
from contract_tests.rules.engine.judge import Level, Rule, Section

PAGE = ROOT / "contract_tests" / "rules" / "RULES.md"
HEAD = """\
<!-- generated from the rules by `make rules`; edit the rules, not this page -->

# The contract

{total} rules: {levels}. Clients rely on MUST rules. A SHOULD rule describes what api.openai.com does and
most clients expect. A NOTE is worth knowing. Each rule says what goes wrong if it is broken and where
it comes from, and links to an exchange that keeps it and to one that breaks it; `contract explain RULE` shows
the place in both. How clients react to the broken exchange was measured on {measured}, with {clients}.
"""


def document() -> str:
    """The whole page."""
    counts = Counter(rule.level for rule in RULES.values())
    levels = ", ".join(f"{counts[level]} {level.value}" for level in Level)
    measurement = load_table()
    head = HEAD.format(total=len(RULES), levels=levels, measured=measurement.measured, clients=measurement.versions)
    return "\n".join((head, *_contents(), *(line for section in SECTIONS for line in _section(section))))


def lacking() -> Iterator[tuple[str, str]]:
    """What is missing for which rule: (rule id, 'why' or 'an example')."""
    for rule in RULES.values():
        if not rule.harm:
            yield rule.id, "why"
        if not _examples(rule):
            yield rule.id, "an example"


def _contents() -> Iterator[str]:
    yield "| section | about | rules |"
    yield "| --- | --- | --: |"
    for section in SECTIONS:
        link = f"[{section.name}](#section-{section.name.replace('.', '')})"
        yield f"| {link} | {section.title} | {len(section.rules)} |"
    yield ""


def _section(section: Section) -> Iterator[str]:
    yield f"## Section {section.name}"
    yield ""
    yield f"{section.title}: <{section.see}>"
    yield ""
    for rule in section.rules:
        yield from _rule(rule)


def _rule(rule: Rule) -> Iterator[str]:
    yield f"### {rule.id}"
    yield ""
    yield f"**{rule.level.value}** {_plain(rule.clause)}"
    yield ""
    if rule.harm:
        yield f"- why: {_plain(rule.harm)}"
    if reactions := format_breakage(load_table().of_rule(rule.id)):
        yield f"- clients: {reactions}"
    if rule.basis:
        yield f"- because: {_plain(rule.basis)}"
    yield f"- source: <{rule.see}>"
    if examples := _examples(rule):
        yield f"- examples: {examples}"
    yield ""


def _examples(rule: Rule) -> str:
    """Links to an exchange that keeps the rule and to one that breaks it; '' if either is missing."""
    if find_example(rule):
        return f"[kept and broken]({_link(SOURCE)})"
    kept, broken = find_conforming(rule), find_broken(rule)
    if not kept or not broken:
        return ""
    return f"[kept]({_link(kept.path)}), [broken]({_link(broken.path)}) ({_plain(broken.title)})"


def _link(path: Path) -> str:
    """The path relative to the page, in a checkout."""
    return Path(os.path.relpath(path, PAGE.parent)).as_posix()


def _plain(text: str) -> str:
    """Text with Markdown escaped, except between backquotes."""
    parts = text.split("`")
    for place in range(0, len(parts), 2):
        for sign in "\\*_<>[]":
            parts[place] = parts[place].replace(sign, f"\\{sign}")
    return "`".join(parts)


@click.command()
@click.option("--write", is_flag=True, help=f"Write {PAGE.name}.")
@click.option("--check", is_flag=True, help=f"Fail if {PAGE.name} is out of date or a rule lacks its explanation.")
def main(write: bool, check: bool) -> None:
    """Print the page with every rule."""
    made, missing = document(), list(lacking())
    stale = not PAGE.exists() or PAGE.read_text("utf-8") != made
    for name, what in missing:
        click.echo(f"{name} lacks {what}", err=True)
    if write:
        PAGE.write_text(made, "utf-8")
        click.echo(f"{PAGE.relative_to(ROOT)}: {'written' if stale else 'was up to date'}")
    elif not check:
        click.echo(made)
    elif stale:
        raise click.ClickException(f"{PAGE.name} is out of date: run make rules")
    elif missing:
        raise click.ClickException(f"{len({name for name, _ in missing})} rules lack their explanation")


if __name__ == "__main__":
    main()
