"""What can go wrong in the events of a streamed Response: edits of a good one, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from contract_tests.lab.ready.tasks import MODEL
from contract_tests.ready.asking import ERROR, FAILED, INCOMPLETE

Event = dict[str, Any]
Edit = Callable[[list[Event]], list[Event]]
_ENDS = ("response.completed", "response.incomplete", "response.failed")
_DELTA = "response.output_text.delta"
_PLACES = ("output_index", "content_index")


def _without(*kinds: str) -> Edit:
    return lambda events: [event for event in events if event["type"] not in kinds]


def _each(change: Callable[[Event], object], *kinds: str) -> Edit:
    """Change every event, or those of some kinds."""

    def edit(events: list[Event]) -> list[Event]:
        for event in events:
            if not kinds or event["type"] in kinds:
                change(event)
        return events

    return edit


def _at_end(change: Callable[[Event], object]) -> Edit:
    """Change the Response that ends the stream."""
    return _each(lambda event: change(event["response"]), *_ENDS)


def _drop(*names: str) -> Callable[[Event], object]:
    return lambda value: [value.pop(name, None) for name in names]


def _without_ids(event: Event) -> None:
    if "item_id" in event:
        event["item_id"] = None
    for item in (event.get("item"), *(event.get("response") or {}).get("output", ())):
        if item:
            item["id"] = None


def _for_items(change: Callable[[Event], object]) -> Callable[[Event], object]:
    """Change the item of an event, or those of its Response."""

    def edit(event: Event) -> None:
        for item in (event.get("item"), *(event.get("response") or {}).get("output", ())):
            if item:
                change(item)

    return edit


def _for_parts(item: Event, change: Callable[[Event], object]) -> None:
    for part in item.get("content", ()):
        change(part)


def _set_text(event: Event, parts: bool) -> None:
    """Have a message say something else than its pieces; with `parts` in every event that says it whole."""
    messages = [event.get("item"), *(event.get("response") or {}).get("output", ())]
    whole = [part for item in messages if item for part in item.get("content", ())]
    whole += [event, event.get("part")] if parts and event["type"].endswith(".done") else []
    for part in whole:
        if part and part.get("text"):
            part["text"] = "Another text."


def _usage(change: Callable[[Event], object]) -> Edit:
    return _at_end(lambda response: change(response["usage"]))


def _in_chat_names(usage: Event) -> None:
    for name, other in (("input_tokens", "prompt_tokens"), ("output_tokens", "completion_tokens")):
        usage[other] = usage.pop(name)
        usage[f"{other}_details"] = usage.pop(f"{name}_details")


def _ended(status: str, **members: Any) -> Edit:
    """End the stream in another way than completed; a failed Response has no output."""

    def edit(events: list[Event]) -> list[Event]:
        last = events[-1]
        last["type"] = f"response.{status}"
        last["response"].update({"status": status, "completed_at": None, **members})
        if status == FAILED:
            last["response"].update({"output": [], "usage": None})
            return [*events[:2], last]
        return events

    return edit


def _in_error(events: list[Event]) -> list[Event]:
    error = {"code": "server_error", "message": "It broke.", "param": None}
    return [*events[:5], {"type": "error", "sequence_number": 5, **error}]


def _chunk(text: str) -> Event:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL, "choices": [choice]}


_FAILURE = {"code": "server_error", "message": "It broke."}
ENDS: Mapping[str, Edit] = {
    INCOMPLETE: _ended(INCOMPLETE, incomplete_details={"reason": "max_output_tokens"}),
    FAILED: _ended(FAILED, error=_FAILURE),
    ERROR: _in_error,
}
"""How an answer ends without being whole."""
FORMS: Mapping[str, Edit] = {
    "no created": _without("response.created"),
    "no in_progress": _without("response.in_progress"),
    "no output_item.added": _without("response.output_item.added"),
    "no output_item.done": _without("response.output_item.done"),
    "nothing is closed": _without(
        "response.output_item.done", "response.content_part.done", "response.output_text.done"
    ),
    "no text deltas": _without("response.output_text.delta"),
    "no content parts": _without("response.content_part.added", "response.content_part.done"),
    "no content_part.added": _without("response.content_part.added"),
    "no indices, no item_id": _each(_drop(*_PLACES, "item_id")),
    "no indices": _each(_drop(*_PLACES)),
    "no item_id": _each(_drop("item_id")),
    "item ids null": _each(_without_ids),
    "terminal output empty": _at_end(lambda response: response.update(output=[])),
    "item text other than deltas": _each(partial(_set_text, parts=False)),
    "whole text other than deltas": _each(partial(_set_text, parts=True)),
    "usage null": _at_end(lambda response: response.update(usage=None)),
    "no usage": _at_end(_drop("usage")),
    "usage in chat names": _usage(_in_chat_names),
    "usage without details": _usage(_drop("input_tokens_details", "output_tokens_details")),
    "usage without input details": _usage(_drop("input_tokens_details")),
    "usage without reasoning_tokens": _usage(lambda usage: usage["output_tokens_details"].clear()),
    "terminal without id": _at_end(_drop("id")),
    "terminal with id null": _at_end(lambda response: response.update(id=None)),
    "no terminal event": _without(*_ENDS),
    "nothing after the deltas": lambda events: events[:8],
    "failed without error": _ended(FAILED, error=None),
    "no types": _each(_drop("type")),
    "chunks of a chat": lambda events: [_chunk(event["delta"]) for event in events if "delta" in event],
    "no sequence numbers": _each(_drop("sequence_number")),
    # members that are missing, null or of another kind
    "output null at the end": _at_end(lambda response: response.update(output=None)),
    "no output at the end": _at_end(_drop("output")),
    "no status at the end": _at_end(_drop("status")),
    "created without id": _each(lambda event: event["response"].pop("id"), "response.created"),
    "deltas null": _each(lambda event: event.update(delta=None), _DELTA),
    "deltas as objects": _each(lambda event: event.update(delta={"text": event["delta"]}), _DELTA),
    "items without type": _each(_for_items(_drop("type"))),
    "items without role": _each(_for_items(_drop("role"))),
    "items without content": _each(lambda event: event.get("item", {}).pop("content", None)),
    "opened with content null": _each(lambda event: event["item"].update(content=None), "response.output_item.added"),
    "texts without annotations": _each(_for_items(lambda item: _for_parts(item, _drop("annotations")))),
    "texts of another type": _each(_for_items(lambda item: _for_parts(item, lambda part: part.update(type="text")))),
    "usage as texts": _at_end(
        lambda response: response.update(usage={name: str(value) for name, value in response["usage"].items()})
    ),
    "usage without output_tokens": _usage(_drop("output_tokens")),
    "error without members": _at_end(lambda response: response.update(error={})),
    # events in other places, or called otherwise
    "deltas twice": lambda events: [each for event in events for each in [event] * (1 + (event["type"] == _DELTA))],
    "created twice": lambda events: [events[0], {**events[0]}, *events[1:]],
    "part opened twice": lambda events: [
        each for event in events for each in [event] * (1 + (event["type"] == "response.content_part.added"))
    ],
    "item opened twice": lambda events: [
        each for event in events for each in [event] * (1 + (event["type"] == "response.output_item.added"))
    ],
    "other output_index in deltas": _each(lambda event: event.update(output_index=1), _DELTA),
    "parts counted from 1": _each(
        lambda event: event.update(content_index=event["content_index"] + 1) if "content_index" in event else None
    ),
    "events wrapped": lambda events: [{"type": event["type"], "data": event} for event in events],
    "types without response": _each(lambda event: event.update(type=event["type"].removeprefix("response."))),
    "ends as done": _each(lambda event: event.update(type="response.done"), "response.completed"),
    "events behind the end": lambda events: [*events, {**events[1]}],
    "the end twice": lambda events: [*events, {**events[-1]}],
    **ENDS,
}
