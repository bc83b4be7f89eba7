"""Passes over bytes that are neither JSON nor events, and over raw replies that no value can tell."""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise

from contract_tests.rules.engine.view import View
from contract_tests.shrinking.editing import body_of, edited
from contract_tests.shrinking.search import Search, reduce
from fake_server.wire.capture import ReplyCapture
from fake_server.wire.exchange import Ending, Exchange

READABLE = 80
"""Bytes of a page or of garbage that need not be cut: they still say what it is."""
_PIECES = 64
_BLOCK = 16


def fewer_bytes(search: Search) -> None:
    """No line and, where much is left, no run of bytes that the fault does not need in a formless body."""
    best = search.best
    view = View(best)
    if view.form == "events" or (view.form == "json" and view.document.ok):
        return
    for cut in (_lines, _runs):
        body = body_of(search.best)
        if len(body) > READABLE:
            _fewer(search, search.best, cut(body))


def _fewer(search: Search, best: Exchange, parts: list[tuple[int, int]]) -> None:
    def test(kept: Collection[tuple[int, int]]) -> bool:
        gone = set(parts).difference(kept)
        return search.accepts(edited(best, [(start, stop, b"") for start, stop in sorted(gone)]))

    reduce(parts, test)


def _lines(body: bytes) -> list[tuple[int, int]]:
    found, start = [], 0
    for line in body.splitlines(keepends=True):
        found.append((start, start + len(line)))
        start += len(line)
    return found


def _runs(body: bytes) -> list[tuple[int, int]]:
    """Equal runs that end where a UTF-8 character does."""
    size = max(_BLOCK, len(body) // _PIECES)
    cuts = [0]
    while cuts[-1] < len(body):
        stop = min(len(body), cuts[-1] + size)
        while stop < len(body) and body[stop] & 0xC0 == 0x80:
            stop += 1
        cuts.append(stop)
    return list(pairwise(cuts))


def fewer_raw_lines(search: Search) -> None:
    """No line of a raw reply that the fault does not need; each candidate is read anew from its bytes."""
    best = search.best
    if not best.raw:
        return
    raw = b"".join(write.data for write in best.raw)
    parts = _lines(raw)
    if search.accepts(_read(best, raw)) and len(parts) <= READABLE * _PIECES:
        reduce(parts, lambda kept: search.accepts(_read(best, b"".join(raw[a:b] for a, b in kept))))


def _read(exchange: Exchange, raw: bytes) -> Exchange:
    """What a recorder would have kept of these bytes, ended as the exchange did."""
    reply = ReplyCapture(exchange.request, label=exchange.label, keep_raw=True)
    reply.feed(raw)
    match exchange.ending:
        case Ending.CLEAN | Ending.CUT | Ending.UNKNOWN | Ending.MALFORMED:
            reply.eof()
        case Ending.RESET:
            reply.reset()
        case other:
            reply.stop(other, exchange.problem)
    return reply.exchange.but(unknown=exchange.unknown)
