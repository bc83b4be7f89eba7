"""Operators on whole events of a stream: the first, the finishing, the usage or the [DONE] event."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial

from contract_tests.lab.mutation.genuine.corpus import Change, Corpus, shuffled
from contract_tests.lab.mutation.genuine.forms import listed
from contract_tests.lab.mutation.genuine.reading import Reply


def first(reply: Reply) -> list[int]:
    return [0]


def finishing(reply: Reply) -> list[int]:
    return [
        index
        for index, one in enumerate(reply.documents)
        if any(entry.get("finish_reason") is not None for entry in listed(one, "choices"))
    ]


def usage(reply: Reply) -> list[int]:
    return [
        index
        for index, one in enumerate(reply.documents)
        if one and not listed(one, "choices") and isinstance(one.get("usage"), dict)
    ]


def done(reply: Reply) -> list[int]:
    return [index for index, one in enumerate(reply.documents) if one is None]


def drop(blocks: list[bytes], place: int, dice: random.Random) -> str:
    del blocks[place]
    return "gone"


def double(blocks: list[bytes], place: int, dice: random.Random) -> str:
    blocks.insert(place, blocks[place])
    return "sent twice"


def move(blocks: list[bytes], place: int, dice: random.Random) -> str:
    other = dice.choice([index for index in range(len(blocks)) if index != place])
    blocks.insert(other, blocks.pop(place))
    return f"now event {other}"


def _event(
    which: Callable[[Reply], list[int]],
    edit: Callable[[list[bytes], int, random.Random], str],
    corpus: Corpus,
    dice: random.Random,
) -> Iterator[Change]:
    """Streams in which one such event was dropped, doubled or moved, unless genuine ones look like that."""
    for reply in shuffled(corpus.streams, dice):
        places = which(reply)
        if not places or len(reply.blocks) < 2:
            continue
        place = dice.choice(places)
        blocks = list(reply.blocks)
        after = edit(blocks, place, dice)
        exchange = reply.with_blocks(blocks)
        if not corpus.genuine(exchange):
            yield Change(reply, f"event {place}", exchange, f"of {len(reply.blocks)} events", after)


EVENT_OPERATORS: dict[str, Callable[[Corpus, random.Random], Iterator[Change]]] = {
    f"{edit.__name__}-{which.__name__}": partial(_event, which, edit)
    for edit in (drop, double, move)
    for which in (first, finishing, usage, done)
}
