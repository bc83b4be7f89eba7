"""Which of all mutants are judged; the same for the same seed."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator
from hashlib import blake2b

from contract_tests.lab.mutation.mutant import Mutant
from contract_tests.lab.mutation.operators.catalogue import KINDS
from contract_tests.lab.mutation.operators.kind import Kind
from contract_tests.lab.mutation.reply import Reply


def mutants_of(replies: Iterable[Reply], seed: int, kind: Kind) -> Iterator[Mutant]:
    """Every mutant of these replies by one kind of operator; its exchange is built when it is needed."""
    for reply in replies:
        for site in kind.sites(reply):
            yield from kind.mutants(reply, site, seed, "")


def draw(replies: Iterable[Reply], seed: int, most: int) -> list[Mutant]:
    """At most `most` mutants of each section and kind, each with equal chance."""
    replies = list(replies)
    return [mutant for kind in KINDS for mutant in sample(mutants_of(replies, seed, kind), seed, most)]


def sample(mutants: Iterable[Mutant], seed: int, per_section: int) -> list[Mutant]:
    """At most `per_section` mutants of each section, each with equal chance.

    Those with the smallest keyed hashes are drawn: what is drawn of one reply does not depend on others.
    """
    drawn: dict[str, list[tuple[int, str, Mutant]]] = defaultdict(list)
    seen: set[str] = set()
    for mutant in mutants:
        key = mutant.key
        if key in seen:
            continue
        seen.add(key)
        digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8, key=str(seed).encode())
        entry = (-int.from_bytes(digest.digest(), "big"), key, mutant)
        heap = drawn[mutant.section]
        if len(heap) < per_section:
            heapq.heappush(heap, entry)
        elif entry[0] > heap[0][0]:
            heapq.heapreplace(heap, entry)
    return [mutant for heap in drawn.values() for _, _, mutant in sorted(heap, key=lambda entry: entry[1])]
