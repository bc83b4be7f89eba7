"""The JSON documents of a reply: its object, or the chunks of its stream by kind, and these merged."""

from __future__ import annotations

from typing import Any

from contract_tests.rules.engine.node import kind_of
from contract_tests.rules.engine.stream import StreamedChoice
from contract_tests.rules.engine.view import View

CHUNK, ERROR, DICT = "chunk", "error", "dict"


def body_kind(view: View) -> str:
    """The kind of body in two or three words."""
    if view.form == "json":
        kinds = {problem.kind for problem in view.document.problems}
        if "depth" in kinds or "size" in kinds:
            return "JSON nested too deeply" if "depth" in kinds else "JSON with too many values"
        if view.document.ok:
            kind = kind_of(view.document.value)
            return "error object" if _is_error(view.document.value) else f"JSON {kind}"
    elif view.form in ("events", "empty"):
        return "event stream" if view.form == "events" else "no body"
    elif view.coding_problem:
        return "a body that cannot be decoded"
    elif view.body.lstrip()[:1] == b"<":
        return "HTML"
    return "text that is not JSON"


def _is_error(value: Any) -> bool:
    return isinstance(value, dict) and bool(value.get("error")) and "choices" not in value


def documents(view: View) -> dict[str, list[Any]]:
    """The documents by kind: 'dict' or 'error' for a body, 'chunk', 'error' or their type for events."""
    if view.form == "json":
        value = view.document.value
        return {ERROR if _is_error(value) else DICT: [value]} if view.document.ok else {}
    documents: dict[str, list[Any]] = {}
    for node in view.messages:
        value = node.value
        kind = value.get("type")
        typed = isinstance(kind, str) and "choices" not in value
        name = ERROR if _is_error(value) else str(kind) if typed else CHUNK
        documents.setdefault(name, []).append(value)
    return documents


def merged_document(view: View) -> dict[str, Any] | None:
    """What a chat or text reply says, a dict and a stream in the same form; None for any other reply.

    Null and empty members of messages say nothing and are left out.
    """
    if view.form == "events":
        return merge_chunks(view) if view.chunks else None
    value = view.document.value if view.form == "json" else None
    if not isinstance(value, dict) or "choices" not in value:
        return None
    merged: dict[str, Any] = {name: value[name] for name in ("choices", "usage") if value.get(name)}
    if isinstance(merged.get("choices"), list):
        merged["choices"] = [_reduce_choice(choice) for choice in merged["choices"] if isinstance(choice, dict)]
    return merged


def _reduce_choice(choice: dict[str, Any]) -> dict[str, Any]:
    reduced: dict[str, Any] = {name: choice[name] for name in ("index", "finish_reason", "text") if name in choice}
    if isinstance(choice.get("message"), dict):
        reduced["message"] = _without_empty(choice["message"])
    return reduced


def _without_empty(message: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in message.items() if value not in (None, [], "")}


def merge_chunks(view: View) -> dict[str, Any]:
    """What a chat or text stream says, in the form of the dict: choices with their message, and usage."""
    usage = [chunk["usage"].value for chunk in view.chunks if chunk["usage"].kind == "object"]
    streamed = sorted(view.streamed, key=lambda choice: choice.index)
    choices = [_merge_choice(choice, view.endpoint == "completions") for choice in streamed]
    return {"choices": choices, **({"usage": usage[-1]} if usage else {})}


def _merge_choice(choice: StreamedChoice, text: bool) -> dict[str, Any]:
    merged: dict[str, Any] = {"index": choice.index, "finish_reason": choice.finish_reason or None}
    if text:
        return {**merged, "text": choice.text}
    values: dict[str, list[Any]] = {}
    for entry in choice.entries:
        for name, value in (entry["delta"].value if entry["delta"].kind == "object" else {}).items():
            values.setdefault(name, []).append(value)
    message = {name: _join_values(several, name) for name, several in values.items()}
    if choice.calls:
        message["tool_calls"] = [_call([delta.value for delta in call.deltas]) for call in choice.calls]
    return {**merged, "message": _without_empty(message)}


def _join_values(values: list[Any], name: str) -> Any:
    """Merge a member of several deltas: texts are joined, otherwise the last value that is not null wins."""
    last, texts = None, list[str]()
    for value in values:
        if isinstance(value, str) and texts and name != "role":
            texts.append(value)
        elif value is not None:
            last, texts = value, [value] if isinstance(value, str) else []
    return "".join(texts) if texts else last


def _call(deltas: list[Any]) -> dict[str, Any]:
    """One tool call from its deltas, without the index that only streams have."""
    call: dict[str, Any] = {}
    parts: dict[str, dict[str, list[Any]]] = {}
    for delta in deltas:
        for name, value in delta.items() if isinstance(delta, dict) else ():
            if isinstance(value, dict):
                for key, member in value.items():
                    parts.setdefault(name, {}).setdefault(key, []).append(member)
            elif name != "index" and value is not None:
                call.setdefault(name, value)
    merged = {name: {key: _join_values(values, key) for key, values in part.items()} for name, part in parts.items()}
    return {**call, **merged}
