"""Two replies compared: shape, order, framing and timing, each where both sides know it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from contract_tests.diffing import framing, order, shape, timing
from contract_tests.diffing.difference import Comparison, Difference, Kind, Side
from contract_tests.diffing.documents import CHUNK, DICT, as_merged, body_kind, documents, merge_chunks
from contract_tests.diffing.sdk_types import types_of
from contract_tests.diffing.verdicts import Opinion, decide
from contract_tests.rules.engine.view import View
from fake_server.wire.exchange import Aspect

_ASPECTS = {
    Aspect.HEADERS: (Kind.FRAMING, "header fields"),
    Aspect.ALL_HEADERS: (Kind.FRAMING, "which header fields there are"),
    Aspect.FRAMING: (Kind.FRAMING, "status line, transfer and writes"),
    Aspect.ENDING: (Kind.FRAMING, "the ending"),
    Aspect.EVENT_FRAMING: (Kind.FRAMING, "how events are written"),
    Aspect.BODY_BYTES: (Kind.ORDER, "how JSON is written"),
    Aspect.TIMING: (Kind.TIMING, "times"),
}
EVERY_KIND = tuple(Kind)
MERGED = "merged: "
"""Before a path in the message that a stream's chunks make together."""


def compare(a: Side, b: Side, only: Collection[Kind] = EVERY_KIND) -> Comparison:
    """What differs between two replies; never raises, whatever they hold."""
    found: list[Difference] = []
    if Kind.SHAPE in only:
        found += _shape(a, b)
    if Kind.ORDER in only:
        found += _order(a, b)
    if Kind.FRAMING in only:
        found += framing.differences(a, b)
    if Kind.TIMING in only and _timed(a) and _timed(b):
        found += timing.differences(a, b)
    return Comparison(a.label, b.label, tuple(found), tuple(_unknown(a, b, only)))


def _timed(side: Side) -> bool:
    return timing.knows_times(side.view.exchange)


def _unknown(a: Side, b: Side, only: Collection[Kind]) -> Iterator[str]:
    """What could not be compared, with whose recording does not tell."""
    lacking: dict[str, list[str]] = {}
    for aspect, (kind, words) in _ASPECTS.items():
        missing = [
            name
            for name, side in (("A", a), ("B", b))
            if not side.view.knows(aspect) or (aspect is Aspect.TIMING and not _timed(side))
        ]
        if kind in only and missing:
            lacking.setdefault(" and ".join(missing), []).append(words)
    for who, what in lacking.items():
        yield f"{', '.join(what)} ({who} {'do' if ' ' in who else 'does'} not tell)"


def _shape(a: Side, b: Side) -> Iterator[Difference]:
    what_a, what_b = body_kind(a.view), body_kind(b.view)
    one, other = documents(a.view), documents(b.view)
    if what_a != what_b:
        yield _whole(a, what_a, b, what_b)
        yield from _across(a, b)
        return
    seen: set[str] = set()
    model_a, model_b = (side.view.request["model"].text for side in (a, b))
    named = bool(model_a and model_b)
    for name in one:
        if name in other:
            types = types_of(a.view, name)
            of_a = shape.read(one[name], types, model_a if named else None)
            of_b = shape.read(other[name], types, model_b if named else None)
            prefix = "" if name in (CHUNK, DICT, "error") else f"{name}: "
            for found in shape.differences(a, of_a, b, of_b, prefix):
                seen.add(found.where)
                yield found
    yield from _counts(a, b)
    if one.get(CHUNK) and other.get(CHUNK):
        for found in _merged(a, b):
            if found.where.removeprefix(MERGED).replace(".message", ".delta") not in seen:
                yield found


def _whole(a: Side, what_a: str, b: Side, what_b: str) -> Difference:
    """Bodies that are different things altogether: events and an object, an object and no JSON."""
    verdict = None
    if a.view.ok is b.view.ok:  # else it is the status that says whose doing it is
        of_a, of_b = _of_whole(a.view, what_a), _of_whole(b.view, what_b)
        verdict = decide(a.role, of_a, b.role, of_b) if of_a and of_b else None
    return Difference(Kind.SHAPE, "the body", what_a, what_b, verdict)


def _of_whole(view: View, what: str) -> Opinion | None:
    """Whether the body is what the request asked for; a refusal always is, as far as its form goes."""
    if not view.knows(Aspect.REQUEST):
        return None
    fitting = "event stream" if view.wants_stream else "JSON object"
    return Opinion.KNOWN if what in (fitting, "error object") else Opinion.WRONG


def _merged(a: Side, b: Side) -> Iterator[Difference]:
    """What two streams say once their chunks are put together."""
    yield from _dicts(a, merge_chunks(a.view), b, merge_chunks(b.view))


def _across(a: Side, b: Side) -> Iterator[Difference]:
    """A dict and a stream: what the dict says and what the stream says, put together."""
    told = []
    for view in (a.view, b.view):
        if view.form == "events" and view.chunks:
            told.append(merge_chunks(view))
            continue
        value = view.document.value if view.form == "json" else None
        if isinstance(value, dict) and "choices" in value:
            told.append(as_merged(value))
    if len(told) == 2:
        yield from _dicts(a, told[0], b, told[1])


def _dicts(a: Side, one: object, b: Side, other: object) -> Iterator[Difference]:
    types = types_of(a.view, DICT)
    yield from shape.differences(a, shape.read([one], types), b, shape.read([other], types), MERGED)


def _counts(a: Side, b: Side) -> Iterator[Difference]:
    """How many choices there are, which the request says."""
    one, other = (_choices(side.view) for side in (a, b))
    if one != other and None not in (one, other):
        yield Difference(Kind.SHAPE, "number of choices", str(one), str(other))


def _choices(view: View) -> int | None:
    if view.form == "events":
        return len(view.streamed) if view.chunks else None
    choices = view.root["choices"]
    return len(choices.value) if choices.kind == "array" else None


def _order(a: Side, b: Side) -> Iterator[Difference]:
    if (a.view.form, b.view.form) == ("events", "events"):
        yield from order.sequence_differences(a, b)
    if a.view.knows(Aspect.BODY_BYTES) and b.view.knows(Aspect.BODY_BYTES):
        yield from order.member_differences(a, b)
