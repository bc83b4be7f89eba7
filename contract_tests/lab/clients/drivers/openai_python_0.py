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
        asked = json.loads(line)
        try:
            answer = {"result": ask(asked)}
        except openai.error.OpenAIError as error:
            said = {"status": error.http_status, "code": error.code, "message": error.user_message}
            answer = {"error": type(error).__name__, "said": said}
        except Exception as error:
            answer = {"error": type(error).__name__, "said": {"message": str(error)}}
        print(json.dumps(answer), flush=True)


def ask(asked: dict[str, Any]) -> Any:
    openai.api_base = asked["base_url"]
    kind, body = asked["kind"], asked["body"]
    if kind == "models":
        return {"ids": [one["id"] for one in openai.Model.list()["data"]]}
    if kind == "model":
        return {"ids": [openai.Model.retrieve(body["model"])["id"]]}
    if kind == "embeddings":
        reply = openai.Embedding.create(**{"encoding_format": "base64", **body})
        usage = [reply["usage"]["prompt_tokens"], reply["usage"]["total_tokens"]]
        return {
            "model": reply.get("model"),
            "vectors": [unpacked(one["embedding"]) for one in reply["data"]],
            "usage": usage,
        }
    api = openai.ChatCompletion if kind == "chat" else openai.Completion
    reply = api.create(**body)
    return streamed(reply, kind) if body.get("stream") else whole(reply, kind)


def unpacked(vector: Any) -> Any:
    """Base64 as floats: the client asks for it on its own, and unpacks it so where numpy is installed."""
    if not isinstance(vector, str):
        return vector
    data = base64.b64decode(vector)
    return list(struct.unpack(f"<{len(data) // 4}f", data))


def head(reply: Any) -> dict[str, Any]:
    return {name: reply.get(name) for name in ("id", "created", "model")}


def usage(used: Any) -> Any:
    return used and [used["prompt_tokens"], used["completion_tokens"], used["total_tokens"]]


def whole(reply: Any, kind: str) -> Any:
    choices = []
    for choice in reply["choices"]:
        message = choice["message"] if kind == "chat" else {"content": choice["text"]}
        calls = [
            [one["id"], one["function"]["name"], json.loads(one["function"]["arguments"])]
            for one in message.get("tool_calls") or []
        ]
        choices.append(
            {"text": message["content"] or "", "calls": calls, "finish": choice.get("finish_reason")}
        )
    return {**head(reply), "choices": choices, "usage": usage(reply.get("usage"))}


def streamed(stream: Any, kind: str) -> Any:
    """What a loop over the chunks puts together."""
    choices: dict[int, dict[str, Any]] = {}
    made: dict[str, Any] = {}
    for chunk in stream:
        made = made or head(chunk)
        for choice in chunk["choices"]:
            slot = choices.setdefault(choice.get("index"), {"text": "", "calls": {}, "finish": None})
            slot["finish"] = choice.get("finish_reason") or slot["finish"]
            delta = choice["delta"] if kind == "chat" else {"content": choice["text"]}
            slot["text"] += delta.get("content") or ""
            for call in delta.get("tool_calls") or []:
                one = slot["calls"].setdefault(call["index"], [None, "", ""])
                one[0] = call.get("id") or one[0]
                one[1] += call["function"].get("name") or ""
                one[2] += call["function"].get("arguments") or ""
    for slot in choices.values():
        slot["calls"] = [[one[0], one[1], json.loads(one[2])] for one in slot["calls"].values()]
    return {**made, "choices": [choices[index] for index in sorted(choices)]}


if __name__ == "__main__":
    main()
