"""What the acceptance tests of Open Responses ask of a reply, written anew from its specification of 2026-04-24.

Its schemas are tables here: each required member with the types it may have. `problems_of_response` and its
siblings name what does not fit. What api.openai.com itself does not keep is in README.md, counted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fake_server.wire import sse

Shape = Mapping[str, str]
"""Required members, each with the types it may have, by their names in JSON Schema."""

RESPONSE: Shape = {
    **dict.fromkeys(("id", "status", "model", "truncation", "service_tier"), "string"),
    **dict.fromkeys(("created_at", "top_logprobs"), "integer"),
    **dict.fromkeys(("completed_at", "max_output_tokens", "max_tool_calls"), "integer null"),
    **dict.fromkeys(("previous_response_id", "safety_identifier", "prompt_cache_key"), "string null"),
    **dict.fromkeys(("incomplete_details", "error", "reasoning", "usage"), "object null"),
    **dict.fromkeys(("output", "tools"), "array"),
    **dict.fromkeys(("parallel_tool_calls", "store", "background"), "boolean"),
    **dict.fromkeys(("top_p", "presence_penalty", "frequency_penalty", "temperature"), "number"),
    **dict.fromkeys(("text", "metadata"), "object"),
    "object": "string",
    "instructions": "string array null",
    "tool_choice": "string object",
}
COMPACTION: Shape = {"id": "string", "object": "string", "output": "array", "created_at": "integer", "usage": "object"}
USAGE: Shape = {
    **dict.fromkeys(("input_tokens", "output_tokens", "total_tokens"), "integer"),
    **dict.fromkeys(("input_tokens_details", "output_tokens_details"), "object"),
}
ITEMS: Mapping[str, Shape] = {
    "message": {"id": "string", "status": "string", "role": "string", "content": "array"},
    "function_call": dict.fromkeys(("id", "call_id", "name", "arguments", "status"), "string"),
    "function_call_output": {"id": "string", "call_id": "string", "output": "string array", "status": "string"},
    "reasoning": {"id": "string", "summary": "array"},
    "compaction": {"id": "string", "encrypted_content": "string"},
}
"""The items of the specification; those of a vendor have its name and a colon before the type."""
_TEXT: Shape = {"text": "string"}
PARTS: Mapping[str, Shape] = {
    "input_text": _TEXT,
    "text": _TEXT,
    "summary_text": _TEXT,
    "reasoning_text": _TEXT,
    "output_text": {"text": "string", "annotations": "array"},
    "refusal": {"refusal": "string"},
    "input_image": {"image_url": "string null", "detail": "string"},
    "input_file": {},
    "input_video": {"video_url": "string"},
}
_PLACE: Shape = {"item_id": "string", "output_index": "integer"}
_IN_PART: Shape = {**_PLACE, "content_index": "integer"}
_IN_SUMMARY: Shape = {**_PLACE, "summary_index": "integer"}
_ITEM: Shape = {"output_index": "integer", "item": "object null"}
_STEPS = ("created", "queued", "in_progress", "completed", "failed", "incomplete")
EVENTS: Mapping[str, Shape] = {
    **{f"response.{step}": {"response": "object"} for step in _STEPS},
    "response.output_item.added": _ITEM,
    "response.output_item.done": _ITEM,
    "response.content_part.added": {**_IN_PART, "part": "object"},
    "response.content_part.done": {**_IN_PART, "part": "object"},
    "response.output_text.delta": {**_IN_PART, "delta": "string", "logprobs": "array"},
    "response.output_text.done": {**_IN_PART, "text": "string", "logprobs": "array"},
    "response.output_text.annotation.added": {**_IN_PART, "annotation_index": "integer", "annotation": "object null"},
    "response.refusal.delta": {**_IN_PART, "delta": "string"},
    "response.refusal.done": {**_IN_PART, "refusal": "string"},
    "response.reasoning.delta": {**_IN_PART, "delta": "string"},
    "response.reasoning.done": {**_IN_PART, "text": "string"},
    "response.reasoning_summary_part.added": {**_IN_SUMMARY, "part": "object"},
    "response.reasoning_summary_part.done": {**_IN_SUMMARY, "part": "object"},
    "response.reasoning_summary_text.delta": {**_IN_SUMMARY, "delta": "string"},
    "response.reasoning_summary_text.done": {**_IN_SUMMARY, "text": "string"},
    "response.function_call_arguments.delta": {**_PLACE, "delta": "string"},
    "response.function_call_arguments.done": {**_PLACE, "arguments": "string"},
    "error": {"error": "object"},
}
_ENDS = ("response.completed", "response.failed", "response.incomplete")
_STATUSES = ("in_progress", "completed", "incomplete")


def problems_of_response(response: Any) -> Iterator[str]:
    """What does not fit the schema of a response."""
    yield from _missing(response, RESPONSE, "response")
    if isinstance(response, dict):
        if response.get("object") != "response":
            yield "response.object is not response"
        yield from _problems_inside(response)


def problems_of_compaction(response: Any) -> Iterator[str]:
    """What does not fit the schema of a compaction, which has an item of that type."""
    yield from _missing(response, COMPACTION, "compaction")
    if isinstance(response, dict):
        if response.get("object") != "response.compaction":
            yield "compaction.object is not response.compaction"
        if "compaction" not in types_of(response):
            yield "compaction.output has no item of type compaction"
        yield from _problems_inside(response)


def problems_of_stream(body: bytes) -> tuple[dict[str, Any], list[str]]:
    """The response at the end of a stream, and what does not fit the schemas of its events."""
    problems: list[str] = []
    final: dict[str, Any] = {}
    events = [event.data for event in sse.decode(body) if event.data not in (None, b"[DONE]", "[DONE]")]
    if not events:
        problems.append("there is no event")
    for data in events:
        event = json.loads(data or "")
        problems += problems_of_event(event)
        if event.get("type") in _ENDS:
            final = event["response"]
    return final, problems


def problems_of_event(event: Any) -> Iterator[str]:
    """What does not fit the schema of an event; a vendor's own has a colon in its type, and a number."""
    kind = event.get("type", "") if isinstance(event, dict) else ""
    if kind not in EVENTS and ":" not in kind:
        yield f"{kind or 'an event'} is not in the specification"
        return
    yield from _missing(event, {**EVENTS.get(kind, {}), "sequence_number": "integer"}, kind)
    if kind in _ENDS:
        yield from problems_of_response(event.get("response"))
    if isinstance(event.get("item"), dict):
        yield from problems_of_item(event["item"])


