"""Section responses.stream: how the stream begins and ends, and what each snapshot in it says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import NOTE, SHOULD, Complaint, Section
from contract_tests.rules.engine.node import Node, show
from contract_tests.rules.engine.response_stream import ResponseStream
from contract_tests.rules.engine.subjects import Endpoint, only
from contract_tests.rules.engine.view import Payload, View
from contract_tests.rules.responses.reply import MEMBERS
from contract_tests.rules.responses.subjects import CREATED, refused_turns, streams
from fake_server.relay.redact import excerpt
from fake_server.wire.exchange import Aspect

responses_stream = Section("responses.stream", "The events of a streamed Response", see.RESPONSE_STREAMING)

_new = Endpoint(CREATED)
_whole_streams = only(streams, lambda stream: stream.view.whole)


@responses_stream.rule(
    "is-stream",
    over=_new.to_be_streamed,
    see=see.RESPONSE_CREATE,
    harm="clients yield no events and raise no error",
)
def is_stream(view: View) -> Iterable[Complaint]:
    """A Response that is asked for with `stream: true` comes as server-sent events."""
    if view.form != "events":
        yield (
            view,
            f"the body begins {excerpt(view.body[:600].decode('utf-8', 'replace'), 60)!r}",
            "event: …, data: {…}",
        )


@responses_stream.rule("typed", over=streams, harm="clients choose by `type` what an event is: they skip it, or raise")
def typed(stream: ResponseStream) -> Iterable[Complaint]:
    """Every event has a `type` in its data."""
    for node in stream.strays:
        what = "a chunk of a chat completion" if node["choices"].there else f"an event without a type: {node}"
        yield node, what, '{"type": "response.…", …}'


@responses_stream.rule(
    "begins",
    over=only(streams, lambda stream: stream.events),
    yields_to=(".typed",),
    harm="clients that wait for the Response to be created raise at the first event",
)
def begins(stream: ResponseStream) -> Iterable[Complaint]:
    """A stream begins with one `response.created`, unless it is taken up again behind it."""
    events = stream.events
    if stream.resumed:
        events = [events[0], *events]
    elif events[0].text_of("type") != "response.created":
        yield events[0]["type"], str(events[0]["type"]), '"response.created"'
    for event in events[1:]:
        if event.text_of("type") == "response.created":
            harm = "clients that begin anew with it lose what came before"
            yield event["type"], "response.created again", "one, as the first event", harm


@responses_stream.rule(
    "in-progress",
    over=only(streams, lambda stream: len(stream.events) > 1 and not stream.resumed),
    level=SHOULD,
    yields_to=(".typed", ".begins", ".ends-once"),
    harm="clients that show that the model has begun show nothing",
)
def in_progress(stream: ResponseStream) -> Iterable[Complaint]:
    """The second event is `response.in_progress` or `response.queued`, and the former comes once."""
    second = stream.events[1]["type"]
    if second.text not in ("response.in_progress", "response.queued", "keepalive"):
        yield second, str(second), '"response.in_progress"'
    for event in [event for event in stream.events if event.text_of("type") == "response.in_progress"][1:2]:
        yield event["type"], "response.in_progress again", "once", "clients that show progress begin anew"


@responses_stream.rule(
    "ends-once",
    over=only(_whole_streams, lambda stream: not stream.errors),
    yields_to=(".typed", ".fails-well"),
    harm="clients report that the stream broke off, or take the answer for empty",
)
def ends_once(stream: ResponseStream) -> Iterable[Complaint]:
    """One `response.completed`, `response.incomplete` or `response.failed` ends a stream, and no event follows it."""
    if stream.resumed and not stream.events:
        return  # nothing came behind the event it was to go on from
    if not stream.ends:
        yield stream.view.end, "the stream ended without one of them", "response.completed, .incomplete or .failed"
        return
    events = stream.events
    if events[-1] is not stream.ends[0]:
        at = next(place for place, event in enumerate(events) if event is stream.ends[0])
        late = f"{events[at + 1]['type']} follows {stream.ends[0]['type']}"
        yield events[at + 1]["type"], late, "nothing", "clients stop reading at the end: what follows is lost"


def _ends(view: View) -> Iterator[Node]:
    """The events that end a stream and carry the Response."""
    for stream in streams(view):
        yield from (event for event in stream.ends if event["response"].kind == "object")


@responses_stream.rule(
    "end-fits-status",
    over=_ends,
    yields_to=("responses.status",),
    harm="clients that go by the event and clients that go by the status disagree on whether there is an answer",
)
def end_fits_status(event: Node) -> Iterable[Complaint]:
    """The event that ends a stream has the name of the `status` in it."""
    wanted = event.text_of("type").removeprefix("response.")
    status = event["response"]["status"]
    if status.value != wanted:
        yield status, str(status), show(wanted)


def _payloads(view: View) -> Iterator[Payload]:
    for stream in streams(view):
        yield from stream.payloads


@responses_stream.rule(
    "event-is-type",
    over=_payloads,
    level=SHOULD,
    needs=[Aspect.EVENT_FRAMING],
    harm="EventSource and other readers that go by the name of an event see none of them",
)
def event_is_type(payload: Payload) -> Iterable[Complaint]:
    """The `event:` field of each event equals the `type` in its data."""
    kind = payload.node.text_of("type")
    if payload.event.type != kind:
        named = payload.event.type
        yield payload, "no event field" if named == "message" else f"event: {excerpt(named, 60)}", f"event: {kind}"


@responses_stream.rule(
    "sequence",
    over=streams,
    level=SHOULD,
    harm="a client that resumes with `starting_after` gets events twice, or misses some",
)
def sequence(stream: ResponseStream) -> Iterable[Complaint]:
    """`sequence_number`, where a stream has any, grows by one with each event from 0, or from `starting_after` + 1."""
    if not any(event["sequence_number"].there for event in (*stream.events, *stream.errors)):
        return
    for place, event in enumerate(sorted((*stream.events, *stream.errors), key=_place), stream.after + 1):
        number = event["sequence_number"]
        if number.value != place:
            yield number, str(number), str(place)
            return


def _place(node: Node) -> int:
    return node.document.event.index if node.document.event else 0


@responses_stream.rule(
    "no-done",
    over=only(streams, lambda stream: stream.view.whole),
    level=NOTE,
    see=see.OPEN_RESPONSES,
    harm="none is known: the specification of Open Responses asks for what api.openai.com does not send",
)
def no_done(stream: ResponseStream) -> Iterable[Complaint]:
    """No `[DONE]` follows a streamed Response at OpenAI, though the specification of Open Responses has it."""
    for payload in stream.view.payloads:
        if payload.done:
            yield payload, "[DONE]"
            return


_ONE_RESPONSE = {
    "id": "",
    "created_at": "one Response has two times",
    "model": "costs and logs are attributed to two models",
}
"""What follows where it changes on the way; '' for the harm of the rule."""
_NOT_YET = "code that reads `event.response.{}` finds none in this event"


@responses_stream.rule(
    "one-response",
    over=only(streams, lambda stream: stream.snapshots),
    yields_to=("responses.object", "responses.model"),
    harm="clients that keep Responses by id take one stream for several answers",
)
def one_response(stream: ResponseStream) -> Iterable[Complaint]:
    """Each event that tells of the Response as a whole carries it, with the same `id`, `created_at` and `model`."""
    for event in stream.snapshots:
        if event["response"].kind != "object":
            yield (
                event["response"],
                str(event["response"]),
                "the Response",
                "code that reads `event.response.id` raises",
            )
    roots = [event["response"] for event in stream.snapshots if event["response"].kind == "object"]
    for name, harm in _ONE_RESPONSE.items():
        said = [root[name] for root in roots if root[name].there]
        for root in roots if said else ():
            if not root[name].there:
                yield root[name], "missing", f"{said[0]}, as in another event", _NOT_YET.format(name)
            elif root.get(name) != said[0].value:
                yield root[name], str(root[name]), f"{said[0]}, as before", harm


_OF_THE_STATE = frozenset({"created_at", "error", "id", "incomplete_details", "model", "output", "status", "usage"})
PARAMETERS = (
    *(name for name in MEMBERS if name not in _OF_THE_STATE),
    *("background", "max_tool_calls", "prompt_cache_key", "safety_identifier", "top_logprobs"),
    *("billing", "frequency_penalty", "presence_penalty", "prompt_cache_retention"),
)


@responses_stream.rule(
    "same-parameters",
    over=only(streams, lambda stream: len(stream.snapshots) > 1),
    level=SHOULD,
    yields_to=("responses.members", "responses.object", ".one-response"),
    harm="a client that reads them at the beginning believes what does not hold",
)
def same_parameters(stream: ResponseStream) -> Iterable[Complaint]:
    """The Response has the same parameters in each event that carries it as at the end."""
    last = stream.snapshots[-1]["response"]
    for event in stream.snapshots[:-1]:
        root = event["response"]
        for name in PARAMETERS if root.kind == last.kind == "object" else ():
            if root[name].there and root.get(name) != last.get(name):
                yield root[name], str(root[name]), str(last[name])
            elif last[name].there and not root[name].there and not _is_stub(root):
                yield root[name], "missing", f"{last[name]}, as in another event", _NOT_YET.format(name)
        usage = root["tool_usage"]
        if usage.there and usage.kind != last["tool_usage"].kind:  # the counts in it grow
            yield usage, str(usage), str(last["tool_usage"])


def _is_stub(root: Node) -> bool:
    """Whether a Response lacks what its type requires: that it does is one finding, of `one-response` or `shape`."""
    required = ("created_at", "model", "output", "parallel_tool_calls", "tool_choice", "tools")
    return not all(root[name].there for name in required)


def _early(view: View) -> Iterator[Node]:
    """The Response as it is before the end."""
    for stream in streams(view):
        ends = {id(event) for event in stream.ends}
        yield from (event["response"] for event in stream.snapshots if id(event) not in ends and event["response"])


@responses_stream.rule(
    "early-is-empty",
    over=_early,
    level=SHOULD,
    yields_to=("responses.members", ".same-parameters"),
    harm="a client that reads the first events takes the Response for finished, or counts its tokens twice",
)
def early_is_empty(root: Node) -> Iterable[Complaint]:
    """Before the end a Response is queued or in_progress, its `output` is empty and its `usage` null."""
    status = root["status"]
    if status.text not in ("queued", "in_progress") and (status.there or not _is_stub(root)):
        yield status, str(status), "queued or in_progress", "" if status.there else _NOT_YET.format("status")
    if root["output"].there and root["output"].value != []:
        yield root["output"], str(root["output"]), "[]"
    for name in ("usage", "completed_at"):
        if root[name]:
            yield root[name], str(root[name]), "null"
    for name in ("error", "incomplete_details", "usage"):
        if not root[name].there and not _is_stub(root):
            yield root[name], "missing", "null", _NOT_YET.format(name)


@responses_stream.rule(
    "fails-well",
    over=only(streams, lambda stream: stream.errors or stream.ends),
    see=see.RESPONSE_STREAMING,
    harm="users are told that the stream broke off, not why",
)
def fails_well(stream: ResponseStream) -> Iterable[Complaint]:
    """A Response that fails ends its stream with `response.failed`, whose error has `code` and `message`."""
    failed = [event for event in stream.ends if event.text_of("type") == "response.failed"]
    for event in failed:
        error = event["response"]["error"]
        if not (error["code"].text and error["message"].text):
            yield error, str(error), "an object with code and message"
    if stream.errors and not failed and not list(refused_turns(stream.view)):
        yield stream.errors[0], f"the stream ends with an error: {stream.errors[0]}", "response.failed behind it"
