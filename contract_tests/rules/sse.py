"""Section sse: the event stream as bytes (WHATWG HTML section 9.2), whatever it carries."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import NOTE, SHOULD, Complaint, Section
from contract_tests.rules.engine.node import Place
from contract_tests.rules.engine.subjects import complete_payloads, computed_once, event_bodies, only
from contract_tests.rules.engine.view import Payload, View
from fake_server.relay.redact import excerpt
from fake_server.wire import sse as wire
from fake_server.wire.exchange import Aspect

sse = Section("sse", "Server-sent events", see.SSE)

FIELDS = frozenset({"data", "event", "id", "retry", ""})


@sse.rule(
    "last-event-complete",
    over=only(event_bodies, lambda stream: stream.whole and stream.events),
    needs=[Aspect.EVENT_FRAMING],
    see=see.SSE_INTERPRET,
    harm="parsers that follow the standard drop the last event: the finish reason or [DONE] is lost",
    basis="WHATWG: at the end of the stream 'any pending data must be discarded'; the SDKs measured pass it on",
)
def last_event_complete(view: View) -> Iterable[Complaint]:
    """The last event is followed by a blank line."""
    last = view.events[-1]
    if not last.complete and last.raw_data is not None:
        error = bool(view.payloads and view.payloads[-1].node["error"])
        harm = "parsers that follow the standard drop the last event, the error: the answer just ends" if error else ""
        yield last, "the stream ends without a blank line after its last event", "", harm


@sse.rule(
    "one-json-per-event",
    over=complete_payloads,
    needs=[Aspect.EVENT_FRAMING],
    see=see.CHAT_STREAMING,
    harm="openai-python 1 to 3 yield no items",
)
def one_json_per_event(payload: Payload) -> Iterable[Complaint]:
    """The data of each event is one JSON object or the literal [DONE]."""
    if isinstance(payload.parsed.value, dict) or payload.done or not payload.text.strip():
        return
    if payload.text.strip(b'"') == b"[DONE]":
        yield payload, f"{payload.text.decode()!s} in quotation marks", "data: [DONE]"
    elif payload.parsed.ok:
        yield (
            payload,
            f"the data is JSON, but not an object: {excerpt(payload.text[:600].decode('utf-8', 'replace'), 60)}",
        )
    elif holds_several_texts(payload.text):
        yield payload, "several JSON texts in one event: single newlines do not end an event"
    else:
        problem = payload.parsed.problems[-1]
        yield payload.node.document.place(problem.offset), f"the data is not JSON: {problem.detail}"


def holds_several_texts(text: bytes) -> bool:
    """Whether the text holds more than one JSON value or [DONE], one after the other."""
    decoder, decoded, count, position = json.JSONDecoder(), text.decode("utf-8", "replace"), 0, 0
    while position < len(decoded) and count < 2:
        if decoded.startswith("[DONE]", position):
            stop = position + len("[DONE]")
        else:
            try:
                _, stop = decoder.raw_decode(decoded, position)
            except (ValueError, RecursionError):
                return False
        count += 1
        position = stop
        while decoded[position : position + 1].isspace():
            position += 1
    return count > 1


@sse.rule(
    "data-not-empty",
    over=complete_payloads,
    needs=[Aspect.EVENT_FRAMING],
    harm="openai-python raises JSONDecodeError (0.28.1: APIError)",
)
def data_not_empty(payload: Payload) -> Iterable[Complaint]:
    """An event with a data field has data."""
    if not payload.text.strip():
        yield payload, "an event with empty data"


@computed_once
def _blocks(view: View) -> Iterator[wire.Event]:
    """The blocks that clients read, up to the one with [DONE]."""
    for stream in event_bodies(view):
        done = next((payload.event.index for payload in stream.payloads if payload.done), len(stream.events))
        yield from (event for event in stream.events[: done + 1] if event.complete)


@computed_once
def _blocks_beyond_data(view: View) -> Iterator[wire.Event]:
    """Those of them that are more than one line of data."""
    return (event for event in _blocks(view) if len(event.lines) > 1 or not event.lines[0].is_data)


def _sets(event: wire.Event, *fields: str) -> str:
    """The first of the fields that the block sets to a value parsers take in; '' if none."""
    usable = {"event": bool, "id": lambda value: value and b"\0" not in value, "retry": bytes.isdigit}
    names = (line.field for line in event.lines if line.field in fields and usable[line.field](line.value))
    return next(names, "")


@sse.rule(
    "blocks-have-data",
    over=only(_blocks_beyond_data, lambda event: _sets(event, "event", "id", "retry")),
    level=SHOULD,
    needs=[Aspect.EVENT_FRAMING],
    see=see.SSE_INTERPRET,
    harm="legal, but openai-python 1 to 3 take the block for an event without data and raise JSONDecodeError",
)
def blocks_have_data(event: wire.Event) -> Iterable[Complaint]:
    """A block with an event name, an id or a retry time has data, too."""
    if event.raw_data is None:
        field = _sets(event, "event", "id", "retry")
        harm = "legal, but openai-python 1 to 3 raise JSONDecodeError, and openai-node SyntaxError"
        seen = f"a block with {field} and without data"
        yield event, seen, "a data field in the block", harm if field == "event" else ""


@sse.rule(
    "no-gap-after-id",
    over=only(event_bodies, lambda stream: any(_sets(event, "id") for event in _blocks_beyond_data(stream))),
    level=SHOULD,
    needs=[Aspect.EVENT_FRAMING],
    yields_to=("sse.blocks-have-data",),
    see=see.SSE_INTERPRET,
    harm="legal, but openai-python 1 to 3 take the gap for an event with that id, and raise JSONDecodeError",
)
def no_gap_after_id(view: View) -> Iterable[Complaint]:
    """Between events that have ids there are no comments and no further blank lines."""
    named, stop = False, 0
    for event in _blocks(view):
        if named and event.start > stop:
            yield Place(event.index, (), stop), "a second blank line after an event with an id", "one blank line"
            return
        if named and event.raw_data is None:
            yield event, "a block without data after an event with an id", "no comments, or no ids"
            return
        named, stop = named or bool(_sets(event, "id")), event.stop


@sse.rule(
    "one-data-line",
    over=complete_payloads,
    level=SHOULD,
    needs=[Aspect.EVENT_FRAMING],
    harm="openai-python 0.28.1 and every client that reads line by line parse half a JSON text and raise",
)
def one_data_line(payload: Payload) -> Iterable[Complaint]:
    """An event's JSON stands on one data line; otherwise clients that read line by line see broken JSON."""
    count = len(payload.event.lines)
    if count > 1:
        count = sum(line.is_data for line in payload.event.lines)
    if count > 1 and isinstance(payload.parsed.value, dict):
        yield payload, f"one JSON object over {count} data lines"


