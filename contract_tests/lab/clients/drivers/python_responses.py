# mypy: ignore-errors
"""How openai-python 1, 2 and 3 are asked for Responses, and what their answers say to an application."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

import pydantic

ENDS = ("response.completed", "response.incomplete", "response.failed")
NO_TEXT = {"text": "", "refusal": ""}


def ask(client: Any, body: dict[str, Any]) -> Any:
    """A dict, or a stream read by a loop over its events."""
    reply = client.responses.create(**body)
    return read_events(reply) if body.get("stream") else read_response(reply)


def ask_helper(client: Any, body: dict[str, Any], make_type: Any) -> Any:
    """`.stream()`, and for an answer with a schema or with tools its twin, `.parse()`; else None."""
    body = dict(body)
    layout = (body.get("text") or {}).get("format") or {}
    if layout.get("schema"):
        body["text_format"] = make_type(layout["schema"], "Answer")
        body["text"] = {name: value for name, value in body["text"].items() if name != "format"}
    if body.pop("stream", False):
        with client.responses.stream(**body) as stream:
            return {**read_events(stream), "final response": prefix_members(read_response(stream.get_final_response()))}
    if layout.get("schema") or body.get("tools"):
        return read_response(client.responses.parse(**body))
    return None


def ask_state(client: Any, action: str, path: list[str], method: str, body: dict[str, Any]) -> Any:
    """What a server keeps, counts or compacts; `action` is the operation, `path` its ids."""
    talks = client.conversations
    if action == "response":
        return read_response(client.responses.retrieve(path[0]))
    if action == "response deleted":
        client.responses.delete(path[0])  # None in every version: only what is raised is seen
        return {"deleted": True}
    if action == "response items":
        return read_list(client.responses.input_items.list(path[0]))
    if action == "response tokens":
        return {"tokens": client.responses.input_tokens.count(**body).input_tokens}
    if action == "response compacted":
        reply = client.responses.compact(**body)
        kept = [[*read_item(item), getattr(item, "encrypted_content", None)] for item in reply.output]
        return {"id": reply.id, "created": reply.created_at, "items": kept, "usage": read_usage(reply.usage)}
    if action == "conversation deleted":
        reply = talks.delete(path[0])
        return {"ids": [reply.id], "deleted": reply.deleted}
    if action == "conversation item":
        return read_items([talks.items.retrieve(path[2], conversation_id=path[0])])
    if action == "conversation items" and method == "POST":
        return read_items(talks.items.create(path[0], **body).data)
    if action == "conversation items":
        return read_list(talks.items.list(path[0]))
    if action == "conversations":
        reply = talks.create(**body)
    else:
        reply = talks.retrieve(path[0]) if method == "GET" else talks.update(path[0], **body)
    return {"ids": [reply.id], "created": reply.created_at, "metadata": reply.metadata}


def read_list(page: Any) -> dict[str, Any]:
    """All items, the first of them where the same page comes again and again, and the cursor as it is shown."""
    items = list(islice(page, MOST_ITEMS))
    ends = [getattr(page, name, None) for name in ("first_id", "last_id", "has_more")]
    return {**read_items(items), "page": ends}


MOST_ITEMS = 20


def read_items(items: list[Any]) -> dict[str, Any]:
    said = [[getattr(item, "role", None), read_parts(item)] for item in items]
    return {"ids": [item.id for item in items], "items": [read_item(item) for item in items], "messages": said}


def read_parts(item: Any) -> list[Any]:
    return [[part.type, getattr(part, "text", None)] for part in getattr(item, "content", None) or []]


def read_response(reply: Any) -> dict[str, Any]:
    """`{id, created, model, finish, choices, items, annotations, reasoning, usage, parsed}`."""
    parts = [part for item in reply.output if item.type == "message" for part in item.content]
    refusals = [part.refusal for part in parts if part.type == "refusal"]
    text = {"text": reply.output_text, "refusal": "".join(refusals)}
    calls = [read_call(item) for item in reply.output if item.type == "function_call"]
    parsed = getattr(reply, "output_parsed", None)
    return {
        **{"id": reply.id, "created": reply.created_at, "model": reply.model},
        "finish": read_finish(reply),
        "choices": [{**text, "calls": calls}],
        "items": [read_item(item) for item in reply.output],
        "role": [item.role for item in reply.output if item.type == "message"],
        "annotations": [read_annotation(part, note) for part in parts for note in getattr(part, "annotations", ())],
        "reasoning": [read_reasoning(item) for item in reply.output if item.type == "reasoning"],
        "usage": read_usage(reply.usage),
        "parsed": parsed.model_dump() if isinstance(parsed, pydantic.BaseModel) else parsed,
    }


def prefix_members(final: dict[str, Any]) -> dict[str, Any]:
    """The members of the Response at the end of a stream, each by a name of its own."""
    (choice,) = final["choices"]
    rest = {name: value for name, value in final.items() if name != "choices"}
    return {f"final {name}": value for name, value in (*choice.items(), *rest.items())}


def read_events(events: Any) -> dict[str, Any]:
    """What a loop over the events puts together, as the guides to streaming and function calling have it."""
    text = {**NO_TEXT}
    calls: dict[int, Any] = {}
    final = None
    done = []
    for event in events:
        if event.type == "response.output_text.delta":
            text["text"] += event.delta
        elif event.type == "response.refusal.delta":
            text["refusal"] += event.delta
        elif event.type == "response.output_item.added" and event.item.type == "function_call":
            calls[event.output_index] = event.item.to_dict()
        elif event.type == "response.function_call_arguments.delta":
            calls[event.output_index]["arguments"] += event.delta
        elif event.type == "response.output_item.done":
            done.append(read_item(event.item))
        elif event.type in ENDS:
            final = prefix_members(read_response(event.response))
    joined = [[call["call_id"], call["name"], json.loads(call["arguments"])] for _, call in sorted(calls.items())]
    return {"choices": [{**text, "calls": joined}], "done items": done, "final response": final}


def read_finish(reply: Any) -> list[Any]:
    details, error = reply.incomplete_details, reply.error
    return [reply.status, details and details.reason, error and error.code, error and error.message]


def read_call(item: Any) -> list[Any]:
    return [item.call_id, item.name, json.loads(item.arguments)]


def read_item(item: Any) -> list[Any]:
    return [item.type, item.id, getattr(item, "status", None)]


def read_annotation(part: Any, note: Any) -> list[Any]:
    """The words that are linked, as an application marks them, and where to."""
    if note.type != "url_citation":
        return [note.type]
    return [part.text[note.start_index : note.end_index], note.url, note.title]


def read_reasoning(item: Any) -> list[Any]:
    return ["".join(part.text for part in item.summary), item.encrypted_content]


def read_usage(used: Any) -> Any:
    if not used:
        return used
    details = [used.input_tokens_details.cached_tokens, used.output_tokens_details.reasoning_tokens]
    return [used.input_tokens, used.output_tokens, used.total_tokens, *details]
