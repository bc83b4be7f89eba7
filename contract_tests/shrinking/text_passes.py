"""Passes over bodies that are neither JSON nor events, and over raw replies that values cannot express."""

from __future__ import annotations

from itertools import pairwise

from contract_tests.rules.engine.view import View
from contract_tests.shrinking.editing import decoded_body
from contract_tests.shrinking.search import Search, reduce, reduce_slices
from contract_tests.shrinking.spans import Slice, line_spans
from fake_server.wire.capture import ReplyCapture
from fake_server.wire.exchange import Ending, Exchange

READABLE = 80
"""Bytes up to which an HTML page or garbage stays whole, so that a reader sees what it is."""
_PIECES = 64
_BLOCK = 16


def reduce_bytes(search: Search) -> None:
    """Remove lines, and then runs of bytes, that the fault does not need in a body without structure."""
    best = search.best
    view = View(best)
    if view.form == "events" or (view.form == "json" and view.document.ok):
        return
    for cut in (line_spans, _runs):
        body = decoded_body(search.best)
        if len(body) > READABLE:
            reduce_slices(search, cut(body))


def _runs(body: bytes) -> list[Slice]:
    """Runs of equal length, extended to the end of a UTF-8 character."""
    size = max(_BLOCK, len(body) // _PIECES)
    cuts = [0]
    while cuts[-1] < len(body):
        stop = min(len(body), cuts[-1] + size)
        while stop < len(body) and body[stop] & 0xC0 == 0x80:  # a continuation byte: 10xxxxxx
            stop += 1
        cuts.append(stop)
    return list(pairwise(cuts))


def reduce_raw_lines(search: Search) -> None:
    """Remove lines of a raw reply that the fault does not need; each candidate is captured from its bytes."""
    best = search.best
    if not best.raw:
        return
    raw = b"".join(write.data for write in best.raw)
    parts = line_spans(raw)
    if search.accepts(_recapture(best, raw)) and len(parts) <= READABLE * _PIECES:
        reduce(parts, lambda needed: search.accepts(_recapture(best, b"".join(raw[a:b] for a, b in needed))))


def _recapture(exchange: Exchange, raw: bytes) -> Exchange:
    """What a recorder would have captured of these bytes, with the ending of the exchange."""
    reply = ReplyCapture(exchange.request, label=exchange.label, keep_raw=True)
    reply.feed(raw)
    # Fewer bytes may no longer be malformed: then the connection simply ends after them.
    malformed = exchange.ending is Ending.MALFORMED
    reply.end(Ending.CUT if malformed else exchange.ending, exchange.problem)
    return reply.exchange.but(unknown=exchange.unknown)
