"""The Markdown of COMPATIBILITY.md: a tally of providers, and what a person who read the bytes says of each finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from contract_tests.recordings.recording import Recording
from contract_tests.recordings.tally import Tally, cells_of
from contract_tests.rules import judge
from contract_tests.rules.engine.judge import Finding, Level
from fake_server.wire.text import shorten

Readings = Mapping[str, Mapping[str, str]]
"""What a person who read the bytes says of a finding, by provider and rule id."""

LEVELS = (Level.MUST, Level.SHOULD)
NOT_READ = "not read yet"
_MOST = 80
"""Characters of a reply that an example shows."""


def tally(recordings: Iterable[Recording]) -> Tally:
    """Judge every recording and count it for its provider."""
    counts = Tally()
    for recording in recordings:
        counts.add(recording.provider, judge(recording.exchange))
    return counts


def as_markdown(tally: Tally, readings: Readings) -> str:
    """The table and, below it, the rules that found something for each provider."""
    return "\n".join((*_table(tally), "", *_details(tally, readings))).strip()


def unread_findings(tally: Tally, readings: Readings) -> list[tuple[str, str]]:
    """(provider, rule id) of each MUST finding whose bytes nobody has read."""
    return [
        (name, rule)
        for name, provider in sorted(tally.providers.items())
        for rule in provider.rules(Level.MUST)
        if rule not in readings.get(name, {})
    ]


def outdated_readings(tally: Tally, readings: Readings) -> list[tuple[str, str]]:
    """(provider, rule id) of each reading whose finding no longer occurs."""
    return [
        (name, rule)
        for name, rules in sorted(readings.items())
        for rule in rules
        if name not in tally.providers or not tally.providers[name].flagged[rule]
    ]


def _row(cells: Iterator[str] | Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _table(tally: Tally) -> Iterator[str]:
    sections = tally.sections
    yield _row(("provider", "exchanges", *sections))
    yield _row(("---", *("--:" for _ in range(len(sections) + 1))))
    for name, provider in sorted(tally.providers.items()):
        yield _row((f"[{name}](#{name})", *cells_of(provider, sections)))


def _details(tally: Tally, readings: Readings) -> Iterator[str]:
    for name, provider in sorted(tally.providers.items()):
        yield f"### {name}"
        yield ""
        if not any(provider.rules(level) for level in LEVELS):
            exchanges = f"{provider.exchanges} exchange{'s' * (provider.exchanges > 1)}"
            yield f"No MUST or SHOULD finding in {exchanges}."
            yield ""
            continue
        yield _row(("rule", "level", "exchanges", "first seen", "what the bytes say"))
        yield _row(("---", "---", "--:", "---", "---"))
        for level in LEVELS:
            for rule in provider.rules(level):
                reading = readings.get(name, {}).get(rule) or _said(provider.examples[rule], level)
                count = f"{provider.flagged[rule]} of {provider.applied[rule]}"
                link = f"[{rule}](../../rules/RULES.md#{anchor(rule)})"
                yield _row((link, level.value, count, _place(provider.examples[rule]), reading))
        yield ""


def anchor(rule_id: str) -> str:
    """The anchor that a heading with this rule's id has on GitHub and GitLab."""
    return rule_id.replace(".", "")


def _said(example: Finding, level: Level) -> str:
    shown = _short(example.actual)
    if example.expected:
        shown += f"; expected: {_short(example.expected)}"
    return _escaped(shown if level is not Level.MUST else f"{shown} ({NOT_READ})")


def _short(text: str) -> str:
    return shorten(text, _MOST)


def _place(example: Finding) -> str:
    return f"`{example.label}`, {_escaped(str(example.place))}"


def _escaped(text: str) -> str:
    """Text that stays one cell of a table and shows no markup of its own."""
    clean = " ".join(text.split()).replace("\\", "\\\\")
    for sign in "|<>*_`[]":
        clean = clean.replace(sign, f"\\{sign}")
    return clean
