"""Section chat.stream: the chat completion chunk objects of a streamed answer."""

from __future__ import annotations

from collections.abc import Iterable
from types import NoneType

from contract_tests.rules.chat.reply import FINISH_REASONS, SERVICE_TIERS
from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import SHOULD, Complaint, Section
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.stream import StreamedChoice
from contract_tests.rules.engine.subjects import CHAT, chunks, deltas, only, streams
from contract_tests.rules.engine.view import View
from contract_tests.rules.shared.limits import LimitedReplies, limits
from contract_tests.rules.shared.reply import envelope, streams_as_of_old
from contract_tests.rules.shared.stream import stream
from contract_tests.rules.shared.streamed_choices import complain_unless_in_pieces, is_long, streamed_choices

chat_stream = Section("chat.stream", "The chat completion chunks", see.CHAT_STREAMING)


stream.add_to(chat_stream, CHAT, see.CHAT_CREATE)
envelope(chat_stream, CHAT.chunks, "chat.completion.chunk", with_strays=CHAT.chunks_and_strays)
streamed_choices.add_to(chat_stream, CHAT)
limits.add_to(chat_stream, LimitedReplies(CHAT, streamed=True), see.CHAT_CREATE)


@chat_stream.rule(
    "service-tier",
    over=chunks,
    level=SHOULD,
    harm="closed enums (Rust, Kotlin, Swift) refuse the chunk and end the stream",
)
def service_tier(chunk: Node) -> Iterable[Complaint]:
    """`service_tier`, unless it is null, is auto, default, flex, scale or priority."""
    if chunk.value.get("service_tier") is not None and chunk.text_of("service_tier") not in SERVICE_TIERS:
        yield chunk["service_tier"], str(chunk["service_tier"]), ", ".join(sorted(SERVICE_TIERS))


@chat_stream.rule(
    "obfuscation",
    over=only(streams, lambda stream: any("obfuscation" in chunk.value for chunk in stream.chunks)),
    level=SHOULD,
    harm="an eavesdropper can infer the text from packet sizes; typed clients refuse another type",
)
def obfuscation(view: View) -> Iterable[Complaint]:
    """If one chunk has `obfuscation`, every chunk has it, as a string."""
    for chunk in view.chunks:
        if type(chunk.get("obfuscation")) is not str:
            yield chunk["obfuscation"], str(chunk["obfuscation"]), "a string"


@chat_stream.rule(
    "delta",
    over=CHAT.chunk_choices,
    harm="`choice.delta.content` raises on None, and so does openai-python's stream helper",
)
def delta(choice: Node) -> Iterable[Complaint]:
    """Each choice of a chunk has the object `delta`."""
    if type(choice.value.get("delta")) is not dict:
        seen = "message, as in a dict" if choice["message"].there else str(choice["delta"])
        yield choice["delta"], seen, "an object"


@chat_stream.rule(
    "role",
    over=deltas,
    harm="the assembled message is not an assistant's, and is refused when it is sent back",
)
def role(node: Node) -> Iterable[Complaint]:
    """`role`, if a delta has it, is "assistant"."""
    if node.value.get("role") not in (None, "assistant"):
        yield node["role"], str(node["role"]), '"assistant"'


@chat_stream.rule(
    "content",
    over=deltas,
    harm="`text += delta.content` raises TypeError; openai-python's stream helper adds numbers up",
)
def content(node: Node) -> Iterable[Complaint]:
    """`content`, if a delta has it, is a string or null."""
    if type(node.value.get("content")) not in (str, NoneType):
        yield node["content"], str(node["content"]), "a string or null"


def _choices_with_reason(view: View) -> Iterable[Node]:
    """The choices of chunks; none where the member is nowhere in a whole stream, of which `finishes` speaks."""
    nowhere = all("finish_reason" not in choice.value for choice in CHAT.chunk_choices(view))
    return () if streams_as_of_old(view) or (nowhere and any(CHAT.whole_streams(view))) else CHAT.chunk_choices(view)


