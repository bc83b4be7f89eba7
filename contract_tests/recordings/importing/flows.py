"""Flow files of mitmproxy (`mitmdump -w`): a typed netstring for each flow (mitmproxy/http.py)."""

from __future__ import annotations

from typing import Any

from contract_tests.recordings.importing.endpoints import reason_to_skip
from contract_tests.recordings.importing.entry import (
    Entries,
    ImportedEntry,
    Reply,
    Skipped,
    errors_at,
    exchange_of,
    fields,
    place_of,
    require,
    target_of,
    time_of,
    wrong_type,
)
from contract_tests.recordings.importing.tnetstring import TnetstringError, pop
from contract_tests.recordings.recording import InputError
from fake_server.relay.redact import excerpt
from fake_server.wire.exchange import Aspect, Headers, Request

OLDEST = 7
"""The format of mitmproxy 5 (2019); what is read here has stayed the same up to 21 (mitmproxy 11 and 12)."""
NOTES = (
    "A flow of mitmproxy keeps whole bodies as they were coded: chunk boundaries, pauses between writes and "
    "how the connection ended are lost."
)


def entries(data: bytes, where: str, endpoint: str | None = None) -> Entries:
    """The flows of a file. Raises InputError with the byte or the flow's number."""
    position = number = 0
    while position < len(data):
        try:
            flow, position = pop(data, position)
        except TnetstringError as error:
            raise InputError(f"{where}: not a flow file of mitmproxy, or cut off: {error}") from error
        with errors_at(f"{where}: flow {number}"):
            yield _flow(flow, number, endpoint)
        number += 1


def _flow(flow: Any, number: int, endpoint: str | None) -> ImportedEntry | Skipped:
    if require(flow, "type", str) != "http":
        return Skipped(f"{flow['type'][:20]}, not HTTP")
    version = require(flow, "version", int)
    if version < OLDEST:
        raise ValueError(f"version {version} of the format; open and save it with mitmproxy 5 or newer")
    request, response = require(flow, "request", dict), flow.get("response")
    method, target = _ascii(request, "method"), target_of(_ascii(request, "path"))
    host = f"{require(request, 'host', str)}:{require(request, 'port', int)}"
    url = f"{_ascii(request, 'scheme')}://{host}{target}"
    if reason := reason_to_skip(method, target, endpoint, url):
        return Skipped(reason)
    if flow.get("websocket"):
        return Skipped("a websocket")
    if response is None:
        return Skipped(f"no reply came{_why(flow)}")
    if response.get("content", b"") is None:
        return Skipped("the body of the reply was not kept")
    reply = Reply(
        require(response, "status_code", int),
        _ascii(response, "reason"),
        _headers(response.get("headers")),
        require(response, "content", bytes),
        trailers=_headers(response.get("trailers")),
    )
    sent = request.get("content")
    if sent is None:
        reply.lost.add(Aspect.REQUEST)
    headers = _headers(request.get("headers"))
    note = NOTES + _why(flow, " mitmproxy noted: {}.")
    exchange, notes = exchange_of(Request(method, target, headers, sent or b""), reply, note)
    exchange = exchange.but(recorded=time_of(request.get("timestamp_start")))
    return ImportedEntry(exchange, f"flow {number}", notes, place_of(url))


def _ascii(holder: dict[str, Any], name: str) -> str:
    return require(holder, name, bytes).decode("latin-1")


def _headers(pairs: Any) -> Headers:
    if not isinstance(pairs, list | None):
        raise ValueError(wrong_type("'headers'", "a list", pairs))
    return fields(_as_text(pair) for pair in pairs or [])


def _as_text(pair: Any) -> Any:
    """A pair of bytes as strings; anything else as it is."""
    if not isinstance(pair, list | tuple):
        return pair
    return [part.decode("latin-1") if isinstance(part, bytes) else part for part in pair]


def _why(flow: dict[str, Any], form: str = " ({})") -> str:
    error = flow.get("error")
    return form.format(excerpt(str(error.get("msg")), 80)) if isinstance(error, dict) else ""
