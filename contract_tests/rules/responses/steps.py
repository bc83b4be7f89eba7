"""Section responses.stream: the events by which an item or a part of it is made, each in its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.response_stream import PartKey, StreamedItem
from contract_tests.rules.engine.view import View
from contract_tests.rules.responses.course import announced_items
from contract_tests.rules.responses.events import responses_stream

_SEARCH = ("in_progress", "searching", "completed")
STEPS: dict[str, tuple[str, ...]] = {
    "function_call": ("function_call_arguments.done",),
    "custom_tool_call": ("custom_tool_call_input.done",),
    "web_search_call": tuple(f"web_search_call.{step}" for step in _SEARCH),
    "file_search_call": tuple(f"file_search_call.{step}" for step in _SEARCH),
    "code_interpreter_call": (
        "code_interpreter_call.in_progress",
        "code_interpreter_call_code.done",
        "code_interpreter_call.interpreting",
        "code_interpreter_call.completed",
    ),
    "image_generation_call": ("image_generation_call.in_progress", "image_generation_call.generating"),
    "mcp_list_tools": ("mcp_list_tools.in_progress", "mcp_list_tools.completed"),
    "mcp_call": ("mcp_call.in_progress", "mcp_call_arguments.done", "mcp_call.completed"),
}
"""The events that a completed item of a type has at least, in this order, less `response.`.

All recorded streams have them for calls of functions, searches, code and lists of tools; those of custom tools, images
and calls of MCP are the reference's.
"""
_FAILED = ("failed", "incomplete")


def _numbered(view: View) -> Iterator[tuple[str, list[tuple[int, Node]]]]:
    """The parts of each item by the member that numbers them: their numbers in order, with the first event of each."""
    for item in announced_items(view):
        for member in ("content_index", "summary_index"):
            found = [(key[1], _first(item, key)) for key in item.parts if key[0] == member]
            if found:
                yield member, found


def _first(item: StreamedItem, key: PartKey) -> Node:
    part = item.parts[key]
    return next(iter((*part.opened, *part.deltas, *part.texts, *part.closed)))


@responses_stream.rule(
    "part-order",
    over=_numbered,
    yields_to=(".announced", ".part-brackets"),
    harm="openai-python's stream helper raises IndexError, and clients that keep parts in an array lose text",
)
def part_order(member: str, parts: list[tuple[int, Node]]) -> Iterable[Complaint]:
    """The parts of an item come in their order, with `content_index` or `summary_index` from 0 and without gaps."""
    for place, (number, event) in enumerate(parts):
        if number != place:
            yield event[member], str(number), str(place)
            return


def _made(view: View) -> Iterator[tuple[StreamedItem, Node, tuple[str, ...]]]:
    """The items that were closed and did not fail, with the item and the events that it has at least."""
    for item in announced_items(view):
        closed = item.closed
        if closed is None or closed.text_of("status") in _FAILED or closed["error"]:
            continue
        kind = closed.text_of("type")
        if kind in STEPS:
            yield item, closed, STEPS[kind]


@responses_stream.rule(
    "steps",
    over=_made,
    level=SHOULD,
    yields_to=(".announced", ".item-closes", ".arguments-agree"),
    harm="clients that show what a tool is doing, or act when its arguments are whole, show and do nothing",
)
def steps(item: StreamedItem, closed: Node, wanted: tuple[str, ...]) -> Iterable[Complaint]:
    """A call is streamed with the events of its type in their order, up to the one that says it is done."""
    first: dict[str, int] = {}
    for place, event in enumerate(item.events):
        name = event.text_of("type").removeprefix("response.")
        if first.setdefault(name, place) != place and name in wanted:
            yield event["type"], f"response.{name} again", "once for each item"
            return
    missing = [name for name in wanted if name not in first]
    if missing:
        yield item.added[0], f"no response.{missing[0]} for the {closed.text_of('type')}", f"response.{missing[0]}"
        return
    for before, after in pairwise(wanted):
        if first[before] > first[after]:
            event = item.events[first[after]]
            yield event["type"], f"response.{after} before response.{before}", f"response.{before} first"
            return


def _summaries(view: View) -> Iterator[tuple[StreamedItem, Node]]:
    """Closed reasoning items whose summary has something in it or was streamed, with the summary."""
    for item in announced_items(view):
        closed = item.closed
        if closed is None or closed.text_of("type") != "reasoning" or closed["summary"].kind != "array":
            continue
        if any(closed["summary"]) or any(name == "summary_index" for name, _ in item.parts):
            yield item, closed["summary"]


@responses_stream.rule(
    "summary-streamed",
    over=_summaries,
    level=SHOULD,
    yields_to=(".announced", ".item-closes", ".part-brackets", ".part-order", ".text-agrees"),
    harm="clients that show what the model thinks show nothing, or a part of it that never ends",
)
def summary_streamed(item: StreamedItem, summary: Node) -> Iterable[Complaint]:
    """Each part of a reasoning summary is streamed: opened, in pieces, said whole, and closed."""
    numbers = {number for name, number in item.parts if name == "summary_index"}
    for place, piece in enumerate(summary):
        part = item.parts.get(("summary_index", place))
        if part is None:
            yield piece, "a part that was not streamed", "response.reasoning_summary_part.added and what follows it"
            return
        for events, name in (
            (part.opened, "part.added"),
            (part.texts, "text.done"),
            (part.closed, "part.done"),
        ):
            if not events:
                yield piece, f"no response.reasoning_summary_{name} for it", f"response.reasoning_summary_{name}"
                return
    if len(numbers) > len(summary.value):
        yield summary, f"{len(summary.value)} parts", f"{len(numbers)}, as were streamed"
