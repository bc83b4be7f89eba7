"""`python -m contract_tests.lab.pages.rules_page`: rules/RULES.md, every rule with why and examples, and CHANGES.md."""

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
from contract_tests.rules.history import FILE, Version, add_changes, changes_since, load_history, since

PAGE = ROOT / "contract_tests" / "rules" / "RULES.md"
CHANGES = PAGE.with_name("CHANGES.md")
LEVELS = {rule.id: rule.level.value for rule in RULES.values()}
CHANGES_HEAD = """\
<!-- generated from history.yaml by `make rules` -->

# What became of the rules

Ids are permanent: the id of a rule that is withdrawn is never given to another. Where a rule flags more or less than
before, the CHANGELOG says so. [RULES.md](RULES.md) has every rule.
"""
HEAD = """\
<!-- generated from the rules by `make rules`; edit the rules, not this page -->

# The contract

{total} rules: {levels}. Clients rely on MUST rules. A SHOULD rule describes what api.openai.com does and
most clients expect. A NOTE is worth knowing. Each rule says what goes wrong if it is broken and where
it comes from, and links to an exchange that keeps it and to one that breaks it; `contract explain RULE` shows
the place in both. Ids are permanent; [CHANGES.md](CHANGES.md) says what each version added. How clients react to the
broken exchange was measured on {measured}, with {clients}.
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
    yield f"- since: {since(rule.id)}"
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


def changes() -> str:
    """The page of what each version added, changed and withdrew, the newest first."""
    versions = load_history().items()
    return "\n".join((CHANGES_HEAD, *(line for version in reversed(versions) for line in _version(*version))))


def _version(name: str, changes: Version) -> Iterator[str]:
    yield f"## {name.capitalize()}"
    yield ""
    for title, ids in (
        ("Added", _by_section(changes)),
        ("Another level", _levels(changes)),
        ("Withdrawn", _gone(changes)),
    ):
        if lines := list(ids):
            yield from (f"{title}:", "", *lines, "")
    if not changes:
        yield from ("The rules stayed as they were.", "")


def _by_section(changes: Version) -> Iterator[str]:
    sections: dict[str, list[str]] = {}
    for name, level in changes.get("added", {}).items():
        sections.setdefault(name.rpartition(".")[0], []).append(f"`{name}` {level}")
    for section, entries in sections.items():
        yield f"- {section} ({len(entries)}): {', '.join(entries)}"


def _levels(changes: Version) -> Iterator[str]:
    return (f"- `{name}` is {level}" for name, level in changes.get("levels", {}).items())


def _gone(changes: Version) -> Iterator[str]:
    return (f"- `{name}`: {reason}" for name, reason in changes.get("withdrawn", {}).items())


def pages() -> dict[Path, str]:
    """The text that each file made from the rules should have. The history comes first, as the pages show it."""
    return {FILE: add_changes(LEVELS), CHANGES: changes(), PAGE: document()}


@click.command()
@click.option("--write", is_flag=True, help="Write RULES.md, CHANGES.md and history.yaml.")
@click.option("--check", is_flag=True, help="Fail if one of them is out of date or a rule lacks its explanation.")
def main(write: bool, check: bool) -> None:
    """Print the page with every rule."""
    if write and (missing := list(changes_since(LEVELS))):
        FILE.write_text(add_changes(LEVELS), "utf-8")
        load_history.cache_clear()
        click.echo(f"{FILE.name}: {len(missing)} added")
    stale = {path: text for path, text in pages().items() if not path.exists() or path.read_text("utf-8") != text}
    lacks = list(lacking())
    for name, what in lacks:
        click.echo(f"{name} lacks {what}", err=True)
    if write:
        for path, text in stale.items():
            path.write_text(text, "utf-8")
        click.echo(f"written: {', '.join(path.name for path in stale)}" if stale else "all was up to date")
    elif not check:
        click.echo(document())
    elif stale:
        raise click.ClickException(f"{', '.join(path.name for path in stale)}: out of date: run make rules")
    elif lacks:
        raise click.ClickException(f"{len({name for name, _ in lacks})} rules lack their explanation")


if __name__ == "__main__":
    main()
