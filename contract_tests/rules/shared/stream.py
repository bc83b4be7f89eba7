"""A stream as a whole: it comes as events, ends with [DONE], and is one answer throughout."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from contract_tests.rules.engine.judge import MUST, SHOULD, Complaint
from contract_tests.rules.engine.node import show
from contract_tests.rules.engine.shared_rules import SEE_CREATE, SharedRules
from contract_tests.rules.engine.subjects import Endpoint
from contract_tests.rules.engine.view import View
from fake_server.relay.redact import excerpt
from fake_server.wire.exchange import Aspect
from fake_server.wire.text import format_count

stream = SharedRules()


@stream.rule(
    "is-stream",
    over=Endpoint.to_be_streamed,
    see=SEE_CREATE,
    harm="openai-python 1 to 3 yield no items and no error; 0.28.1 raises AssertionError",
)
def is_stream(view: View) -> Iterable[Complaint]:
    """A request with `stream: true` is answered with server-sent events."""
    if view.form != "events":
        shown = excerpt(view.body[:600].decode("utf-8", "replace"), 60)
        yield view, f"the body begins {shown!r}", "data: {…}"
    elif view.body.lstrip()[:1] == b"{":
        yield view, "a JSON body typed text/event-stream", "data: {…}"


@stream.rule(
    "not-empty",
    over=Endpoint.to_be_streamed,
    needs=[Aspect.EVENT_FRAMING],
    yields_to=(
        *("sse.one-json-per-event", ".is-stream", "sse.payload-in-data", "sse.data-not-empty"),
        "http.content-coding",
    ),
    harm="clients report an empty success",
)
def not_empty(view: View) -> Iterable[Complaint]:
    """A stream holds at least one chunk before it ends."""
    if view.form == "events" and not view.messages:
        yield view.end, f"{format_count(len(view.events), 'event')}, none with a chunk"


@stream.rule(
    "done-last",
    over=Endpoint.whole_streams,
    see=SEE_CREATE,
    expected="data: [DONE]",
    yields_to=(".finishes",),
    basis="the API reference has a stream 'terminated by a `data: [DONE]` message'; the clients measured stop at the "
    "end of the body as well",
    harm="clients that wait for [DONE] hang until the socket closes or report a cut answer",
)
def done_last(view: View) -> Iterable[Complaint]:
    """A stream ends with one `[DONE]` event and nothing after it."""
    done = [payload for payload in view.payloads if payload.done]
    if not done:
        yield view.end, "the stream ended without [DONE]"
    elif done[0] is not view.payloads[-1] and not view.is_doubled:
        after = view.payloads[view.payloads.index(done[0]) + 1]
        yield after, "another event follows [DONE]"


def _changes(name: str, kind: type, view: View) -> Iterable[Complaint]:
    """Chunks in which a member has another value than in the first chunk that has it."""
    first: Any = None
    for chunk in view.chunks:
        value = chunk.value.get(name)
        if type(value) is not kind or not value:
            continue
        first = first or value
        if value != first:
            yield chunk[name], str(chunk[name]), f"{show(first)}, as before"


_ONE_TIME = "the API reference: `created` is when the completion was created, one time for all that is streamed of it"
for rule, member, kind, level, harm, basis in (
    ("same-id", "id", str, MUST, "clients that key by id split one answer in two", ""),
    ("same-created", "created", int, MUST, "clients that group chunks by time split one answer", _ONE_TIME),
    ("same-model", "model", str, SHOULD, "costs are attributed to two models", ""),
):
    options = {"clause": f"All chunks of a stream have the same `{member}`.", "harm": harm, "basis": basis}
    stream.rule(rule, over=Endpoint.streams, level=level, **options)(partial(_changes, member, kind))
