"""Section relations, stored completions: what is read later is what was answered, until it is deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.answers import answer_of_dict, answers, first_object
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import View
from contract_tests.rules.relations.exchanges import relations
from fake_server.relay.redact import excerpt

stored = relations.citing(see.STORED)


def _looked_up(trace: Trace, role: str) -> Iterator[tuple[View, list[View]]]:
    """The answer that was to be stored, beside every attempt to find it."""
    for (created,) in trace.together("created"):
        attempts = trace.samples(role)
        if created.ok and first_object(created)["id"].text and attempts:
            yield created, attempts


@stored.rule(
    "stored-found",
    over=lambda trace: _looked_up(trace, "stored"),
    level=SHOULD,  # an organisation that stores nothing may take the parameter and leave it
    expected="the completion",
    harm="evaluations and logs that are read from the store miss it, and nobody is told",
)
def stored_found(created: View, attempts: list[View]) -> Iterable[Complaint]:
    """A completion that was asked for with `store: true` is found under its id."""
    if all(view.status == 404 for view in attempts):
        yield attempts[-1], f"status 404 for {first_object(created)['id'].text}"


@stored.rule(
    "stored-listed",
    over=lambda trace: _looked_up(trace, "listed"),
    level=SHOULD,
    yields_to=("relations.stored-found",),
    expected="a list with it",
    harm="a client that looks for what it labelled finds nothing",
)
def stored_listed(created: View, attempts: list[View]) -> Iterable[Complaint]:
    """A stored completion is in the list of those with its metadata."""
    wanted = first_object(created)["id"].text
    lists = [view for view in attempts if view.is_dict and view.root["data"].kind == "array"]
    if lists and all(entry["id"].text != wanted for view in lists for entry in view.root["data"]):
        yield lists[-1].root["data"], f"{wanted} is not in the list"


def _as_created(trace: Trace) -> Iterator[tuple[View, View]]:
    """An answer and the stored completion."""
    for created, attempts in _looked_up(trace, "stored"):
        yield from ((created, view) for view in attempts[-1:] if view.is_dict)


@stored.rule("stored-as-created", over=_as_created, harm="what is read later is not what the user was shown")
def stored_as_created(created: View, view: View) -> Iterable[Complaint]:
    """A stored completion has the id, the model, the time, the choices and the usage of the answer."""
    first = first_object(created)
    for name in ("id", "model", "created"):
        if first[name].there and view.root[name].value != first[name].value:
            yield view.root[name], str(view.root[name]), str(first[name])
    usage = next((node["usage"] for node in reversed(created.chunks) if node["usage"]), created.root["usage"])
    for name in ("prompt_tokens", "completion_tokens"):
        if usage[name].number is not None and view.root["usage"][name].number != usage[name].number:
            yield view.root["usage"][name], str(view.root["usage"][name]), str(usage[name])
    answered = [(answer.text, answer.calls, answer.finish) for answer in answers(created)]
    kept = [answer_of_dict(choice, place) for place, choice in enumerate(view.root["choices"])]
    if answered and [(answer.text, answer.calls, answer.finish) for answer in kept] != answered:
        yield (
            view.root["choices"],
            str(view.root["choices"]),
            f"{excerpt(answered[0][0], 60)!r}, and all else as answered",
        )


def _sent_and_listed(trace: Trace) -> Iterator[tuple[View, Node]]:
    """The request of a stored completion beside the list of its messages."""
    for created, view in trace.together("created", "messages"):
        if view.is_dict and view.root["data"].kind == "array":
            yield created, view.root["data"]


@stored.rule("stored-messages", over=_sent_and_listed, harm="the conversation that is shown is another one")
def stored_messages(created: View, node: Node) -> Iterable[Complaint]:
    """The messages of a stored completion are those that were sent, in their order."""
    sent = [(message["role"].value, message["content"].value) for message in created.request["messages"]]
    listed = [(message["role"].value, message["content"].value) for message in node]
    if listed != sent:
        yield node, str(node), f"{len(sent)} messages, the first {sent[0][1]!r}" if sent else "none"


def _read_again(trace: Trace) -> Iterator[tuple[Node, Node]]:
    """The answer to an update, beside the completion as it is read afterwards."""
    for updated, reread in trace.together("updated", "reread"):
        if updated.is_dict and reread.is_dict:
            yield updated.root, reread.root


@stored.rule("stored-updated", over=_read_again, harm="labels that were replaced come back: filters by them go wrong")
def stored_updated(updated: Node, reread: Node) -> Iterable[Complaint]:
    """A completion that is read after an update is what the update was answered with."""
    for name in ("metadata", "choices"):
        if reread[name].value != updated[name].value:
            yield reread[name], str(reread[name]), str(updated[name])


def _after_deletion(trace: Trace) -> Iterator[list[View]]:
    """Every attempt to read a completion that is deleted, by the target's word."""
    for (deleted,) in trace.together("deleted"):
        if deleted.is_dict and trace.samples("gone"):
            yield trace.samples("gone")


@stored.rule(
    "stored-deleted",
    over=_after_deletion,
    expected="status 404",
    harm="what a user had deleted is still there to be read",
)
def stored_deleted(attempts: list[View]) -> Iterable[Complaint]:
    """A completion that was deleted is not found."""
    if all(view.ok for view in attempts):
        yield attempts[-1], f"status {attempts[-1].status}"


@stored.rule(
    "not-stored",
    over=lambda trace: trace.together("unstored", "looked up"),
    expected="status 404",
    harm="what a user did not want to be kept is kept",
)
def not_stored(unstored: View, looked_up: View) -> Iterable[Complaint]:
    """A completion that was asked for with `store: false` is not found."""
    if unstored.ok and looked_up.is_dict:
        yield looked_up, f"status {looked_up.status}: the completion"
