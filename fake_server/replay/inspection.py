"""The inspector of a server that replays: which requests came, which recording answered each, or why none did."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from fake_server.access import is_from_foreign_page
from fake_server.api import errors
from fake_server.api.reply import ErrorReply
from fake_server.connection import Connection
from fake_server.inspector import copies
from fake_server.inspector.page import ROWS, accepts_html, page_headers, render_page
from fake_server.inspector.rows import shorten, summarize
from fake_server.inspector.view import draw_writes, format_seconds, usage_of
from fake_server.relay.redact import replace_known
from fake_server.relay.redact.fields import sent_credentials
from fake_server.relay.redact.patterns import is_distinctive
from fake_server.relay.redact.shown import shown_value
from fake_server.replay.matching import RecordingMatcher, error_exchange
from fake_server.wire.exchange import Aspect, Exchange, Request, Write

CONTROL = "/__fake__"
MOST, MOST_BYTES, MOST_SHOWN = 1000, 16 * 1024 * 1024, 256 * 1024
"""Requests that are held, bytes of their bodies, and bytes of a body that is shown."""
MOST_FOLLOWERS, TICK, LONGEST = 16, 0.15, 300.0
"""Pages that follow the requests, seconds between two looks, and after which a page asks anew."""
_ONE = re.compile(rf"{CONTROL}/requests/([0-9]{{1,15}})(/curl)?")
_OWN = (("cross-origin-resource-policy", "same-origin"), ("x-content-type-options", "nosniff"))


@dataclass
class Played:
    """One request, the recording or the error that answered it, and why none matched."""

    number: int
    request: Request
    exchange: Exchange
    miss: str
    began: float = field(default_factory=time.time)
    seconds: float | None = None
    clock: float = field(default_factory=time.perf_counter)

    def ended(self) -> None:
        """Note that the reply has been sent."""
        self.seconds = time.perf_counter() - self.clock

    @property
    def credentials(self) -> list[str]:
        return [value for value in sent_credentials(Exchange(self.request, None)) if is_distinctive(value)]


class Inspection:
    """The last requests of a server that replays, and the page that shows them."""

    def __init__(self, matcher: RecordingMatcher) -> None:
        self._matcher = matcher
        self._played: deque[Played] = deque()
        self._size = self._number = self.dropped = self._following = 0

    def add(self, request: Request, exchange: Exchange, miss: str) -> Played:
        """Hold a request that is being answered; the oldest leave where there are too many."""
        self._number += 1
        played = Played(self._number, request, exchange, miss)
        self._played.append(played)
        self._size += len(request.body)
        while len(self._played) > MOST or (self._size > MOST_BYTES and len(self._played) > 1):
            self._size -= len(self._played.popleft().request.body)
            self.dropped += 1
        return played

    def clear(self) -> None:
        """Forget the requests, and which recordings were played."""
        self._played.clear()
        self._size = self.dropped = 0
        self._matcher.reset()

    def is_asked(self, request: Request) -> bool:
        """Whether a request is for the inspector, not for a recording."""
        return request.path == CONTROL or request.path.startswith(f"{CONTROL}/")

    async def follow(self, client: Connection, request: Request, patience: float) -> bool:
        """Send the requests as they come, if that is what is asked, until the client leaves; False if it is not."""
        if request.target != f"{CONTROL}/events?follow=true" or request.method != "GET" or _is_foreign(request):
            return False
        if self._following >= MOST_FOLLOWERS:
            return False
        self._following += 1
        try:
            client.write(
                b"HTTP/1.1 200 OK\r\nconnection: close\r\ncache-control: no-store\r\n"
                b"x-content-type-options: nosniff\r\ncontent-type: text/event-stream; charset=utf-8\r\n\r\n"
            )
            seen: dict[int, bool] = {}
            until = time.monotonic() + LONGEST
            beat = 0.0
            while not client.lost and not client.eof and time.monotonic() < until:
                news = self._news(seen)
                beat += TICK
                if news["rows"] or not seen or beat > 15.0 or news["first"] != seen.get(0):
                    seen[0] = news["first"]
                    beat = 0.0
                    if not await client.write_in_pieces(b"data: " + _to_json(news) + b"\n\n", patience):
                        break
                await client.changed(asyncio.get_running_loop().time() + TICK)
        finally:
            self._following -= 1
        await client.close()
        return True

    def answer(self, request: Request) -> Exchange:
        """The reply to a request for the inspector."""
        if _is_foreign(request):
            return error_exchange(errors.foreign_page(request.path), request)
        path, found = request.path.rstrip("/"), _ONE.fullmatch(request.path)
        if request.method == "DELETE" and path == f"{CONTROL}/requests":
            self.clear()
            return _reply(request, b"", status=204)
        if request.method not in ("GET", "HEAD"):
            return error_exchange(errors.invalid_url(request.method, request.path), request)
        if path == CONTROL and accepts_html(_fields(request).get("accept", "")):
            return _reply(request, self._page(request).encode("utf-8", "replace"), page_headers().items())
        if path == CONTROL:
            counts = {"requests": len(self._played), "dropped": self.dropped, "missed": self._matcher.missed}
            return _reply(request, _to_json({**counts, "recordings": len(self._matcher.recordings)}))
        if path == f"{CONTROL}/requests":
            return _reply(request, _to_json({"requests": [_row(played) for played in self._played]}))
        if path == f"{CONTROL}/events":
            if "follow=true" in request.target:
                return error_exchange(ErrorReply(503, f"{MOST_FOLLOWERS} pages follow the requests already"), request)
            stream = (("content-type", "text/event-stream; charset=utf-8"),)
            return _reply(request, b"data: " + _to_json(self._news({})) + b"\n\n", stream)
        number = int(found[1]) if found else 0
        played = next((held for held in self._played if held.number == number), None)
        if found is None or played is None:
            return error_exchange(errors.invalid_url(request.method, request.path), request)
        if not found[2]:
            return _reply(request, _to_json(_serialize(played)))
        url = f"http://{_fields(request).get('host', '127.0.0.1')}{played.request.target}"
        shown = tuple(_shown(played.request))
        try:
            text = copies.to_curl(played.request.method, url, shown, played.request.body)
        except copies.TooLong as error:
            return error_exchange(ErrorReply(413, str(error)), request)
        text = replace_known(text, played.credentials)
        return _reply(request, text.encode("utf-8", "replace"), (("content-type", "text/plain; charset=utf-8"),))

    def _page(self, request: Request) -> str:
        rows = [_row(played) for played in list(self._played)[-ROWS:]]
        return render_page(
            CONTROL,
            rows,
            title="fake-server --replay",
            url=f"http://{_fields(request).get('host', '127.0.0.1')}/v1",
            space="",
            spaces=[],
            held=len(self._played),
            dropped=self.dropped,
            replay=True,
            locked=False,
        )

    def _news(self, seen: dict[int, Any]) -> dict[str, Any]:
        """The rows that are new, or whose reply is over; `seen` notes them."""
        rows = []
        for played in reversed(self._played):
            over = played.seconds is not None
            if seen.get(played.number) != over:
                seen[played.number] = over
                rows.append(_row(played))
        first = self._played[0].number if self._played else self._number + 1
        for number in [number for number in seen if 0 < number < first]:
            del seen[number]
        return {"rows": rows, "first": first, "more": False, "state": {"dropped": self.dropped, "faults": []}}


def _row(played: Played) -> dict[str, Any]:
    known, request = played.credentials, played.request
    summary = summarize(request.body)
    return {
        "id": played.number,
        "time": time.strftime("%H:%M:%S", time.localtime(played.began)),
        "method": request.method,
        "path": shorten(replace_known(request.path, known)),
        "model": replace_known(summary.model, known),
        "stream": summary.stream,
        "words": replace_known(summary.words, known),
        "status": played.exchange.status,
        "script": None if played.miss else played.exchange.label or "a recording",
        "note": "no recording" if played.miss else "",
        "miss": shorten(replace_known(played.miss, known)),
        "faults": [],
        "took": format_seconds(played.seconds),
    }


def _serialize(played: Played) -> dict[str, Any]:
    known, request, exchange = played.credentials, played.request, played.exchange
    row, reply = _row(played), exchange.payload
    writes, at = [], exchange.head_pause
    for write in exchange.writes[:500]:
        at += write.pause
        writes.append((at, len(write.data)))
    facts = [
        ("status", str(exchange.status or "no reply")),
        ("answered by", row["script"] or row["note"]),
        ("why", replace_known(played.miss, known)),
        ("ending", exchange.ending.value),
        ("usage", usage_of(reply[:MOST_SHOWN])),
        ("took", format_seconds(played.seconds) or "under way"),
    ]
    texts = [_text(data, known) for data in (request.body, reply)]
    return {
        "id": played.number,
        "method": request.method,
        "path": row["path"],
        "headers": {name: replace_known(value, known) for name, value in _shown(request)},
        "body": _value(texts[0]),
        "reply": _value(texts[1]),
        "raw": {"body": texts[0], "reply": texts[1]},
        "row": row,
        "view": {
            "facts": [fact for fact in facts if fact[1]],
            "timeline": draw_writes(writes, None, None),
            "words": "",
        },
    }


def _fields(request: Request) -> dict[str, str]:
    fields: dict[str, str] = {}
    for name, value in request.headers or ():
        name = name.lower()
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    return fields


def _shown(request: Request) -> Iterable[tuple[str, str]]:
    return [(name, shown_value(name, value)) for name, value in _fields(request).items()]


def _is_foreign(request: Request) -> bool:
    return is_from_foreign_page(request.method, _fields(request))


def _text(data: bytes, known: list[str]) -> str:
    text = replace_known(data[:MOST_SHOWN].decode("latin-1"), known).encode("latin-1").decode("utf-8", "replace")
    return text if len(data) <= MOST_SHOWN else f"{text}\n… {len(data) - MOST_SHOWN:,} bytes more"


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _to_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def _reply(
    request: Request,
    body: bytes,
    fields: Iterable[tuple[str, str]] = (("content-type", "application/json"),),
    status: int = 200,
) -> Exchange:
    names = {name for name, _ in fields}
    headers = (*fields, *((name, value) for name, value in _OWN if name not in names))
    length = () if status == 204 else (("content-length", str(len(body))),)
    writes = () if request.method == "HEAD" or not body else (Write(body),)
    return Exchange(request, status, (*headers, *length), writes, unknown=frozenset({Aspect.FRAMING}))