@chat_stream.rule(
    "finish-reason-member",
    over=_choices_with_reason,
    harm="code that indexes `finish_reason` raises KeyError",
)
def finish_reason_member(choice: Node) -> Iterable[Complaint]:
    """Every choice of a chunk has the member `finish_reason`, null until the answer ends."""
    if "finish_reason" not in choice.value:
        yield choice["finish_reason"], "missing", "null, or a reason"


@chat_stream.rule(
    "finish-reason",
    over=CHAT.chunk_choices,
    harm="agents do not know whether to run a tool, to go on or to stop; closed enums refuse the chunk",
)
def finish_reason(choice: Node) -> Iterable[Complaint]:
    """`finish_reason` is null or stop, length, tool_calls, content_filter or function_call."""
    if choice.value.get("finish_reason") is not None and choice.text_of("finish_reason") not in FINISH_REASONS:
        yield choice["finish_reason"], str(choice["finish_reason"]), ", ".join(sorted(FINISH_REASONS))


@chat_stream.rule(
    "no-message",
    over=CHAT.chunk_choices,
    level=SHOULD,
    yields_to=("chat.stream.delta",),
    harm="clients that read any `message` they find show the text twice, once as deltas and once whole",
)
def no_message(choice: Node) -> Iterable[Complaint]:
    """A chunk has no `message`; its `delta` is all there is."""
    if choice.value.get("message") is not None:
        yield choice["message"], "message beside delta"


_SAID_AT_THE_END = ("content", "refusal", "tool_calls", "function_call", "audio", "reasoning", "reasoning_content")


@chat_stream.rule(
    "finish-alone",
    over=only(
        CHAT.chunk_choices,
        lambda choice: choice.says("finish_reason") and choice.text_of("finish_reason") in FINISH_REASONS,
    ),
    level=SHOULD,
    harm="clients that stop reading at the finish_reason lose the last words, or the end of a call's arguments",
)
def finish_alone(choice: Node) -> Iterable[Complaint]:
    """The delta that comes with a `finish_reason` says nothing itself."""
    delta = choice["delta"]
    name = next((name for name in _SAID_AT_THE_END if delta.says(name) and delta.get(name)), None)
    if name:
        yield delta[name], f"{name} beside finish_reason", "an empty delta"


@chat_stream.rule(
    "in-pieces",
    over=only(CHAT.whole_streamed_choices, is_long),
    level=SHOULD,
    yields_to=(".not-held-back",),
    see=see.STREAMING_GUIDE,
    harm="users look at an empty page until the whole answer is there: it streams in name only",
)
def in_pieces(choice: StreamedChoice) -> Iterable[Complaint]:
    """A long answer comes in more than one delta, not nearly all of it in one."""
    return complain_unless_in_pieces(choice)


def _streamed_lists(view: View) -> Iterable[tuple[str, list[Node]]]:
    """Lists of objects that a choice streams in more than one delta, tool calls aside."""
    for choice in CHAT.streamed_choices(view):
        lists: dict[str, list[Node]] = {}
        for entry in choice.entries:
            members = entry.get("delta")
            for name, value in members.items() if type(members) is dict else ():
                if type(value) is list and name != "tool_calls" and any(type(item) is dict for item in value):
                    lists.setdefault(name, []).append(entry["delta"][name])
        yield from ((name, nodes) for name, nodes in lists.items() if len(nodes) > 1)


@chat_stream.rule(
    "list-index",
    over=_streamed_lists,
    yields_to=("chat.stream.content",),
    harm="the stream helper of openai-python raises RuntimeError: Expected list delta entry to have an `index` key",
)
def list_index(name: str, nodes: list[Node]) -> Iterable[Complaint]:
    """Objects of a list that spans several deltas have an integer `index`, as tool calls do."""
    for node in nodes:
        for item in node:
            if item["index"].kind != "integer":
                yield item["index"], f"{name} without index", "an integer"
