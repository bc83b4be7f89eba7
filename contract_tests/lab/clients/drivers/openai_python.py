# mypy: ignore-errors
"""openai-python 1, 2 and 3, as its documentation uses it; reads and answers one JSON object a line.

With the argument `--helper` chats and Responses are streamed by the SDK's own helper, `.stream()`, and an answer with
a schema is read by its twin, `.parse()`, into an object of a type made of that schema; nothing else is asked.
"""

from __future__ import annotations

import json
import math
import sys
from itertools import islice
from typing import Any, Literal

import openai
import pydantic
import python_responses


def main() -> None:
    print("ready", flush=True)
    for line in sys.stdin:
        question = json.loads(line)
        try:
            answer = {"result": ask(question)}
        except openai.APIStatusError as error:
            answer = {"error": type(error).__name__, "said": describe_error(error)}
        except Exception as error:
            answer = {"error": type(error).__name__, "said": {"message": str(error)}}
        print(json.dumps(answer), flush=True)


def describe_error(error: openai.APIStatusError) -> dict[str, Any]:
    body = error.body
    message = body.get("message") if isinstance(body, dict) else None
    known = {"status": error.status_code, "code": error.code, "message": message}
    return {**known, "type": error.type, "param": error.param}


def ask(question: dict[str, Any]) -> Any:
    client = openai.OpenAI(base_url=question["base_url"], api_key="sk-any", max_retries=0)
    kind, body = question["kind"], question["body"]
    if kind == "responses" and "--helper" in sys.argv:
        return python_responses.ask_helper(client, body, make_type)
    if kind == "responses":
        return python_responses.ask(client, body)
    if "--helper" in sys.argv:
        return ask_helper(client, body) if kind == "chat" else None
    if kind == "models":
        return read_models(client.models.list())
    if kind == "model":
        return read_models([client.models.retrieve(body["model"])])
    if kind == "embeddings":
        return read_embeddings(client.embeddings.create(**body))
    if kind == "moderations":
        return read_moderations(client.moderations.create(**body))
    if kind == "state":
        return python_responses.ask_state(client, **body)
    if kind == "stored":
        return ask_stored(client.chat.completions, body["action"], body["id"], body["metadata"])
    create = client.chat.completions.create if kind == "chat" else client.completions.create
    reply = create(**body)
    return read_stream(reply, kind) if body.get("stream") else read_reply(reply, kind)


def ask_helper(client: openai.OpenAI, body: dict[str, Any]) -> Any:
    """What the helper puts together, with the calls and texts that its events report as done."""
    schema = (body.get("response_format") or {}).get("json_schema", {}).get("schema")
    body = {**body, "response_format": make_type(schema, "Answer")} if schema else dict(body)
    if not body.pop("stream", False):
        return read_reply(client.chat.completions.parse(**body), "chat") if schema else None
    done = []
    with client.chat.completions.stream(**body) as stream:
        for event in stream:
            if event.type == "tool_calls.function.arguments.done":
                done.append([event.index, event.name, event.arguments])
            elif event.type in ("content.done", "refusal.done"):
                done.append([event.type])
        return {**read_reply(stream.get_final_completion(), "chat"), "events": done}


def make_type(schema: dict[str, Any], name: str) -> Any:
    """The type that an application would declare for a JSON schema, as it parses answers into it."""
    if "enum" in schema:
        return Literal[tuple(schema["enum"])]
    kind = schema.get("type")
    if kind == "array":
        return list[make_type(schema["items"], name)]
    if kind == "object":
        members = {member: (make_type(value, member), ...) for member, value in schema["properties"].items()}
        return pydantic.create_model(name, **members)
    return {"string": str, "integer": int, "number": float, "boolean": bool, "null": None}[kind]


def read_models(models: Any) -> Any:
    known = list(models)
    return {name: [getattr(model, member) for model in known] for name, member in MODEL.items()}


MODEL = {"ids": "id", "created": "created", "owned_by": "owned_by"}


def read_moderations(reply: Any) -> Any:
    results = [
        [result.flagged, result.categories.to_dict(), result.category_scores.to_dict()] for result in reply.results
    ]
    return {"id": reply.id, "model": reply.model, "results": results}


def ask_stored(api: Any, action: str, name: str, metadata: Any) -> Any:
    if action == "DELETE":
        reply = api.delete(name)
        return {"ids": [reply.id], "deleted": reply.deleted}
    if action == "messages":
        messages = list(islice(api.messages.list(name), MOST_ITEMS))
        said = [[message.role, message.content] for message in messages]
        return {"ids": [message.id for message in messages], "messages": said}
    if action == "list":
        replies = list(islice(api.list(), MOST_ITEMS))
    else:
        replies = [api.update(name, metadata=metadata) if action == "POST" else api.retrieve(name)]
    return {
        "ids": [reply.id for reply in replies],
        "metadata": [reply.metadata for reply in replies],
        "replies": [read_reply(reply, "chat") for reply in replies],
    }


