"""The score: which mutants a rule of MUST or SHOULD level notices, per section, raw and adjusted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from contract_tests.lab.mutation.corpora.live import Planted
from contract_tests.lab.mutation.equivalent import why_equivalent
from contract_tests.lab.mutation.judging import judge_all
from contract_tests.lab.mutation.mutant import Mutant
from contract_tests.rules.catalogue import SECTIONS
from contract_tests.rules.engine.judge import MUST, SHOULD, Level

OVERALL, PER_SECTION, LEAST = 0.97, 0.93, 2000
"""The adjusted scores that are asked for, and the fewest mutants."""
MOST_EQUIVALENT = 0.10
FEW = 20
"""A place that fewer genuine recordings have is rare: little is known of it."""

JUDGED = tuple(section.name for section in SECTIONS if section.name != "client")
"""The sections that mutants belong to: all but the one about another program."""


@dataclass
class Tally:
    """How many mutants there are, how many were noticed, and how many are equivalent."""

    made: int = 0
    killed: int = 0
    equivalent: int = 0

    def add(self, noticed: bool, equivalent: bool = False) -> None:
        self.made += 1
        self.killed += noticed
        self.equivalent += equivalent

    @property
    def raw(self) -> float:
        return self.killed / max(1, self.made)

    @property
    def adjusted(self) -> float:
        """The share of those that are not equivalent."""
        return self.killed / max(1, self.made - self.equivalent)


@dataclass
class Score:
    """How many mutants there are and how many were noticed, by section and by operator.

    `survivors` holds examples by (section, shape, operator). `classes` counts the equivalent mutants by the
    name of their class. `rare` is about places that fewer than FEW genuine recordings have.
    """

    levels: tuple[Level, ...] = (MUST, SHOULD)
    processes: int = 1
    sections: dict[str, Tally] = field(default_factory=lambda: {name: Tally() for name in JUDGED})
    operators: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    rare: Tally = field(default_factory=Tally)
    survivors: dict[tuple[str, str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    classes: Counter[str] = field(default_factory=Counter)
    crashes: list[str] = field(default_factory=list)

    def judge(self, mutants: Sequence[Mutant]) -> None:
        """Count each mutant as killed where it has a finding that its original has not."""
        for mutant, noticed in judge_all(mutants, self.levels, self.processes):
            if isinstance(noticed, str):
                self.crashes.append(f"{mutant.operator}, {mutant}: {noticed}")
            name = why_equivalent(mutant) if noticed is False else ""
            tallies = [self.sections.setdefault(mutant.section, Tally()), self.operators[mutant.operator]]
            if mutant.witnesses is not None and mutant.witnesses < FEW:
                tallies.append(self.rare)
            for tally in tallies:
                tally.add(noticed is True, bool(name))
            if name:
                self.classes[name] += 1
            elif noticed is False:
                self.survivors[mutant.section, mutant.shape, mutant.operator].append(str(mutant))

    def add(self, planted: Iterable[Planted]) -> None:
        """Count what was planted live to the section relations."""
        for defect in planted:
            for tally in (self.sections["relations"], self.operators[defect.operator]):
                tally.add(defect.noticed)
            if not defect.noticed:
                shown = f"{defect.where}: {defect.before} -> {defect.after}"
                self.survivors["relations", defect.case_id, defect.operator].append(shown)

    @property
    def total(self) -> Tally:
        tallies = self.sections.values()
        return Tally(*(sum(getattr(tally, name) for tally in tallies) for name in ("made", "killed", "equivalent")))

    @property
    def complaints(self) -> list[str]:
        """What is below the marks, in words; empty where the score is good."""
        total = self.total
        complaints = [
            f"section {name}: adjusted {tally.adjusted:.1%}, below {PER_SECTION:.0%}"
            for name, tally in self.sections.items()
            if tally.adjusted < PER_SECTION
        ]
        if total.adjusted < OVERALL:
            complaints.append(f"all sections: adjusted {total.adjusted:.1%}, below {OVERALL:.0%}")
        if total.equivalent > MOST_EQUIVALENT * total.made:
            complaints.append(f"{total.equivalent} of {total.made} are equivalent, above {MOST_EQUIVALENT:.0%}")
        if self.crashes:
            complaints.append(f"the judge failed on {len(self.crashes)} mutants, first: {self.crashes[0]}")
        if total.made < LEAST:
            complaints.append(f"{total.made} mutants, fewer than {LEAST}")
        return complaints
