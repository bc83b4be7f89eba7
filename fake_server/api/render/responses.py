"""Render a reply as the response object of the Responses API, with OpenAI's members in OpenAI's order.

Source: genuine responses of api.openai.com of 2026, and the SDK's types. A stream (`responses_stream.py`) is made
from the object, so that both say the same.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from fake_server.api import chat_request, items, responses_request, sealing
from fake_server.api.render.chat import hold_dict
from fake_server.api.render.style import Style
from fake_server.api.reply import Choice, Reply, TokenLogprob, ToolCall
from fake_server.wire.budget import hold
from fake_server.wire.deep_size import deep_size

_COPIES = 5
"""How often a text stands in the events of a stream, beside its deltas."""
_NEWER = re.compile(r"(?:^|[/.])gpt-(?:5\.[2-9]|[6-9])")
"""Models whose `top_p` is 0.98 and whose cache is kept for a day."""
_PHASED = re.compile(r"(?:^|[/.])gpt-(?:5\.[4-9]|[6-9])")
"""Models whose messages have a phase."""
_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


def build_response(reply: Reply, request: Mapping[str, Any], style: Style) -> dict[str, Any]:
    """The finished response object: what the body of an unstreamed reply says."""
    _hold(reply)
    output = output_items(reply, request, style)
    created = reply.created if reply.created is not None else int(time.time())
    reason = next((_INCOMPLETE[end] for end in _ends(reply) if end in _INCOMPLETE), None)
    reasons = chat_request.is_reasoning_model({"model": reply.model})
    newer, usage = bool(_NEWER.search(reply.model)), reply.usage
    head: dict[str, Any] = {
        "id": reply.id if reply.id is not None else style.new_item_id("resp_"),
        "object": "response",
        "created_at": created,
        "status": "completed" if reason is None else "incomplete",
        "background": bool(request.get("background")),
    }
    if style.dated:
        head["completed_at"] = created if reason is None else None
    return {
        **head,
        "error": None,
        "frequency_penalty": 0.0,
        "incomplete_details": None if reason is None else {"reason": reason},
        "instructions": request.get("instructions"),
        "max_output_tokens": request.get("max_output_tokens"),
        "max_tool_calls": request.get("max_tool_calls"),
        "model": reply.model,
        "moderation": None,
        "output": output,
        "parallel_tool_calls": request.get("parallel_tool_calls") is not False,
        "presence_penalty": 0.0,
        "previous_response_id": request.get("previous_response_id"),
        **({"prompt": request["prompt"]} if request.get("prompt") is not None else {}),
        "prompt_cache_key": request.get("prompt_cache_key"),
        "prompt_cache_retention": request.get("prompt_cache_retention") or ("24h" if newer else "in_memory"),
        "reasoning": _reasoning_echo(request, reasons),
        "safety_identifier": request.get("safety_identifier"),
        "service_tier": _tier(request.get("service_tier")),
        "store": request.get("store") is not False,
        "temperature": _or(request.get("temperature"), 1.0),
        "text": _text_echo(request),
        "tool_choice": _or(request.get("tool_choice"), "auto"),
        "tool_usage": _tool_usage(output),
        "tools": [_tool_echo(tool) for tool in request.get("tools") or ()],
        "top_logprobs": request.get("top_logprobs") or 0,
        "top_p": _or(request.get("top_p"), 0.98 if newer else 1.0),
        "truncation": request.get("truncation") or "disabled",
        "usage": {
            "input_tokens": usage.prompt_tokens,
            "input_tokens_details": {"cache_write_tokens": 0, "cached_tokens": usage.cached_tokens},
            "output_tokens": usage.completion_tokens,
            "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
            "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        },
        "user": request.get("user"),
        "metadata": dict(request.get("metadata") or {}),
    }


def render_dict(response: Mapping[str, Any], style: Style) -> bytes:
    """Render the body of the unstreamed reply, which also says who pays."""
    members: dict[str, Any] = {}
    for name, value in response.items():
        members[name] = value
        if name == "background":
            members["billing"] = {"payer": "developer"}
    return style.serialize(members)


def early(response: Mapping[str, Any], status: str = "in_progress") -> dict[str, Any]:
    """The response before its end: `queued` or `in_progress`, without output and usage."""
    changes: dict[str, Any] = {"status": status, "output": [], "usage": None, "error": None, "incomplete_details": None}
    if response.get("service_tier") == "default":
        changes["service_tier"] = "auto"
    if "completed_at" in response:
        changes["completed_at"] = None
    return {**response, **changes}


def new_id(kind: str, style: Style) -> str:
    """Make an id for an item of this type."""
    return style.new_item_id(f"{items.PREFIXES.get(kind, 'item')}_")


def _hold(reply: Reply) -> None:
    """Note what the texts take in the object and the large events of its stream, and its log probabilities."""
    texts = sum(len(choice.content or "") for choice in reply.choices) + sum(map(deep_size, reply.output))
    hold(_COPIES * texts, "the events that repeat its texts")
    hold_dict(reply)


def _ends(reply: Reply) -> Iterator[str]:
    return (choice.finish_reason for choice in reply.choices)


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value


# -- items


def output_items(reply: Reply, request: Mapping[str, Any], style: Style) -> list[dict[str, Any]]:
    """The items of a reply: for each choice its reasoning, its message and its calls."""
    if reply.output:
        return [items.output_item(item) for item in reply.output]
    made: list[dict[str, Any]] = []
    spaces = responses_request.namespaces(request) if any(choice.tool_calls for choice in reply.choices) else {}
    phased = bool(_PHASED.search(reply.model))
    for index, choice in enumerate(reply.choices):
        thinks = reply.usage.reasoning_tokens > 0 and index == 0
        made += _items_of(choice, request, style, thinks=thinks, phased=phased, spaces=spaces)
    place = 1 if made and made[0]["type"] == "reasoning" else 0
    return [*made[:place], *(items.output_item(item) for item in reply.before), *made[place:]]


def _items_of(
    choice: Choice, request: Mapping[str, Any], style: Style, *, thinks: bool, phased: bool, spaces: Mapping[str, str]
) -> list[dict[str, Any]]:
    status = "incomplete" if choice.finish_reason in _INCOMPLETE else "completed"
    speaks = bool(choice.content or choice.refusal)
    empty = (choice.content is not None or choice.refusal is not None) and not choice.tool_calls
    cut_before = status == "incomplete" and thinks  # what it was to say is not begun
    message = speaks or (empty and not cut_before)
    shows = choice.reasoning is not None or responses_request.ENCRYPTED in responses_request.included(request)
    silent = style.reserved and not shows and message
    made: list[dict[str, Any]] = []
    if choice.reasoning is not None or (thinks and not silent):
        made.append(_reasoning(choice.reasoning, request, style))
    if message:
        phase = {} if not phased else {"phase": "commentary" if choice.tool_calls else "final_answer"}
        content = _parts(choice)
        head = {"id": new_id("message", style), "type": "message", "status": "completed", "content": content}
        made.append({**head, **phase, "role": "assistant"})
    made += [_call(call, style, spaces) for call in choice.tool_calls]
    if made and "status" in made[-1]:
        made[-1]["status"] = status
    return made


def _reasoning(text: str | None, request: Mapping[str, Any], style: Style) -> dict[str, Any]:
    """Reasoning, as the summary that is asked for or as its text."""
    item: dict[str, Any] = {"id": new_id("reasoning", style), "type": "reasoning"}
    summarized = text is not None and responses_request.summary_of(request) is not None
    if text is not None and not summarized:
        item["content"] = [{"type": "reasoning_text", "text": text}]
    if responses_request.ENCRYPTED in responses_request.included(request):
        item["encrypted_content"] = sealing.seal({"reasoning": text or ""})
    item["summary"] = [{"type": "summary_text", "text": text}] if summarized else []
    return item


def _parts(choice: Choice) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    if choice.content or choice.refusal is None:
        scores = [] if choice.logprobs is None else _logprobs(choice.logprobs)
        text = choice.content or ""
        notes = [_annotation(annotation) for annotation in choice.annotations]
        parts.append({"type": "output_text", "annotations": notes, "logprobs": scores, "text": text})
    if choice.refusal is not None:
        parts.append({"type": "refusal", "refusal": choice.refusal})
    return parts


def _annotation(annotation: Mapping[str, Any]) -> dict[str, Any]:
    """An annotation; chat has the members of a citation one object deeper."""
    kind = annotation.get("type")
    inner = annotation.get(str(kind))
    return {"type": kind, **inner} if isinstance(inner, Mapping) else dict(annotation)


def _logprobs(tokens: Iterable[TokenLogprob]) -> list[dict[str, Any]]:
    return [
        {**_score(scored.token, scored.logprob), "top_logprobs": [_score(text, nats) for text, nats in scored.top]}
        for scored in tokens
    ]


def _score(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "bytes": list(token.encode("utf-8", "replace")), "logprob": logprob}


def _call(call: ToolCall, style: Style, spaces: Mapping[str, str]) -> dict[str, Any]:
    call_id = call.id if call.id is not None else style.new_call_id()
    space = {"namespace": spaces[call.name]} if call.name in spaces else {}
    kind = "custom_tool_call" if call.kind == "custom" else "function_call"
    head = {"id": new_id(kind, style), "type": kind, "status": "completed"}
    if kind == "custom_tool_call":
        return {**head, "call_id": call_id, "input": call.arguments, "name": call.name, **space}
    return {**head, "arguments": call.arguments, "call_id": call_id, "name": call.name, **space}


# -- what is repeated of the request


def _tier(asked: object) -> Any:
    return {"auto": "default", "fast": "priority"}.get(str(asked), asked) if asked is not None else "default"


def _reasoning_echo(request: Mapping[str, Any], reasons: bool) -> dict[str, Any]:
    given = responses_request.reasoning_of(request)
    effort, summary = given.get("effort"), responses_request.summary_of(request)
    if not reasons:
        return {"context": None, "effort": effort, "summary": summary}
    context = given.get("context") if given.get("context") not in (None, "auto") else "current_turn"
    effort = responses_request.reasoning_effort(request)
    return {"context": context, "effort": effort, "mode": given.get("mode") or "standard", "summary": summary}


def _text_echo(request: Mapping[str, Any]) -> dict[str, Any]:
    given = request.get("text") or {}
    form = given.get("format") or {"type": "text"}
    if form["type"] == "json_schema":
        names = ("description", "name", "schema", "strict")
        form = {"type": "json_schema", **{name: form.get(name) for name in names}}
        form["strict"] = form["strict"] is not False
    return {"format": dict(form), "verbosity": given.get("verbosity") or "medium"}


def _tool_echo(tool: Mapping[str, Any]) -> dict[str, Any]:
    """A tool with the defaults of what it leaves out; a function that says nothing of it is strict."""
    if tool["type"] == "namespace":
        return {**tool, "tools": [_tool_echo(inner) for inner in tool["tools"]]}
    if tool["type"] != "function":
        return dict(tool)
    strict = tool.get("strict")
    whole = {
        "type": "function",
        "description": tool.get("description"),
        "name": tool["name"],
        "output_schema": tool.get("output_schema"),
        "parameters": _strict_parameters(tool.get("parameters")) if strict is None else tool.get("parameters"),
        "strict": strict is not False,
    }
    return {**whole, **{name: value for name, value in tool.items() if name not in whole}}


def _strict_parameters(schema: object) -> Any:
    """The parameters of a function that becomes strict: closed, and all of them required."""
    if not isinstance(schema, Mapping):
        return schema
    properties = schema.get("properties")
    required = list(properties) if isinstance(properties, Mapping) else []
    return {**schema, "additionalProperties": False, "required": required}


def _tool_usage(output: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How much built-in tools were used."""
    details = {"image_tokens": 0, "text_tokens": 0}
    searches = sum(item.get("type") == "web_search_call" for item in output)
    return {
        "image_gen": {
            "input_tokens": 0,
            "input_tokens_details": details,
            "output_tokens": 0,
            "output_tokens_details": dict(details),
            "total_tokens": 0,
        },
        "web_search": {"num_requests": searches},
    }
