"""The events of a streamed response, made from the finished object: folded together they give it again.

Source of the order of events and members: genuine streams of api.openai.com of 2026, and the SDK's types for
what no recording has. What is added without deltas is whole in `output_item.done` only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from fake_server.api import sealing
from fake_server.api.render.chunks import AT_ONCE, Padding
from fake_server.api.render.responses import early
from fake_server.api.render.style import Style, new_id
from fake_server.api.render.templates import PLACEHOLDERS, EventTemplate

Event = dict[str, Any]
Events = Iterator[Event | list[bytes]]
_Item = Mapping[str, Any]


def render_stream(
    response: Mapping[str, Any], request: Mapping[str, Any], style: Style, after: int = -1
) -> Iterator[bytes]:
    """Render the events, those with a `sequence_number` greater than `after`; comments are separate items."""
    options = request.get("stream_options") or {}
    padded = style.obfuscation and options.get("include_obfuscation") is not False
    return style.format_named_stream(_Stream(style, padded, after).events(response))


class _Stream:
    """Numbers the events of one stream, and pads its deltas."""

    def __init__(self, style: Style, padded: bool, after: int) -> None:
        self._style, self._after, self._next = style, after, 0
        self._padding = Padding(style) if padded else None

    def events(self, response: Mapping[str, Any]) -> Events:
        """All events of the response."""
        begun = early(response)
        if response.get("background"):
            yield from self._event("response.created", response=early(response, "queued"))
            yield from self._event("response.queued", response=early(response, "queued"))
        else:
            yield from self._event("response.created", response=begun)
        yield from self._event("response.in_progress", response=begun)
        if self._style.keepalive:
            yield from self._event("keepalive")
        if self._style.extends:
            yield from self._event("fake:trace", trace_id=new_id("trace_", 12))
        for index, item in enumerate(response["output"]):
            yield from self._item(index, item)
        yield from self._event(f"response.{response['status']}", response=response)

    def _event(self, kind: str, **members: Any) -> Iterator[Event]:
        """An event, its members in alphabetical order, as the API has them."""
        number = self._next
        self._next += 1
        if number > self._after:
            yield {"type": kind, **dict(sorted({**members, "sequence_number": number}.items()))}

    def _item(self, index: int, item: _Item) -> Events:
        """From the announcement of an item to its end."""
        kind = str(item.get("type"))
        added, inside = _KINDS.get(kind, (_as_it_is, _nothing))
        yield from self._event("response.output_item.added", item=self._reseal(added(item)), output_index=index)
        yield from inside(self, item, {"item_id": item.get("id"), "output_index": index})
        yield from self._event("response.output_item.done", item=self._reseal(item), output_index=index)

    def _reseal(self, item: _Item) -> _Item:
        """The item with its content encrypted anew, if the style has it so."""
        content = item.get("encrypted_content")
        if not self._style.reseals or not isinstance(content, str) or not sealing.is_sealed(content):
            return item
        return {**item, "encrypted_content": sealing.seal(sealing.unseal(content))}

    def _deltas(self, kind: str, text: str, place: Mapping[str, Any], **more: Any) -> Events:
        """The pieces of a text, as finished events from a template, since they are many."""
        template: EventTemplate | None = None
        pieces = self._style.split(text)
        for start in range(0, len(pieces), AT_ONCE):
            batch = pieces[start : start + AT_ONCE]
            first, self._next = self._next, self._next + len(batch)
            if first <= self._after:
                batch = batch[self._after + 1 - first :]
                first = self._next - len(batch)
            if not batch:
                continue
            if template is None:
                template = EventTemplate(self._style, self._delta(kind, place, more), kind)
            columns = (batch,) if self._padding is None else (batch, self._padding.take(len(batch)))
            yield template.events(*columns, numbers=range(first, self._next))

    def _delta(self, kind: str, place: Mapping[str, Any], more: Mapping[str, Any]) -> Event:
        """The value of a template."""
        padding = {} if self._padding is None else {"obfuscation": PLACEHOLDERS[1]}
        members = {**place, **more, "delta": PLACEHOLDERS[0], **padding, "sequence_number": PLACEHOLDERS[2]}
        return {"type": kind, **dict(sorted(members.items()))}

    # -- the kinds of items

    def message(self, item: _Item, place: Mapping[str, Any]) -> Events:
        """The parts of a message."""
        for index, part in enumerate(_parts(item.get("content"))):
            yield from self._part(part, {"content_index": index, **place})

    def reasoning(self, item: _Item, place: Mapping[str, Any]) -> Events:
        """The summary of reasoning, and its text."""
        for index, part in enumerate(_parts(item.get("summary"))):
            at = {**place, "summary_index": index}
            whole = {"type": "summary_text", "text": _text(part)}
            yield from self._event("response.reasoning_summary_part.added", **at, part={**whole, "text": ""})
            yield from self._deltas("response.reasoning_summary_text.delta", whole["text"], at)
            yield from self._event("response.reasoning_summary_text.done", **at, text=whole["text"])
            yield from self._event("response.reasoning_summary_part.done", **at, part=whole)
        for index, part in enumerate(_parts(item.get("content"))):
            at = {"content_index": index, **place}
            text = _text(part)
            yield from self._event("response.content_part.added", **at, part={**part, "text": ""})
            yield from self._deltas("response.reasoning_text.delta", text, at)
            yield from self._event("response.reasoning_text.done", **at, text=text)
            yield from self._event("response.content_part.done", **at, part=part)

    def _part(self, part: _Item, at: Mapping[str, Any]) -> Events:
        if part.get("type") == "refusal":
            yield from self._event("response.content_part.added", **at, part={**part, "refusal": ""})
            yield from self._deltas("response.refusal.delta", _text(part, "refusal"), at)
            yield from self._event("response.refusal.done", **at, refusal=_text(part, "refusal"))
        else:
            empty = {**part, "annotations": [], "text": "", **({"logprobs": []} if "logprobs" in part else {})}
            scores, text = _parts(part.get("logprobs")), _text(part)
            yield from self._event("response.content_part.added", **at, part=empty)
            if scores:
                yield from self._scored(scores, at)
            else:
                yield from self._deltas("response.output_text.delta", text, at, logprobs=[])
            for number, annotation in enumerate(_parts(part.get("annotations"))):
                kind = "response.output_text.annotation.added"
                yield from self._event(kind, annotation=annotation, annotation_index=number, **at)
            short = [_short_score(score) for score in scores]
            yield from self._event("response.output_text.done", **at, logprobs=short, text=text)
        yield from self._event("response.content_part.done", **at, part=part)

    def _scored(self, scores: Sequence[_Item], at: Mapping[str, Any]) -> Events:
        """The pieces of a text with the log probabilities of their tokens."""
        for group in self._style.group(scores):
            delta = "".join(_text(score, "token") for score in group)
            padding = {} if self._padding is None else {"obfuscation": self._padding.take(1)[0]}
            members = {**at, "delta": delta, "logprobs": [_short_score(score) for score in group], **padding}
            if delta:
                yield from self._event("response.output_text.delta", **members)

    def _given(self, item: _Item, place: Mapping[str, Any], member: str, kind: str) -> Events:
        """The deltas of what a call is given, and the whole of it."""
        text = item.get(member)
        if isinstance(text, str):
            yield from self._deltas(f"{kind}.delta", text, place)
            yield from self._event(f"{kind}.done", **{member: text}, **place)

    def function(self, item: _Item, place: Mapping[str, Any]) -> Events:
        """The arguments of a call."""
        return self._given(item, place, "arguments", "response.function_call_arguments")

    def custom(self, item: _Item, place: Mapping[str, Any]) -> Events:
        """The input of a call."""
        return self._given(item, place, "input", "response.custom_tool_call_input")

    def interpreter(self, item: _Item, place: Mapping[str, Any]) -> Events:
        """The code, and running it."""
        yield from self._event("response.code_interpreter_call.in_progress", **place)
        yield from self._given(item, place, "code", "response.code_interpreter_call_code")
        yield from self._event("response.code_interpreter_call.interpreting", **place)
        yield from self._event("response.code_interpreter_call.completed", **place)

    def mcp(self, item: _Item, place: Mapping[str, Any]) -> Events:
        """The arguments of a call of a remote tool, and its end."""
        yield from self._event("response.mcp_call.in_progress", **place)
        yield from self._given(item, place, "arguments", "response.mcp_call_arguments")
        yield from self._event(f"response.mcp_call.{'failed' if item.get('error') else 'completed'}", **place)

    def mcp_list(self, item: _Item, place: Mapping[str, Any]) -> Events:
        """Listing the tools of a remote server."""
        yield from self._event("response.mcp_list_tools.in_progress", **place)
        yield from self._event(f"response.mcp_list_tools.{'failed' if item.get('error') else 'completed'}", **place)

    def image(self, item: _Item, place: Mapping[str, Any]) -> Events:
        """Drawing a picture, of which a part is seen before it is done."""
        yield from self._event("response.image_generation_call.in_progress", **place)
        yield from self._event("response.image_generation_call.generating", **place)
        if item.get("result"):
            partial = {**place, "partial_image_b64": item["result"], "partial_image_index": 0}
            yield from self._event("response.image_generation_call.partial_image", **partial)
        yield from self._event("response.image_generation_call.completed", **place)

    def shell(self, item: _Item, place: Mapping[str, Any]) -> Events:
        """The commands of a shell."""
        at = {"output_index": place["output_index"]}
        action = item.get("action")
        commands = action.get("commands") if isinstance(action, Mapping) else None
        for index, command in enumerate(map(str, commands if isinstance(commands, list) else ())):
            here = {**at, "command_index": index}
            yield from self._event("response.shell_call_command.added", **here, command="")
            yield from self._deltas("response.shell_call_command.delta", command, here)
            yield from self._event("response.shell_call_command.done", **here, command=command)

    def shell_output(self, item: _Item, place: Mapping[str, Any]) -> Events:
        """What the commands of a shell printed."""
        for index, output in enumerate(_parts(item.get("output"))):
            here = {**place, "command_index": index}
            printed = {name: output[name] for name in ("stdout", "stderr") if output.get(name)}
            yield from self._event("response.shell_call_output_content.delta", **here, delta=printed)
            yield from self._event("response.shell_call_output_content.done", **here, output=[output])

    def compacting(self, item: _Item, place: Mapping[str, Any]) -> Events:
        """Shortening the conversation."""
        yield from self._event("response.compaction.compacting", **place)

    def searching(self, item: _Item, place: Mapping[str, Any]) -> Events:
        """A search."""
        for step in ("in_progress", "searching", "completed"):
            yield from self._event(f"response.{item['type']}.{step}", **place)


def _parts(value: object) -> list[_Item]:
    """The objects of a list; what a script gives may be anything."""
    return [part for part in value if isinstance(part, Mapping)] if isinstance(value, list) else []


def _text(part: _Item, name: str = "text") -> str:
    value = part.get(name)
    return value if isinstance(value, str) else ""


def _short_score(score: _Item) -> Event:
    """A log probability as events have it, without bytes."""
    names = ("token", "logprob")
    top = [{name: each.get(name) for name in names} for each in _parts(score.get("top_logprobs"))]
    return {**{name: score.get(name) for name in names}, "top_logprobs": top}


# -- items as they are announced


def _as_it_is(item: _Item) -> _Item:
    return {**item, "status": "in_progress"} if "status" in item else item


def _nothing(stream: _Stream, item: _Item, place: Mapping[str, Any]) -> Events:
    return iter(())


def _emptied(**empty: Any) -> Callable[[_Item], _Item]:
    """Announces an item in progress, with these members empty still, where it has them."""
    return lambda item: {**_as_it_is(item), **{name: value for name, value in empty.items() if name in item}}


def _without(*names: str) -> Callable[[_Item], _Item]:
    """Announces an item in progress, without these members."""
    return lambda item: {name: value for name, value in _as_it_is(item).items() if name not in names}


def _without_commands(item: _Item) -> _Item:
    action = item.get("action")
    return {**_as_it_is(item), "action": {**action, "commands": []}} if isinstance(action, Mapping) else _as_it_is(item)


_Inside = Callable[[_Stream, _Item, Mapping[str, Any]], Events]
_KINDS: Mapping[str, tuple[Callable[[_Item], _Item], _Inside]] = {
    "message": (_emptied(content=[]), _Stream.message),
    "reasoning": (_emptied(content=[], summary=[]), _Stream.reasoning),
    "function_call": (_emptied(arguments=""), _Stream.function),
    "custom_tool_call": (_emptied(input=""), _Stream.custom),
    "web_search_call": (_without("action"), _Stream.searching),
    "file_search_call": (_emptied(queries=[], results=None), _Stream.searching),
    "code_interpreter_call": (_emptied(code="", outputs=None), _Stream.interpreter),
    "image_generation_call": (_emptied(result=None), _Stream.image),
    "mcp_call": (_emptied(arguments="", output=None, error=None), _Stream.mcp),
    "mcp_list_tools": (_emptied(tools=[]), _Stream.mcp_list),
    "shell_call": (_without_commands, _Stream.shell),
    "shell_call_output": (_emptied(output=[]), _Stream.shell_output),
    "compaction": (_as_it_is, _Stream.compacting),
}
"""How an item is announced, and what stands between that and its end."""
