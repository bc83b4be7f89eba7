"""Section tools, streamed: the deltas of tool calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import NOTE, SHOULD, Complaint
from contract_tests.rules.engine.node import Node, members_beyond, repeats
from contract_tests.rules.engine.stream import StreamedCall, StreamedChoice
from contract_tests.rules.engine.subjects import computed_once, deltas, streamed_calls, streamed_choices
from contract_tests.rules.engine.view import View
from contract_tests.rules.tools.calls import calls
from contract_tests.rules.tools.calls import tools as section
from fake_server.relay.redact import excerpt
from fake_server.wire.jsontext import parse

tools = section.citing(see.CHAT_STREAMING)


@computed_once
def call_deltas(view: View) -> Iterator[Node]:
    """Each entry of a delta's `tool_calls`."""
    for delta in deltas(view):
        if delta.says("tool_calls"):
            yield from (call for call in delta["tool_calls"] if type(call.value) is dict)


@tools.rule(
    "stream-calls",
    over=deltas,
    harm="openai-node raises TypeError; in Python `for call in delta.tool_calls` iterates over names",
)
def stream_calls(delta: Node) -> Iterable[Complaint]:
    """`tool_calls`, if a delta has it, is an array of objects."""
    calls = delta.get("tool_calls") if delta.says("tool_calls") else []
    if type(calls) is not list or [call for call in calls if type(call) is not dict]:
        yield delta["tool_calls"], str(delta["tool_calls"]), "an array of objects"


@tools.rule(
    "stream-index",
    over=call_deltas,
    harm="openai-python's stream helper raises TypeError; others cannot tell calls apart",
)
def stream_index(delta: Node) -> Iterable[Complaint]:
    """Every tool call delta has the integer `index` of its call."""
    if type(delta.get("index")) is not int:
        yield delta["index"], str(delta["index"]), "an integer"


@tools.rule(
    "stream-index-order",
    over=streamed_choices,
    yields_to=(".stream-id-once",),
    harm="openai-python's stream helper raises IndexError for a first call with the index 1",
)
def stream_index_order(choice: StreamedChoice) -> Iterable[Complaint]:
    """The calls of a choice are numbered 0, 1, 2 … as they begin."""
    for position, call in enumerate(choice.calls):
        if call.index != position:
            yield call.first["index"], str(call.index), str(position)


@tools.rule("stream-opening", over=streamed_calls, harm="the call has no id or no name")
def stream_opening(call: StreamedCall) -> Iterable[Complaint]:
    """The first delta of a call carries its id, its type and the function's name."""
    function = call.first["function"]
    named = (function["name"],) if function.kind == "object" else ()  # else it is stream-function's
    for node in (call.first["id"], call.first["type"], *named):
        if not node.text and not (node and node.path[-1] == "type") and call.first["custom"].kind != "object":
            yield node, str(node), "a non-empty string"


@tools.rule(
    "stream-type",
    over=call_deltas,
    harm="the stream helper of openai-python raises AssertionError, and no event of openai-node's reports the call",
)
def stream_type(delta: Node) -> Iterable[Complaint]:
    """`type` of a call delta, if it has one, is "function" (or "custom")."""
    if delta.says("type") and delta.get("type") not in ("function", "custom"):
        yield delta["type"], str(delta["type"]), '"function"'


def _later_names(call: StreamedCall) -> Iterator[Node]:
    """The ids and names that are strings, after the first delta of a call; one that begins it late is not again."""
    for node, first in ((delta, call.first) for delta in call.deltas[1:]):
        for holder, before, name in ((node, first, "id"), (node["function"], first["function"], "name")):
            if type(holder.get(name)) is str and (before[name].text or not holder[name].text):
                yield holder[name]


@section.rule(
    "stream-id-once",
    over=streamed_calls,
    harm="openai-python's stream helper adds the pieces up: the id doubles, the function is get_weatherget_weather",
)
def stream_id_once(call: StreamedCall) -> Iterable[Complaint]:
    """Only the first delta of a call carries its id and name; clients add the pieces up."""
    for node in _later_names(call):
        if node.text:
            yield node, f"{node} again", "no id and no name after the first delta"


