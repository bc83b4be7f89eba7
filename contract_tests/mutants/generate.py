"""All mutants of a corpus, under every operator; the same for the same seed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contract_tests.mutants.events import of_events, of_whole
from contract_tests.mutants.inner import of_inner
from contract_tests.mutants.members import of_members
from contract_tests.mutants.message import of_message
from contract_tests.mutants.mutant import Mutant, Source

OPERATORS = (of_members, of_inner, of_events, of_whole, of_message)


def mutants_of(sources: Iterable[Source], seed: int) -> Iterator[Mutant]:
    """Every mutant of these sources; its exchange is made when it is asked for."""
    for source in sources:
        for operators in OPERATORS:
            yield from operators(source, seed)