MOST_ITEMS = 20
"""The same page is replayed for each that is asked for: a list that is said to go on has no end."""


def read_embeddings(reply: Any) -> Any:
    vectors = [item.embedding for item in reply.data]
    usage = [reply.usage.prompt_tokens, reply.usage.total_tokens]
    return {"model": reply.model, "vectors": vectors, "indexes": [item.index for item in reply.data], "usage": usage}


def read_reply(reply: Any, kind: str) -> Any:
    choices = [read_choice(choice) if kind == "chat" else read_text(choice) for choice in reply.choices]
    return {**read_head(reply), "choices": choices, "usage": read_usage(reply.usage)}


def read_head(reply: Any) -> dict[str, Any]:
    return {name: getattr(reply, name, None) for name in HEAD}


HEAD = ("id", "created", "model", "system_fingerprint", "service_tier", "_request_id")


def read_usage(used: Any) -> Any:
    if not used:
        return used
    prompt, completion = getattr(used, "prompt_tokens_details", None), getattr(used, "completion_tokens_details", None)
    details = [getattr(prompt, "cached_tokens", None), getattr(completion, "reasoning_tokens", None)]
    return [used.prompt_tokens, used.completion_tokens, used.total_tokens, *details]


def read_choice(choice: Any) -> dict[str, Any]:
    message = choice.message
    legacy = message.function_call
    return {
        "index": choice.index,
        "role": message.role,
        "text": message.content or "",
        "calls": [read_call(call) for call in message.tool_calls or []],
        "function_call": legacy and [legacy.name, json.loads(legacy.arguments)],
        "refusal": getattr(message, "refusal", None),
        "finish": choice.finish_reason,
        "tokens": read_tokens(choice.logprobs),
        **read_parsed(message),
    }


def read_parsed(message: Any) -> dict[str, Any]:
    """The object that the helper made of the text, where it has a type for it."""
    parsed = getattr(message, "parsed", None)
    return {"parsed": parsed.model_dump() if isinstance(parsed, pydantic.BaseModel) else parsed}


def read_call(call: Any) -> list[Any]:
    if call.type == "custom":
        return [call.id, call.custom.name, call.custom.input, call.type]
    return [call.id, call.function.name, json.loads(call.function.arguments), call.type]


def read_tokens(logprobs: Any) -> Any:
    """Each token with its probability, as examples compute it, and its alternatives."""
    return logprobs and [
        [item.token, math.exp(item.logprob), [other.token for other in item.top_logprobs]]
        for item in logprobs.content or []
    ]


def read_text(choice: Any) -> dict[str, Any]:
    listed = choice.logprobs
    rows = listed and zip(listed.tokens, listed.token_logprobs, listed.text_offset, strict=False)
    tokens = listed and [list(row) for row in rows]
    return {"index": choice.index, "text": choice.text, "finish": choice.finish_reason, "tokens": tokens}


def read_stream(stream: Any, kind: str) -> Any:
    """What a loop over the chunks puts together: `{id, created, model, choices, usage}`."""
    choices: dict[int, dict[str, Any]] = {}
    start: dict[str, Any] = {}
    used = None
    for chunk in stream:
        start = start or read_head(chunk)
        used = read_usage(chunk.usage) or used if getattr(chunk, "usage", None) else used
        for choice in chunk.choices:
            slot = choices.setdefault(choice.index, {**NOTHING, "calls": {}, "function_call": None, "tokens": []})
            slot["finish"] = choice.finish_reason or slot["finish"]
            if kind == "chat":
                add_delta(slot, choice.delta)
                slot["tokens"] += read_tokens(getattr(choice, "logprobs", None)) or []
            else:
                slot["text"] += choice.text
    for slot in choices.values():
        slot["calls"] = [[*names, json.loads(text), kind] for *names, text, kind in slot["calls"].values()]
    return {**start, "choices": [{"index": index, **choices[index]} for index in sorted(choices)], "usage": used}


NOTHING = {"role": None, "text": "", "finish": None, "refusal": ""}


def add_delta(slot: dict[str, Any], delta: Any) -> None:
    slot["role"] = delta.role or slot["role"]
    slot["text"] += delta.content or ""
    slot["refusal"] += getattr(delta, "refusal", None) or ""
    if delta.function_call:
        slot["function_call"] = slot["function_call"] or ["", ""]
        slot["function_call"][0] += delta.function_call.name or ""
        slot["function_call"][1] += delta.function_call.arguments or ""
    for call in delta.tool_calls or []:
        joined = slot["calls"].setdefault(call.index, [None, "", "", None])
        joined[0] = call.id or joined[0]
        joined[3] = call.type or joined[3]
        if call.function:
            joined[1] += call.function.name or ""
            joined[2] += call.function.arguments  # as the guide to function calling has it


if __name__ == "__main__":
    main()
