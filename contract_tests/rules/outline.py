"""An exchange as a report shows it: when each write came, and of some exchanges the texts, masked and then cut.

`{label, method, target, status, type, ending, problem, seconds, head, bytes, writes, number, request, reply}`:
`seconds` is the time from the request's last byte to the reply's last one, `head` that to its head in milliseconds;
both are null where no times were recorded. `bytes` is the size of the body, `number` how many writes it came in, null
where its writes are not known. `writes` are `[milliseconds after the request, bytes]`, at most MOST_WRITES: of more,
those that came within the same part of the time are one. `request` and `reply` are null, or
`{body: text, whole: whether all of it is there, fields: [[name, value]]}`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from contract_tests.rules.engine.view import View
from fake_server.relay.redact import known_values, mask_excerpt, shorten_masked
from fake_server.relay.redact.fields import clean_fields, clean_target
from fake_server.wire.exchange import Aspect, Exchange, Headers, Write
from fake_server.wire.text import shorten_middle

MOST_WRITES = 200
"""Marks on the time line of one exchange."""
MOST_REQUEST, MOST_REPLY = 3_000, 1_500
"""Characters of a body that are shown."""
MOST_PER_RULE = 2
"""Exchanges with texts for each rule that is broken: a report shows a finding in full, and others like it in a line."""
_MARGIN = 2_000
"""Bytes behind those shown that are looked at, as half a credential is not recognized."""
_MOST_FIELDS, _LONGEST_FIELD, _LONGEST_TARGET, _LONGEST_LABEL = 24, 200, 500, 300
_LARGEST_CODED = 64 * 1024
"""Bytes of a compressed body that is decoded once more, to be shown."""


@dataclass
class Room:
    """What the exchanges of one report may still take: `texts` in characters, `writes` and `exchanges` in numbers."""

    texts: int = 250_000
    writes: int = 12_000
    exchanges: int = 1_000
    rules: dict[str, int] = field(default_factory=dict)
    """How many exchanges with texts there are of each rule."""

    def wants_texts(self, rules: Iterable[str]) -> bool:
        """Whether an exchange that breaks these rules is among the first that do so; counts it."""
        new = [rule for rule in dict.fromkeys(rules) if self.rules.get(rule, 0) < MOST_PER_RULE]
        if self.texts > 0:
            self.rules |= {rule: self.rules.get(rule, 0) + 1 for rule in new}
        return bool(new) and self.texts > 0


def outline(
    exchange: Exchange, room: Room, secrets: Sequence[str] = (), *, texts: bool = False, kept: bool = True
) -> dict[str, Any] | None:
    """The exchange as a JSON object, None where there is no room. Its body is gone where it was not `kept`."""
    if room.exchanges <= 0:
        return None
    room.exchanges -= 1
    known = (*secrets, *known_values(exchange)) if texts else tuple(secrets)
    timed, cut = exchange.knows(Aspect.TIMING), kept and exchange.knows(Aspect.FRAMING, Aspect.BODY)
    times = _times(exchange)
    writes = fold(times, MOST_WRITES if room.writes > 0 else 1) if cut and timed else []
    room.writes -= len(writes)
    value: dict[str, Any] = {
        "label": exchange.label[:_LONGEST_LABEL],
        "method": exchange.request.method[:20],
        "target": shorten_middle(clean_target(exchange.request.target[: 4 * _LONGEST_TARGET], known), _LONGEST_TARGET),
        "status": exchange.status,
        "type": shorten_masked(exchange.media_type or "", _LONGEST_FIELD, known),
        "ending": exchange.ending.value,
        "problem": shorten_masked(exchange.problem, _LONGEST_FIELD, known),
        "seconds": round((times[-1][0] if times else exchange.head_pause * 1000) / 1000, 3) if timed else None,
        "head": round(exchange.head_pause * 1000, 1) if timed else None,
        "bytes": sum(size for _, size in times) if kept else None,
        "number": len(exchange.writes) if cut else None,
        "writes": writes,
        "request": _request(exchange, known) if texts and exchange.knows(Aspect.REQUEST) else None,
        "reply": _reply(exchange, known) if texts and kept and exchange.status is not None else None,
    }
    room.texts -= sum(
        len(part["body"]) + 50 * len(part["fields"]) for part in (value["request"], value["reply"]) if part
    )
    return value


def fold(times: Sequence[tuple[float, int]], most: int) -> list[list[float]]:
    """Writes as [milliseconds, bytes]; of more than `most`, those within one part of the time are one."""
    if len(times) <= most:
        return [[round(time, 1), size] for time, size in times]
    first, span = times[0][0], times[-1][0] - times[0][0]
    bins: dict[int, list[float]] = {}
    for time, size in times:
        place = min(most - 1, int((time - first) / span * most)) if span > 0 else 0
        bins.setdefault(place, [round(time, 1), 0])[1] += size
    return list(bins.values())


def _times(exchange: Exchange) -> list[tuple[float, int]]:
    """When each write came, in milliseconds after the request, and its bytes."""
    now, times = exchange.head_pause * 1000, []
    for write in exchange.writes:
        now += write.pause * 1000
        times.append((now, len(write.data)))
    return times


def _request(exchange: Exchange, known: Sequence[str]) -> dict[str, Any]:
    body = exchange.request.body
    return _text(body, len(body), MOST_REQUEST, exchange.request.headers or (), known)


def _reply(exchange: Exchange, known: Sequence[str]) -> dict[str, Any]:
    size = sum(len(write.data) for write in exchange.writes)
    body = _start(exchange.writes, MOST_REPLY + _MARGIN)
    if exchange.header("content-encoding"):
        body = View(exchange).body if size <= _LARGEST_CODED else b""
        size = len(body) if size <= _LARGEST_CODED else size
    return _text(body, size, MOST_REPLY, exchange.headers, known)


def _start(writes: Iterable[Write], most: int) -> bytes:
    start = b""
    for write in writes:
        if len(start) >= most:
            break
        start += write.data[: most - len(start)]
    return start


def _text(body: bytes, size: int, most: int, fields: Headers, known: Sequence[str]) -> dict[str, Any]:
    """A part of an exchange: masked, then cut."""
    text = mask_excerpt(body[: most + _MARGIN].decode("utf-8", "backslashreplace"), known)[:most]
    clean = clean_fields(fields[:_MOST_FIELDS], known)
    shown = [[name[:_LONGEST_FIELD], shorten_masked(value, _LONGEST_FIELD, known)] for name, value in clean]
    return {"body": text, "whole": size <= len(body) <= most and _is_utf8(body), "fields": shown}


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
