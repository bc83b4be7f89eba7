"""Section tools: which members hold a call, and which are left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.subjects import deltas, dicts, messages, streamed_choices
from contract_tests.rules.engine.view import View
from contract_tests.rules.tools.calls import calls, tools


@tools.rule("legacy-function-call", over=dicts, see=see.CHAT_OBJECT, harm="clients call the function ''")
def legacy_function_call(root: Node) -> Iterable[Complaint]:
    """`function_call`, if a message has one, names a function and holds its arguments as a string."""
    for choice in root["choices"]:
        node = choice["message"]["function_call"]
        if node and node.kind != "object":
            yield node, str(node), "an object"
        elif node and not node["name"].text:
            yield node["name"], str(node["name"]), "the name of a function"
        if node.kind == "object" and node["arguments"].kind != "string":
            yield node["arguments"], str(node["arguments"]), "a string"


def _called(view: View) -> Iterable[list[Node]]:
    """Each message, and the deltas of each streamed choice, in which something is called."""
    parts = [[message] for message in messages(view)]
    parts += [[entry["delta"] for entry in choice.entries] for choice in streamed_choices(view)]
    yield from filter(None, ([node for node in nodes if _calls(node)] for nodes in parts))


def _calls(node: Node) -> bool:
    return node.says("function_call") or bool(node.says("tool_calls") and list(node["tool_calls"]))


def call_holders(view: View) -> Iterator[Node]:
    """The messages and deltas with a member for calls, null or not."""
    for node in chain(messages(view), deltas(view)):
        if "tool_calls" in node.value or "function_call" in node.value:
            yield node


@tools.rule(
    "one-member",
    over=_called,
    level=SHOULD,
    see=see.CHAT_OBJECT,
    harm="clients that know both members run the function twice",
)
def one_member(nodes: list[Node]) -> Iterable[Complaint]:
    """A call comes in `tool_calls` or, where the request has `functions`, in `function_call`, not in both."""
    old = [node["function_call"] for node in nodes if node.says("function_call")]
    if old and any(list(node["tool_calls"]) for node in nodes):
        yield old[0], "function_call beside tool_calls", "tool_calls alone"


@tools.rule(
    "no-nulls",
    over=call_holders,
    level=SHOULD,
    see=see.CHAT_OBJECT,
    harm="decoders generated from the reference refuse the reply, or drop the chunk and what it says",
)
def no_nulls(node: Node) -> Iterable[Complaint]:
    """The members of a call are left out where there is nothing to say, never null."""
    members = [(node, "tool_calls"), (node, "function_call")]
    if node.says("function_call"):
        members += [(node["function_call"], "name"), (node["function_call"], "arguments")]
    for call in node["tool_calls"] if node.says("tool_calls") else ():
        members += [(call, "id"), (call, "type"), (call["function"], "name")]
    for holder, name in members:
        if holder.get(name) is None:
            in_stream = name == "type" and "delta" in node.path
            harm = "the stream helper of openai-python raises AssertionError" if in_stream else ""
            yield holder[name], "null", "no such member", harm


@tools.rule(
    "one-kind",
    over=calls,
    level=SHOULD,
    see=see.CHAT_OBJECT,
    harm="clients run a function as a custom tool",
)
def one_kind(call: Node) -> Iterable[Complaint]:
    """A call has the member that its `type` names, "function" or "custom", and not the other."""
    if call["function"] and call["custom"]:
        yield call["custom"], "both function and custom", f"only {call['type'].text or 'one of them'}"
