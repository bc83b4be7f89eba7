"""What was sent beside what arrived, property by property: kept, partly kept or lost, and by what fact."""

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

from contract_tests.lab.fidelity.seen import Fields, Seen

TOLERANCE = 0.08
"""Seconds that a byte may come too early or too late; the shortest pause sent is longer."""


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


Check = Callable[[Seen, Seen], Cell]
YES = Cell(Verdict.YES)


def _no(fact: str) -> Cell:
    return Cell(Verdict.NO, fact)


def _partly(fact: str) -> Cell:
    return Cell(Verdict.PARTLY, fact)


def body(sent: Seen, got: Seen) -> Cell:
    """The payload, byte for byte; partly where a client still reads the same text out of it."""
    if got.body == sent.body:
        return YES
    became = f"{len(sent.body)} bytes became {len(got.body)} others"
    if got.body and text_of(got) == text_of(sent):
        return _partly(f"{became}, the answer's text is the same")
    return _no(became)


def boundaries(sent: Seen, got: Seen) -> Cell:
    """The sizes of chunks, or of reads where the body is not chunked."""
    before, after = ([len(piece.data) for piece in seen.pieces] for seen in (sent, got))
    if before == after:
        return YES
    if len(before) == len(after):
        return _no(f"{len(before)} writes, of other sizes")
    return _no(f"{len(before)} writes became {len(after)}")


def pauses(sent: Seen, got: Seen) -> Cell:
    """When each write is complete, counted from the head; partly where only the whole time is kept."""
    before, after = _arrivals(sent), _arrivals(got)
    at_end = [times[max(times)] if times else 0.0 for times in (before, after)]
    if len(sent.body) == len(got.body) and all(
        abs(at - _arrival(after, offset)) <= TOLERANCE for offset, at in before.items()
    ):
        return YES
    became = f"{at_end[0]:.1f} s became {at_end[1]:.1f} s"
    if abs(at_end[0] - at_end[1]) <= TOLERANCE:
        return _partly(f"{at_end[0]:.1f} s in all, at other places")
    return _partly(became) if at_end[1] > at_end[0] / 4 else _no(became)


def event_text(sent: Seen, got: Seen) -> Cell:
    """How events are written: comments, line ends, `data:` without a space, other fields and members."""
    before, after = _traits(sent.body), _traits(got.body)
    lost = [name for name, count in before.items() if after[name] != count]
    if not lost:
        return YES
    fact = f"lost: {', '.join(lost)}"
    return _no(fact) if len(lost) == len(before) else _partly(fact)


def reason(sent: Seen, got: Seen) -> Cell:
    """The words of the status line."""
    return YES if got.reason == sent.reason else _no(f"`{sent.reason}` became `{got.reason}`")


def fields(sent: Seen, got: Seen) -> Cell:
    """Which header fields there are, and their values; case and order are other properties."""
    before, after = (Counter((name.lower(), value) for name, value in one.headers) for one in (sent, got))
    lost, added = (before - after).total(), (after - before).total()
    if not lost + added:
        return YES
    kept = before.total() - lost
    fact = f"{lost} of {before.total()} lost, {added} added"
    return _partly(fact) if kept > before.total() / 2 else _no(fact)


def order(sent: Seen, got: Seen) -> Cell:
    """The order in which header names come first; partly where those that arrived keep it."""
    before, after = (list(dict.fromkeys(_names(seen.headers))) for seen in (sent, got))
    if before == after:
        return YES
    common = set(before) & set(after)
    if [name for name in before if name in common] != [name for name in after if name in common]:
        return _no("alphabetical" if after == sorted(after) else "other order")
    return _partly(f"that of {len(common)} names which are left")


def case(sent: Seen, got: Seen) -> Cell:
    """How header names are spelled."""
    before, after = ([name for name, _ in seen.headers] for seen in (sent, got))
    changed = [name for name in before if name not in after]
    if not changed:
        return YES
    became = next((name for name in after if name.lower() == changed[0].lower()), "nothing")
    return _no(f"{len(changed)} of {len(before)} differ: `{changed[0]}` became `{became}`")


