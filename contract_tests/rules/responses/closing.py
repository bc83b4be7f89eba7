"""Section responses.stream: items as they were closed, beside what was streamed and what stands at the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.response_stream import StreamedItem, items_of
from contract_tests.rules.engine.view import View
from contract_tests.rules.responses.course import announced_items, whole_streams
from contract_tests.rules.responses.events import responses_stream


def _ended_items(view: View) -> Iterator[tuple[Node, Node]]:
    """Each closed item with the one of its id in the Response at the end."""
    for stream in whole_streams(view):
        final = stream.final
        ended = {item.text_of("id"): item for item in items_of(final)} if final is not None else {}
        for item in stream.items:
            same = ended.get(item.closed.text_of("id")) if item.closed is not None else None
            if item.closed is not None and same is not None:
                yield item.closed, same


@responses_stream.rule(
    "output-same",
    over=_ended_items,
    level=SHOULD,
    yields_to=(".text-agrees", ".arguments-agree", "responses.call-ids", "responses.item-ids"),
    harm="what a client kept while the stream ran is not what it finds in the Response at the end",
)
def output_same(closed: Node, ended: Node) -> Iterable[Complaint]:
    """An item in the Response at the end is as it was when it was closed, encrypted content aside."""
    for name in {**closed.value, **ended.value}:
        if name != "encrypted_content" and ended.get(name) != closed.get(name):
            yield ended[name], str(ended[name]), f"{closed[name]}, as it was closed"


@responses_stream.rule(
    "parts-counted",
    over=lambda view: (
        item
        for item in announced_items(view)
        if item.closed is not None and item.closed.text_of("type") == "message" and item.parts
    ),
    level=SHOULD,
    yields_to=(".announced", ".part-brackets", ".text-agrees", ".item-closes"),
    harm="a part is shown while the model speaks and gone at the end, or comes from nowhere",
)
def parts_counted(item: StreamedItem) -> Iterable[Complaint]:
    """A closed message has the parts that were streamed, no more and no fewer, with the same annotations."""
    content = item.closed["content"] if item.closed is not None else None
    if content is None or content.kind != "array":
        return
    if len(content.value) != len(item.parts):
        yield content, f"{len(content.value)} parts", f"{len(item.parts)}, as were streamed"
        return
    for place, own in enumerate(content):
        part = item.parts.get(("content_index", place))
        for event in part.closed[:1] if part else ():
            if event["part"].get("annotations") != own.get("annotations"):
                yield own["annotations"], str(own["annotations"]), "those of its content_part.done"
