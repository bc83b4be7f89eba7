"""A streamed Response put together: its snapshots, and its items with the parts that their events tell of."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import parse_qs

from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.view import Payload, View

LIFECYCLE = frozenset(
    f"response.{name}" for name in ("created", "queued", "in_progress", "completed", "incomplete", "failed")
)
"""Events that carry the Response as it is then."""
FINAL = frozenset({"response.completed", "response.incomplete", "response.failed"})
ABOUT_ITEMS = tuple(
    f"response.{name}"
    for name in (
        *("output_item.", "content_part.", "output_text.", "refusal.", "reasoning_"),
        *("function_call_arguments.", "custom_tool_call_input.", "mcp_call", "mcp_list_tools."),
        *("web_search_call.", "file_search_call.", "code_interpreter_call", "image_generation_call."),
    )
)
"""How the names of events about an item begin."""

PartKey = tuple[str, int]
"""The member with the number of a part (`content_index` or `summary_index`), and the number."""


@dataclass
class StreamedPart:
    """One part of an item: the events that open and close it, and those with its text in between, in order."""

    opened: list[Node] = field(default_factory=list)
    deltas: list[Node] = field(default_factory=list)
    texts: list[Node] = field(default_factory=list)
    """The events that say the whole text: `response.output_text.done` and its like."""
    closed: list[Node] = field(default_factory=list)
    outside: list[Node] = field(default_factory=list)
    """Events with text of the part that came before it was opened or after it was closed."""

    @cached_property
    def text(self) -> str:
        """The deltas, joined."""
        return "".join([event.text_of("delta") for event in self.deltas])


@dataclass
class StreamedItem:
    """One item of the output, by its `output_index`."""

    index: int
    added: list[Node] = field(default_factory=list)
    done: list[Node] = field(default_factory=list)
    events: list[Node] = field(default_factory=list)
    """The other events about it, in order."""
    early: list[Node] = field(default_factory=list)
    """Events about it that came before it was announced."""
    late: list[Node] = field(default_factory=list)
    """Events about it that came when it was closed."""
    deltas: list[Node] = field(default_factory=list)
    """Pieces of the arguments of a call, or of the input of a custom tool."""
    calls: list[Node] = field(default_factory=list)
    """The events that say all arguments, or the whole input."""
    parts: dict[PartKey, StreamedPart] = field(default_factory=dict)

    @property
    def id(self) -> object:
        """The id under which it was announced."""
        return self.added[0]["item"].get("id") if self.added else None

    @property
    def closed(self) -> Node | None:
        """The item as it was when it was closed; None where it was not."""
        return self.done[0]["item"] if self.done else None


@dataclass
class ResponseStream:
    """The events of one stream, in order. `ends` are the events that end it, `strays` are not of a Response."""

    view: View
    after: int = -1
    """The number of the event behind which the stream was to go on (`starting_after`); -1 where it is a whole one."""
    payloads: list[Payload] = field(default_factory=list)
    snapshots: list[Node] = field(default_factory=list)
    """The events that carry the Response."""
    ends: list[Node] = field(default_factory=list)
    errors: list[Node] = field(default_factory=list)
    strays: list[Node] = field(default_factory=list)
    unplaced: list[Node] = field(default_factory=list)
    """Events about an item without the number of one."""
    by_index: dict[int, StreamedItem] = field(default_factory=dict)

    @property
    def items(self) -> Collection[StreamedItem]:
        """The items in the order in which they were first told of."""
        return self.by_index.values()

    @property
    def resumed(self) -> bool:
        """Whether the stream was to go on behind some event, so that what came before is not in it."""
        return self.after >= 0

    @property
    def events(self) -> list[Node]:
        """The JSON objects of the stream that are events of a Response."""
        return [payload.node for payload in self.payloads]

    @property
    def final(self) -> Node | None:
        """The Response as it is at the end; None where the stream does not say."""
        return self.ends[0]["response"] if self.ends and self.ends[0]["response"].kind == "object" else None

    @property
    def is_whole(self) -> bool:
        """Whether the stream came to the end of a Response that did not fail."""
        final = self.final
        failed = bool(self.errors) or final is None or final.text_of("status") in ("failed", "cancelled")
        return self.view.whole and not failed and self.ends[0].text_of("type") != "response.failed"


def read_response_stream(view: View) -> ResponseStream:
    """Sort the events of a stream, each looked at once."""
    stream = ResponseStream(view, starting_after(view))
    errors = {id(node) for node in view.error_events}
    for payload in view.payloads:
        node = payload.node
        if type(node.value) is not dict:
            continue
        kind = node.text_of("type")
        if id(node) in errors:
            stream.errors.append(node)
        elif not kind:
            stream.strays.append(node)
        else:
            stream.payloads.append(payload)
            _sort(stream, node, kind)
    return stream


def starting_after(view: View) -> int:
    """The number of the event behind which a stream was to go on; -1 where the request names none."""
    query = parse_qs(view.exchange.request.target.partition("?")[2], max_num_fields=100)
    number = query.get("starting_after", [""])[-1]
    return int(number) if view.endpoint == "response" and re.fullmatch("[0-9]{1,9}", number) else -1


def _sort(stream: ResponseStream, event: Node, kind: str) -> None:
    if kind in LIFECYCLE:
        stream.snapshots.append(event)
        if kind in FINAL:
            stream.ends.append(event)
        return
    index = event.get("output_index")
    if type(index) is int:
        item = stream.by_index.get(index) or stream.by_index.setdefault(index, StreamedItem(index))
        _add(item, event, kind)
    elif kind.startswith(ABOUT_ITEMS):
        stream.unplaced.append(event)


def _add(item: StreamedItem, event: Node, kind: str) -> None:
    if kind == "response.output_item.added":
        item.added.append(event)
        return
    if kind == "response.output_item.done":
        item.done.append(event)
        return
    item.events.append(event)
    if not item.added:
        item.early.append(event)
    if item.done:
        item.late.append(event)
    name, _, verb = kind.removeprefix("response.").rpartition(".")
    if name in ("function_call_arguments", "custom_tool_call_input"):
        (item.deltas if verb == "delta" else item.calls).append(event)
    elif name in _PARTS:
        _add_to_part(item, event, verb)
    elif name in _TEXTS:
        _add_text(item, event, verb)


_PARTS = ("content_part", "reasoning_summary_part")
_TEXTS = ("output_text", "refusal", "reasoning_text", "reasoning_summary_text")


def _part(item: StreamedItem, event: Node) -> StreamedPart | None:
    for name in ("content_index", "summary_index"):
        number = event.get(name)
        if type(number) is int:
            return item.parts.get((name, number)) or item.parts.setdefault((name, number), StreamedPart())
    return None


def _add_to_part(item: StreamedItem, event: Node, verb: str) -> None:
    part = _part(item, event)
    if part:
        (part.opened if verb == "added" else part.closed).append(event)


def _add_text(item: StreamedItem, event: Node, verb: str) -> None:
    part = _part(item, event)
    if part is None or verb not in ("delta", "done"):
        return
    (part.deltas if verb == "delta" else part.texts).append(event)
    if (not part.opened or part.closed) and not event.text_of("type").startswith("response.reasoning_text."):
        part.outside.append(event)


def items_of(root: Node) -> Iterator[Node]:
    """The items of a Response's output that are objects."""
    return (item for item in root["output"] if item.kind == "object")
