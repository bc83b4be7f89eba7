"""The events by which items and parts of a streamed Response are made: none missing, in order, numbered from 0."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from contract_tests.rules.responses.steps import STEPS
from contract_tests.tests.test_responses import Event, broken, ended, events_of, load, streamed, without

Change = Callable[[list[Event]], list[Event]]
_NO_TOKENS = {
    "input_tokens": 0,
    "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
    "output_tokens": 0,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 0,
}


def numbered_from(member: str, begin: Callable[[int], int]) -> Change:
    return lambda events: [{**event, member: begin(event[member])} if member in event else event for event in events]


def skipping(events: list[Event]) -> list[Event]:
    """The second of two parts has the number 2."""
    first = [event for event in events if "content_index" in event]
    start = events.index(first[0])
    again = [{**event, "content_index": 2} for event in first]
    text = first[-1]["part"]
    changed = [*events[: start + len(first)], *again, *events[start + len(first) :]]
    out = []
    for event in changed:
        copy = json.loads(json.dumps(event))
        for item in (copy.get("item", {}), *copy.get("response", {}).get("output", [])):
            if item.get("type") == "message" and item["content"]:
                item["content"].append({**text, "text": text["text"]})
        out.append(copy)
    return out


ORDER: dict[str, tuple[str, Change]] = {
    "content_index from 1": ("response-stream", numbered_from("content_index", lambda number: number + 1)),
    "content_index is always 7": ("response-stream", numbered_from("content_index", lambda _: 7)),
    "summary_index from 1": ("response-calls-stream", numbered_from("summary_index", lambda number: number + 1)),
    "content_index skips 1": ("response-stream", skipping),
}


@pytest.mark.parametrize("name", ORDER)
def test_parts_are_numbered_from_0_without_gaps(name: str) -> None:
    source, change = ORDER[name]
    assert "responses.stream.part-order" in broken(streamed(source, change(events_of(source))))


@pytest.mark.parametrize("step", ["part.added", "text.done", "part.done"])
def test_a_part_of_a_summary_is_opened_said_whole_and_closed(step: str) -> None:
    events = without(f"response.reasoning_summary_{step}")(events_of("response-calls-stream"))
    found = broken(streamed("response-calls-stream", events))
    assert found & {"responses.stream.summary-streamed", "responses.stream.part-brackets"}


def test_a_summary_that_only_the_closed_item_has_was_not_streamed() -> None:
    events = [event for event in events_of("response-calls-stream") if "summary" not in event["type"]]
    assert broken(streamed("response-calls-stream", events)) == {"responses.stream.summary-streamed"}


def test_arguments_are_said_whole() -> None:
    events = without("response.function_call_arguments.done")(events_of("response-calls-stream"))
    assert broken(streamed("response-calls-stream", events)) == {"responses.stream.steps"}


ITEMS: dict[str, dict[str, Any]] = {
    "web_search_call": {"action": {"type": "search", "query": "trees"}},
    "file_search_call": {"queries": ["trees"], "results": None},
    "code_interpreter_call": {"code": "1", "container_id": "cntr_1", "outputs": None},
    "image_generation_call": {"result": "aGk="},
    "mcp_call": {"name": "search", "server_label": "s", "arguments": "{}", "output": "", "error": None},
}
_TEXTS = {"code_interpreter_call_code.done": {"code": "1"}, "mcp_call_arguments.done": {"arguments": "{}"}}


def built_in(kind: str, steps: list[str], **members: Any) -> list[Event]:
    """A stream with one item of a built-in tool before its message, made by these events."""
    item = {"id": "tool_1", "type": kind, "status": "completed", **ITEMS[kind], **members}
    at = {"output_index": 0, "item_id": "tool_1"}
    made: list[Event] = [
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "status": "in_progress"}},
        *({"type": f"response.{step}", **at, **_TEXTS.get(step, {})} for step in steps),
        {"type": "response.output_item.done", "output_index": 0, "item": item},
    ]
    events = [
        {**event, "output_index": event["output_index"] + 1} if "output_index" in event else event
        for event in events_of("response-stream")
    ]
    response = events[-1]["response"]
    return ended(output=[item, *response["output"]])([*events[:2], *made, *events[2:]])


@pytest.mark.parametrize("kind", ITEMS)
def test_every_step_of_a_built_in_tool_is_needed_in_its_order(kind: str) -> None:
    steps, rule = list(STEPS[kind]), "responses.stream.steps"
    assert rule not in broken(streamed("response-stream", built_in(kind, steps)))
    for place in range(len(steps)):
        assert rule in broken(streamed("response-stream", built_in(kind, steps[:place] + steps[place + 1 :])))
    assert rule in broken(streamed("response-stream", built_in(kind, steps[::-1])))


@pytest.mark.parametrize("members", [{"status": "failed"}, {"error": {"type": "http_error", "message": "no"}}])
def test_what_failed_need_not_come_to_its_end(members: dict[str, Any]) -> None:
    exchange = streamed("response-stream", built_in("mcp_call", ["mcp_call.in_progress", "mcp_call.failed"], **members))
    assert "responses.stream.steps" not in broken(exchange)


def test_an_answer_with_text_counts_tokens() -> None:
    assert broken(streamed("response-stream", ended(usage=_NO_TOKENS)(events_of("response-stream")))) == {
        "responses.usage-counted"
    }
    root = {**json.loads(load("response-dict").payload), "usage": _NO_TOKENS}
    assert broken(load("response-dict").with_payload(json.dumps(root).encode())) == {"responses.usage-counted"}


def test_calls_alone_may_count_nothing_as_recorded_ones_do() -> None:
    exchange = streamed("response-calls-stream", ended(usage=_NO_TOKENS)(events_of("response-calls-stream")))
    assert broken(exchange) == set()
