"""Section tools, what a model gets wrong and its server mends: arguments that do not fit, a call as text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.answers import Answer, answers
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.view import View
from contract_tests.rules.formats.fitting import Fitting
from contract_tests.rules.tools.calls import calling_turns, offered_names, tools
from fake_server.relay.redact import excerpt
from fake_server.wire import jsontext


def _strict_calls(view: View) -> Iterable[tuple[Node, Any, dict[str, Any], Fitting]]:
    """The only call of a reply, with its arguments and schema, if it is strict; of several nothing is promised."""
    functions = [tool["function"] for tool in view.request["tools"] if tool["function"]["strict"].value is True]
    described = [function for function in functions if function["parameters"].kind == "object"]
    schemas = {function["name"].text: function["parameters"].value for function in described}
    fitting = Fitting()
    for turn in calling_turns(view) if schemas else ():
        cut = turn.finish.text in ("length", "content_filter")
        if len(turn.names) == len(turn.arguments) == 1 and turn.names[0] in schemas and not cut:
            node, text = turn.arguments[0]
            parsed = jsontext.parse(text.encode("utf-8", "replace"))
            if parsed.ok and isinstance(parsed.value, dict):
                yield node, parsed.value, schemas[turn.names[0]], fitting


@tools.rule("strict-kept", over=_strict_calls, see=see.STRUCTURED, harm="typed tools fail to parse their arguments")
def strict_kept(node: Node, value: Any, schema: dict[str, Any], fitting: Fitting) -> Iterable[Complaint]:
    """The arguments of a function with `strict: true` are valid against its schema."""
    if wrong := fitting.violation(value, schema):
        yield node, wrong, "arguments that fit the schema"


# -- a call that comes as text

_TAGS = (
    "<tool_call>",
    "<|python_tag|>",
    "[TOOL_CALLS]",
    "<function=",
    "<|tool_call|>",
    "<｜tool▁calls▁begin｜>",
)
"""How the templates of several model families open a call."""


def _answers_in_text(view: View) -> Iterable[tuple[Answer, set[str]]]:
    names = offered_names(view)
    for answer in answers(view) if names and view.endpoint == "chat" else ():
        if answer.text and not answer.calls:
            yield answer, names


@tools.rule("no-call-as-text", over=_answers_in_text, level=SHOULD, harm="agents print the call instead of running it")
def no_call_as_text(answer: Answer, names: set[str]) -> Iterable[Complaint]:
    """A call of an offered tool comes in `tool_calls`, not as text that only looks like one."""
    text = answer.text.strip()
    opening = next((tag for tag in _TAGS if text.startswith(tag)), "")
    if opening or _name_of_written_call(text) in names:
        yield answer.where, f"the text is {excerpt(text, 60)!r}", "tool_calls"


def _name_of_written_call(text: str) -> str:
    """The name in a text that is nothing but a call written as JSON, with or without a Markdown fence."""
    value = jsontext.parse(re.sub(r"^```(?:json)?\s*|\s*```$", "", text).encode("utf-8", "replace")).value
    if isinstance(value, dict) and {"arguments", "parameters"} & value.keys():
        return str(value.get("name", ""))
    return ""
