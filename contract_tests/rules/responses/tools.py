"""Section responses: the tools that a Response repeats, beside those that were sent, and what each says of itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.node import Node, show
from contract_tests.rules.engine.view import View
from contract_tests.rules.responses.asked import is_same
from contract_tests.rules.responses.reply import responses
from contract_tests.rules.responses.subjects import answers_to_requests, items, responses_given
from fake_server.wire.exchange import Aspect

_CALLABLE = ("function", "custom")
"""Tools that the caller runs: they are known by their names."""
_REPEATED = ("description", "parameters", "strict", "format")
_OF_STRICT = frozenset({"required", "additionalProperties"})
"""What OpenAI writes anew in the schema of a function that does not say whether it is strict, and so becomes it."""
_ASIDE = ("authorization", "headers", "server_url", "description", "type", "tools")
"""Members of a tool that the server runs whose text may differ: secrets are masked, dashes written anew."""
_DATE = re.compile(r"_20\d\d_\d\d_\d\d$")
_UNSENT = {"mcp": ("allowed_tools", "headers", "server_description")}
"""What is null in a tool that was sent without it."""


def _offered(view: View) -> Iterator[tuple[Node, str, list[Node]]]:
    """The tools that came back, with those of a type that were sent."""
    sent: dict[str, list[Node]] = {}
    for tool in view.request["tools"]:
        kind = _type_of(tool)
        if kind and (kind not in _CALLABLE or tool["name"].text):
            sent.setdefault(kind, []).append(tool)
    for root in answers_to_requests(view):
        yield from ((root["tools"], kind, own) for kind, own in sent.items())


def _type_of(tool: Node) -> str:
    """The type of a tool without the date that some have."""
    return _DATE.sub("", tool.text_of("type"))


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
    """The tools of each type come back in `tools` as they were sent, each once and in their order."""
    same = [tool for tool in back if _type_of(tool) == kind]
    if kind not in _CALLABLE:
        if len(same) != len(sent):
            yield back, f"{len(same)} of type {kind}", str(len(sent))
            return
        for tool, own in zip(same, sent, strict=True):
            yield from _complain_unless_repeated(tool, own)
        return
    known = {tool["name"].text for tool in sent}
    same = [tool for tool in same if tool["name"].text in known]
    names = [tool["name"].text for tool in same]
    left = set(names)  # one that is to be loaded later may stand in a namespace until it is
    wanted = [tool for tool in sent if tool["name"].text in left or tool["defer_loading"].value is not True]
    if names != [tool["name"].text for tool in wanted]:
        expected = [tool["name"].text for tool in wanted]
        yield back, f"{len(names)} of type {kind}: {show(names, 60)}", f"{len(expected)}: {show(expected, 60)}"
        return
    for tool, own in zip(same, wanted, strict=True):
        yield from _complain_unless_same(tool, own)


def _complain_unless_same(tool: Node, own: Node) -> Iterable[Complaint]:
    """What differs in a tool that the caller runs."""
    aside = frozenset() if own["strict"].kind == "boolean" else _OF_STRICT
    for name in _REPEATED:
        if own[name] and own[name].value != "" and not is_same(tool[name].value, own[name].value, aside):
            yield tool[name], str(tool[name]), f"{own[name]}, as it was sent"


def _complain_unless_repeated(tool: Node, own: Node) -> Iterable[Complaint]:
    """What differs in a tool that the server runs itself: it may leave out what it does not know, and adds defaults."""
    for name in own.value:
        known = name not in _ASIDE and tool[name].there and own[name]
        if known and not is_same(tool[name].value, own[name].value):
            yield tool[name], str(tool[name]), f"{own[name]}, as it was sent"
    for name in _UNSENT.get(own.text_of("type"), ()):
        if tool[name] and not own[name].there:
            yield tool[name], str(tool[name]), "null: it was not sent"
    inner, wanted = list(tool["tools"]), list(own["tools"])
    if len(inner) != len(wanted):
        yield tool["tools"], f"{len(inner)} tools", f"{len(wanted)}, as were sent"
    for each, sent in zip(inner, wanted, strict=False):
        if each["name"].value == sent["name"].value:
            yield from _complain_unless_same(each, sent)


_TEXT, _COUNT, _MAP = ("string",), ("integer",), ("object",)
_KINDS: dict[str, dict[str, tuple[str, ...]]] = {
    "function": {"strict": ("boolean",), "description": ("string", "null")},
    "custom": {"description": ("string", "null"), "format": _MAP},
    "mcp": {"require_approval": ("string", "object"), "server_label": _TEXT},
    "tool_search": {"execution": _TEXT},
    "file_search": {"max_num_results": _COUNT, "vector_store_ids": ("array",), "ranking_options": _MAP},
    "image_generation": {"n": _COUNT, "output_compression": _COUNT, "quality": _TEXT, "size": _TEXT},
    "web_search": {
        "search_context_size": _TEXT,
        "user_location": ("object", "null"),
        "return_token_budget": _TEXT,
        "search_content_types": ("array",),
    },
}
"""The types of what a tool says of itself, where it says it: what was sent, or the default that stands."""
_ALWAYS = {"function": ("strict",), "mcp": ("require_approval",)}
"""What each says: 714 of 714 recorded functions are strict or not, 16 of 16 MCP servers name who approves."""


def _told(view: View) -> Iterator[Node]:
    """The tools that a Response repeats or found, and those of a namespace."""
    for root in responses_given(view):
        yield from root["tools"]
        for tool in root["tools"]:
            yield from tool["tools"] if tool.text_of("type") == "namespace" else ()
    for item in items(view):
        yield from item["tools"] if item.text_of("type") == "tool_search_output" else ()


@responses.rule(
    "tool-members",
    over=lambda view: (tool for tool in _told(view) if tool.text_of("type") in _KINDS),
    level=SHOULD,
    yields_to=(".tools",),
    see=see.RESPONSE_CREATE,
    harm="nobody can tell from the Response what its tools may do: whether arguments fit, or who is asked for approval",
)
def tool_members(tool: Node) -> Iterable[Complaint]:
    """A tool in a Response says what holds of it in the type that the member has, a function whether it is strict."""
    kind = tool.text_of("type")
    for name, kinds in _KINDS[kind].items():
        if tool[name].there and tool[name].kind not in kinds:
            yield tool[name], str(tool[name]), " or ".join(kinds)
        elif not tool[name].there and name in _ALWAYS.get(kind, ()):
            yield tool[name], "missing", " or ".join(kinds)
    place = tool["user_location"]
    if place.kind == "object" and not place["type"].text:
        yield place["type"], str(place["type"]), "how exact the place is"
