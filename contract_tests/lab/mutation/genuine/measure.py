"""Which defects the rules flag: a finding that the recording as it was does not have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from contract_tests.lab.mutation.genuine.corpus import Defect
from contract_tests.rules import judge
from contract_tests.rules.engine.judge import MUST, SHOULD, Level
from fake_server.wire.exchange import Aspect, Exchange

Mark = tuple[str, str]
"""(rule, path in the document) of a finding, without the event: an event that moved is no news."""

FEW = 20


def is_rare(defect: Defect) -> bool:
    """Whether only a few recordings show the place, so that little is known of it."""
    return defect.witnesses is not None and defect.witnesses < FEW


@dataclass
class Measure:
    """How many defects were flagged, per operator, and the ones that were not."""

    levels: tuple[Level, ...] = (MUST, SHOULD)
    made: Counter[str] = field(default_factory=Counter)
    flagged: Counter[str] = field(default_factory=Counter)
    rare: int = 0
    """How many defects stand at a place that fewer than `FEW` recordings show."""
    survivors: list[Defect] = field(default_factory=list)
    _before: dict[tuple[str, frozenset[Aspect]], frozenset[Mark]] = field(default_factory=dict)

    def take(self, defects: Iterable[Defect]) -> Iterator[tuple[Defect, set[Mark]]]:
        """Judge each defect; yields it with the marks that are new."""
        for defect in defects:
            new = self._marks(defect.exchange) - self._marks_before(defect)
            self.made[defect.operator] += 1
            self.rare += is_rare(defect)
            if new:
                self.flagged[defect.operator] += 1
            else:
                self.survivors.append(defect)
            yield defect, set(new)

    @property
    def share(self) -> float:
        return self.flagged.total() / max(1, self.made.total())

    def _marks(self, exchange: Exchange) -> frozenset[Mark]:
        return frozenset(
            (one.rule.id, repr(one.place.path))
            for one in judge(exchange).findings
            if one.rule.level in self.levels
        )

    def _marks_before(self, defect: Defect) -> frozenset[Mark]:
        key = (defect.recording_id, defect.original.unknown)
        if key not in self._before:
            self._before[key] = self._marks(defect.original)
        return self._before[key]
