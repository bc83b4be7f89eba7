"""Section responses.stream: the items of a stream, from their announcement to the Response that ends it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from contract_tests.rules.engine.judge import Complaint
from contract_tests.rules.engine.node import Node, show
from contract_tests.rules.engine.response_stream import ResponseStream, StreamedItem, StreamedPart, items_of
from contract_tests.rules.engine.subjects import only
from contract_tests.rules.engine.view import View
from contract_tests.rules.responses.events import responses_stream
from contract_tests.rules.responses.subjects import CALLS, streams
from fake_server.relay.redact import excerpt, holds_dummy
from fake_server.wire.exchange import Aspect

_UNCLOSED = ("mcp_list_tools",)
"""Items that api.openai.com is recorded not to close where there are several at once."""
_OPEN = ("in_progress", "searching", "interpreting")
_ANNOUNCED = "an item that one response.output_item.added announced"

whole_streams = only(streams, lambda stream: stream.is_whole)
"""Streams that came to the end of a Response that did not fail."""


@responses_stream.rule(
    "announced",
    over=only(streams, lambda stream: stream.items or stream.unplaced),
    harm="clients that put the output together by index or by id raise, or lose what the event tells of",
)
def announced(stream: ResponseStream) -> Iterable[Complaint]:
    """An event about an item has the `output_index` and `item_id` of an item that one output_item.added announced."""
    for event in stream.unplaced:
        yield event["output_index"], str(event["output_index"]), f"the number of {_ANNOUNCED}"
    begun = min((item.index for item in stream.items if item.added), default=sys.maxsize)
    for item in stream.items:
        if not item.added and stream.resumed and item.index < begun:
            continue  # it was announced before
        if not item.added:
            first = (*item.events, *item.done)[0]
            yield first["output_index"], f"{item.index}, which no event announced", _ANNOUNCED
            continue
        for event in item.added[1:]:
            harm = "openai-python's stream helper raises, and others write one item over the other"
            yield event["output_index"], f"{item.index} again", "each index once", harm
        for event in item.early[:1]:
            yield event["output_index"], f"{item.index}, which is announced later", f"{_ANNOUNCED} before"
        wanted = item.added[0]["item"]["id"]
        for event in item.events:
            if event.get("item_id") != wanted.value and (event["item_id"].there or event["content_index"].there):
                yield event["item_id"], str(event["item_id"]), str(wanted)


@responses_stream.rule(
    "output-order",
    over=only(streams, lambda stream: any(item.added for item in stream.items)),
    yields_to=(".announced",),
    basis="the API reference: `output_index` is the place of the item in the output; the clients measured keep "
    "items by it, wherever it begins",
    harm="clients that keep the output in an array lose items, or show them in another order",
)
def output_order(stream: ResponseStream) -> Iterable[Complaint]:
    """Items are announced in their order, with `output_index` from 0 and without gaps."""
    added = [item for item in stream.items if item.added]
    for place, item in enumerate(added, added[0].index if stream.resumed else 0):
        if item.index != place:
            yield item.added[0]["output_index"], str(item.index), str(place)
            return


def announced_items(view: View) -> Iterator[StreamedItem]:
    """The items that whole streams announced."""
    for stream in whole_streams(view):
        yield from (item for item in stream.items if item.added)


@responses_stream.rule(
    "item-closes",
    over=announced_items,
    yields_to=(".announced", "responses.item-ids"),
    harm="clients that act on finished items run no tool and show nothing: Codex CLI 0.171 prints nothing, exit code 0",
)
def item_closes(item: StreamedItem) -> Iterable[Complaint]:
    """An announced item is closed by one output_item.done of its id, type and name, final, and nothing follows it."""
    first = item.added[0]["item"]
    kind = first.text_of("type")
    if not item.done:
        if kind not in _UNCLOSED:
            yield first, f"the {kind or 'item'} {first['id']} is not closed", "response.output_item.done"
        return
    for event in (*item.done[1:], *item.late):
        harm = "clients that act on a finished item have acted already"
        yield event["type"], f"{event['type']} behind the item's end", "nothing more of it", harm
    last = item.done[0]["item"]
    for name in ("id", "type", *(("name",) if first["name"].text and last["name"].text else ())):
        if last.get(name) != first.get(name):
            yield last[name], str(last[name]), f"{first[name]}, as announced", "clients that know items by it have two"
    for event in item.calls:
        if first["name"].text and event["name"].text not in ("", first["name"].text):
            harm = "clients that run what this event names run another tool"
            yield event["name"], str(event["name"]), f"{first['name']}, as announced", harm
    if last.text_of("status") in _OPEN:
        yield last["status"], str(last["status"]), "completed or incomplete", "agents that run what is completed wait"


@responses_stream.rule(
    "item-opens-empty",
    over=lambda view: (item.added[0]["item"] for stream in streams(view) for item in stream.items if item.added),
    harm="clients that add what follows show it twice, or cannot say which tool is being called",
)
def item_opens_empty(item: Node) -> Iterable[Complaint]:
    """An announced message is in progress without content, an announced call has a name and `call_id` alone."""
    kind = item.text_of("type")
    if kind in ("message", *CALLS) and item["status"].value != "in_progress":
        yield item["status"], str(item["status"]), '"in_progress"'
    if kind == "message" and item["content"].value != []:
        yield item["content"], str(item["content"]), "[]"
    if kind not in CALLS:
        return
    for name in ("name", "call_id"):
        if not item[name].text:
            yield item[name], str(item[name]), "a non-empty string"
    begun = item["arguments" if kind == "function_call" else "input"]
    if begun.value != "":
        yield begun, str(begun), '""'


def _parts(view: View) -> Iterator[StreamedPart]:
    for stream in streams(view):
        for item in stream.items:
            yield from item.parts.values() if item.added else ()


@responses_stream.rule(
    "part-brackets",
    over=_parts,
    yields_to=(".announced",),
    harm="clients that keep parts by index raise at the first piece of text",
)
def part_brackets(part: StreamedPart) -> Iterable[Complaint]:
    """Text comes in pieces that are not empty, between one content_part.added without any and one content_part.done."""
    for event in part.outside:
        opened = "the part was closed before" if part.opened and part.closed else "no part was opened before"
        yield event["type"], f"{event['type']}: {opened}", "between the part's added and done"
        return
    for event in part.opened[:1]:
        begun = _text_of_part(event["part"])
        if begun.text:
            yield begun, str(begun), '""', "clients that add the pieces to it show the text twice"
    for event in (*part.opened[1:], *part.texts[1:], *part.closed[1:]):
        yield event["type"], f"{event['type']} again", "once for each part", "clients write one part over the other"
    for event in part.deltas:
        if not event.text_of("delta"):
            yield event["delta"], str(event["delta"]), "a piece of text", "clients add nothing, or raise"


@responses_stream.rule(
    "part-closes",
    over=lambda view: (
        part
        for item in announced_items(view)
        if item.added[0]["item"].text_of("type") == "message"
        for part in item.parts.values()
        if part.opened and not part.outside
    ),
    yields_to=(".announced", ".item-closes"),
    basis="the API reference: `response.content_part.done` is emitted when a content part is done; the clients "
    "measured do not wait for it",
    harm="clients that show a part when it is done never show it",
)
def part_closes(part: StreamedPart) -> Iterable[Complaint]:
    """A part of a message that was opened is closed, with an event that says its whole text before that."""
    if not part.closed:
        yield part.opened[0], "the part is not closed", "response.content_part.done"
    if not part.texts:
        yield part.opened[0], "no event says the whole text", "response.output_text.done"


def _said_parts(view: View) -> Iterator[tuple[StreamedPart, list[Node]]]:
    """Each part of a whole stream, with the places that say its whole text."""
    for item in announced_items(view):
        closed = item.closed
        pieces = {name: list(closed[name]) if closed is not None else [] for name in ("content", "summary")}
        for (name, number), part in item.parts.items():
            whole = [event[_whole_name(event)] for event in part.texts]
            whole += (_text_of_part(event["part"]) for event in part.closed)
            own = pieces["content" if name == "content_index" else "summary"][number : number + 1]
            whole += (_text_of_part(piece) for piece in own if number >= 0)
            yield part, [node for node in whole if node.kind == "string"]


def _whole_name(event: Node) -> str:
    return "refusal" if event.text_of("type") == "response.refusal.done" else "text"


def _text_of_part(part: Node) -> Node:
    return part["refusal" if part.text_of("type") == "refusal" else "text"]


@responses_stream.rule(
    "text-agrees",
    over=_said_parts,
    yields_to=(".announced", ".part-brackets"),
    harm="what is shown while the model speaks is not what is kept of it, or one of the two is empty",
)
def text_agrees(part: StreamedPart, whole: list[Node]) -> Iterable[Complaint]:
    """The pieces of a text together, the event that says it whole, its part and its item have the same text."""
    return _complain_unless_same(whole, part.text)


def _complain_unless_same(whole: list[Node], joined: str) -> Iterable[Complaint]:
    """The first of the texts that is not what the pieces make; the dummy of a recording stands for any."""
    differing = [node for node in whole if node.text != joined and not holds_dummy(node.text)]
    if differing and not holds_dummy(joined):
        shown = excerpt(joined[:600], 60)
        yield differing[0], repr(excerpt(differing[0].text[:600], 60)), f"{shown!r}, as the pieces have it"


def _said_calls(view: View) -> Iterator[tuple[StreamedItem, list[Node]]]:
    """Each call of a whole stream, with the places that say all arguments."""
    for item in announced_items(view):
        kind = item.added[0]["item"].text_of("type")
        if kind in CALLS:
            name = "arguments" if kind == "function_call" else "input"
            whole = [event[name] for event in item.calls]
            if item.closed is not None:
                whole.append(item.closed[name])
            yield item, [node for node in whole if node.kind == "string"]


@responses_stream.rule(
    "arguments-agree",
    over=_said_calls,
    needs=[Aspect.EVENT_FRAMING],  # who takes events apart to hide paths hides them in one of the two alone
    yields_to=(".announced",),
    harm="the tool is run with other arguments than the model gave, or with none",
)
def arguments_agree(item: StreamedItem, whole: list[Node]) -> Iterable[Complaint]:
    """The pieces of a call's arguments together, the event that says them whole and the item have the same text."""
    return _complain_unless_same(whole, "".join([event.text_of("delta") for event in item.deltas]))


