"""Section relations, turns over a WebSocket: they go on from each other, and a refused one is not the last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import View
from contract_tests.rules.relations.exchanges import relations
from contract_tests.rules.relations.responses import SPOILED
from contract_tests.rules.relations.said import said_in

turns = relations.citing(see.WEBSOCKET_MODE)


def _continued(trace: Trace) -> Iterator[tuple[View, Node]]:
    """A turn that goes on from the one before it, beside that one's Response."""
    for first, second in trace.together("first over WebSocket", "second over WebSocket"):
        said = said_in(first)
        if said and said.root["id"].text:
            yield second, said.root


@turns.rule(
    "websocket-goes-on",
    over=_continued,
    level=SHOULD,
    yields_to=SPOILED,
    harm="agents that send only what is new, as Codex does over a WebSocket, lose the conversation, or stop",
)
def websocket_goes_on(second: View, first: Node) -> Iterable[Complaint]:
    """A turn over a WebSocket goes on from the one before it, be that stored or not."""
    said = said_in(second)
    if not said:
        yield second, _what_came(second), "a Response that goes on from the first"
    elif said.root["previous_response_id"].value != first["id"].value:
        yield said.root["previous_response_id"], str(said.root["previous_response_id"]), str(first["id"])


def _what_came(view: View) -> str:
    if view.is_refusal:
        return f"an error with status {view.status}"
    return view.exchange.problem or "no Response"


@turns.rule(
    "websocket-stays-open",
    over=lambda trace: trace.together("refused over WebSocket", "behind the refused"),
    level=SHOULD,
    yields_to=SPOILED,
    harm="one mistake costs the connection, and what its turns were to go on from",
)
def websocket_stays_open(refused: View, later: View) -> Iterable[Complaint]:
    """A turn that is refused leaves the WebSocket open, and the next one is answered."""
    if not said_in(later) and not _are_refused_alike(refused, later):
        yield later, _what_came(later), "a Response"


def _are_refused_alike(refused: View, later: View) -> bool:
    """Whether a right turn is refused in the very words of a wrong one: the target refuses every turn."""
    before, after = ([event["error"]["message"].text for event in view.error_events] for view in (refused, later))
    return any(before) and before == after


def _elsewhere(trace: Trace) -> Iterator[View]:
    """A turn that goes on from one of another WebSocket, which was not to be stored."""
    for first, later in trace.together("not stored", "behind another WebSocket"):
        said = said_in(first)
        if said and said.root["id"].text:
            yield later


@turns.rule(
    "websocket-forgets",
    over=_elsewhere,
    level=SHOULD,
    expected="an error, previous_response_not_found",
    harm="what a user did not want to be kept is kept; or the model answers without the turns before",
)
def websocket_forgets(later: View) -> Iterable[Complaint]:
    """A Response with `store: false` cannot be gone on from over another WebSocket than its own."""
    if said_in(later):
        yield later, "a Response"
