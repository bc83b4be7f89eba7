"""The score: which mutants a rule of MUST or SHOULD level notices, per section, raw and adjusted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from contract_tests.lab.mutation.committed.equivalent import why_equivalent
from contract_tests.lab.mutation.committed.live import Planted
from contract_tests.lab.mutation.committed.mutant import Mutant
from contract_tests.lab.mutation.genuine.corpus import Defect
from contract_tests.lab.mutation.genuine.measure import Measure
from contract_tests.rules.catalogue import SECTIONS

OVERALL, PER_SECTION, LEAST = 0.97, 0.93, 2000
"""The adjusted scores that are asked for, and the fewest mutants."""
MOST_EQUIVALENT = 0.10

JUDGED = tuple(one.name for one in SECTIONS if one.name != "client")
"""The sections that mutants belong to: all but the one about another program."""


@dataclass
class Tally:
    """Mutants of one section: how many there are, were noticed, are equivalent."""

    made: int = 0
    killed: int = 0
    equivalent: int = 0

    @property
    def raw(self) -> float:
        return self.killed / max(1, self.made)

    @property
    def adjusted(self) -> float:
        """The share of those that are not equivalent."""
        return self.killed / max(1, self.made - self.equivalent)


@dataclass
class Score:
    """The tallies by section; survivors by (section, shape, operator), each with examples.

    `classes` counts the equivalent mutants by the name of their class.
    """

    sections: dict[str, Tally] = field(default_factory=lambda: {name: Tally() for name in JUDGED})
    survivors: dict[tuple[str, str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    classes: Counter[str] = field(default_factory=Counter)
    crashes: list[str] = field(default_factory=list)
    _measure: Measure = field(default_factory=Measure)

    def judge(self, mutants: Iterable[Mutant]) -> None:
        """Count each mutant as killed where it has a finding that its original has not."""
        for one in mutants:
            defect = Defect(
                one.original.label, one.operator, one.where, one.exchange, one.before, one.after, one.original
            )
            tally = self.sections.setdefault(one.section, Tally())
            tally.made += 1
            shown = f"{one.original.label}: {one.where}: {one.before} -> {one.after}"
            try:
                ((_, new),) = self._measure.take([defect])
            except Exception as error:  # a rule that raises judges nothing: the worst survivor there is
                self.crashes.append(f"{one.operator}, {shown}: {type(error).__name__}: {error}")
                continue
            tally.killed += bool(new)
            if new:
                continue
            if name := why_equivalent(one):
                tally.equivalent += 1
                self.classes[name] += 1
            else:
                self.survivors[one.section, one.shape, one.operator].append(shown)

    def add(self, planted: Iterable[Planted]) -> None:
        """Count what was planted live to the section relations."""
        for one in planted:
            tally = self.sections["relations"]
            tally.made += 1
            tally.killed += one.noticed
            if not one.noticed:
                shown = f"{one.where}: {one.before} -> {one.after}"
                self.survivors["relations", one.case_id, one.operator].append(shown)

    @property
    def total(self) -> Tally:
        tallies = self.sections.values()
        return Tally(
            *(sum(getattr(one, name) for one in tallies) for name in ("made", "killed", "equivalent"))
        )

    @property
    def complaints(self) -> list[str]:
        """What is below the marks, in words; empty where the score is good."""
        total = self.total
        found = [
            f"section {name}: adjusted {tally.adjusted:.1%}, below {PER_SECTION:.0%}"
            for name, tally in self.sections.items()
            if tally.adjusted < PER_SECTION
        ]
        if total.adjusted < OVERALL:
            found.append(f"all sections: adjusted {total.adjusted:.1%}, below {OVERALL:.0%}")
        if total.equivalent > MOST_EQUIVALENT * total.made:
            found.append(f"{total.equivalent} of {total.made} are equivalent, above {MOST_EQUIVALENT:.0%}")
        if self.crashes:
            found.append(f"the judge failed on {len(self.crashes)} mutants, first: {self.crashes[0]}")
        if total.made < LEAST:
            found.append(f"{total.made} mutants, fewer than {LEAST}")
        return found
