"""What was sent beside what arrived, property by property: a verdict and the fact behind it."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from contract_tests.lab.fidelity.capture import Capture, Fields

TOLERANCE = 0.08
"""Seconds by which a byte may be early or late; the shortest pause sent is longer."""


class Verdict(StrEnum):
    YES = "yes"
    PARTLY = "partly"
    NO = "no"
    NOT_SHOWN = "–"


@dataclass(frozen=True)
class Cell:
    """A verdict and the fact it rests on."""

    verdict: Verdict
    fact: str = ""


Check = Callable[[Capture, Capture], Cell]
YES = Cell(Verdict.YES)


def _no(fact: str) -> Cell:
    return Cell(Verdict.NO, fact)


def _partly(fact: str) -> Cell:
    return Cell(Verdict.PARTLY, fact)


def body(sent: Capture, received: Capture) -> Cell:
    """The payload, byte for byte; partly where a client still reads the same text from it."""
    if received.body == sent.body:
        return YES
    became = f"{len(sent.body)} bytes became {len(received.body)} others"
    if received.body and text_of(received) == text_of(sent):
        return _partly(f"{became}, the answer's text is the same")
    return _no(became)


def boundaries(sent: Capture, received: Capture) -> Cell:
    """The sizes of chunks, or of reads where the body is not chunked."""
    before, after = ([len(piece.data) for piece in reply.pieces] for reply in (sent, received))
    if before == after:
        return YES
    if len(before) == len(after):
        return _no(f"{len(before)} writes, of other sizes")
    return _no(f"{len(before)} writes became {len(after)}")


def pauses(sent: Capture, received: Capture) -> Cell:
    """When each write is complete, counted from the head; partly where only the total time is right."""
    before, after = _arrivals(sent), _arrivals(received)
    at_end = [times[max(times)] if times else 0.0 for times in (before, after)]
    if len(sent.body) == len(received.body) and all(
        abs(at - _arrival(after, offset)) <= TOLERANCE for offset, at in before.items()
    ):
        return YES
    became = f"{at_end[0]:.1f} s became {at_end[1]:.1f} s"
    if abs(at_end[0] - at_end[1]) <= TOLERANCE:
        return _partly(f"{at_end[0]:.1f} s in all, at other places")
    return _partly(became) if at_end[1] > at_end[0] / 4 else _no(became)


def event_text(sent: Capture, received: Capture) -> Cell:
    """How events are written: comments, line ends, `data:` without a space, other fields and members."""
    before, after = _traits(sent.body), _traits(received.body)
    lost = [name for name, count in before.items() if after[name] != count]
    if not lost:
        return YES
    fact = f"lost: {', '.join(lost)}"
    return _no(fact) if len(lost) == len(before) else _partly(fact)


def reason(sent: Capture, received: Capture) -> Cell:
    """The words of the status line."""
    return YES if received.reason == sent.reason else _no(f"`{sent.reason}` became `{received.reason}`")


def fields(sent: Capture, received: Capture) -> Cell:
    """Which header fields there are, and their values; case and order are other properties."""
    before, after = (Counter((name.lower(), value) for name, value in reply.headers) for reply in (sent, received))
    lost, added = (before - after).total(), (after - before).total()
    if not lost + added:
        return YES
    preserved = before.total() - lost
    fact = f"{lost} of {before.total()} lost, {added} added"
    return _partly(fact) if preserved > before.total() / 2 else _no(fact)


def order(sent: Capture, received: Capture) -> Cell:
    """The order of header names by their first use; partly where the names that arrived are in that order."""
    before, after = (list(dict.fromkeys(_names(reply.headers))) for reply in (sent, received))
    if before == after:
        return YES
    common = set(before) & set(after)
    if [name for name in before if name in common] != [name for name in after if name in common]:
        return _no("alphabetical" if after == sorted(after) else "other order")
    return _partly(f"that of {len(common)} names which are left")


def case(sent: Capture, received: Capture) -> Cell:
    """How header names are spelled."""
    before, after = ([name for name, _ in reply.headers] for reply in (sent, received))
    changed = [name for name in before if name not in after]
    if not changed:
        return YES
    became = next((name for name in after if name.lower() == changed[0].lower()), "nothing")
    return _no(f"{len(changed)} of {len(before)} differ: `{changed[0]}` became `{became}`")


def duplicates(sent: Capture, received: Capture) -> Cell:
    """Repeated names stay separate fields, in their places."""
    twice = [name for name, count in Counter(_names(sent.headers)).items() if count > 1]
    for name in twice:
        before, after = (
            [(place, value) for place, (field, value) in enumerate(reply.headers) if field.lower() == name]
            for reply in (sent, received)
        )
        if [value for _, value in before] != [value for _, value in after]:
            return _no(f"{len(before)} fields `{name}` became {len(after)}")
        if _gap(before) != _gap(after):
            return _partly(f"both fields `{name}` side by side")
    return YES


def informational(sent: Capture, received: Capture) -> Cell:
    """1xx heads before the reply, with their fields."""
    if received.informational == sent.informational:
        return YES
    codes = [str(status) for status, _ in received.informational]
    return _partly(f"{', '.join(codes)} with other fields") if codes else _no("dropped")


def trailers(sent: Capture, received: Capture) -> Cell:
    """Fields after the last chunk."""
    if received.trailers == sent.trailers:
        return YES
    return _no(f"{len(sent.trailers)} became {len(received.trailers)}")


def ending(sent: Capture, received: Capture) -> Cell:
    """A reply that breaks off breaks off again, after the same bytes."""
    if received.whole:
        return _no("ends as if it were whole")
    if received.body == sent.body:
        return YES
    return _partly(f"cut after {len(received.body)} bytes, not {len(sent.body)}")


def content_coding(sent: Capture, received: Capture) -> Cell:
    """A compressed body stays as it was compressed, and the head says so."""
    if _value(sent, "content-encoding") is None:
        return _no("the server was asked for a plain body")
    if received.body == sent.body and _value(received, "content-encoding") == _value(sent, "content-encoding"):
        return YES
    plain = gzip.decompress(sent.body)
    if _decode(received) == plain:
        return _partly("decompressed" if received.body == plain else "recompressed")
    return _no(f"plain, {len(plain)} bytes became {len(_decode(received))} others")


def error(sent: Capture, received: Capture) -> Cell:
    """Status, retry headers and body of an error."""
    lost = [name for name in ("retry-after", "x-should-retry") if _value(received, name) != _value(sent, name)]
    lost += ["the body's bytes"] if received.body != sent.body else []
    return _partly(f"status {received.status}; lost: {', '.join(lost)}") if lost else YES


def passed_on(sent: Capture, received: Capture) -> Cell:
    """The client gets each write as soon as it is sent."""
    return YES if pauses(sent, received) == YES else _no(f"held back: {pauses(sent, received).fact}")


def text_of(reply: Capture) -> str:
    """The text that a client reads from a chat reply, streamed or not."""
    events = re.findall(rb"^data: ?(.*?)\r?$", reply.body, re.MULTILINE) or [reply.body]
    return "".join(_contents(events))


def _contents(documents: list[bytes]) -> Iterator[str]:
    for document in documents:
        try:
            for choice in json.loads(document).get("choices", ()):
                yield (choice.get("delta") or choice.get("message") or {}).get("content") or ""
        except (ValueError, AttributeError, TypeError):
            continue


def _traits(body: bytes) -> dict[str, object]:
    """The ways in which an event stream is written that can get lost: name -> a value to compare."""
    lines = re.findall(rb"([^\r\n]*)(\r\n|\n|\r)", body)
    ends = [end for end, _ in groupby(end for _, end in lines)]
    first = [line for line, _ in lines]
    return {
        "comments": [line for line in first if line.startswith(b":")],
        "line ends": ends,
        "`data:` without a space": sum(bool(re.match(rb"data:[^ ]", line)) for line in first),
        "`event`, `id` and `retry`": [line for line in first if re.match(rb"event|id|retry", line)],
        "members of its own": body.count(b'"x_extra"'),
        "the error after `stop`": body.count(b'"error"'),
    }


def _arrivals(reply: Capture) -> dict[int, float]:
    """Payload offset -> seconds from the head until all bytes before it were there."""
    arrivals, offset = {}, 0
    for piece in reply.pieces:
        offset += len(piece.data)
        arrivals[offset] = piece.at - reply.head_at
    return arrivals


def _arrival(arrivals: dict[int, float], offset: int) -> float:
    return min((at for end, at in arrivals.items() if end >= offset), default=float("inf"))


def _names(headers: Fields) -> list[str]:
    return [name.lower() for name, _ in headers]


def _gap(places: list[tuple[int, str]]) -> int:
    return places[-1][0] - places[0][0]


def _value(reply: Capture, name: str) -> str | None:
    return next((value for field, value in reply.headers if field.lower() == name), None)


def _decode(reply: Capture) -> bytes:
    if _value(reply, "content-encoding") != "gzip":
        return reply.body
    try:
        return gzip.decompress(reply.body)
    except (OSError, EOFError, zlib.error):
        return b""
