"""Section chat.stream, the course of a stream: what holds from its first chunk to its last."""

from __future__ import annotations

from collections.abc import Iterable

from contract_tests.rules.chat.chunks import chat_stream
from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.node import MISSING, Node, show
from contract_tests.rules.engine.stream import StreamedChoice, cumulative_text
from contract_tests.rules.engine.subjects import only, streamed_choices, streams, whole_streamed_choices, whole_streams
from contract_tests.rules.engine.view import View
from contract_tests.rules.shared.limits import stop_sequences
from contract_tests.rules.shared.reply import EMPTY_TO_MAIN, NOTHING_SAID, says_anything
from fake_server.wire.exchange import Aspect
from fake_server.wire.text import format_count


def _differences_from_the_first(view: View, name: str) -> Iterable[Complaint]:
    """Chunks whose member differs from the first chunk's, absent and null counted as values."""
    first = view.chunks[0].get(name)
    for chunk in view.chunks[1:]:
        if chunk.value.get(name, MISSING) != first:
            yield chunk[name], str(chunk[name]), f"{show(first)}, as in the first chunk"


@chat_stream.rule(
    "same-fingerprint",
    over=streams,
    level=SHOULD,
    harm="openai-python's stream helper keeps the last chunk's: the model seems to have changed",
)
def same_fingerprint(view: View) -> Iterable[Complaint]:
    """All chunks of a stream have the same `system_fingerprint`, or none has one."""
    return _differences_from_the_first(view, "system_fingerprint")


@chat_stream.rule(
    "same-tier",
    over=streams,
    level=SHOULD,
    harm="openai-python's stream helper keeps that of the first chunk, billing tools that of the last",
)
def same_tier(view: View) -> Iterable[Complaint]:
    """All chunks of a stream have the same `service_tier`, or none has one."""
    return _differences_from_the_first(view, "service_tier")


@chat_stream.rule(
    "role-first",
    over=streamed_choices,
    harm="openai-node's stream helper throws 'missing role'; openai-python's has the role None",
)
def role_first(choice: StreamedChoice) -> Iterable[Complaint]:
    """The first delta of each choice carries the `role`."""
    first = choice.entries[0]["delta"]
    if first.kind == "object" and not first["role"]:
        yield first["role"], str(first["role"]), '"assistant"'


def _later_roles(choice: StreamedChoice) -> Iterable[Node]:
    return (node for node in choice.roles if node.path and node.document is not choice.entries[0].document)


@chat_stream.rule(
    "role-once",
    over=streamed_choices,
    yields_to=(".choice-count",),
    harm="openai-python's stream helper adds the roles up to 'assistantassistant', which no API takes back",
)
def role_once(choice: StreamedChoice) -> Iterable[Complaint]:
    """Only the first delta of a choice carries the `role`."""
    for node in _later_roles(choice):
        if node.text:
            yield node, f"{node} again", "no role after the first delta"


@chat_stream.rule(
    "role-left-out",
    over=streamed_choices,
    level=SHOULD,
    harm="clients that take in every `role` they find overwrite the assistant's",
)
def role_left_out(choice: StreamedChoice) -> Iterable[Complaint]:
    """After the first delta of a choice there is no `role`, not even null or an empty one."""
    for node in _later_roles(choice):
        if not node.text:
            yield node, str(node), "no role after the first delta"


_SPEAKING = frozenset(
    (
        *("content", "role", "refusal", "tool_calls", "function_call", "audio", "annotations"),
        *("reasoning", "reasoning_content", "reasoning_details", "thinking", "thinking_blocks"),
        *("citations", "images"),
    )
)
"""What a delta says something with: members of the reference, and those that servers stream reasoning in."""


def _middle_entries(view: View) -> Iterable[Node]:
    """Entries that do not end their choice."""
    for choice in streamed_choices(view):
        for place, entry in enumerate(choice.entries):
            ends = entry.says("finish_reason") or entry.says("finish_details")
            if place and not ends and type(entry.get("delta")) is dict:
                yield entry