def duplicates(sent: Seen, got: Seen) -> Cell:
    """Names that come more than once stay separate fields, where they were."""
    twice = [name for name, count in Counter(_names(sent.headers)).items() if count > 1]
    for name in twice:
        before, after = (
            [(place, value) for place, (one, value) in enumerate(seen.headers) if one.lower() == name]
            for seen in (sent, got)
        )
        if [value for _, value in before] != [value for _, value in after]:
            return _no(f"{len(before)} fields `{name}` became {len(after)}")
        if _gap(before) != _gap(after):
            return _partly(f"both fields `{name}` side by side")
    return YES


def informational(sent: Seen, got: Seen) -> Cell:
    """1xx heads before the reply, with their fields."""
    if got.informational == sent.informational:
        return YES
    codes = [str(status) for status, _ in got.informational]
    return _partly(f"{', '.join(codes)} with other fields") if codes else _no("dropped")


def trailers(sent: Seen, got: Seen) -> Cell:
    """Fields after the last chunk."""
    if got.trailers == sent.trailers:
        return YES
    return _no(f"{len(sent.trailers)} became {len(got.trailers)}")


def ending(sent: Seen, got: Seen) -> Cell:
    """A reply that breaks off breaks off again, after the same bytes."""
    if got.whole:
        return _no("ends as if it were whole")
    if got.body == sent.body:
        return YES
    return _partly(f"cut after {len(got.body)} bytes, not {len(sent.body)}")


def coded(sent: Seen, got: Seen) -> Cell:
    """A compressed body stays as it was compressed, and the head says so."""
    if _value(sent, "content-encoding") is None:
        return _no("the server was asked for a plain body")
    if got.body == sent.body and _value(got, "content-encoding") == _value(sent, "content-encoding"):
        return YES
    plain = gzip.decompress(sent.body)
    if _decoded(got) == plain:
        return _partly("decompressed" if got.body == plain else "compressed anew")
    return _no(f"plain, {len(plain)} bytes became {len(_decoded(got))} others")


def error(sent: Seen, got: Seen) -> Cell:
    """Status, retry headers and body of an error."""
    lost = [name for name in ("retry-after", "x-should-retry") if _value(got, name) != _value(sent, name)]
    lost += ["the body's bytes"] if got.body != sent.body else []
    return _partly(f"status {got.status}; lost: {', '.join(lost)}") if lost else YES


def passed_on(sent: Seen, got: Seen) -> Cell:
    """The client gets each write when it is sent."""
    return YES if pauses(sent, got) == YES else _no(f"held back: {pauses(sent, got).fact}")


def text_of(seen: Seen) -> str:
    """The text that a client reads out of a chat answer, streamed or not."""
    events = re.findall(rb"^data: ?(.*?)\r?$", seen.body, re.MULTILINE) or [seen.body]
    return "".join(_contents(events))


def _contents(documents: list[bytes]) -> Iterator[str]:
    for document in documents:
        try:
            for choice in json.loads(document).get("choices", ()):
                yield (choice.get("delta") or choice.get("message") or {}).get("content") or ""
        except (ValueError, AttributeError, TypeError):
            continue


def _traits(body: bytes) -> dict[str, object]:
    """What can be lost of an event stream's writing, each as something to compare."""
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


def _arrivals(seen: Seen) -> dict[int, float]:
    """Payload offset -> seconds from the head until all bytes before it were there."""
    found, offset = {}, 0
    for piece in seen.pieces:
        offset += len(piece.data)
        found[offset] = piece.at - seen.head_at
    return found


def _arrival(arrivals: dict[int, float], offset: int) -> float:
    return min((at for end, at in arrivals.items() if end >= offset), default=float("inf"))


def _names(headers: Fields) -> list[str]:
    return [name.lower() for name, _ in headers]


def _gap(places: list[tuple[int, str]]) -> int:
    return places[-1][0] - places[0][0]


def _value(seen: Seen, name: str) -> str | None:
    return next((value for one, value in seen.headers if one.lower() == name), None)


def _decoded(seen: Seen) -> bytes:
    if _value(seen, "content-encoding") != "gzip":
        return seen.body
    try:
        return gzip.decompress(seen.body)
    except (OSError, EOFError, zlib.error):
        return b""
