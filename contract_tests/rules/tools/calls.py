"""Section tools: function and custom tool calls, in a dict and in a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import SHOULD, Complaint, Section
from contract_tests.rules.engine.node import Node, repeats
from contract_tests.rules.engine.subjects import (
    breaks_off,
    choices,
    computed_once,
    messages,
    only,
    whole_streamed_choices,
)
from contract_tests.rules.engine.view import View
from contract_tests.rules.shared.causes import MISPLACED
from fake_server.relay.redact import excerpt, holds_dummy
from fake_server.wire import jsontext
from fake_server.wire.exchange import Aspect

tools = Section("tools", "Tool calls", see.FUNCTIONS)
NOT_CALLS = ("tools.calls", "tools.stream-calls")
"""There are calls, but not in a form in which they could be read."""


@computed_once
def calls(view: View) -> Iterator[Node]:
    """Each entry of a message's `tool_calls`."""
    for message in messages(view):
        yield from (call for call in message["tool_calls"] if call.kind == "object")


@dataclass(frozen=True, slots=True)
class Turn:
    """What one choice called, dict or stream alike; `at` is where to point."""

    view: View
    at: Node
    names: tuple[str, ...]
    finish: Node
    arguments: tuple[tuple[Node, str], ...]
    refused: bool
    is_old: bool
    """Whether it called something by `function_call`."""


def turns(view: View) -> Iterator[Turn]:
    """Each finished choice of a reply."""
    return (Turn(view, *parts) for parts in _parts_of_turns(view))


_Parts = tuple[Node, tuple[str, ...], Node, tuple[tuple[Node, str], ...], bool, bool]


@computed_once
def _parts_of_turns(view: View) -> Iterator[_Parts]:
    """What turns hold besides the View: what it keeps must not lead back to it, or only the collector frees it."""
    for choice in choices(view):
        calls = list(choice["message"]["tool_calls"])
        texts = tuple((call["function"]["arguments"], call["function"]["arguments"].text) for call in calls)
        names = tuple(called_name(call) for call in calls)
        refused = bool(choice["message"]["refusal"].text)
        is_old = bool(choice["message"]["function_call"])
        yield choice["message"]["tool_calls"], names, choice["finish_reason"], texts, refused, is_old
    for streamed in whole_streamed_choices(view):
        last = streamed.entries[-1]
        read = [call for call in streamed.calls if not call.is_mixed]
        texts = tuple((call.deltas[-1]["function"]["arguments"], call.arguments) for call in read)
        names = tuple(call.name for call in streamed.calls)
        finish = streamed.finishes[-1] if streamed.finishes else last["finish_reason"]
        is_old = any(entry["delta"].says("function_call") for entry in streamed.entries)
        yield last["delta"]["tool_calls"], names, finish, texts, bool(streamed.refusal), is_old


def called_name(call: Node) -> str:
    """The name of the function or custom tool that is called."""
    return call["function"]["name"].text or call["custom"]["name"].text


calling_turns = only(turns, lambda turn: turn.names)
"""Turns with at least one call."""


@tools.rule(
    "calls",
    over=messages,
    see=see.CHAT_OBJECT,
    harm="`for call in message.tool_calls` raises, or iterates over the letters of a string",
)
def calls_(message: Node) -> Iterable[Complaint]:
    """`tool_calls`, if a message has it, is an array of objects."""
    node = message["tool_calls"]
    if node and (node.kind != "array" or any(call.kind != "object" for call in node)):
        yield node, str(node), "an array of objects"


@tools.rule(
    "calls-not-empty",
    over=messages,
    level=SHOULD,
    see=see.CHAT_OBJECT,
    harm="agents wait for a call; sent back to api.openai.com, an empty list is refused with 400",
)
def calls_not_empty(message: Node) -> Iterable[Complaint]:
    """A message without tool calls has no `tool_calls` member; clients test for its presence."""
    if message["tool_calls"].value == []:
        yield message["tool_calls"], "[]", "no such member"


@tools.rule("id", over=calls, see=see.CHAT_OBJECT, harm="the tool message that answers the call has no id to name")
def id_(call: Node) -> Iterable[Complaint]:
    """`id` of a tool call is a non-empty string."""
    if not call["id"].text.strip():
        yield call["id"], str(call["id"]), "a non-empty string"


@tools.rule(
    "unique-ids",
    over=only(messages, lambda message: len(list(message["tool_calls"])) > 1),
    see=see.CHAT_OBJECT,
    harm="two results answer one id: the model reads one of them for both calls",
)
def unique_ids(message: Node) -> Iterable[Complaint]:
    """The tool calls of a message have different ids."""
    for node in repeats(message["tool_calls"], "id", str):
        yield node, f"{node} again", "an id of its own"


@tools.rule(
    "type",
    over=calls,
    see=see.CHAT_OBJECT,
    harm="openai-node's runners skip a call of an unknown kind: the tool never runs",
)
def type_(call: Node) -> Iterable[Complaint]:
    """`type` of a tool call is "function" or "custom", and the member of that name is an object."""
    if call["type"].text not in ("function", "custom"):
        yield call["type"], str(call["type"]), '"function"'
    elif call[call["type"].text].kind != "object":
        yield call[call["type"].text], str(call[call["type"].text]), "an object"


def _functions(view: View) -> Iterable[Node]:
    for call in calls(view):
        if call["function"].kind == "object":
            yield call["function"]


