"""Operators on bytes: the framing of events, the encoding, the content type, and where the body stops.

Each takes a reply and dice, and returns a Change, or None where the reply has nothing to change.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial

from contract_tests.lab.mutation.operators.kind import Change, Operator
from contract_tests.lab.mutation.reply import DATA, DONE, GAP, Reply
from fake_server.wire.exchange import Aspect, Ending
from fake_server.wire.jsontext import is_json
from fake_server.wire.sse import BOM

TYPES = ("text/html", "text/plain", "application/json", "text/event-stream", "application/octet-stream")

Broken = tuple[str, bytes, str]
"""(where, the whole body, what it is now)."""


def single_newlines(reply: Reply, dice: random.Random) -> Broken:
    return "every event", b"".join(block + b"\n" for block in reply.blocks), "one newline behind each event"


def missing_last_blank_line(reply: Reply, dice: random.Random) -> Broken:
    size = dice.choice([1, 2])
    return "the end", reply.exchange.payload[:-size], f"{size} newlines fewer"


def prefix_lost(reply: Reply, dice: random.Random) -> Broken:
    place = dice.randrange(len(reply.blocks))
    prefix = dice.choice([b"", b"date: ", b"data ", b" data: "])
    return _with_block(reply, place, prefix + reply.blocks[place].removeprefix(DATA))


def json_split(reply: Reply, dice: random.Random) -> Broken:
    place = dice.choice([index for index, document in enumerate(reply.documents) if document is not None])
    block = reply.blocks[place]
    cut = dice.randrange(len(DATA) + 1, len(block))
    return _with_block(reply, place, block[:cut] + GAP + DATA + block[cut:])


def events_merged(reply: Reply, dice: random.Random) -> Broken:
    place = dice.randrange(len(reply.blocks) - 1)
    glue = dice.choice([b"\n" + DATA, b"", b" "])
    merged = reply.blocks[place] + glue + reply.blocks[place + 1].removeprefix(DATA)
    blocks = [*reply.blocks[:place], merged, *reply.blocks[place + 2 :]]
    return f"events {place} and {place + 1}", _join(blocks), f"joined by {glue!r}"


def done_misspelt(reply: Reply, dice: random.Random) -> Broken:
    word = dice.choice([b'"[DONE]"', b"[done]", b"DONE", b"[DONE", b"[ DONE ]", b"{}", b""])
    return _with_block(reply, len(reply.blocks) - 1, DATA + word)


def _with_block(reply: Reply, place: int, block: bytes) -> Broken:
    blocks = [*reply.blocks[:place], block, *reply.blocks[place + 1 :]]
    return f"event {place}", _join(blocks), f"{block[:60]!r}"


def _join(blocks: Sequence[bytes]) -> bytes:
    return b"".join(block + GAP for block in blocks)


def _of_stream(edit: Callable[[Reply, random.Random], Broken], reply: Reply, dice: random.Random) -> Change | None:
    """A stream whose recording kept the framing of its events."""
    if not reply.exchange.knows(Aspect.EVENT_FRAMING) or len(reply.blocks) < 2 or reply.blocks[-1] != DONE:
        return None
    where, body, after = edit(reply, dice)
    return Change(where, reply.exchange.with_payload(body), "", after)


def byte_order_mark(reply: Reply, dice: random.Random) -> Change:
    """The body begins with a byte order mark."""
    return _with_bytes(reply, "byte 0", BOM + reply.exchange.payload, "a byte order mark in front")


def bad_encoding(reply: Reply, dice: random.Random) -> Change:
    """A byte that UTF-8 never has stands somewhere in the body."""
    body = reply.exchange.payload
    place = dice.randrange(len(body))
    bad = dice.choice([b"\xff", b"\xc0", b"\xfe"])
    return _with_bytes(reply, f"byte {place}", body[:place] + bad + body[place:], f"{bad!r} put in")


def _with_bytes(reply: Reply, where: str, body: bytes, after: str) -> Change:
    """A change in bytes the recording may have lost: they count as known, before and after."""
    known = reply.exchange.but(unknown=reply.exchange.unknown - {Aspect.BODY_BYTES, Aspect.EVENT_FRAMING})
    return Change(where, known.with_payload(body), "", after, known)


def content_type(reply: Reply, dice: random.Random) -> Change | None:
    """The content type is that of something else."""
    exchange = reply.exchange
    before = exchange.header("content-type")
    if before is None or not exchange.knows(Aspect.HEADERS):
        return None
    after = dice.choice([other for other in TYPES if other != exchange.media_type])
    others = tuple(field for field in exchange.headers if field[0].lower() != "content-type")
    changed = exchange.but(headers=(*others, ("content-type", after)))
    return Change("content-type", changed, before, after)


def cut(ending: Ending, reply: Reply, dice: random.Random) -> Change | None:
    """The body stops at any byte before its end."""
    exchange, body = reply.exchange, reply.exchange.payload
    place = dice.randrange(len(body))
    if ending is Ending.CLEAN and not reply.is_stream and is_json(body[:place]):
        return None
    changed = exchange.with_payload(body[:place]).but(ending=ending, unknown=exchange.unknown - {Aspect.ENDING})
    return Change(f"byte {place}", changed, f"{len(body)} bytes", f"ends {ending.value} here")


FRAMING: dict[str, Operator] = {
    **{
        edit.__name__.replace("_", "-"): partial(_of_stream, edit)
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
