"""Operators on bytes: the framing of events, the encoding, the content type, and where the body stops."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from functools import partial

from contract_tests.lab.mutation.genuine.corpus import Change, Corpus, shuffled
from contract_tests.lab.mutation.genuine.reading import DATA, DONE, GAP, Reply, knows_framing
from fake_server.wire.exchange import Aspect, Ending
from fake_server.wire.sse import BOM

Broken = tuple[str, bytes, str]
"""(where, the whole body, what it is now)."""


def single_newlines(reply: Reply, dice: random.Random) -> Broken:
    return "every event", b"".join(one + b"\n" for one in reply.blocks), "one newline behind each event"


def missing_last_blank_line(reply: Reply, dice: random.Random) -> Broken:
    size = dice.choice([1, 2])
    return "the end", reply.exchange.payload[:-size], f"{size} newlines fewer"


def prefix_lost(reply: Reply, dice: random.Random) -> Broken:
    place = dice.randrange(len(reply.blocks))
    prefix = dice.choice([b"", b"date: ", b"data ", b" data: "])
    return _one_block(reply, place, prefix + reply.blocks[place].removeprefix(DATA))


def json_split(reply: Reply, dice: random.Random) -> Broken:
    place = dice.choice([index for index, one in enumerate(reply.documents) if one is not None])
    block = reply.blocks[place]
    cut = dice.randrange(len(DATA) + 1, len(block))
    return _one_block(reply, place, block[:cut] + GAP + DATA + block[cut:])


def events_merged(reply: Reply, dice: random.Random) -> Broken:
    place = dice.randrange(len(reply.blocks) - 1)
    glue = dice.choice([b"\n" + DATA, b"", b" "])
    merged = reply.blocks[place] + glue + reply.blocks[place + 1].removeprefix(DATA)
    blocks = [*reply.blocks[:place], merged, *reply.blocks[place + 2 :]]
    return f"events {place} and {place + 1}", _joined(blocks), f"joined by {glue!r}"


def done_misspelt(reply: Reply, dice: random.Random) -> Broken:
    word = dice.choice([b'"[DONE]"', b"[done]", b"DONE", b"[DONE", b"[ DONE ]", b"{}", b""])
    return _one_block(reply, len(reply.blocks) - 1, DATA + word)


def _one_block(reply: Reply, place: int, block: bytes) -> Broken:
    blocks = [*reply.blocks[:place], block, *reply.blocks[place + 1 :]]
    return f"event {place}", _joined(blocks), f"{block[:60]!r}"


def _joined(blocks: list[bytes]) -> bytes:
    return b"".join(one + GAP for one in blocks)


def _of_streams(
    edit: Callable[[Reply, random.Random], Broken], corpus: Corpus, dice: random.Random
) -> Iterator[Change]:
    """Streams whose recording kept the framing of its events."""
    for reply in shuffled(corpus.streams, dice):
        if knows_framing(reply) and len(reply.blocks) > 1 and reply.blocks[-1] == DONE:
            where, body, after = edit(reply, dice)
            yield Change(reply, where, reply.exchange.with_payload(body), "", after)


def byte_order_mark(corpus: Corpus, dice: random.Random) -> Iterator[Change]:
    """The body begins with a byte order mark."""
    for reply in shuffled(corpus.replies, dice):
        yield _of_bytes(reply, "byte 0", BOM + reply.exchange.payload, "a byte order mark in front")


def bad_encoding(corpus: Corpus, dice: random.Random) -> Iterator[Change]:
    """A byte that UTF-8 never has stands somewhere in the body."""
    for reply in shuffled(corpus.replies, dice):
        body = reply.exchange.payload
        place = dice.randrange(len(body))
        bad = dice.choice([b"\xff", b"\xc0", b"\xfe"])
        yield _of_bytes(reply, f"byte {place}", body[:place] + bad + body[place:], f"{bad!r} put in")


def _of_bytes(reply: Reply, where: str, body: bytes, after: str) -> Change:
    """A defect in bytes the recording may have lost: from here on they count as known, before and after."""
    known = reply.exchange.but(unknown=reply.exchange.unknown - {Aspect.BODY_BYTES, Aspect.EVENT_FRAMING})
    return Change(reply, where, known.with_payload(body), "", after, original=known)


def content_type(corpus: Corpus, dice: random.Random) -> Iterator[Change]:
    """The content type is that of something else."""
    types = ("text/html", "text/plain", "application/json", "text/event-stream", "application/octet-stream")
    for reply in shuffled(corpus.replies, dice):
        exchange = reply.exchange
        before = exchange.header("content-type")
        wrong = [one for one in types if (reply.form, one) not in corpus.media_types]
        if before is None or not exchange.knows(Aspect.HEADERS):
            continue
        after = dice.choice(wrong)
        others = tuple(one for one in exchange.headers if one[0].lower() != "content-type")
        changed = exchange.but(headers=(*others, ("content-type", after)))
        yield Change(reply, "content-type", changed, before, after)


def cut(ending: Ending, corpus: Corpus, dice: random.Random) -> Iterator[Change]:
    """The body stops at any byte before its end."""
    for reply in shuffled(corpus.replies, dice):
        body = reply.exchange.payload
        place = dice.randrange(len(body))
        if ending is Ending.CLEAN and not reply.is_stream and _is_json(body[:place]):
            continue
        exchange = reply.exchange.with_payload(body[:place])
        changed = exchange.but(ending=ending, unknown=exchange.unknown - {Aspect.ENDING})
        yield Change(reply, f"byte {place}", changed, f"{len(body)} bytes", f"ends {ending.value} here")


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


FRAMING_OPERATORS: dict[str, Callable[[Corpus, random.Random], Iterator[Change]]] = {
    **{
        edit.__name__.replace("_", "-"): partial(_of_streams, edit)
        for edit in (
            single_newlines,
            missing_last_blank_line,
            prefix_lost,
            json_split,
            events_merged,
            done_misspelt,
        )
    },
    "byte-order-mark": byte_order_mark,
    "bad-encoding": bad_encoding,
    "content-type": content_type,
    "cut-clean": partial(cut, Ending.CLEAN),
    "cut-broken": partial(cut, Ending.CUT),
}
