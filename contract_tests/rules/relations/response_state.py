"""Section relations, what a server keeps: Responses that are stored, and conversations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.response_stream import read_response_stream, starting_after
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import View
from contract_tests.rules.relations.exchanges import relations
from contract_tests.rules.relations.responses import SPOILED
from contract_tests.rules.relations.said import said_in
from fake_server.relay.redact import excerpt

kept = relations.citing(see.CONVERSATION_STATE)
_COMPARED = (
    *("id", "object", "created_at", "status", "model", "output", "usage", "previous_response_id"),
    *("instructions", "metadata", "temperature", "top_p", "text", "tools", "tool_choice", "parallel_tool_calls"),
    *("max_output_tokens", "reasoning", "truncation", "store"),
)
"""What does not change when a Response is read: so in each recording of one that had ended."""


def _read_later(trace: Trace) -> Iterator[tuple[Node, list[View]]]:
    """A Response that says it is stored, beside every attempt to read it."""
    for (made,) in trace.together("made"):
        said = said_in(made)
        if said and said.root["store"].value is True and trace.samples("read"):
            yield said.root, trace.samples("read")


@kept.rule(
    "response-found",
    over=_read_later,
    expected="the Response",
    harm="`responses.retrieve` raises for what the server says it stored, and no later request can go on from it",
)
def response_found(made: Node, attempts: list[View]) -> Iterable[Complaint]:
    """A Response that says `store: true` is found under its id."""
    if all(view.status == 404 for view in attempts):
        yield attempts[-1], f"status 404 for {made['id']}"


def _as_made(trace: Trace) -> Iterator[tuple[Node, Node]]:
    """A Response as it was answered and as it is read."""
    for made, attempts in _read_later(trace):
        yield from ((made, view.root) for view in attempts[-1:] if view.is_dict)


@kept.rule(
    "response-as-made",
    over=_as_made,
    yields_to=SPOILED,
    harm="what is read later is not what the user was shown",
)
def response_as_made(made: Node, read: Node) -> Iterable[Complaint]:
    """A stored Response has the id, the status, the model, the parameters, the output and the usage of the answer."""
    for name in _COMPARED:
        if made[name].there and read[name].value != made[name].value:
            yield read[name], str(read[name]), str(made[name])
            return


def _texts(item: Node) -> list[str]:
    """The texts of an input item, whether its content is a string or parts."""
    content = item["content"]
    return [content.text] if content.text else [part["text"].text for part in content]


def _sent_and_listed(trace: Trace) -> Iterator[tuple[list[list[str]], Node]]:
    """The texts of the input of a stored Response, beside the list of its input items, the oldest first."""
    for made, listed in trace.together("made", "items"):
        given = made.request["input"]
        if listed.is_dict and listed.root["data"].kind == "array" and given:
            yield [[given.text]] if given.text else [_texts(item) for item in given], listed.root["data"]


@kept.rule(
    "response-input-kept",
    over=_sent_and_listed,
    yields_to=("responses.input-items",),
    see=see.RESPONSE_INPUT_ITEMS,
    harm="the conversation that is shown is another one",
)
def response_input_kept(sent: list[list[str]], listed: Node) -> Iterable[Complaint]:
    """The input items of a stored Response are those that were sent, in their order where it is asked for."""
    texts = [_texts(item) for item in listed]
    if texts != sent:
        turned = ", in the reverse of the order that was asked for" if texts == sent[::-1] else ""
        yield listed, f"{excerpt(str(texts), 120)}{turned}", excerpt(str(sent), 120)


def _after_deletion(trace: Trace) -> Iterator[tuple[str, list[View]]]:
    """Every attempt to read what is deleted, by the target's word."""
    for what in ("Response", "conversation", "item"):
        for (deletion,) in trace.together(f"{what} removed"):
            if deletion.ok and trace.samples(f"{what} gone"):
                yield what, trace.samples(f"{what} gone")


