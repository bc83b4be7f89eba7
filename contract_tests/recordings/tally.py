"""Counts judgements by provider: per section, how many exchanges were judged and how many have findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from contract_tests.rules import RULES
from contract_tests.rules.engine.judge import Finding, Judgement, Level

_LONGEST_NAME = 40
SECTIONS = tuple(dict.fromkeys(rule.section for rule in RULES.values() if not rule.relation))
"""The sections with rules about single exchanges, in the order of the API reference."""


@dataclass
class Provider:
    """One provider's exchanges. Counters hold exchanges, by section or by rule id."""

    exchanges: int = 0
    judged: Counter[str] = field(default_factory=Counter)
    must: Counter[str] = field(default_factory=Counter)
    should: Counter[str] = field(default_factory=Counter)
    applied: Counter[str] = field(default_factory=Counter)
    flagged: Counter[str] = field(default_factory=Counter)
    examples: dict[str, Finding] = field(default_factory=dict)
    """The first finding of each rule."""

    def rules(self, level: Level) -> list[str]:
        """The ids of the rules of this level that found something, in the order of the contract."""
        return [rule.id for rule in RULES.values() if rule.level is level and self.flagged[rule.id]]


@dataclass
class Tally:
    """Providers by name."""

    providers: dict[str, Provider] = field(default_factory=dict)

    def add(self, name: str, judgement: Judgement) -> None:
        """Count one exchange of the provider of this name."""
        provider = self.providers.setdefault(name, Provider())
        provider.exchanges += 1
        provider.applied.update(judgement.applied)
        provider.judged.update({RULES[rule].section for rule in judgement.applied})
        provider.flagged.update(judgement.ids())
        provider.must.update({RULES[rule].section for rule in judgement.ids(Level.MUST)})
        provider.should.update({RULES[rule].section for rule in judgement.ids(Level.SHOULD)})
        for finding in judgement.findings:
            provider.examples.setdefault(finding.rule.id, finding)

    @property
    def sections(self) -> list[str]:
        """The sections that judged an exchange of any provider."""
        return [name for name in SECTIONS if any(provider.judged[name] for provider in self.providers.values())]


def as_text(tally: Tally) -> str:
    """A row per provider, a column per section; empty for fewer than two providers."""
    if len(tally.providers) < 2:
        return ""
    rows = [("provider", "exchanges", *tally.sections)]
    for name in sorted(tally.providers):
        shown = " ".join(name.split())[:_LONGEST_NAME] or "(no name)"
        rows.append((shown, *cells_of(tally.providers[name], tally.sections)))
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(("exchanges judged / with MUST / with SHOULD findings", *(line.rstrip() for line in lines)))


def cells_of(provider: Provider, sections: Sequence[str]) -> Iterator[str]:
    yield str(provider.exchanges)
    for name in sections:
        counts = (provider.judged[name], provider.must[name], provider.should[name])
        if not counts[0]:
            yield "·"
        else:
            yield " / ".join(map(str, counts)) if counts[1] or counts[2] else str(counts[0])
