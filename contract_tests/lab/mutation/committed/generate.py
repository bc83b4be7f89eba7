"""Mutants of exchanges under every operator, and which of them are judged; the same for the same seed."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b

from contract_tests.lab.mutation.committed.events import of_events, of_whole
from contract_tests.lab.mutation.committed.inner import of_inner
from contract_tests.lab.mutation.committed.members import of_members
from contract_tests.lab.mutation.committed.message import of_message
from contract_tests.lab.mutation.committed.mutant import Mutant, Source

Operators = Callable[[Source, int], Iterator[Mutant]]
OPERATORS: tuple[Operators, ...] = (of_members, of_inner, of_events, of_whole, of_message)
"""The kinds of operators; each is drawn from by itself, so that the many paths do not hide the few events."""


def mutants_of(sources: Iterable[Source], seed: int, operators: Operators) -> Iterator[Mutant]:
    """Every mutant of these sources of one kind; its exchange is made when it is asked for."""
    for source in sources:
        yield from operators(source, seed)


def draw(sources: Sequence[Source], seed: int, most: int) -> list[Mutant]:
    """At most `most` mutants of each section and kind, each with equal chance."""
    return [one for kind in OPERATORS for one in sample(mutants_of(sources, seed, kind), seed, most)]


def sample(mutants: Iterable[Mutant], seed: int, per_section: int) -> list[Mutant]:
    """At most `per_section` mutants of each section, each with equal chance.

    Those with the smallest keyed hashes are drawn: what is drawn of one reply does not depend on others.
    """
    drawn: dict[str, list[tuple[int, str, Mutant]]] = defaultdict(list)
    seen: set[str] = set()
    for one in mutants:
        if one.key in seen:
            continue
        seen.add(one.key)
        digest = blake2b(one.key.encode("utf-8", "surrogatepass"), digest_size=8, key=str(seed).encode())
        entry = (-int.from_bytes(digest.digest(), "big"), one.key, one)
        heap = drawn[one.section]
        if len(heap) < per_section:
            heapq.heappush(heap, entry)
        elif entry[0] > heap[0][0]:
            heapq.heapreplace(heap, entry)
    return [one for heap in drawn.values() for _, _, one in sorted(heap, key=lambda entry: entry[1])]
