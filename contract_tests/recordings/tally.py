"""Judgements counted by provider: in each section how many exchanges were judged, how many have findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from contract_tests.recordings.recording import Recording
from contract_tests.rules import RULES, judge
from contract_tests.rules.engine.judge import Finding, Level
from contract_tests.rules.engine.node import Place

SECTIONS = tuple(dict.fromkeys(rule.section for rule in RULES.values() if not rule.relation))
"""The sections with rules about single exchanges, in the order of the API reference."""


@dataclass(frozen=True)
class Example:
    """Where a rule complained first: the recording's id, the place in its body, what stood there."""

    label: str
    place: Place
    actual: str
    expected: str


@dataclass
class Provider:
    """One provider's exchanges. Counters hold exchanges, by section or by rule id."""

    exchanges: int = 0
    judged: Counter[str] = field(default_factory=Counter)
    must: Counter[str] = field(default_factory=Counter)
    should: Counter[str] = field(default_factory=Counter)
    applied: Counter[str] = field(default_factory=Counter)
    flagged: Counter[str] = field(default_factory=Counter)
    examples: dict[str, Example] = field(default_factory=dict)

    def rules(self, level: Level) -> list[str]:
        """The ids of the rules of this level that found something, in the order of the contract."""
        return [rule.id for rule in RULES.values() if rule.level is level and self.flagged[rule.id]]


@dataclass
class Tally:
    """Providers by name."""

    providers: dict[str, Provider] = field(default_factory=dict)

    def add(self, provider: str, applied: Iterable[str], findings: Iterable[Finding]) -> None:
        """Count one exchange: the ids of the rules that applied to it, and what they found."""
        one, ids, found = self.providers.setdefault(provider, Provider()), set(applied), list(findings)
        one.exchanges += 1
        one.applied.update(ids)
        one.judged.update({RULES[name].section for name in ids})
        one.flagged.update({finding.rule.id for finding in found})
        for level, counter in ((Level.MUST, one.must), (Level.SHOULD, one.should)):
            counter.update({finding.rule.section for finding in found if finding.rule.level is level})
        for finding in found:
            example = Example(finding.label, finding.place, finding.actual, finding.expected)
            one.examples.setdefault(finding.rule.id, example)

    @property
    def sections(self) -> list[str]:
        """The sections that judged an exchange of any provider."""
        return [name for name in SECTIONS if any(one.judged[name] for one in self.providers.values())]


def tally(recordings: Iterable[Recording]) -> Tally:
    """Judge every recording and count it for its provider."""
    counted = Tally()
    for recording in recordings:
        judgement = judge(recording.exchange)
        counted.add(recording.provider, judgement.applied, judgement.findings)
    return counted
