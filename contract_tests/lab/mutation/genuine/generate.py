"""Draws defects by seed: evenly over operators, and within one evenly over places."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from contract_tests.lab.mutation.genuine.corpus import Change, Corpus, Defect, Recorded
from contract_tests.lab.mutation.genuine.disagree import DISAGREE_OPERATORS
from contract_tests.lab.mutation.genuine.events import EVENT_OPERATORS
from contract_tests.lab.mutation.genuine.framing import FRAMING_OPERATORS
from contract_tests.lab.mutation.genuine.members import MEMBER_OPERATORS, Places

_WHOLE = EVENT_OPERATORS | DISAGREE_OPERATORS | FRAMING_OPERATORS

OPERATORS: tuple[str, ...] = (*MEMBER_OPERATORS, *_WHOLE)
"""The names of all operators, in the order in which they take turns."""

_ROUNDS = 8


def generate(recordings: Iterable[Recorded] | Corpus, seed: int, count: int) -> Iterator[Defect]:
    """Up to `count` different defects of genuine recordings, the same for the same seed.

    `recordings` are genuine exchanges of any endpoint, labelled with their ids: all of them teach
    what is genuine, those of chat completions and models are broken. Operators take turns; one that
    has nothing left drops out. Source of the list of operators: the project's own definition of done.
    """
    corpus = recordings if isinstance(recordings, Corpus) else Corpus(recordings)
    places = Places(corpus, random.Random(f"{seed}:places"))
    sources: dict[str, Iterator[Change]] = {
        name: operator(corpus, places, random.Random(f"{seed}:{name}"))
        for name, operator in MEMBER_OPERATORS.items()
    }
    for name, whole in _WHOLE.items():
        sources[name] = _again(partial(whole, corpus), random.Random(f"{seed}:{name}"))
    seen: set[tuple[str, str, str, str]] = set()
    while sources and count > 0:
        for name in list(sources):
            defect = _fresh(sources[name], name, seen)
            if defect is None:
                del sources[name]
                continue
            yield defect
            count -= 1
            if count <= 0:
                return


def _again(operator: Callable[[random.Random], Iterator[Change]], dice: random.Random) -> Iterator[Change]:
    """An operator takes one place per recording and round: a few rounds find others."""
    for _ in range(_ROUNDS):
        yield from operator(dice)


def _fresh(source: Iterator[Change], name: str, seen: set[tuple[str, str, str, str]]) -> Defect | None:
    for change in source:
        defect = change.named(name)
        key = (defect.recording_id, name, defect.where, defect.after)
        if key not in seen:
            seen.add(key)
            return defect
    return None
