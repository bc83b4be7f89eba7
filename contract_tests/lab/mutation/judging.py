"""Judges mutants: which findings does a mutant have that its original has not?"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from multiprocessing import get_context

from contract_tests.lab.mutation.mutant import Mutant
from contract_tests.rules import judge
from contract_tests.rules.engine.judge import MUST, SHOULD, Level
from fake_server.wire.exchange import Aspect, Exchange

Mark = tuple[str, str]
"""(rule, path in the document) of a finding, without the event: an event that moved is no news."""

_PART = 100
"""How many mutants a process judges before it takes more."""


class Judge:
    """Judges mutants by the rules of some levels; each original is judged once."""

    def __init__(self, levels: tuple[Level, ...] = (MUST, SHOULD)) -> None:
        self.levels = levels
        self._before: dict[tuple[str, frozenset[Aspect]], frozenset[Mark]] = {}

    def notices(self, mutant: Mutant) -> bool | str:
        """Whether a rule has a finding that the original has not; where a rule raises, what it raised."""
        try:
            return bool(self._marks(mutant.exchange) - self._marks_before(mutant.original))
        except Exception as error:  # a rule that raises judges nothing: the worst survivor there is
            return f"{type(error).__name__}: {error}"

    def _marks(self, exchange: Exchange) -> frozenset[Mark]:
        return frozenset(
            (finding.rule.id, repr(finding.place.path))
            for finding in judge(exchange).findings
            if finding.rule.level in self.levels
        )

    def _marks_before(self, original: Exchange) -> frozenset[Mark]:
        key = (original.label, original.unknown)
        if key not in self._before:
            self._before[key] = self._marks(original)
        return self._before[key]


def judge_all(
    mutants: Sequence[Mutant], levels: tuple[Level, ...], processes: int
) -> Iterator[tuple[Mutant, bool | str]]:
    """Each mutant with what `Judge.notices` says of it, judged by so many processes."""
    if processes == 1:
        judge = Judge(levels)
        yield from ((mutant, judge.notices(mutant)) for mutant in mutants)
        return
    # Forked, for how a mutant is built cannot be sent to another process: each inherits all of them.
    with ProcessPoolExecutor(processes, get_context("fork"), _inherit, (mutants, levels)) as pool:
        parts = pool.map(_judge_part, range(0, len(mutants), _PART))
        yield from zip(mutants, chain.from_iterable(parts), strict=True)


_inherited: list[tuple[Sequence[Mutant], Judge]] = []


def _inherit(mutants: Sequence[Mutant], levels: tuple[Level, ...]) -> None:
    gc.freeze()  # else every collection walks through all mutants, and copies their pages
    _inherited.append((mutants, Judge(levels)))


def _judge_part(start: int) -> list[bool | str]:
    mutants, judge = _inherited[-1]
    return [judge.notices(mutant) for mutant in mutants[start : start + _PART]]