@responses_stream.rule(
    "output-agrees",
    over=only(whole_streams, lambda stream: any(item.done for item in stream.items)),
    yields_to=(".announced", ".item-closes", ".output-order", "responses.item-ids", "responses.object"),
    harm="`response.output_text` is empty, and the turn that is sent back lacks what the model said",
)
def output_agrees(stream: ResponseStream) -> Iterable[Complaint]:
    """The Response at the end has the items that were closed, in their order, each with the same id."""
    final = stream.final
    if final is None:
        return
    closed = [item for item in stream.items if item.done]
    wanted = [item.done[0]["item"].text_of("id") for item in sorted(closed, key=lambda item: item.index)]
    known = {item.id for item in stream.items if not item.done and isinstance(item.id, str)}
    seen = [item.text_of("id") for item in items_of(final) if item.text_of("id") not in known]
    if stream.resumed:
        seen = seen[-len(wanted) :]
    if seen != wanted:
        what = f"{len(seen)} items: {show(seen)}"
        yield final["output"], what, f"{len(wanted)}: {show(wanted)}", _harm_of_output(seen, wanted)


def _harm_of_output(seen: list[str], wanted: list[str]) -> str:
    """What follows where the end has items, but others than the stream; '' for the rule's, of an empty end."""
    if not seen:
        return ""
    if len(seen) < len(wanted):
        return "what is kept of the stream and the turn that is sent back are not the same: one lacks an item"
    return "clients that know items by id have one twice, or send back an id that the stream never told"