def _lines(view: View) -> Iterable[tuple[wire.Event, wire.Line]]:
    for stream in event_bodies(view):
        yield from ((event, line) for event in stream.events for line in event.lines)


@sse.rule(
    "payload-in-data",
    over=_lines,
    needs=[Aspect.EVENT_FRAMING],
    see=see.SSE_INTERPRET,
    yields_to=(
        *("chat.stream.is-stream", "completions.stream.is-stream", "responses.stream.is-stream"),
        "http.content-coding",
    ),
    harm="parsers ignore unknown fields: what is in them is invisible",
    basis="WHATWG: any other field 'is ignored'; in the reply that was measured nothing else depends on it",
)
def payload_in_data(event: wire.Event, line: wire.Line) -> Iterable[Complaint]:
    """JSON travels in data fields only, never on a bare line or in another field."""
    if line.is_data:
        return
    bare = line.data.lstrip()
    if line.field == "id" or bare.startswith(b":"):  # an id may be any text
        return
    if bare[:1] in (b"{", b"[") or b"{" in line.value:
        shown = excerpt(line.data[:600].decode("utf-8", "replace"), 60)
        yield Place(event.index, (), line.start), f"the line {shown!r}", "data: {…}"


@sse.rule(
    "known-fields",
    over=_lines,
    needs=[Aspect.EVENT_FRAMING],
    yields_to=("sse.no-chunk-sizes",),
    level=NOTE,
    see=see.SSE_INTERPRET,
    harm="a misspelt field is skipped without a word, and the text in it is lost",
)
def known_fields(event: wire.Event, line: wire.Line) -> Iterable[Complaint]:
    """Lines are data, event, id, retry or a comment; parsers ignore all others."""
    if not line.is_data and line.field not in FIELDS and b"{" not in line.data and line.end:
        yield Place(event.index, (), line.start), f"the field {excerpt(line.field, 40)!r}"


@sse.rule(
    "no-bom",
    over=event_bodies,
    needs=[Aspect.BODY_BYTES, Aspect.EVENT_FRAMING],
    harm="every generation of openai-python loses the first event",
)
def no_bom(view: View) -> Iterable[Complaint]:
    """The stream does not begin with a byte order mark."""
    if view.body.startswith(wire.BOM):
        yield Place(offset=0), "the stream begins with EF BB BF"


@sse.rule(
    "utf8",
    over=event_bodies,
    yields_to=("http.content-coding",),
    needs=[Aspect.BODY_BYTES],
    see=see.EVENT_STREAM_TYPE,
    harm="openai-python raises UnicodeDecodeError in the middle of the answer",
)
def utf8(view: View) -> Iterable[Complaint]:
    """The stream is UTF-8 from its first byte to its last."""
    try:
        view.body.decode("utf-8")
    except UnicodeDecodeError as error:
        if view.whole or error.reason != "unexpected end of data":
            yield Place(offset=error.start), f"byte 0x{view.body[error.start]:02x} is not UTF-8"


@sse.rule(
    "chat-has-no-names",
    over=event_bodies,
    level=NOTE,
    see=see.CHAT_STREAMING,
    harm="browsers' EventSource hands named events to no `onmessage`: pages stay empty",
)
def chat_has_no_names(view: View) -> Iterable[Complaint]:
    """The events of a chat stream have no event name; OpenAI sends data alone."""
    for event in view.events:
        if view.endpoint == "chat" and event.type not in ("message", "error"):
            yield event, f"event: {excerpt(event.type, 40)}"
            return


@sse.rule(
    "error-event",
    over=complete_payloads,
    level=SHOULD,
    see=see.SSE_INTERPRET,
    harm="clients that listen by name (EventSource's `onerror`) take an answer for a failure",
)
def error_event(payload: Payload) -> Iterable[Complaint]:
    """An event named error carries an error."""
    node = payload.node
    if payload.event.type == "error" and node["choices"].there and not node["error"].there:
        yield payload.event, "an event named error with choices", "an object with the member error"


_SIZE = re.compile(rb"[0-9A-Fa-f]{1,8}")


@sse.rule(
    "no-chunk-sizes",
    over=_lines,
    level=SHOULD,
    needs=[Aspect.EVENT_FRAMING],
    see=see.TRANSFER_CODING,
    harm="clients that read line by line mistake the sizes for text",
)
def no_chunk_sizes(event: wire.Event, line: wire.Line) -> Iterable[Complaint]:
    """No line is a bare hexadecimal number: the size of a chunk that a proxy forgot to take off."""
    if line.end and not line.is_data and _SIZE.fullmatch(line.data):
        yield Place(event.index, (), line.start), f"the line {line.data.decode()!r}"