@kept.rule(
    "response-gone", over=_after_deletion, expected="status 404", harm="what a user had deleted is still there to read"
)
def response_gone(what: str, attempts: list[View]) -> Iterable[Complaint]:
    """A Response that was deleted is not found, nor a conversation or an item of one that was."""
    if all(view.ok for view in attempts):
        yield attempts[-1], f"status {attempts[-1].status}: the {what}"


@kept.rule(
    "response-not-kept",
    over=lambda trace: trace.together("not to be kept", "looked for"),
    expected="status 404",
    harm="what a user did not want to be kept is kept",
)
def response_not_kept(made: View, looked_for: View) -> Iterable[Complaint]:
    """A Response that was asked for with `store: false` is not found."""
    if made.ok and looked_for.is_dict:
        yield looked_for, f"status {looked_for.status}: the Response"


def _never_made(trace: Trace) -> Iterator[tuple[str, View]]:
    """Requests for what was never made, as each role says."""
    for role, view in trace.roles.items():
        if role.startswith("never made: ") and view.status:
            yield role.removeprefix("never made: "), view


@kept.rule(
    "never-made",
    over=_never_made,
    level=SHOULD,
    expected="status 404",
    harm="callers take what is not there for something empty, or a wrong id for a failure of the server",
)
def never_made(what: str, view: View) -> Iterable[Complaint]:
    """A Response or a conversation that was never made is answered with status 404."""
    if view.status not in (404, 400, 401, 403, 405, 429, 501):  # 405, 501: it has no such method
        yield view, f"{what}: status {view.status}"


@kept.rule(
    "previous-refused",
    over=lambda trace: (view for (view,) in trace.together("behind nothing")),
    expected="status 400 or 404",
    yields_to=("responses.previous",),
    harm="the model answers without the turns before: the conversation is forgotten, and nobody is told",
)
def previous_refused(view: View) -> Iterable[Complaint]:
    """A `previous_response_id` of no stored Response is refused, not ignored."""
    if view.ok and not (view.failure or view.error_events):
        yield view, f"status {view.status}"


def _cancelled(trace: Trace) -> Iterator[tuple[View, View]]:
    """What cancelling was answered with, beside the Response as it is read afterwards."""
    for first, later in trace.together("cancelled", "read after"):
        if first.is_dict and later.is_dict:
            yield first, later


@kept.rule(
    "cancelled-for-good",
    over=_cancelled,
    level=SHOULD,
    see=see.RESPONSES,
    harm="work that was called off goes on, at the caller's expense",
)
def cancelled_for_good(first: View, later: View) -> Iterable[Complaint]:
    """A Response that was cancelled in the background is read as what cancelling was answered with."""
    if first.root["status"].text in ("cancelled", "completed", "failed") and (
        later.root["status"].value != first.root["status"].value
    ):
        yield later.root["status"], str(later.root["status"]), str(first.root["status"])


# -- streams that are taken up again


def _taken_up(trace: Trace) -> Iterator[tuple[View, list[str], Node]]:
    """What taking a stream up again was answered with, beside the events behind that one and the last Response."""
    for whole, again in trace.together("whole stream", "taken up again"):
        first = read_response_stream(whole) if whole.is_stream else None
        if first is not None and first.final is not None and again.ok:
            events = [event for event in first.events if (event["sequence_number"].number or 0) > starting_after(again)]
            yield again, _names(events), first.final


def _names(events: list[Node]) -> list[str]:
    """The names of the events of a Response, without those that keep a connection open."""
    return [name for event in events if (name := event.text_of("type")).startswith("response.")]


def _from_first(names: list[str]) -> str:
    return f"{len(names)} events, from {names[0]}" if names else "no events"


