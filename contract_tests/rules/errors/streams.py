"""Section errors: an error in a stream, before its first token and in the middle of it."""

from __future__ import annotations

from collections.abc import Iterable

from contract_tests.rules.engine.failures import is_flat_error
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.kinds import is_count_alone
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.subjects import early_events, exchanges, is_web_socket_turn, only
from contract_tests.rules.engine.view import View
from contract_tests.rules.errors.refusals import errors


@errors.rule(
    "in-stream",
    over=lambda view: view.messages if view.endpoint in ("chat", "completions") else (),
    harm="openai-python raises only for a member `error`: with any other form the answer just ends early",
)
def in_stream(node: Node) -> Iterable[Complaint]:
    """An error in a stream is an event whose data holds the object `error`."""
    if node.says("error") and node["error"].kind != "object":
        yield node["error"], f"the error is {node['error']}", '{"error": {"message": …}}'
    elif is_flat_error(node):
        yield node, f"an error in another form: {node}", '{"error": {"message": …}}'


@errors.rule(
    "ends-the-stream",
    # A failed Response is another event after its error.
    over=only(exchanges, lambda view: view.endpoint and not view.is_of_responses and view.error_events),
    level=SHOULD,
    harm="nobody reads what follows: the official SDKs end with the error",
)
def ends_the_stream(view: View) -> Iterable[Complaint]:
    """Nothing but usage and [DONE] follows an error in a stream."""
    at = next(at for at, payload in enumerate(view.payloads) if payload.node is view.error_events[0])
    after = [payload for payload in view.payloads[at + 1 :] if not (payload.done or is_count_alone(payload.node))]
    if after:
        yield after[0], "an event follows the error", "[DONE], or the end"


@errors.rule(
    "before-the-stream",
    over=lambda view: () if is_web_socket_turn(view) else early_events(view),
    level=SHOULD,
    harm="clients that retry by status do not retry; the failure shows only when the first item is read",
)
def before_the_stream(view: View, event: Node) -> Iterable[Complaint]:
    """A failure before the first token has a 4xx or 5xx status, not a stream with an error in it."""
    if view.error_events and event is view.error_events[0]:  # the last of the early ones
        error = event["error"] if event["error"] else event
        yield error, f"a stream without a token before {error}"[:160], "a 4xx or 5xx status"
