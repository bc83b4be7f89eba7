# mypy: ignore-errors
"""openai-python 1, 2 and 3, as its documentation uses it; reads and answers one JSON object a line."""

from __future__ import annotations

import json
import sys
from typing import Any

import openai


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
    return {"status": error.status_code, "code": error.code, "message": message}


def ask(question: dict[str, Any]) -> Any:
    client = openai.OpenAI(base_url=question["base_url"], api_key="sk-any", max_retries=0)
    kind, body = question["kind"], question["body"]
    if kind == "models":
        return {"ids": [item.id for item in client.models.list()]}
    if kind == "model":
        return {"ids": [client.models.retrieve(body["model"]).id]}
    if kind == "embeddings":
        return read_embeddings(client.embeddings.create(**body))
    create = client.chat.completions.create if kind == "chat" else client.completions.create
    reply = create(**body)
    return read_stream(reply, kind) if body.get("stream") else read_reply(reply, kind)


def read_embeddings(reply: Any) -> Any:
    vectors = [item.embedding for item in reply.data]
    usage = [reply.usage.prompt_tokens, reply.usage.total_tokens]
    return {"model": reply.model, "vectors": vectors, "usage": usage}


def read_reply(reply: Any, kind: str) -> Any:
    choices = [read_choice(choice) if kind == "chat" else read_text(choice) for choice in reply.choices]
    return {**read_head(reply), "choices": choices, "usage": read_usage(reply.usage)}


def read_head(reply: Any) -> dict[str, Any]:
    return {name: getattr(reply, name) for name in ("id", "created", "model")}


def read_usage(used: Any) -> Any:
    return used and [used.prompt_tokens, used.completion_tokens, used.total_tokens]


def read_choice(choice: Any) -> dict[str, Any]:
    message = choice.message
    calls = [[call.id, call.function.name, json.loads(call.function.arguments)] for call in message.tool_calls or []]
    tokens = choice.logprobs and [item.token for item in choice.logprobs.content or []]
    return {
        "text": message.content or "",
        "calls": calls,
        "refusal": getattr(message, "refusal", None),
        "finish": choice.finish_reason,
        "tokens": tokens,
    }


def read_text(choice: Any) -> dict[str, Any]:
    tokens = choice.logprobs and choice.logprobs.tokens
    return {"text": choice.text, "finish": choice.finish_reason, "tokens": tokens}


def read_stream(stream: Any, kind: str) -> Any:
    """What a loop over the chunks puts together: `{id, created, model, choices, usage}`."""
    choices: dict[int, dict[str, Any]] = {}
    start: dict[str, Any] = {}
    used = None
    for chunk in stream:
        start = start or read_head(chunk)
        used = read_usage(chunk.usage) or used if getattr(chunk, "usage", None) else used
        for choice in chunk.choices:
            slot = choices.setdefault(choice.index, {"text": "", "calls": {}, "finish": None, "refusal": ""})
            slot["finish"] = choice.finish_reason or slot["finish"]
            if kind == "chat":
                add_delta(slot, choice.delta)
            else:
                slot["text"] += choice.text
    for slot in choices.values():
        slot["calls"] = [
            [identifier, name, json.loads(arguments)] for identifier, name, arguments in slot["calls"].values()
        ]
    return {**start, "choices": [choices[index] for index in sorted(choices)], "usage": used}


def add_delta(slot: dict[str, Any], delta: Any) -> None:
    slot["text"] += delta.content or ""
    slot["refusal"] += getattr(delta, "refusal", None) or ""
    for call in delta.tool_calls or []:
        joined = slot["calls"].setdefault(call.index, [None, "", ""])
        joined[0] = call.id or joined[0]
        if call.function:
            joined[1] += call.function.name or ""
            joined[2] += call.function.arguments or ""


if __name__ == "__main__":
    main()
