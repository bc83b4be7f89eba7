"""Counts judgements by provider: per section, how many exchanges were judged and how many have findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from contract_tests.recordings.recording import Recording
from contract_tests.rules import RULES, judge
from contract_tests.rules.engine.judge import Finding, Judgement, Level

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


def tally(recordings: Iterable[Recording]) -> Tally:
    """Judge every recording and count it for its provider."""
    counts = Tally()
    for recording in recordings:
        counts.add(recording.provider, judge(recording.exchange))
    return counts