@chat_stream.rule(
    "delta-says-something",
    over=_middle_entries,
    level=SHOULD,
    yields_to=("chat.stream.says-something", "chat.stream.finishes", "usage.stream-no-choices"),
    harm="part of the answer is lost if it comes under another name",
)
def delta_says_something(entry: Node) -> Iterable[Complaint]:
    """A delta between the first of a choice and its last holds text, a call, a refusal or reasoning."""
    delta = entry.value["delta"]
    if not [name for name, value in delta.items() if name in _SPEAKING and value not in (None, [])]:
        harm = "" if any(delta.values()) else "the chunk says nothing: a piece of the answer may be lost on the way"
        yield entry["delta"], str(entry["delta"]), "content, tool_calls or refusal", harm


def _ended_choices(view: View) -> Iterable[StreamedChoice]:
    """The choices of a stream; none where a stop sequence, said first, leaves nothing of an answer."""
    return () if stop_sequences(view) else whole_streamed_choices(view)


@chat_stream.rule(
    "says-something",
    level=SHOULD,
    yields_to=("formats.reasoning-alone", "chat.stream.not-blank"),
    over=lambda view: (choice for choice in _ended_choices(view) if choice.finish_reason == "stop"),
    harm="the answer is empty, and nobody says why",
)
def says_something(choice: StreamedChoice) -> Iterable[Complaint]:
    """A choice that ends with "stop" has streamed content, a call, a refusal or audio."""
    members = ("content", "tool_calls", "function_call", "refusal", "audio")
    if not any(entry["delta"].says(name) for entry in choice.entries for name in members):
        yield choice.entries[-1], "no delta says anything"


def _ended_streams(view: View) -> Iterable[tuple[StreamedChoice, Node]]:
    """The only choice of a stream, where it ended by itself, beside the tokens that it cost."""
    for stream in () if stop_sequences(view) else whole_streams(view):
        counts = [chunk["usage"]["completion_tokens"] for chunk in stream.chunks if chunk.says("usage")]
        if len(stream.streamed) == 1 and stream.streamed[0].finish_reason == "stop" and counts:
            yield stream.streamed[0], counts[-1]


@chat_stream.rule("not-blank", over=_ended_streams, basis=EMPTY_TO_MAIN, harm=NOTHING_SAID)
def not_blank(choice: StreamedChoice, tokens: Node) -> Iterable[Complaint]:
    """An answer that ended by itself says something, or cost tokens."""
    deltas = [entry["delta"] for entry in choice.entries if entry["delta"].kind == "object"]
    if tokens.number == 0 and not says_anything(deltas):
        yield choice.entries[-1], '0 completion tokens, no delta that says anything, and finish_reason "stop"'


MANY_CHUNKS, LONG_WAIT, LATE_HEAD, AT_ONCE = 20, 1.0, 5.0, 0.2
"""Chunks of an answer worth streaming; seconds before its first byte, and before a head that comes with it
or is one chunk (a request may have waited in a queue, a chunk may have come byte by byte); seconds in
which all of it came."""


def _is_slow(stream: View) -> bool:
    first, *rest = stream.exchange.writes
    waited = first.pause >= (LONG_WAIT if rest else LATE_HEAD) or stream.exchange.head_pause >= LATE_HEAD
    return len(stream.chunks) >= MANY_CHUNKS and waited


@chat_stream.rule(
    "not-held-back",
    over=only(whole_streams, _is_slow),
    level=SHOULD,
    needs=[Aspect.TIMING],
    see=see.STREAMING_GUIDE,
    harm="users look at an empty page until the whole answer is there: it streams in name only",
)
def not_held_back(view: View) -> Iterable[Complaint]:
    """A slow answer is passed on as it comes, not held back and then sent in a few large pieces."""
    first, *rest = view.exchange.writes
    if sum(write.pause for write in rest) < AT_ONCE and len(rest) + 1 <= len(view.chunks) // 10:
        silence = view.exchange.head_pause + first.pause
        seen = f"{len(view.chunks)} chunks in {format_count(len(rest) + 1, 'write')}, after {silence:.1f} s of silence"
        yield view, seen, "a write for each chunk, as they are made"


@chat_stream.rule("not-cumulative", over=whole_streamed_choices, harm="the text appears again and again")
def not_cumulative(choice: StreamedChoice) -> Iterable[Complaint]:
    """A delta holds what is new, not the text so far."""
    second = cumulative_text([entry["delta"] for entry in choice.entries], "content")
    if second is not None:
        yield second, f"{second} begins with the delta before it, as do all that follow"
