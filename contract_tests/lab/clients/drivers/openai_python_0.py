# mypy: ignore-errors
"""openai-python 0.28, the seed's own generation, as its documentation uses it; one JSON object a line."""

from __future__ import annotations

import base64
import json
import struct
import sys
from typing import Any

import openai


def main() -> None:
    print("ready", flush=True)
    openai.api_key = "sk-any"
    for line in sys.stdin:
        question = json.loads(line)
        try:
            answer = {"result": ask(question)}
        except openai.error.OpenAIError as error:
            details = {"status": error.http_status, "code": error.code, "message": error.user_message}
            more = {"type": getattr(error.error, "type", None), "param": getattr(error, "param", None)}
            answer = {"error": type(error).__name__, "said": {**details, **more}}
        except Exception as error:
            answer = {"error": type(error).__name__, "said": {"message": str(error)}}
        print(json.dumps(answer), flush=True)


def ask(question: dict[str, Any]) -> Any:
    openai.api_base = question["base_url"]
    kind, body = question["kind"], question["body"]
    if kind == "models":
        return read_models(openai.Model.list()["data"])
    if kind == "model":
        return read_models([openai.Model.retrieve(body["model"])])
    if kind == "embeddings":
        reply = openai.Embedding.create(**{"encoding_format": "base64", **body})
        usage = [reply["usage"]["prompt_tokens"], reply["usage"]["total_tokens"]]
        return {
            "model": reply.get("model"),
            "vectors": [decode_vector(item["embedding"]) for item in reply["data"]],
            "indexes": [item.get("index") for item in reply["data"]],
            "usage": usage,
        }
    if kind == "moderations":
        reply = openai.Moderation.create(**body)
        results = [[result["flagged"], result["categories"], result["category_scores"]] for result in reply["results"]]
        return {"id": reply.get("id"), "model": reply.get("model"), "results": results}
    if kind in ("stored", "responses", "state"):
        return None
    api = openai.ChatCompletion if kind == "chat" else openai.Completion
    reply = api.create(**body)
    return read_stream(reply, kind) if body.get("stream") else read_reply(reply, kind)


def read_models(models: Any) -> Any:
    members = {"ids": "id", "created": "created", "owned_by": "owned_by"}
    return {name: [model[member] for model in models] for name, member in members.items()}


def decode_vector(vector: Any) -> Any:
    """Base64 as floats; the client asks for it, and decodes it like this where numpy is installed."""
    if not isinstance(vector, str):
        return vector
    data = base64.b64decode(vector)
    return list(struct.unpack(f"<{len(data) // 4}f", data))


def read_head(reply: Any) -> dict[str, Any]:
    return {name: reply.get(name) for name in ("id", "created", "model", "system_fingerprint", "service_tier")}


def read_usage(used: Any) -> Any:
    return used and [used["prompt_tokens"], used["completion_tokens"], used["total_tokens"]]


def read_reply(reply: Any, kind: str) -> Any:
    choices = []
    for choice in reply["choices"]:
        message = choice["message"] if kind == "chat" else {"content": choice["text"]}
        calls = [
            [item["id"], item["function"]["name"], json.loads(item["function"]["arguments"]), item.get("type")]
            for item in message.get("tool_calls") or []
        ]
        legacy = message.get("function_call")
        choices.append(
            {
                "index": choice.get("index"),
                "role": message.get("role"),
                "text": message["content"] or "",
                "calls": calls,
                "function_call": legacy and [legacy["name"], json.loads(legacy["arguments"])],
                "finish": choice.get("finish_reason"),
            }
        )
    return {**read_head(reply), "choices": choices, "usage": read_usage(reply.get("usage"))}


def read_stream(stream: Any, kind: str) -> Any:
    """What a loop over the chunks puts together: `{id, created, model, choices}`."""
    choices: dict[int, dict[str, Any]] = {}
    start: dict[str, Any] = {}
    for chunk in stream:
        start = start or read_head(chunk)
        for choice in chunk["choices"]:
            slot = choices.setdefault(choice.get("index"), {"role": None, "text": "", "calls": {}, "finish": None})
            slot["finish"] = choice["finish_reason"] or slot["finish"]
            delta = choice["delta"] if kind == "chat" else {"content": choice["text"]}
            slot["role"] = delta.get("role") or slot["role"]
            slot["text"] += delta.get("content") or ""
            for call in delta.get("tool_calls") or []:
                joined = slot["calls"].setdefault(call["index"], [None, "", ""])
                joined[0] = call.get("id") or joined[0]
                joined[1] += call["function"].get("name") or ""
                joined[2] += call["function"].get("arguments") or ""
    for slot in choices.values():
        slot["calls"] = [
            [identifier, name, json.loads(arguments)] for identifier, name, arguments in slot["calls"].values()
        ]
    return {**start, "choices": [{"index": index, **choices[index]} for index in sorted(choices)]}


if __name__ == "__main__":
    main()
