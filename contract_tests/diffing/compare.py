"""Compares two replies: shape, order, framing and timing, as far as both were recorded."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from contract_tests.diffing import framing, order, shape, timing
from contract_tests.diffing.answers import compare_answers, one_refuses
from contract_tests.diffing.difference import Comparison, Difference, Kind, Side
from contract_tests.diffing.documents import CHUNK, DICT, body_kind, documents, merge_chunks, merged_document
from contract_tests.diffing.rules_say import THE_BODY, RulesOnSide, apply_rules
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
MERGED = "merged: "
"""Prefix of a path in the message that the chunks of a stream form together."""


def compare(a: Side, b: Side, only: Collection[Kind] = tuple(Kind)) -> Comparison:
    """The differences between two replies. Never raises, whatever the replies hold.

    Where one is a refusal, that and the status are all: the rest follows from it.
    """
    if one_refuses(a, b):
        status = [row for row in framing.differences(a, b) if row.where == framing.STATUS]
        told = [row for row in (compare_answers(a, b), *status) if row.kind in only]
        return Comparison(a.label, b.label, tuple(told))
    ways = {
        Kind.SHAPE: _shape,
        Kind.ORDER: order.differences,
        Kind.FRAMING: framing.differences,
        Kind.TIMING: timing.differences,
    }
    differences = [difference for kind, way in ways.items() if kind in only for difference in way(a, b)]
    if any(difference.kind is Kind.SHAPE for difference in differences):
        differences = apply_rules(differences, RulesOnSide(a), RulesOnSide(b))
    return Comparison(a.label, b.label, tuple(differences), tuple(_unknown(a, b, only)))


def _unknown(a: Side, b: Side, only: Collection[Kind]) -> Iterator[str]:
    """What could not be compared, and in which recording it is missing."""
    lacking: dict[str, list[str]] = {}
    for aspect, (kind, words) in _ASPECTS.items():
        missing = [
            name
            for name, side in (("A", a), ("B", b))
            if not side.view.knows(aspect) or (aspect is Aspect.TIMING and not timing.knows_times(side))
        ]
        if kind in only and missing:
            lacking.setdefault(" and ".join(missing), []).append(words)
    for who, what in lacking.items():
        yield f"{', '.join(what)} (not recorded in {who})"


def _shape(a: Side, b: Side) -> Iterator[Difference]:
    what_a, what_b = body_kind(a.view), body_kind(b.view)
    documents_a, documents_b = documents(a.view), documents(b.view)
    if what_a != what_b:
        yield _whole(a, what_a, b, what_b)
        yield from _across(a, b)
        return
    seen: set[str] = set()
    model_a, model_b = (side.view.request["model"].text for side in (a, b))
    named = bool(model_a and model_b)
    for name in documents_a:
        if name in documents_b:
            types = types_of(a.view, name)
            of_a = shape.read(documents_a[name], types, model_a if named else None)
            of_b = shape.read(documents_b[name], types, model_b if named else None)
            prefix = "" if name in (CHUNK, DICT, "error") else f"{name}: "
            for difference in shape.differences(a, of_a, b, of_b, prefix):
                seen.add(difference.where)
                yield difference
    yield from _counts(a, b)
    if documents_a.get(CHUNK) and documents_b.get(CHUNK):
        for difference in _dicts(a, merge_chunks(a.view), b, merge_chunks(b.view)):
            if difference.where.removeprefix(MERGED).replace(".message", ".delta") not in seen:
                yield difference


def _whole(a: Side, what_a: str, b: Side, what_b: str) -> Difference:
    """Bodies of different kinds: events and an object, an object and something that is not JSON."""
    of_a, of_b = _of_whole(a.view, what_a), _of_whole(b.view, what_b)
    verdict = decide(a.role, of_a, b.role, of_b) if of_a and of_b and a.view.ok is b.view.ok else None
    return Difference(Kind.SHAPE, THE_BODY, what_a, what_b, verdict)


def _of_whole(view: View, what: str) -> Opinion | None:
    """Whether the body has the form that was requested; an error object always does."""
    if not view.knows(Aspect.REQUEST):
        return None
    fitting = "event stream" if view.wants_stream else "JSON object"
    return Opinion.KNOWN if what in (fitting, "error object") else Opinion.WRONG


def _across(a: Side, b: Side) -> Iterator[Difference]:
    """A dict and a stream: what the dict says and what the stream says, put together."""
    document_a, document_b = merged_document(a.view), merged_document(b.view)
    if document_a is not None and document_b is not None:
        yield from _dicts(a, document_a, b, document_b)


def _dicts(a: Side, document_a: object, b: Side, document_b: object) -> Iterator[Difference]:
    types = types_of(a.view, DICT)
    yield from shape.differences(a, shape.read([document_a], types), b, shape.read([document_b], types), MERGED)


def _counts(a: Side, b: Side) -> Iterator[Difference]:
    """How many choices there are, which the request says."""
    number_a, number_b = (_choices(side.view) for side in (a, b))
    if number_a != number_b and None not in (number_a, number_b):
        yield Difference(Kind.SHAPE, "number of choices", str(number_a), str(number_b))


def _choices(view: View) -> int | None:
    if view.form == "events":
        return len(view.streamed) if view.chunks else None
    choices = view.root["choices"]
    return len(choices.value) if choices.kind == "array" else None
