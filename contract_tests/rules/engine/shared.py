"""Rules that several endpoints share; each section registers them as its own, with ids of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from contract_tests.rules.engine.judge import Complaint, Section
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.subjects import Endpoint
from contract_tests.rules.engine.view import View
from fake_server.wire.exchange import Aspect

EARLIEST, LATEST = 1_400_000_000, 4_102_444_800  # 2014 and 2100, in seconds: milliseconds are far above

Over = Callable[[View], Iterable[Any]]


def is_said(value: Any) -> bool:
    """Whether the value is a string with something in it."""
    return isinstance(value, str) and bool(value.strip())


def is_time(value: Any) -> bool:
    """Whether the value is a time in seconds since 1970."""
    return type(value) is int and EARLIEST <= value <= LATEST


def created_faults(node: Node) -> Iterable[Complaint]:
    """Faults of a `created` member: its type, or a time that cannot be seconds."""
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
        if not is_said(root.value.get("id")):
            yield root["id"], str(root["id"]), "a non-empty string"

    @section.rule("created", over=over, harm="typed clients refuse it, or show a date in another millennium")
    def created(root: Node) -> Iterable[Complaint]:
        """`created` is the Unix time in whole seconds."""
        if not is_time(root.value.get("created")):
            yield from created_faults(root["created"])

    @section.rule("model", over=over, harm="cost and logs are booked on no model")
    def model(root: Node) -> Iterable[Complaint]:
        """`model` is a non-empty string."""
        if not is_said(root.value.get("model")):
            yield root["model"], str(root["model"]), "a non-empty string"


def as_dict(section: Section, form: Endpoint) -> None:
    """What is asked for without `stream` comes as one object."""

    @section.rule(
        "is-dict",
        over=form.unstreamed,
        needs=[Aspect.REQUEST],
        harm="clients get a string, or an object full of None",
    )
    def is_dict(view: View) -> Iterable[Complaint]:
        """A request without `stream: true` is answered with one JSON object."""
        if view.form == "events":
            yield view, "server-sent events", "one JSON object"
        elif view.form == "other" or (view.document.ok and not isinstance(view.document.value, dict)):
            yield view, f"the body begins {view.body[:40].decode('utf-8', 'replace')!r}", "one JSON object"


def choice_list(section: Section, form: Endpoint, create: str) -> None:
    """`choices` of a dict: an array of objects with the right numbers."""

    @section.rule("choices", over=form.dicts, harm="`reply.choices[0]` raises in every client")
    def choices(root: Node) -> Iterable[Complaint]:
        """`choices` is an array with at least one object in it."""
        node = root["choices"]
        if node.kind != "array" or not node.value:
            yield node, str(node), "a non-empty array"
        for choice in node:
            if choice.kind != "object":
                yield choice, str(choice), "an object"

    @section.rule("choice-index", over=form.dicts, harm="clients that sort by index lose or mix answers")
    def choice_index(root: Node) -> Iterable[Complaint]:
        """The choices have the numbers 0, 1, 2 … as their `index`, each once."""
        wanted = set(range(len(list(root["choices"]))))
        for position, choice in enumerate(root["choices"]):
            index = choice["index"]
            if choice.kind == "object" and (index.kind != "integer" or index.value not in wanted):
                yield index, str(index), str(position)
            wanted.discard(index.value if index.kind == "integer" else None)

    def counted(view: View) -> Iterable[tuple[View, Node]]:
        for root in form.dicts(view):
            if root["choices"].kind == "array" and root["choices"].value:
                yield view, root["choices"]

    each = " for each prompt" if form.endpoint == "completions" else ""

    @section.rule(
        "choice-count",
        over=counted,
        see=create,
        needs=[Aspect.REQUEST],
        clause=f"There are as many choices as `n` asks for{each}, one where it is absent.",
        harm="`choices[n - 1]` raises, or answers are paid for and thrown away",
    )
    def choice_count(subject: tuple[View, Node]) -> Iterable[Complaint]:
        view, node = subject
        if len(node.value) != view.asked_choices:
            yield node, f"{len(node.value)} choices", str(view.asked_choices)
