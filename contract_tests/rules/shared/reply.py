"""A reply as one object: its members `object`, `id`, `created` and `model`, and its list of choices."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from contract_tests.rules.engine.judge import Complaint, Section
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.shared_rules import SEE_CREATE, SharedRules
from contract_tests.rules.engine.subjects import Endpoint
from contract_tests.rules.engine.view import View
from fake_server.wire.exchange import Aspect

EARLIEST, LATEST = 1_400_000_000, 4_102_444_800  # 2014 and 2100, in seconds: milliseconds are far above

Over = Callable[[View], Iterable[Any]]


def is_text(value: Any) -> bool:
    """Whether the value is a string with more than white space in it."""
    return isinstance(value, str) and bool(value.strip())


def is_time(value: Any) -> bool:
    """Whether the value is a time in seconds since 1970."""
    return type(value) is int and EARLIEST <= value <= LATEST


def created_complaints(node: Node) -> Iterable[Complaint]:
    """What is wrong with a `created` member: its type, or a time that cannot be seconds."""
    if type(node.value) is not int:
        yield node, str(node), "an integer"
    elif not is_time(node.value):
        yield node, str(node.value), "seconds since 1970, between 2014 and 2100"


def envelope(section: Section, over: Over, named: str) -> None:
    """The members `object`, `id`, `created` and `model` of a reply, or of every chunk."""

    @section.rule(
        "object",
        over=over,
        clause=f'`object` is "{named}".',
        harm="clients and gateways that tell replies apart by `object` take it for something else",
    )
    def object_(root: Node) -> Iterable[Complaint]:
        if root.value.get("object") != named:
            yield root["object"], str(root["object"]), f'"{named}"'

    @section.rule("id", over=over, harm="logs and clients that key by id mix answers up")
    def id_(root: Node) -> Iterable[Complaint]:
        """`id` is a non-empty string."""
        if not is_text(root.value.get("id")):
            yield root["id"], str(root["id"]), "a non-empty string"

    @section.rule("created", over=over, harm="typed clients refuse it, or show a date in another millennium")
    def created(root: Node) -> Iterable[Complaint]:
        """`created` is the Unix time in whole seconds."""
        if not is_time(root.value.get("created")):
            yield from created_complaints(root["created"])

    @section.rule("model", over=over, harm="costs and logs are attributed to no model")
    def model(root: Node) -> Iterable[Complaint]:
        """`model` is a non-empty string."""
        if not is_text(root.value.get("model")):
            yield root["model"], str(root["model"]), "a non-empty string"


dict_reply = SharedRules()
choice_list = SharedRules()


@dict_reply.rule(
    "is-dict",
    over=Endpoint.unstreamed,
    needs=[Aspect.REQUEST],
    harm="clients get a string, or an object full of None",
)
def is_dict(view: View) -> Iterable[Complaint]:
    """A request without `stream: true` is answered with one JSON object."""
    if view.form == "events":
        yield view, "server-sent events", "one JSON object"
    elif view.form == "other" or (view.document.ok and not isinstance(view.document.value, dict)):
        yield view, f"the body begins {view.body[:40].decode('utf-8', 'replace')!r}", "one JSON object"


@choice_list.rule("choices", over=Endpoint.dicts, harm="`reply.choices[0]` raises in every client")
def choices(root: Node) -> Iterable[Complaint]:
    """`choices` is an array with at least one object in it."""
    node = root["choices"]
    if node.kind != "array" or not node.value:
        yield node, str(node), "a non-empty array"
    for choice in node:
        if choice.kind != "object":
            yield choice, str(choice), "an object"


@choice_list.rule("choice-index", over=Endpoint.dicts, harm="clients that sort by index lose or mix answers")
def choice_index(root: Node) -> Iterable[Complaint]:
    """The choices have the numbers 0, 1, 2 … as their `index`, each once."""
    wanted = set(range(len(list(root["choices"]))))
    for position, choice in enumerate(root["choices"]):
        index = choice["index"]
        if choice.kind == "object" and (index.kind != "integer" or index.value not in wanted):
            yield index, str(index), str(position)
        wanted.discard(index.value if index.kind == "integer" else None)


def _lists(endpoint: Endpoint, view: View) -> Iterable[tuple[View, Node]]:
    for root in endpoint.dicts(view):
        if root["choices"].kind == "array" and root["choices"].value:
            yield view, root["choices"]


@choice_list.rule(
    "choice-count",
    over=_lists,
    see=SEE_CREATE,
    needs=[Aspect.REQUEST],
    harm="`choices[n - 1]` raises, or answers are paid for and thrown away",
)
def choice_count(subject: tuple[View, Node]) -> Iterable[Complaint]:
    """There are `n` choices for each prompt, one if `n` is absent."""
    view, node = subject
    if len(node.value) != view.wanted_choices:
        yield node, f"{len(node.value)} choices", str(view.wanted_choices)
