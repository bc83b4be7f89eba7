"""Section responses: requests that are to be refused, and how they are."""

from __future__ import annotations

from collections.abc import Iterable

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.view import View
from contract_tests.rules.errors.mistakes import is_refused
from contract_tests.rules.errors.provoked import harm_of_status
from contract_tests.rules.errors.response_mistakes import (
    forces_without_tools,
    replies_about_calls,
    without_response_input,
    wrong_values_of_response,
)
from contract_tests.rules.responses.reply import responses
from contract_tests.rules.responses.subjects import refused_turns, responses_given
from fake_server.wire.exchange import Aspect


def _complain_of(view: View, node: Node, *statuses: int) -> Iterable[Complaint]:
    if is_refused(view, *statuses):
        return
    name = ".".join(str(step) for step in node.path)
    alone = " without tools" if node.path[-1] == "tool_choice" and forces_without_tools(view.request) else ""
    failed = any(root.text_of("status") == "failed" for root in responses_given(view))
    harm = "only clients that look for a failure in a success notice it" if failed else harm_of_status(view)
    yield view, f"status {view.status} for {name} {node}{alone}", "status 400", harm


@responses.rule(
    "refuses-wrong-values",
    over=wrong_values_of_response,
    level=SHOULD,
    needs=[Aspect.REQUEST],
    see=see.RESPONSE_CREATE,
    harm="a caller's mistake is answered as if it were none",
)
def refuses_wrong_values(view: View, node: Node) -> Iterable[Complaint]:
    """A value that the reference excludes is refused with status 400: a temperature of 99, a format, a tool_choice."""
    return _complain_of(view, node)


@responses.rule(
    "refuses-no-input",
    over=without_response_input,
    needs=[Aspect.REQUEST],
    see=see.RESPONSE_CREATE,
    basis="the API reference; no client measured leaves the input out, what stands between client and server does",
    harm="an input that was lost on the way is answered all the same: an empty prompt is paid for",
)
def refuses_no_input(view: View, node: Node) -> Iterable[Complaint]:
    """A request with no `input`, and nothing in its place, or with one of a wrong type is refused with status 400."""
    return _complain_of(view, node)


@responses.rule(
    "refuses-unpaired-calls",
    over=replies_about_calls,
    level=SHOULD,
    needs=[Aspect.REQUEST],
    see=see.FUNCTIONS,
    harm="a turn that was lost on the way goes unnoticed: the model is given a result and not what it asked",
)
def refuses_unpaired_calls(view: View, node: Node | None) -> Iterable[Complaint]:
    """The result of a call that is not in the input, and a call without its result, are refused with status 400."""
    return _complain_of(view, node, 404) if node else ()


@responses.rule(
    "refused-turn",
    over=refused_turns,
    level=SHOULD,
    see=see.WEBSOCKET_MODE,
    harm="clients that decide by the status whether to ask again, as they do after a POST, cannot",
)
def refused_turn(message: Node) -> Iterable[Complaint]:
    """A turn over a WebSocket is refused by an event of type `error`, with the status that a POST would have had."""
    status = message["status"]
    if status.kind != "integer" or status.value not in range(400, 600):
        yield status, str(status), "a status from 400 to 599"
    if message["type"].value != "error":
        yield message["type"], str(message["type"]), '"error"'
