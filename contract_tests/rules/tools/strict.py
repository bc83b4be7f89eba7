"""Section tools, strict functions: structured outputs hold for what they are called with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import Complaint
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.view import View
from contract_tests.rules.formats import violation
from contract_tests.rules.tools.calls import calling_turns, tools
from fake_server.wire import jsontext

Called = tuple[Node, Any, dict[str, Any]]
"""Where the arguments of a call end, what they say, and the schema of the function."""


def _strict(view: View) -> Iterable[Called]:
    """The call of a strict function, where it is the only one: of several at once nothing is promised."""
    functions = [tool["function"] for tool in view.asked["tools"] if tool["function"]["strict"].value is True]
    schemas = {one["name"].text: one["parameters"].value for one in functions if one["parameters"].value}
    for turn in calling_turns(view) if schemas else ():
        cut = turn.finish.text in ("length", "content_filter")
        if len(turn.names) == 1 and turn.names[0] in schemas and not cut:
            node, text = turn.arguments[0]
            parsed = jsontext.parse(text.encode("utf-8", "replace"))
            if parsed.ok and isinstance(parsed.value, dict):
                yield node, parsed.value, schemas[turn.names[0]]


@tools.rule("strict-kept", over=_strict, see=see.STRUCTURED, harm="typed tools fail to read their arguments")
def strict_kept(call: Called) -> Iterable[Complaint]:
    """The arguments of a function with `strict: true` are valid for its schema."""
    node, value, schema = call
    wrong = violation(value, schema)
    if wrong:
        yield node, wrong, "arguments that fit the schema"
