"""Framing: status line, header fields, transfer, and how events and JSON are formatted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from contract_tests.diffing import events, headers
from contract_tests.diffing.difference import Difference, Kind, Side
from contract_tests.diffing.documents import documents
from contract_tests.diffing.forms import ABSENT
from contract_tests.rules.engine.view import View
from fake_server.wire.exchange import Aspect, Ending, Framing

STATUS = "status"
_FRAMINGS = {
    Framing.CHUNKED: "chunked",
    Framing.LENGTH: "content-length",
    Framing.CLOSE: "the connection closes",
    Framing.NONE: "no body",
}
_LOOKED_AT = 200_000
"""Bytes of JSON that are examined for its formatting."""
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_ESCAPED = re.compile(rb"\\u(?!00[01])[0-9a-fA-F]{4}")

Row = tuple[str, str, str]


def differences(a: Side, b: Side) -> Iterator[Difference]:
    """Every difference of framing, as far as both sides were recorded."""
    for where, text_a, text_b in _rows(a.view, b.view):
        if text_a != text_b:
            yield Difference(Kind.FRAMING, where, text_a, text_b)


def _rows(a: View, b: View) -> Iterator[Row]:
    exchange_a, exchange_b = a.exchange, b.exchange

    def known(*aspects: Aspect) -> bool:
        return exchange_a.knows(*aspects) and exchange_b.knows(*aspects)

    def both(describe: Callable[[View], str], where: str) -> Row:
        return where, describe(a), describe(b)

    yield both(lambda view: str(view.exchange.status or "none"), STATUS)
    if known(Aspect.FRAMING):
        if exchange_a.reason and exchange_b.reason and exchange_a.status == exchange_b.status:
            yield "reason phrase", exchange_a.reason, exchange_b.reason
        yield "HTTP version", exchange_a.http_version, exchange_b.http_version
        yield both(lambda view: _list(status for status, _ in view.exchange.informational), "informational")
        yield both(lambda view: _list(name for name, _ in view.exchange.trailers), "trailers")
        if exchange_a.framing and exchange_b.framing:
            yield "end of the body", _FRAMINGS[exchange_a.framing], _FRAMINGS[exchange_b.framing]
    if known(Aspect.HEADERS):
        yield from headers.compare_headers(exchange_a, exchange_b, known(Aspect.ALL_HEADERS))
    if known(Aspect.ENDING) and Ending.UNKNOWN not in (exchange_a.ending, exchange_b.ending):
        yield "ending", exchange_a.ending.value, exchange_b.ending.value
    if (a.form, b.form) == ("events", "events"):
        if known(Aspect.EVENT_FRAMING):
            forms_b = events.describe_events(b)
            yield from ((where, form, forms_b[where]) for where, form in events.describe_events(a).items())
        if known(Aspect.FRAMING) and not any(
            exchange.header("content-encoding") for exchange in (exchange_a, exchange_b)
        ):
            yield both(events.writes, "writes")
    if known(Aspect.BODY_BYTES) and documents(a) and documents(b):
        yield both(_spacing, "JSON spacing")
        if _beyond_ascii(a) and _beyond_ascii(b):
            yield both(_beyond_ascii, "letters beyond ASCII")


def _list(values: Iterable[str | int]) -> str:
    return ", ".join(map(str, values)) or ABSENT


def _spacing(view: View) -> str:
    """'compact', 'spaced' or 'over lines': the white space between JSON tokens."""
    bare = _STRING.sub(b'""', b"\0".join(_texts(view)))
    if b"\n" in bare or b"\r" in bare:
        return "over lines"
    return "spaced" if b" " in bare or b"\t" in bare else "compact"


def _beyond_ascii(view: View) -> str:
    """How letters beyond ASCII are written; '' if there are none."""
    text = b"\0".join(_texts(view))
    if not text.isascii():
        return "as they are"
    return "escaped" if _ESCAPED.search(text) else ""


def _texts(view: View) -> Iterator[bytes]:
    """The JSON texts of a reply, up to a total size."""
    if view.form == "json":
        yield view.body[:_LOOKED_AT].strip()
        return
    size = 0
    for payload in view.payloads:
        size += len(payload.text)
        if size > _LOOKED_AT:
            return
        if not payload.done:
            yield payload.text
