"""What the rules on Responses are about: the object, whether it came as a dict or ends a stream, and its items."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.response_stream import ResponseStream, items_of, read_response_stream
from contract_tests.rules.engine.subjects import computed_once, is_in_other_form, is_web_socket_turn
from contract_tests.rules.engine.view import View

CREATED = "responses"
"""The endpoint that makes a Response."""
CALLS = ("function_call", "custom_tool_call")
"""Items by which the model calls what the client runs."""
_SINGLE = (CREATED, "response", "response cancelled")


@computed_once
def dicts(view: View) -> Iterator[Node]:
    """The body that is to be a Response."""
    if view.endpoint in _SINGLE and view.is_dict and not is_in_other_form(view):
        yield view.root


@computed_once
def streams(view: View) -> Iterator[ResponseStream]:
    """The stream of a Response with at least one event of one, or with an error."""
    if view.endpoint in _SINGLE and view.is_stream and not is_in_other_form(view):
        yield read_response_stream(view)


@computed_once
def refused_turns(view: View) -> Iterator[Node]:
    """The message of a WebSocket that refuses a turn before its Response began, whether or not it names a status."""
    if view.endpoint != CREATED or not is_web_socket_turn(view):
        return
    if view.is_refusal:
        yield from [view.root] if view.root["error"] else []
    elif len(view.payloads) == 1:
        yield from (event for stream in streams(view) for event in stream.errors)


@computed_once
def candidates(view: View) -> Iterator[Node]:
    """What is to be a Response: the dict, or what the end of a stream carries."""
    yield from dicts(view)
    for stream in streams(view):
        if stream.final is not None:
            yield stream.final


def is_response(root: Node) -> bool:
    """Whether an object is a Response, as far as it says: none says to be something else, or puts nothing out."""
    return root["object"].text == "response" or (not root["object"].text and root["output"].kind == "array")


@computed_once
def responses_given(view: View) -> Iterator[Node]:
    """The dict, or the Response at the end of a stream, where it is one."""
    return filter(is_response, candidates(view))


@computed_once
def finished(view: View) -> Iterator[Node]:
    """Responses that are completed, or were cut by a limit."""
    for root in responses_given(view):
        if root.text_of("status") in ("completed", "incomplete"):
            yield root


@computed_once
def completed(view: View) -> Iterator[Node]:
    """Responses that are completed."""
    for root in finished(view):
        if root.text_of("status") == "completed":
            yield root


@computed_once
def answers_to_requests(view: View) -> Iterator[Node]:
    """Responses to the request that made them, in whatever state they are."""
    if view.endpoint == CREATED:
        yield from responses_given(view)


@computed_once
def items(view: View) -> Iterator[Node]:
    """The items of the output."""
    for root in responses_given(view):
        yield from items_of(root)


def messages(view: View) -> Iterator[Node]:
    """The messages of the output."""
    return (item for item in items(view) if item.text_of("type") == "message")


def reasoning_items(view: View) -> Iterator[Node]:
    """The items with what the model thought."""
    return (item for item in items(view) if item.text_of("type") == "reasoning")


def calls(view: View) -> Iterator[Node]:
    """The calls of functions and custom tools."""
    return (item for item in items(view) if item.text_of("type") in CALLS)


def text_parts(messages: Iterable[Node]) -> Iterator[Node]:
    """The parts of messages that are text."""
    return (part for item in messages for part in item["content"] if part.text_of("type") == "output_text")


def texts_of(root: Node) -> list[Node]:
    """The `text` of each part of the output that is text."""
    return [part["text"] for part in text_parts(item for item in items_of(root) if item.text_of("type") == "message")]


def includes(view: View, name: str) -> bool:
    """Whether the request names this in `include`."""
    return any(each.value == name for each in view.request["include"])


def has_refusal(root: Node) -> bool:
    """Whether the model refused in words."""
    parts = (part for item in items_of(root) for part in item["content"])
    return any(part.text_of("type") == "refusal" for part in parts)