@section.rule(
    "stream-id-left-out",
    over=streamed_calls,
    level=SHOULD,
    harm="clients that keep the last id or name they find call a function without a name",
)
def stream_id_left_out(call: StreamedCall) -> Iterable[Complaint]:
    """After the first delta of a call there is no id and no name, not even an empty one."""
    for node in _later_names(call):
        if not node.text:
            yield node, str(node), "no id and no name after the first delta"


@tools.rule(
    "stream-function",
    over=call_deltas,
    harm="`arguments += call.function.arguments`, as the guide has it, raises on None",
)
def stream_function(delta: Node) -> Iterable[Complaint]:
    """Every delta of a function call has the object `function` with the string `arguments`."""
    if type(delta.get("custom")) is dict:
        return
    function = delta["function"]
    if function.kind != "object":
        yield function, str(function), "an object"
    elif type(function.get("arguments")) is not str:
        yield function["arguments"], str(function["arguments"]), "a string"


@computed_once
def _old_calls(view: View) -> Iterator[tuple[StreamedChoice, list[Node]]]:
    """The pieces of each choice's `function_call`."""
    for choice in streamed_choices(view):
        pieces = [entry["delta"]["function_call"] for entry in choice.entries if entry["delta"].says("function_call")]
        if pieces:
            yield choice, pieces


@tools.rule(
    "stream-function-call",
    over=_old_calls,
    harm="openai-python and openai-node add the pieces up: the function is called get_weatherget_weather, or ''",
)
def stream_function_call(choice: StreamedChoice, pieces: list[Node]) -> Iterable[Complaint]:
    """The first delta of a streamed `function_call` has the name, the others only arguments, which add up to JSON."""
    first, *others = pieces
    if not first["name"].text:
        yield first["name"], str(first["name"]), "the name of a function"
    for piece in others:
        if piece["name"].text:
            yield piece["name"], f"{piece['name']} again", "no name after the first delta"
    text = "".join(piece.text_of("arguments") for piece in pieces)
    if choice.finish_reason in ("function_call", "stop") and not isinstance(
        parse(text.encode("utf-8", "replace")).value, dict
    ):
        broken = f"the arguments are {excerpt(text, 60)!r}"
        yield others[-1] if others else first, broken, "the text of a JSON object", "the call cannot be carried out"


@tools.rule(
    "stream-unique-ids",
    over=streamed_choices,
    harm="two results answer one id: the model reads one of them for both calls",
)
def stream_unique_ids(choice: StreamedChoice) -> Iterable[Complaint]:
    """The calls of a streamed choice have different ids."""
    for node in repeats((call.first for call in choice.calls), "id", str):
        yield node, f"{node.text!r} again", "an id of its own"


@tools.rule(
    "stream-index-once",
    over=deltas,
    level=SHOULD,
    harm="clients that keep one piece for each call of a delta lose the other",
)
def stream_index_once(delta: Node) -> Iterable[Complaint]:
    """A delta has at most one piece for each call."""
    for index in repeats(delta["tool_calls"] if delta.says("tool_calls") else (), "index", int):
        yield index, f"call {index.value} again in one delta", "one piece"


_CALL = {"id", "type", "function", "custom"}
_CALLED = {"function": {"name", "arguments"}, "custom": {"name", "input"}}


def _calls_and_members(view: View) -> Iterator[tuple[Node, set[str]]]:
    """What a call is made of, each with the members that the reference names."""
    for known, nodes in ((_CALL, calls(view)), (_CALL | {"index"}, call_deltas(view))):
        for call in nodes:
            yield call, known
            yield from ((call[name], names) for name, names in _CALLED.items() if type(call.get(name)) is dict)


@tools.rule(
    "known-members",
    over=_calls_and_members,
    level=NOTE,
    harm="sent back with the next turn, the member is refused by servers that take only what they know",
)
def known_members(node: Node, known: set[str]) -> Iterable[Complaint]:
    """A tool call and what it calls have the members that the API reference names, and no others."""
    return [(member, f"{member.path[-1]} of a tool call") for member in members_beyond(node, known)]