def problems_of_item(item: Any) -> Iterator[str]:
    """What does not fit the schema of an item."""
    kind = item.get("type", "") if isinstance(item, dict) else ""
    if kind not in ITEMS and ":" not in kind:
        yield f"an item of type {kind or 'none'} is not in the specification"
        return
    yield from _missing(item, ITEMS.get(kind, {"id": "string", "status": "string"}), kind)
    if item.get("status") not in (None, *_STATUSES):
        yield f"{kind}.status is none of its words"
    if item.get("phase") not in (None, "commentary", "final_answer"):
        yield f"{kind}.phase is none of its words"
    for name in ("content", "summary"):
        for part in item.get(name) or ():
            yield from _problems_of_part(part)


def types_of(response: Mapping[str, Any]) -> list[str]:
    """The types of the items of a response."""
    output = response.get("output")
    return [item.get("type", "") for item in output if isinstance(item, dict)] if isinstance(output, list) else []


def _problems_inside(response: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(response.get("usage"), dict):
        yield from _missing(response["usage"], USAGE, "usage")
    for item in response["output"] if isinstance(response.get("output"), list) else ():
        yield from problems_of_item(item)
    for tool in response["tools"] if isinstance(response.get("tools"), list) else ():
        if tool.get("type") != "function" and ":" not in tool.get("type", ""):
            yield f"a tool of type {tool.get('type')} is not in the specification"


def _problems_of_part(part: Any) -> Iterator[str]:
    kind = part.get("type", "") if isinstance(part, dict) else ""
    if kind not in PARTS:
        yield f"a part of type {kind or 'none'} is not in the specification"
        return
    yield from _missing(part, PARTS[kind], kind)
    for annotation in part.get("annotations") or ():
        if annotation.get("type") != "url_citation":
            yield f"an annotation of type {annotation.get('type')} is not in the specification"


def _missing(value: Any, shape: Shape, place: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{place} is no object"
        return
    for name, kinds in shape.items():
        if name not in value:
            yield f"{place}.{name} is missing"
        elif not _is_one_of(value[name], kinds.split()):
            yield f"{place}.{name} is no {' or '.join(kinds.split())}"


def _is_one_of(value: Any, kinds: Iterable[str]) -> bool:
    types: Mapping[str, tuple[type, ...]] = {
        "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "array": (list,),
        "object": (dict,), "null": (type(None),),
    }  # fmt: skip
    if isinstance(value, bool):
        return "boolean" in kinds
    return any(isinstance(value, types[kind]) for kind in kinds)
