"""The shape rules of Responses: every member has the type that the official SDK declares for it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import cache
from importlib import import_module
from typing import Any, get_args

from contract_tests.rules.conversations import conversations
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.node import MISSING, Node
from contract_tests.rules.engine.response_stream import FINAL
from contract_tests.rules.engine.view import View
from contract_tests.rules.responses.echoed import without_echoes
from contract_tests.rules.responses.events import responses_stream
from contract_tests.rules.responses.reply import MEMBERS, responses
from contract_tests.rules.responses.subjects import responses_given, streams
from contract_tests.rules.shape import TYPED, UNCHECKED, WHOLE, complain_by_type, without_indexes
from fake_server.wire.jsontext import Path

ABSENT = frozenset({
    ("usage", "input_tokens_details", "cache_write_tokens"),  # most genuine Responses are older than it
    ("response", "usage", "input_tokens_details", "cache_write_tokens"),
    ("sequence_number",),  # streams of early 2025 had none
    ("logprobs",),  # nor had their texts
    ("item", "action"),  # of a web search that has just begun
    ("name",),  # of the arguments of a call, when they are done
})  # fmt: skip
"""Members that the types require and that genuine replies do without."""


KINDS = {
    "response": ("responses", "Response"),
    "response items": ("responses", "ResponseItemList"),
    "response tokens": ("responses", "InputTokenCountResponse"),
    "conversation": ("conversations", "Conversation"),
    "conversations": ("conversations", "Conversation"),
    "conversation item deleted": ("conversations", "Conversation"),
    "conversation deleted": ("conversations", "ConversationDeletedResource"),
    "conversation items": ("conversations", "ConversationItemList"),
    "conversation item": ("conversations", "ConversationItem"),
}
"""The type of each endpoint's reply: its module below `openai.types`, and its name."""


@cache
def _of_endpoint(endpoint: str) -> Any:
    """What checks the reply of an endpoint; None where the installed SDK has no type for it."""
    if endpoint not in KINDS:
        return None
    module, name = KINDS[endpoint]
    kind = getattr(_types(module), name, None)
    return None if kind is None else _validator(kind)


def _types(module: str) -> Any:
    """A module of the SDK's types, None where it has none of this name; imported when first needed (0.5 s)."""
    try:
        return import_module(f"openai.types.{module}")
    except ModuleNotFoundError:
        return None


def _validator(kind: Any) -> Any:
    from pydantic import TypeAdapter

    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    adapter.rebuild()  # the types of openai put off building theirs
    return adapter.validator


@cache
def _types_of_events() -> dict[str, Any]:
    """The type of each event, by its name; none where the installed SDK has no Responses."""
    union = getattr(_types("responses"), "ResponseStreamEvent", None)
    if union is None:
        return {}
    members = get_args(get_args(union)[0])
    return {get_args(member.model_fields["type"].annotation)[0]: member for member in members}


@cache
def _of_event(name: str) -> Any:
    return _validator(_types_of_events()[name])


def _without_absent(
    node: Node, complaints: Iterable[Complaint], members: Collection[str] = MEMBERS
) -> Iterable[Complaint]:
    """The complaints, less those about missing members that genuine replies do without, or that another rule names."""
    for complaint in complaints:
        where = complaint[0]
        path: Path = without_indexes(where.path[len(node.path) :])
        if where.value is MISSING and (path in ABSENT or (len(path) == 1 and path[0] in members)):
            continue  # responses.members names them all at once
        yield complaint


def _objects(view: View) -> Iterator[tuple[Node, Any, Node]]:
    """Responses, and what else is said of them, each with what checks it and the request."""
    found = [each for root in responses_given(view) for each in _checked(root, "response")]
    if view.endpoint in ("response items", "response tokens") and view.is_dict:
        found += _checked(view.root, view.endpoint)
    yield from ((root, validator, view.request) for root, validator in found)


def _checked(root: Node, endpoint: str) -> Iterator[tuple[Node, Any]]:
    """A reply with what checks it, where there is such a type."""
    validator = _of_endpoint(endpoint)
    if validator is not None:
        yield root, validator


@responses.rule("shape", over=_objects, generic=True, harm=WHOLE, basis=UNCHECKED)
def shape(root: Node, validator: Any, request: Node) -> Iterable[Complaint]:
    """Every member of a Response, of its input and of its counts has the type that the API reference gives it."""
    return _without_absent(root, without_echoes(complain_by_type(validator, root), root, request))


def _of_conversations(view: View) -> Iterator[tuple[Node, Any]]:
    """What is said of conversations, each with what checks it."""
    if view.endpoint.startswith("conversation") and view.is_dict:
        yield from _checked(view.root, view.endpoint)


@conversations.rule("shape", over=_of_conversations, level=SHOULD, generic=True, harm=WHOLE)
def shape_of_conversation(root: Node, validator: Any) -> Iterable[Complaint]:
    """Every member of a conversation and of its items has the type that the API reference gives it."""
    return _without_absent(root, complain_by_type(validator, root))


def _events(view: View) -> Iterator[tuple[Node, Node]]:
    """The events that the SDK knows, less those whose Response is judged by itself; each with the request."""
    for stream in streams(view):
        known = _types_of_events()
        for event in stream.events:
            if event.text_of("type") in known and event.text_of("type") not in FINAL:
                yield event, view.request


@responses_stream.rule(
    "shape",
    over=_events,
    generic=True,
    yields_to=(".announced", ".one-response"),
    harm=f"{TYPED} the event and end the stream",
    basis=UNCHECKED,
)
def shape_of_event(event: Node, request: Node) -> Iterable[Complaint]:
    """Every member of an event has the type that the API reference gives it."""
    complaints = complain_by_type(_of_event(event.text_of("type")), event)
    yield from _without_absent(event, without_echoes(complaints, event["response"], request), ())
    if event["obfuscation"].there and event["obfuscation"].kind != "string":  # the reference has it, the types do not
        yield event["obfuscation"], str(event["obfuscation"]), "a string"
