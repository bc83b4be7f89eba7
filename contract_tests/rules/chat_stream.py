"""Section chat.stream: the chat completion chunk objects of a streamed answer."""

from __future__ import annotations

from collections.abc import Iterable

from contract_tests.rules import references as see
from contract_tests.rules.chat import FINISH_REASONS, SERVICE_TIERS, created_faults
from contract_tests.rules.engine import SHOULD, Fault, Section
from contract_tests.rules.node import Node
from contract_tests.rules.subjects import (
    chunk_choices,
    chunks,
    deltas,
)
from contract_tests.rules.view import View
from fake_server.wire.exchange import Aspect

chat_stream = Section("chat.stream", "The chat completion chunks", see.CHAT_STREAMING)


def _asked(view: View) -> Iterable[View]:
    if view.endpoint == "chat" and view.ok and view.whole and view.form != "empty" and view.asked_stream:
        yield view


@chat_stream.rule(
    "is-stream",
    over=_asked,
    see=see.CHAT_CREATE,
    harm="openai-python 1 to 3: no items and no error; 0.28.1: AssertionError",
)
def is_stream(view: View) -> Iterable[Fault]:
    """A request with `stream: true` is answered with server-sent events."""
    if view.form != "events":
        shown = view.body[:60].decode("utf-8", "replace")
        yield view, f"the body begins {shown!r}", "data: {…}"
    elif view.body.lstrip()[:1] == b"{":
        yield view, "a JSON body typed text/event-stream", "data: {…}"


@chat_stream.rule(
    "not-empty",
    over=_asked,
    yields_to=(
        "sse.one-json-per-event",
        "chat.stream.is-stream",
        "sse.payload-in-data",
        "sse.data-not-empty",
    ),
    harm="clients report an empty success",
)
def not_empty(view: View) -> Iterable[Fault]:
    """A stream holds at least one chunk before it ends."""
    if view.form == "events" and not view.messages:
        yield view.end, f"{len(view.events)} events, none with a chunk"


@chat_stream.rule("object", over=chunks)
def object_(chunk: Node) -> Iterable[Fault]:
    """`object` of every chunk is "chat.completion.chunk"."""
    if chunk["object"].value != "chat.completion.chunk":
        yield chunk["object"], str(chunk["object"]), '"chat.completion.chunk"'


@chat_stream.rule("id", over=chunks)
def id_(chunk: Node) -> Iterable[Fault]:
    """`id` of every chunk is a non-empty string."""
    if not chunk["id"].text.strip():
        yield chunk["id"], str(chunk["id"]), "a non-empty string"


@chat_stream.rule("created", over=chunks)
def created(chunk: Node) -> Iterable[Fault]:
    """`created` of every chunk is the Unix time in whole seconds."""
    yield from created_faults(chunk["created"])


@chat_stream.rule("model", over=chunks)
def model(chunk: Node) -> Iterable[Fault]:
    """`model` of every chunk is a non-empty string."""
    if not chunk["model"].text.strip():
        yield chunk["model"], str(chunk["model"]), "a non-empty string"


@chat_stream.rule("service-tier", over=chunks, level=SHOULD)
def service_tier(chunk: Node) -> Iterable[Fault]:
    """`service_tier`, where it is not null, is auto, default, flex, scale or priority."""
    if chunk["service_tier"] and chunk["service_tier"].text not in SERVICE_TIERS:
        yield chunk["service_tier"], str(chunk["service_tier"]), ", ".join(sorted(SERVICE_TIERS))


@chat_stream.rule("obfuscation", over=chunks, level=SHOULD)
def obfuscation(chunk: Node) -> Iterable[Fault]:
    """`obfuscation`, where a chunk has it, is a string."""
    if chunk["obfuscation"].there and chunk["obfuscation"].kind != "string":
        yield chunk["obfuscation"], str(chunk["obfuscation"]), "a string"


@chat_stream.rule("choices", over=chunks, harm="`for choice in chunk.choices` raises on None")
def choices(chunk: Node) -> Iterable[Fault]:
    """`choices` of every chunk is an array of objects."""
    if chunk["choices"].kind != "array":
        yield chunk["choices"], str(chunk["choices"]), "an array"
    for choice in chunk["choices"]:
        if choice.kind != "object":
            yield choice, str(choice), "an object"


@chat_stream.rule("empty-choices", over=chunks, level=SHOULD, harm="`chunk.choices[0]` raises IndexError")
def empty_choices(chunk: Node) -> Iterable[Fault]:
    """Only a chunk that carries usage (or moderation results) has no choices."""
    if chunk["choices"].value == [] and not chunk["usage"] and not chunk["moderation"]:
        yield chunk["choices"], "[] in a chunk without usage"


def _indexed(view: View) -> Iterable[tuple[View, Node]]:
    yield from ((view, choice["index"]) for choice in chunk_choices(view))


@chat_stream.rule("choice-index", over=_indexed, needs=[Aspect.REQUEST])
def choice_index(subject: tuple[View, Node]) -> Iterable[Fault]:
    """`index` of every choice is a number below `n`, 0 where n is absent."""
    view, index = subject
    if index.kind != "integer" or not 0 <= index.value < view.asked_choices:
        yield index, str(index), f"0 to {view.asked_choices - 1}" if view.asked_choices > 1 else "0"


@chat_stream.rule("delta", over=chunk_choices, harm="`choice.delta.content` raises on None")
def delta(choice: Node) -> Iterable[Fault]:
    """Each choice of a chunk has the object `delta`."""
    if choice["delta"].kind != "object":
        seen = "message, as in a dict" if choice["message"].there else str(choice["delta"])
        yield choice["delta"], seen, "an object"


@chat_stream.rule("role", over=deltas)
def role(node: Node) -> Iterable[Fault]:
    """`role`, where a delta has it, is "assistant"."""
    if node["role"] and node["role"].value != "assistant":
        yield node["role"], str(node["role"]), '"assistant"'


@chat_stream.rule("content", over=deltas)
def content(node: Node) -> Iterable[Fault]:
    """`content`, where a delta has it, is a string or null."""
    if node["content"].kind not in ("string", "null", "missing"):
        yield node["content"], str(node["content"]), "a string or null"


@chat_stream.rule(
    "finish-reason-member", over=chunk_choices, harm="clients that index finish_reason raise KeyError"
)
def finish_reason_member(choice: Node) -> Iterable[Fault]:
    """Every choice of a chunk has the member `finish_reason`, null until the answer ends."""
    if not choice["finish_reason"].there:
        yield choice["finish_reason"], "missing", "null, or a reason"


@chat_stream.rule("finish-reason", over=chunk_choices)
def finish_reason(choice: Node) -> Iterable[Fault]:
    """`finish_reason` is null or stop, length, tool_calls, content_filter or function_call."""
    node = choice["finish_reason"]
    if node and node.text not in FINISH_REASONS:
        yield node, str(node), ", ".join(sorted(FINISH_REASONS))


@chat_stream.rule("no-message", over=chunk_choices, level=SHOULD, yields_to=("chat.stream.delta",))
def no_message(choice: Node) -> Iterable[Fault]:
    """A chunk has no `message`; its `delta` is all there is."""
    if choice["message"]:
        yield choice["message"], "message beside delta"


@chat_stream.rule("logprobs-members", over=chunk_choices, level=SHOULD)
def logprobs_members(choice: Node) -> Iterable[Fault]:
    """A `logprobs` object has the members content and refusal, null where there are none."""
    for name in ("content", "refusal") if choice["logprobs"].kind == "object" else ():
        if not choice["logprobs"][name].there:
            yield choice["logprobs"][name], "missing", "an array or null"
