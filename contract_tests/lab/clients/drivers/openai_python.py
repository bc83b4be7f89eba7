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
        asked = json.loads(line)
        try:
            answer = {"result": ask(asked)}
        except openai.APIStatusError as error:
            answer = {"error": type(error).__name__, "said": told(error)}
        except Exception as error:
            answer = {"error": type(error).__name__, "said": {"message": str(error)}}
        print(json.dumps(answer), flush=True)


def told(error: openai.APIStatusError) -> dict[str, Any]:
    body = error.body
    message = body.get("message") if isinstance(body, dict) else None
    return {"status": error.status_code, "code": error.code, "message": message}


def ask(asked: dict[str, Any]) -> Any:
    client = openai.OpenAI(base_url=asked["base_url"], api_key="sk-any", max_retries=0)
    kind, body = asked["kind"], asked["body"]
    if kind == "models":
        return {"ids": [one.id for one in client.models.list()]}
    if kind == "model":
        return {"ids": [client.models.retrieve(body["model"]).id]}
    if kind == "embeddings":
        return embeddings(client.embeddings.create(**body))
    create = client.chat.completions.create if kind == "chat" else client.completions.create
    reply = create(**body)
    return streamed(reply, kind) if body.get("stream") else whole(reply, kind)


def embeddings(reply: Any) -> Any:
    vectors = [one.embedding for one in reply.data]
    usage = [reply.usage.prompt_tokens, reply.usage.total_tokens]
    return {"model": reply.model, "vectors": vectors, "usage": usage}


def whole(reply: Any, kind: str) -> Any:
    choices = [said(choice) if kind == "chat" else text(choice) for choice in reply.choices]
    return {**head(reply), "choices": choices, "usage": usage(reply.usage)}


def head(reply: Any) -> dict[str, Any]:
    return {name: getattr(reply, name) for name in ("id", "created", "model")}


def usage(used: Any) -> Any:
    return used and [used.prompt_tokens, used.completion_tokens, used.total_tokens]


def said(choice: Any) -> dict[str, Any]:
    message = choice.message
    calls = [
        [call.id, call.function.name, json.loads(call.function.arguments)]
        for call in message.tool_calls or []
    ]
    tokens = choice.logprobs and [one.token for one in choice.logprobs.content or []]
    return {
        "text": message.content or "",
        "calls": calls,
        "refusal": getattr(message, "refusal", None),
        "finish": choice.finish_reason,
        "tokens": tokens,
    }


def text(choice: Any) -> dict[str, Any]:
    tokens = choice.logprobs and choice.logprobs.tokens
    return {"text": choice.text, "finish": choice.finish_reason, "tokens": tokens}


def streamed(stream: Any, kind: str) -> Any:
    """What a loop over the chunks puts together."""
    choices: dict[int, dict[str, Any]] = {}
    made: dict[str, Any] = {}
    used = None
    for chunk in stream:
        made = made or head(chunk)
        used = usage(chunk.usage) or used if getattr(chunk, "usage", None) else used
        for choice in chunk.choices:
            slot = choices.setdefault(choice.index, {"text": "", "calls": {}, "finish": None, "refusal": ""})
            slot["finish"] = choice.finish_reason or slot["finish"]
            if kind == "chat":
                add(slot, choice.delta)
            else:
                slot["text"] += choice.text
    for slot in choices.values():
        slot["calls"] = [[one[0], one[1], json.loads(one[2])] for one in slot["calls"].values()]
    return {**made, "choices": [choices[index] for index in sorted(choices)], "usage": used}


def add(slot: dict[str, Any], delta: Any) -> None:
    slot["text"] += delta.content or ""
    slot["refusal"] += getattr(delta, "refusal", None) or ""
    for call in delta.tool_calls or []:
        one = slot["calls"].setdefault(call.index, [None, "", ""])
        one[0] = call.id or one[0]
        if call.function:
            one[1] += call.function.name or ""
            one[2] += call.function.arguments or ""


if __name__ == "__main__":
    main()