@tools.rule("name", over=_functions, see=see.CHAT_OBJECT, harm="the agent looks up the function '' and fails")
def name(function: Node) -> Iterable[Complaint]:
    """`name` of the function is a non-empty string."""
    if not function["name"].text:
        yield function["name"], str(function["name"]), "a non-empty string"


@tools.rule(
    "arguments",
    over=_functions,
    see=see.CHAT_OBJECT,
    harm="clients call JSON.parse on it; typed SDKs (Go, Rust, Java) fail to decode the reply",
)
def arguments(function: Node) -> Iterable[Complaint]:
    """`arguments` of the function is a string that holds JSON text, not the object itself."""
    if function["arguments"].kind != "string":
        yield function["arguments"], str(function["arguments"]), "a string of JSON"


@tools.rule("arguments-json", over=calling_turns, harm="the call cannot be carried out")
def arguments_json(turn: Turn) -> Iterable[Complaint]:
    """The arguments of a finished call are the text of one JSON object."""
    if turn.finish.text in ("length", "content_filter") or _offers_custom_tools(turn.view) or breaks_off(turn.view):
        return
    for node, text in turn.arguments:
        parsed = jsontext.parse(text.encode("utf-8", "replace"))
        if node.kind == "string" and not isinstance(parsed.value, dict) and not holds_dummy(text):
            yield node, f"the arguments are {excerpt(text, 60)!r}", "the text of a JSON object"


def _offers_custom_tools(view: View) -> bool:
    return any(tool["type"].value == "custom" for tool in view.request["tools"])


@tools.rule("finish-reason", over=calling_turns, harm="agents stop instead of running the tool")
def finish_reason(turn: Turn) -> Iterable[Complaint]:
    """An answer with tool calls ends with "tool_calls"; a forced named call may end with "stop"."""
    finish, forced = turn.finish.text, turn.view.request["tool_choice"].kind == "object"
    if finish == "stop" and not forced and turn.view.knows(Aspect.REQUEST):
        yield turn.finish, '"stop" with tool calls', '"tool_calls"'
    elif finish == "function_call":
        yield turn.finish, '"function_call" with tool calls', '"tool_calls"'


@tools.rule(
    "finish-has-calls",
    over=turns,
    yields_to=(*MISPLACED, *NOT_CALLS),
    harm="agents look for a call that is not there",
)
def finish_has_calls(turn: Turn) -> Iterable[Complaint]:
    """An answer that ends with finish_reason "tool_calls" has tool calls."""
    if turn.finish.value == "tool_calls" and not turn.names:
        other = ": it is in `function_call`" if turn.is_old else ""
        yield turn.finish, f'"tool_calls" without a tool call{other}', '"stop"'


def offered_names(view: View) -> set[str]:
    """The names of the tools and functions in the request."""
    return next(_offered_names(view))


@computed_once
def _offered_names(view: View) -> Iterator[set[str]]:
    names = {
        (tool["function"]["name"] or tool["custom"]["name"] or tool["name"]).text for tool in view.request["tools"]
    }
    yield (names | {function["name"].text for function in view.request["functions"]}) - {""}


@tools.rule(
    "name-offered",
    over=calling_turns,
    needs=[Aspect.REQUEST],
    harm="the agent has no such function: it raises, or runs something it did not offer",
)
def name_offered(turn: Turn) -> Iterable[Complaint]:
    """A call names one of the tools that the request offers."""
    names = offered_names(turn.view)
    for called in turn.names:
        if called and called not in names:
            yield turn.at, f"calls {called!r}", f"one of {', '.join(sorted(names)) or 'no tools'}"


@tools.rule(
    "choice-kept",
    over=only(turns, lambda turn: turn.view.request["tool_choice"] and offered_names(turn.view)),
    yields_to=(*MISPLACED, *NOT_CALLS, ".finish-has-calls"),
    needs=[Aspect.REQUEST],
    see=see.CHAT_CREATE,
    harm="a caller that forces a call reads `tool_calls[0]` and raises; one that forbids calls gets one",
)
def choice_kept(turn: Turn) -> Iterable[Complaint]:
    """`tool_choice` is obeyed: none calls nothing, required calls a tool, a named function calls that one."""
    choice = turn.view.request["tool_choice"]
    allowed = choice["allowed_tools"]
    names = {called_name(tool) for tool in allowed["tools"]}
    stray = next((name for name in turn.names if names and name not in names), "")
    wanted = choice["function"]["name"].text or choice["custom"]["name"].text
    if choice.value == "none" and turn.names:
        yield turn.at, f"calls {turn.names[0]!r}", "no tool call (tool_choice none)"
    elif stray:
        yield turn.at, f"calls {stray!r}", f"one of {', '.join(sorted(names))} (allowed_tools)"
    elif turn.refused or turn.finish.text in ("length", "content_filter"):
        return
    elif "required" in (choice.value, allowed["mode"].value) and not turn.names:
        yield turn.at, "no tool call", "a tool call (tool_choice required)"
    elif wanted and set(turn.names) != {wanted}:
        yield turn.at, f"calls {', '.join(turn.names) or 'nothing'}", f"a call of {wanted}"


@tools.rule(
    "serial-kept",
    over=only(turns, lambda turn: turn.view.request["parallel_tool_calls"].value is False),
    see=see.CHAT_CREATE,
    harm="a caller that handles one call leaves the others unanswered: its next request is refused",
)
def serial_kept(turn: Turn) -> Iterable[Complaint]:
    """With `parallel_tool_calls: false` there is at most one call."""
    if len(turn.names) > 1:
        yield turn.at, f"{len(turn.names)} calls", "at most one"
