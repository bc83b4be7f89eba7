"""What rules are about: functions from a View to the subjects in it. No subject, no claim."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import wraps
from itertools import chain
from typing import TypeVar

from contract_tests.rules.engine.kinds import is_chunk, is_completion
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.stream import StreamedCall, StreamedChoice
from contract_tests.rules.engine.view import Payload, View
from fake_server.wire import jsontext
from fake_server.wire.exchange import Aspect, header

Subject = TypeVar("Subject")


def computed_once(find: Callable[[View], Iterator[Subject]]) -> Callable[[View], Iterator[Subject]]:
    """Cache what the function finds in a View there: thirty rules are about the same chunks."""

    @wraps(find)
    def find_once(view: View) -> Iterator[Subject]:
        if find not in view.listed:
            view.listed[find] = list(find(view))
        return iter(view.listed[find])

    return find_once


def only(
    subjects: Callable[[View], Iterable[Subject]], condition: Callable[[Subject], object]
) -> Callable[[View], Iterator[Subject]]:
    """Those of the subjects of which the condition holds."""
    return lambda view: filter(condition, subjects(view))


# -- any exchange


def exchanges(view: View) -> Iterator[View]:
    """Every exchange."""
    yield view


replies = only(exchanges, lambda view: view.status)
"""Exchanges in which a status line arrived."""


def is_web_socket_turn(view: View) -> bool:
    """Whether this is a turn over a WebSocket, judged as the stream that the same POST would have had."""
    return header(view.exchange.request.headers, "upgrade") == "websocket"


def is_http(view: View) -> bool:
    """Whether an HTTP message was to come; a turn over a WebSocket is none."""
    return not is_web_socket_turn(view)


bodies = only(replies, lambda view: view.whole and view.form != "empty")
"""Replies that came to their own end and have a body."""

json_bodies = only(bodies, lambda body: body.form == "json")
"""Replies with a JSON body that came to their own end."""

event_bodies = only(exchanges, lambda view: view.ok and view.form == "events")
"""Successful replies in events, however they ended."""


@computed_once
def json_texts(view: View) -> Iterator[tuple[Node, jsontext.Document]]:
    """Every JSON text of a reply, the body or each event's data: its root, and how it parsed."""
    if view.status and view.whole and view.form == "json":
        yield view.root, view.document
    for payload in complete_payloads(view):
        if not payload.done:
            yield payload.node, payload.parsed


@computed_once
def complete_payloads(view: View) -> Iterator[Payload]:
    """The data of each event that was dispatched."""
    for payload in view.payloads:
        if payload.event.complete:
            yield payload


# -- replies that come as one dict or as a stream


def is_in_other_form(view: View) -> bool:
    """Whether a dict came where a stream was asked for, or the reverse: nothing else is asked of such a reply."""
    if view.endpoint not in ("chat", "completions", "responses") or view.form not in ("json", "events"):
        return False
    knows = view.knows(Aspect.REQUEST) and bool(view.request.value)
    return knows and (view.form == "events") is not view.wants_stream


@dataclass(frozen=True)
class Endpoint:
    """The successful replies of one endpoint, as one dict and as a stream of chunks."""

    endpoint: str

    def unstreamed(self, view: View) -> Iterator[View]:
        """Whole replies with a body to requests without `stream: true`."""
        if self._answered(view) and not view.wants_stream:
            yield view

    def to_be_streamed(self, view: View) -> Iterator[View]:
        """Whole replies with a body to requests with `stream: true`."""
        if self._answered(view) and view.wants_stream and not view.is_failed_success:
            yield view

    def _answered(self, view: View) -> bool:
        return view.endpoint == self.endpoint and view.ok and view.whole and view.form != "empty"

    def dicts(self, view: View) -> Iterator[Node]:
        """The body that is a completion."""
        return (root for root in self.dicts_and_strays(view) if is_completion(root) and not is_chunk(root))

    def dicts_and_strays(self, view: View) -> Iterator[Node]:
        """The body that is one JSON object, whatever it says to be."""
        if view.endpoint == self.endpoint and view.is_dict and not is_in_other_form(view):
            yield view.root

    def choices(self, view: View) -> Iterator[Node]:
        """The choices of a dict that are objects."""
        for root in self.dicts(view):
            yield from (choice for choice in root["choices"] if choice.kind == "object")

    def streams(self, view: View) -> Iterator[View]:
        """A stream with at least one chunk."""
        if view.endpoint == self.endpoint and view.is_stream and view.chunks and not is_in_other_form(view):
            yield view

    def whole_streams(self, view: View) -> Iterator[View]:
        """A stream that came to its own end, all of it chunks: no error, no answer in another form, no other text."""
        for stream in self.streams(view):
            is_one_answer = not stream.error_events and not stream.holds_another_answer
            if stream.whole and is_one_answer and not stream.ends_in_text:
                yield stream

    def chunks(self, view: View) -> Iterator[Node]:
        """The chunks of a stream."""
        return chain.from_iterable(stream.chunks for stream in self.streams(view))

    def chunks_and_strays(self, view: View) -> Iterator[Node]:
        """The chunks of a stream, and the objects in it that are no chunks."""
        if view.endpoint == self.endpoint and view.is_stream and not is_in_other_form(view):
            yield from (*view.strays, *view.chunks)

    def chunk_choices(self, view: View) -> Iterator[Node]:
        """The choices of all chunks that are objects."""
        key = (self, "chunk_choices")
        if key not in view.listed:
            entries = (choice for chunk in self.chunks(view) for choice in chunk["choices"])
            view.listed[key] = [choice for choice in entries if type(choice.value) is dict]
        return iter(view.listed[key])

    def streamed_choices(self, view: View) -> Iterator[StreamedChoice]:
        """The choices of a stream, each from its first chunk to its last."""
        for stream in self.streams(view):
            yield from stream.streamed

    def whole_streamed_choices(self, view: View) -> Iterator[StreamedChoice]:
        """The choices of a stream that came to its own end."""
        for stream in self.whole_streams(view):
            yield from stream.streamed


