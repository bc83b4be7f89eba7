"""What is wrong with a request for a Response: the subjects of the rules on refusals that it provokes."""

from __future__ import annotations

from collections.abc import Iterator

from contract_tests.rules.engine.lacks import was_read
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.subjects import replies
from contract_tests.rules.engine.view import View
from contract_tests.rules.shared.reply import ROLES

_CHOICES = ("none", "auto", "required", "any", "validated")
_FORMATS = ("text", "json_object", "json_schema", "grammar", "regex", "structural_tag")
"""Each with the extensions of other servers, which they may well answer."""
_ROLES = ROLES | {"critic", "discriminator", "unknown"}
_RANGES = {"temperature": (0, 2), "top_p": (0, 1), "top_logprobs": (0, 20)}
_GO_ON = ("previous_response_id", "conversation", "prompt")
"""What stands for an input, and may bring calls, tools and the rest with it."""
_CALLS = ("function_call", "custom_tool_call")
_RESULTS = ("function_call_output", "custom_tool_call_output")


def _replies(view: View) -> Iterator[View]:
    """Whole replies to a request for a Response that was read: whose path and model are there."""
    if view.endpoint == "responses" and view.whole and view.request.value and was_read(view):
        yield from replies(view)


def without_response_input(view: View) -> Iterator[tuple[View, Node]]:
    """Replies to a request with no input and nothing in its place, or with one that is neither text nor items."""
    given, goes_on = view.request["input"], any(view.request[name] for name in _GO_ON)
    wrong = given.kind not in ("string", "array") if given else not goes_on
    yield from ((reply, given) for reply in _replies(view) if wrong)


def wrong_values_of_response(view: View) -> Iterator[tuple[View, Node]]:
    """Replies to a request with a value that the reference excludes; a small limit has a rule of its own."""
    request = view.request
    for reply in _replies(view):
        for name, (least, most) in _RANGES.items():
            number = request[name].number
            if request[name] and (number is None or not least <= number <= most):
                yield reply, request[name]
        if request["max_output_tokens"] and request["max_output_tokens"].number is None:
            yield reply, request["max_output_tokens"]
        choice = request["tool_choice"]
        if (choice.kind == "string" and choice.text not in _CHOICES) or forces_without_tools(request):
            yield reply, choice
        if request["truncation"] and request["truncation"].text not in ("auto", "disabled"):
            yield reply, request["truncation"]
        yield from ((reply, node) for node in _wrong_parts(request))


def _wrong_parts(request: Node) -> Iterator[Node]:
    """What is wrong with the format of the text, and with the roles in the input."""
    form = request["text"]["format"]
    if form and form["type"].text not in _FORMATS:
        yield form["type"] if form.kind == "object" else form
    elif form.text_of("type") == "json_schema":
        yield from (form["name"],) if not form["name"].text else ()
        yield from (form["schema"],) if form["schema"].kind != "object" else ()
    for item in request["input"]:
        if item.text_of("type") in ("", "message") and item["role"].there and item["role"].text not in _ROLES:
            yield item["role"]


def forces_without_tools(request: Node) -> bool:
    """Whether a tool is to be called, and none is offered."""
    choice = request["tool_choice"]
    forces = choice.kind == "object" or choice.value == "required"
    return forces and not list(request["tools"]) and not request["prompt"]


def replies_about_calls(view: View) -> Iterator[tuple[View, Node | None]]:
    """Replies to an input with calls or results of calls; with the first of either that has not the other.

    A result may be that of any item with a `call_id`. What must have a result is what the client runs.
    """
    items, may_be_elsewhere = list(view.request["input"]), any(view.request[name] for name in _GO_ON)
    if may_be_elsewhere or any(item.text_of("type") in ("item_reference", "compaction") for item in items):
        return
    named = [item for item in items if item["call_id"].text]
    results = [item for item in named if item.text_of("type").endswith("_output")]
    calls = [item for item in named if not item.text_of("type").endswith("_output")]
    wanted, had = {item["call_id"].text for item in calls}, {item["call_id"].text for item in results}
    lonely = [item for item in results if item.text_of("type") in _RESULTS and item["call_id"].text not in wanted]
    lonely += [item for item in calls if item.text_of("type") in _CALLS and item["call_id"].text not in had]
    for reply in _replies(view) if named else ():
        yield reply, lonely[0]["call_id"] if lonely else None


def has_unpaired_calls(view: View) -> bool:
    """Whether a request has the result of a call that stands nowhere, or a call without its result."""
    return any(node for _, node in replies_about_calls(view))
