"""Section responses: the tools that a Response repeats, beside those that were sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.node import Node, show
from contract_tests.rules.engine.view import View
from contract_tests.rules.responses.asked import is_same
from contract_tests.rules.responses.reply import responses
from contract_tests.rules.responses.subjects import answers_to_requests
from fake_server.wire.exchange import Aspect

_KINDS = ("function", "custom")
_REPEATED = ("description", "parameters", "strict", "format")
_OF_STRICT = frozenset({"required", "additionalProperties"})
"""What OpenAI writes anew in the schema of a function that does not say whether it is strict, and so becomes it."""


def _offered(view: View) -> Iterator[tuple[Node, str, list[Node]]]:
    """The tools that came back, with those of a type that were sent, less those that are to be loaded later."""
    tools = list(view.request["tools"])
    for root in answers_to_requests(view) if tools else ():
        for kind in _KINDS:
            sent = [tool for tool in tools if tool.text_of("type") == kind and tool["name"].text]
            if sent and not any(tool["defer_loading"].value is True for tool in sent):
                yield root["tools"], kind, sent


@responses.rule(
    "tools",
    over=_offered,
    level=SHOULD,
    needs=[Aspect.REQUEST],
    yields_to=(".members", ".schemas"),
    see=see.RESPONSE_CREATE,
    harm="a tool that was left out or changed on the way is never called, or with other arguments, and nobody is told",
)
def tools(back: Node, kind: str, sent: list[Node]) -> Iterable[Complaint]:
    """Functions and custom tools come back in `tools` as they were sent, each once and in their order."""
    wanted = [tool["name"].text for tool in sent]
    known = set(wanted)
    same = [tool for tool in back if tool.text_of("type") == kind and tool["name"].text in known]
    names = [tool["name"].text for tool in same]
    if names != wanted:
        yield back, f"{len(names)} of type {kind}: {show(names, 60)}", f"{len(wanted)}: {show(wanted, 60)}"
        return
    for tool, own in zip(same, sent, strict=True):
        aside = frozenset() if own["strict"].kind == "boolean" else _OF_STRICT
        for name in _REPEATED:
            if own[name] and own[name].value != "" and not is_same(tool[name].value, own[name].value, aside):
                yield tool[name], str(tool[name]), f"{own[name]}, as it was sent"