CHAT, TEXT = Endpoint("chat"), Endpoint("completions")
FORMS = (CHAT, TEXT)


def streams_of_any(view: View) -> Iterator[View]:
    """A stream of either endpoint with at least one chunk."""
    for form in FORMS:
        yield from form.streams(view)


def breaks_off(view: View) -> bool:
    """Whether a stream ends in the middle of an answer: what comes at the end of one is missing with it."""
    return not any(payload.done for payload in view.payloads) and not all(choice.finishes for choice in view.streamed)


def is_finished(view: View) -> bool:
    """Whether a reply is an answer that came to its end: of a stream to the end of each choice, and to [DONE]."""
    if not (view.ok and view.whole):
        return False
    ends = [payload.done for payload in view.payloads[-1:]] + [bool(choice.finishes) for choice in view.streamed]
    return view.is_dict or (view.is_stream and all(ends) and not view.error_events)


def whole_streams_of_any(view: View) -> Iterator[View]:
    """A stream of either endpoint that came to its own end."""
    for form in FORMS:
        yield from form.whole_streams(view)


dicts, choices = CHAT.dicts, CHAT.choices
streams, whole_streams = CHAT.streams, CHAT.whole_streams
chunks, chunk_choices = CHAT.chunks, CHAT.chunk_choices
streamed_choices, whole_streamed_choices = CHAT.streamed_choices, CHAT.whole_streamed_choices


@computed_once
def messages(view: View) -> Iterator[Node]:
    """The messages of a chat completion."""
    for choice in choices(view):
        if choice["message"].kind == "object":
            yield choice["message"]


@computed_once
def deltas(view: View) -> Iterator[Node]:
    """The deltas of a chat stream."""
    for choice in chunk_choices(view):
        if type(choice.get("delta")) is dict:
            yield choice["delta"]


@computed_once
def streamed_calls(view: View) -> Iterator[StreamedCall]:
    """The tool calls of a chat stream."""
    for choice in streamed_choices(view):
        yield from choice.calls


# -- refusals and models


def refusals(view: View) -> Iterator[View]:
    """Whole replies with a 4xx or 5xx status; the bodies of those to HEAD and OPTIONS are never read."""
    if view.is_refusal and view.whole and view.exchange.request.method not in ("HEAD", "OPTIONS"):
        yield view


@computed_once
def error_objects(view: View) -> Iterator[Node]:
    """The `error` member of a refusal, and of an error event in a stream, where it is an object."""
    for refusal in refusals(view):
        if refusal.form == "json" and refusal.root["error"].kind == "object":
            yield refusal.root["error"]
    for node in view.messages:
        if type(node.get("error")) is dict:
            yield node["error"]


_SAID = ("content", "text", "tool_calls", "function_call", "refusal", "reasoning", "reasoning_content", "audio")


def _is_of_an_item(event: Node) -> bool:
    """Whether an event of a Response is about what it puts out, not about the Response as a whole."""
    return event.text_of("type").startswith("response.") and not event["response"].there


def early_events(view: View) -> Iterable[tuple[View, Node]]:
    """The events of a stream up to the first that says something, or tells of a failure."""
    first_error = next(iter(view.error_events), None)
    for event in view.messages if view.ok else ():
        yield view, event
        parts = [choice["delta"] if choice["delta"].there else choice for choice in event["choices"]]
        said = any(part[name] and part[name].value for part in parts for name in _SAID) or _is_of_an_item(event)
        if said or event is first_error:
            return


def is_refused_in_stream(view: View) -> bool:
    """Whether a stream, or a turn over a WebSocket, tells of a failure before it says anything."""
    first = next(iter(view.error_events), None)
    return first is not None and any(event is first for _, event in early_events(view))


def model_lists(view: View) -> Iterator[Node]:
    """The list of models."""
    if view.endpoint == "models" and view.is_dict:
        yield view.root


def model_objects(view: View) -> Iterator[Node]:
    """Every model: the entries of the list, and the one retrieved."""
    for root in model_lists(view):
        yield from (entry for entry in root["data"] if entry.kind == "object")
    if view.endpoint == "model" and view.is_dict and view.root["object"].value != "list":  # models.retrieve-id's
        yield view.root
