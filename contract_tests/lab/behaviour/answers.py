"""Illegal: the answer says what is not so."""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import replace
from typing import Any

from contract_tests.lab.behaviour.catalogue import illegal
from contract_tests.lab.behaviour.exchanging import Answer, Call, World


@illegal
async def cut_text_called_complete(world: World, call: Call) -> Answer:
    """A text that the token limit cut has the finish reason `stop`.

    Illegal: `length` is how callers learn that the text is not complete.
    """
    answer = world.ask(call)
    for choice in answer.choices():
        if choice.get("finish_reason") == "length":
            choice["finish_reason"] = "stop"
    return answer


@illegal
async def tool_calls_called_stop(world: World, call: Call) -> Answer:
    """An answer that calls tools, although none was named, has the finish reason `stop`.

    Illegal: agents go on only where the reason is `tool_calls`, and end without calling the tool.
    """
    answer = world.ask(call)
    for choice in answer.choices():
        if choice.get("finish_reason") == "tool_calls":
            choice["finish_reason"] = "stop"
    return answer


@illegal
async def call_ids_reused(world: World, call: Call) -> Answer:
    """All tool calls have the same id. Illegal: the results of parallel calls are told apart by their ids."""
    answer = world.ask(call)
    for message in answer.messages():
        for tool_call in message.get("tool_calls") or ():
            if tool_call.get("id"):
                tool_call["id"] = "call_0000000000000000000000"
    return answer


@illegal
async def arguments_all_strings(world: World, call: Call) -> Answer:
    """Numbers and booleans in the arguments of a tool call are strings: `{"days": "3"}`.

    Illegal where the tool's schema is strict: arguments then fit the schema. Parsers of calls in XML do this.
    """
    answer = world.ask(call)
    whole: dict[int, list[dict[str, Any]]] = {}
    for message in answer.messages():
        for number, tool_call in enumerate(message.get("tool_calls") or ()):
            function = tool_call.get("function") or {}
            if isinstance(function.get("arguments"), str):
                whole.setdefault(tool_call.get("index", number), []).append(function)
    for functions in whole.values():
        text = "".join(function["arguments"] for function in functions)
        try:
            changed = json.dumps({name: _as_string(value) for name, value in json.loads(text).items()})
        except (ValueError, AttributeError):
            continue
        for function in functions[:-1]:
            size = len(function["arguments"])
            function["arguments"], changed = changed[:size], changed[size:]
        functions[-1]["arguments"] = changed
    return answer


@illegal
async def json_in_a_fence(world: World, call: Call) -> Answer:
    """JSON that a response format asks for stands in a Markdown code fence.

    Illegal: the content is promised to be JSON, and is parsed as it is.
    """
    answer = world.ask(call)
    form = call.members.get("response_format")
    if isinstance(form, dict) and form.get("type") in ("json_object", "json_schema") and answer.succeeded:
        answer.change_text(lambda _, text: f"```json\n{text}\n```")
    return answer


@illegal
async def end_token_leaks(world: World, call: Call) -> Answer:
    """A chat's text ends with the model's own end token, `<|im_end|>`.

    Illegal: special tokens are no part of the content, and are shown to users.
    """
    answer = world.ask(call)
    if call.is_chat and not call.members.get("logprobs"):
        answer.change_text(lambda index, text: f"{text}<|im_end|>" if answer.reason(index) == "stop" else text)
    return answer


@illegal
async def logprobs_of_other_tokens(world: World, call: Call) -> Answer:
    """The tokens under `logprobs` are those of another text: the same ones in reverse.

    Illegal: each entry is the probability of a token of this very message, in order.
    """
    answer = world.ask(call)
    entries = [
        entry
        for choice in answer.choices()
        for entry in (choice.get("logprobs") or {}).get("content") or ()
        if choice.get("index") == 0
    ]
    for entry, other in zip(entries, [dict(entry) for entry in reversed(entries)], strict=True):
        entry.update(other)
    return answer


@illegal
async def prompt_tokens_fixed(world: World, call: Call) -> Answer:
    """Every prompt has ten tokens, however long it is.

    Illegal: `prompt_tokens` is the number of tokens in the prompt, which is what callers pay for.
    """
    answer = world.ask(call)
    for value in answer.objects:
        usage = value.get("usage")
        if isinstance(usage, dict) and "prompt_tokens" in usage:
            usage["total_tokens"] += 10 - usage["prompt_tokens"]
            usage["prompt_tokens"] = 10
    return answer


@illegal
async def embeddings_swapped(world: World, call: Call) -> Answer:
    """The vectors of a batch come in reverse, each under the index of another text.

    Illegal: `index` says which text a vector belongs to. A search that goes by it finds the wrong texts.
    """
    answer = world.ask(call)
    if call.is_embedding and answer.succeeded:
        vectors = [entry["embedding"] for entry in answer.value["data"]]
        for entry, vector in zip(answer.value["data"], reversed(vectors), strict=True):
            entry["embedding"] = vector
    return answer


@illegal
async def vectors_in_big_endian(world: World, call: Call) -> Answer:
    """Vectors asked for in base64 have their bytes in network order.

    Illegal: SDKs read them as little-endian floats, and get other numbers without an error.
    """
    answer = world.ask(call)
    if call.is_embedding and call.members.get("encoding_format") == "base64" and answer.succeeded:
        for entry in answer.value["data"]:
            data = base64.b64decode(entry["embedding"])
            floats = struct.unpack(f"<{len(data) // 4}f", data)
            entry["embedding"] = base64.b64encode(struct.pack(f">{len(floats)}f", *floats)).decode()
    return answer


@illegal
async def errors_with_status_200(world: World, call: Call) -> Answer:
    """Errors come with the status 200. Illegal: SDKs raise by the status, and take the error for an answer."""
    answer = world.ask(call)
    if not answer.succeeded:
        answer.status = 200
    return answer


@illegal
async def listed_model_not_found(world: World, call: Call) -> Answer:
    """A model that `/models` lists is not found when it is retrieved. Illegal: the list says what is there."""
    if call.request.method == "GET" and "/models/" in call.request.path:
        unknown = call.request.path.rpartition("/")[0] + "/no-such-model"
        answer = world.ask(Call(replace(call.request, target=unknown), None))
        name = call.request.path.rpartition("/")[2]
        answer.value = json.loads(json.dumps(answer.value).replace("no-such-model", name))
        return answer
    return world.ask(call)


@illegal
async def key_in_errors(world: World, call: Call) -> Answer:
    """Error messages quote the caller's key in full.

    Illegal: messages are logged and shown; OpenAI never shows more of a key than its first and last letters.
    """
    answer = world.ask(call)
    key = next((value for name, value in call.request.headers or () if name.lower() == "authorization"), "")
    if not answer.succeeded and isinstance(answer.value, dict) and key:
        answer.value["error"]["message"] += f" (key: {key.removeprefix('Bearer ')})"
    return answer


def _as_string(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, bool | int | float) else value