@kept.rule(
    "stream-taken-up",
    over=_taken_up,
    level=SHOULD,
    yields_to=(*SPOILED, "responses.stream.sequence", "responses.stream.begins", "responses.stream.ends-once"),
    see=see.RESPONSES,
    harm="a client whose connection broke shows a text with a hole, or twice, or waits for an answer that it has",
)
def stream_taken_up(again: View, wanted: list[str], final: Node) -> Iterable[Complaint]:
    """A stream that is taken up with `starting_after` has the events behind that one, and ends in the same Response."""
    if not again.is_stream:
        came = "a Response as JSON: `stream=true` is ignored" if again.is_dict else f"no events: {again.form}"
        yield again, came, f"{len(wanted)} events"
        return
    stream = read_response_stream(again)
    names = _names(stream.events)
    if names != wanted:
        yield again, _from_first(names), _from_first(wanted)
    elif stream.final is not None and stream.final["id"].value != final["id"].value:
        yield stream.final["id"], str(stream.final["id"]), str(final["id"])


# -- conversations


def _conversations_read(trace: Trace) -> Iterator[tuple[Node, Node]]:
    """A conversation as it was made or updated, beside what is read of it."""
    for written, read in (("conversation", "conversation read"), ("conversation updated", "conversation reread")):
        for left, right in trace.together(written, read):
            if left.is_dict and right.is_dict:
                yield left.root, right.root


@kept.rule(
    "conversation-kept",
    over=_conversations_read,
    level=SHOULD,
    yields_to=("conversations.object", "conversations.id-of-path", "conversations.metadata"),
    see=see.CONVERSATIONS,
    harm="labels are lost, or come back after they were replaced",
)
def conversation_kept(written: Node, read: Node) -> Iterable[Complaint]:
    """A conversation is read as it was made or updated: the same id, time and metadata."""
    for name in ("id", "created_at", "metadata"):
        if read[name].value != written[name].value:
            yield read[name], str(read[name]), str(written[name])


def ids_of(items: Iterable[Node]) -> list[str]:
    """The ids of items, in their order."""
    return [item["id"].text for item in items]


def _added_and_listed(trace: Trace) -> Iterator[tuple[Node, list[str]]]:
    """The items of a conversation, oldest first, beside the ids of those that were added, in their order."""
    for added, listed in trace.together("items added", "items listed"):
        if added.is_dict and listed.is_dict and listed.root["data"].kind == "array":
            yield listed.root["data"], ids_of(added.root["data"])


@kept.rule(
    "conversation-items-kept",
    over=_added_and_listed,
    level=SHOULD,
    yields_to=("conversations.items", "conversations.added"),
    see=see.CONVERSATIONS,
    harm="the model is shown the turns in another order, or without some of them",
)
def conversation_items_kept(listed: Node, added: list[str]) -> Iterable[Complaint]:
    """The items of a conversation are listed as they were added: each once, in their order."""
    if ids_of(listed) != added:
        yield listed, f"{len(list(listed))} items: {listed}", excerpt(str(added), 120)


def _answered_and_listed(trace: Trace) -> Iterator[tuple[Node, list[str]]]:
    """The items of a conversation after a Response in it, beside the texts of its input and of its output."""
    for answered, listed in trace.together("turn", "items after"):
        said = said_in(answered)
        if said and said.text and listed.is_dict and answered.request["input"].text:
            yield listed.root["data"], [answered.request["input"].text, said.text]


@kept.rule(
    "conversation-grows",
    over=_answered_and_listed,
    level=SHOULD,
    yields_to=(*SPOILED, "conversations.items"),
    see=see.CONVERSATIONS,
    harm="the next turn does not know of this one, or is shown it twice",
)
def conversation_grows(listed: Node, said: list[str]) -> Iterable[Complaint]:
    """A Response in a conversation adds its input to the items, and then its output, once."""
    texts = ["".join(_texts(item)) for item in listed if item.text_of("type") == "message"]
    if texts[-2:] != said or texts[:-2] == said:
        yield listed, f"the messages {excerpt(str(texts[-4:]), 120)}", excerpt(str(said), 120)
