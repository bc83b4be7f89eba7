"""Section chat.stream, the course of a stream: what holds from its first chunk to its last."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from contract_tests.rules import references as see
from contract_tests.rules.chat import stop_sequences, token_limit
from contract_tests.rules.chat_stream import chat_stream
from contract_tests.rules.engine import SHOULD, Fault
from contract_tests.rules.node import Node
from contract_tests.rules.stream import StreamedChoice
from contract_tests.rules.subjects import streamed_choices, streams, whole_streamed_choices, whole_streams
from contract_tests.rules.view import View
from fake_server.wire import jsontext
from fake_server.wire.exchange import Aspect


def _changes(view: View, name: str, kind: str) -> Iterable[Fault]:
    """Chunks whose member differs from the first; empty and wrongly typed ones are other rules' business."""
    members = [chunk[name] for chunk in view.chunks if chunk[name].kind == kind and chunk[name].value]
    for member in members[1:]:
        if member.value != members[0].value:
            yield member, str(member), f"{members[0]}, as before"


@chat_stream.rule(
    "done-last",
    over=whole_streams,
    see=see.CHAT_CREATE,
    expected="data: [DONE]",
    harm="clients that wait for [DONE] hang until the socket closes or report a cut answer",
)
def done_last(view: View) -> Iterable[Fault]:
    """A chat stream ends with one `[DONE]` event and nothing after it."""
    done = [payload for payload in view.payloads if payload.done]
    if not done:
        yield view.end, "the stream ended without [DONE]"
    elif done[0] is not view.payloads[-1]:
        after = view.payloads[view.payloads.index(done[0]) + 1]
        yield after, "another event follows [DONE]"


@chat_stream.rule("same-id", over=streams, harm="clients that key by id split one answer in two")
def same_id(view: View) -> Iterable[Fault]:
    """All chunks of a stream have the same `id`."""
    return _changes(view, "id", "string")


@chat_stream.rule("same-created", over=streams)
def same_created(view: View) -> Iterable[Fault]:
    """All chunks of a stream have the same `created` time."""
    return _changes(view, "created", "integer")


@chat_stream.rule("same-model", over=streams, level=SHOULD)
def same_model(view: View) -> Iterable[Fault]:
    """All chunks of a stream name the same `model`."""
    return _changes(view, "model", "string")


def _comes_and_goes(view: View, name: str) -> Iterable[Fault]:
    """Chunks whose member differs from the first chunk's, absent and null counted as values."""
    first = view.chunks[0][name]
    for chunk in view.chunks[1:]:
        if (chunk[name].value, chunk[name].there) != (first.value, first.there):
            yield chunk[name], str(chunk[name]), f"{first}, as in the first chunk"


@chat_stream.rule("same-fingerprint", over=streams, level=SHOULD)
def same_fingerprint(view: View) -> Iterable[Fault]:
    """All chunks of a stream have the same `system_fingerprint`, or none has one."""
    return _comes_and_goes(view, "system_fingerprint")


@chat_stream.rule("same-tier", over=streams, level=SHOULD)
def same_tier(view: View) -> Iterable[Fault]:
    """All chunks of a stream have the same `service_tier`, or none has one."""
    return _comes_and_goes(view, "service_tier")


@chat_stream.rule("choice-count", over=whole_streams, needs=[Aspect.REQUEST], see=see.CHAT_CREATE)
def choice_count(view: View) -> Iterable[Fault]:
    """Every one of the `n` choices that were asked for appears in the stream."""
    missing = set(range(view.asked_choices)) - {choice.index for choice in view.streamed}
    if missing and view.streamed:
        yield view.end, f"no chunk of choice {', '.join(map(str, sorted(missing)))}"


@chat_stream.rule("role-first", over=streamed_choices)
def role_first(choice: StreamedChoice) -> Iterable[Fault]:
    """The first delta of each choice carries the `role`."""
    first = choice.entries[0]["delta"]
    if first.kind == "object" and not first["role"]:
        yield first["role"], str(first["role"]), '"assistant"'


@chat_stream.rule(
    "role-once", over=streamed_choices, level=SHOULD, harm="LangChain and others start a new message"
)
def role_once(choice: StreamedChoice) -> Iterable[Fault]:
    """Only the first delta of a choice carries the `role`."""
    for node in choice.roles:
        if node.path and node.document is not choice.entries[0].document:
            yield node, f"{node} again", "no role after the first delta"


@chat_stream.rule(
    "finishes", over=whole_streamed_choices, harm="clients report a cut answer or wait for more"
)
def finishes(choice: StreamedChoice) -> Iterable[Fault]:
    """Each choice ends with a chunk that says its `finish_reason`."""
    if not choice.finishes:
        yield choice.entries[-1], f"choice {choice.index} ends without a finish_reason"


@chat_stream.rule("finishes-once", over=streamed_choices, yields_to=("usage.stream-no-choices",))
def finishes_once(choice: StreamedChoice) -> Iterable[Fault]:
    """Each choice says its `finish_reason` in one chunk, and no chunk of it follows."""
    ended = [position for position, entry in enumerate(choice.entries) if entry["finish_reason"]]
    if ended and ended[0] != len(choice.entries) - 1:
        yield choice.entries[ended[0] + 1], "a chunk of the choice follows its finish_reason"


def _stopped_by_itself(view: View) -> Iterable[StreamedChoice]:
    yield from (choice for choice in whole_streamed_choices(view) if choice.finish_reason == "stop")


@chat_stream.rule("says-something", over=_stopped_by_itself, harm="the answer is empty, and nobody says why")
def says_something(choice: StreamedChoice) -> Iterable[Fault]:
    """A choice that ends with "stop" has streamed content, a call, a refusal or audio."""
    members = ("content", "tool_calls", "function_call", "refusal", "audio")
    if not any(entry["delta"][name] for entry in choice.entries for name in members):
        yield choice.entries[-1], "no delta says anything"


@chat_stream.rule("not-cumulative", over=whole_streamed_choices, harm="the text appears again and again")
def not_cumulative(choice: StreamedChoice) -> Iterable[Fault]:
    """A delta holds what is new, not the text so far."""
    texts = [entry["delta"]["content"] for entry in choice.entries if entry["delta"]["content"].text]
    pairs = list(pairwise(texts))
    if len(pairs) >= 3 and all(b.text.startswith(a.text) and len(b.text) >= len(a.text) for a, b in pairs):
        distinct = {node.text for node in texts}
        if len(distinct) > 2:
            yield texts[1], f"{texts[1]} begins with the delta before it, as do all that follow"


def _stopped(view: View) -> Iterable[tuple[StreamedChoice, str]]:
    for choice in whole_streamed_choices(view):
        yield from ((choice, stop) for stop in stop_sequences(view))


@chat_stream.rule("stop-kept", over=_stopped, see=see.CHAT_CREATE)
def stop_kept(subject: tuple[StreamedChoice, str]) -> Iterable[Fault]:
    """The streamed text does not contain a stop sequence that was asked for."""
    choice, stop = subject
    if stop in choice.text:
        yield choice.entries[-1], f"the text of choice {choice.index} contains {stop!r}"


def _limited(view: View) -> Iterable[tuple[Node, int]]:
    limit = token_limit(view)
    for chunk in view.chunks if limit and view.endpoint == "chat" else ():
        if chunk["usage"]["completion_tokens"].number is not None:
            yield chunk["usage"]["completion_tokens"], limit


@chat_stream.rule("limit-kept", over=_limited, see=see.CHAT_CREATE, needs=[Aspect.REQUEST])
def limit_kept(subject: tuple[Node, int]) -> Iterable[Fault]:
    """The usage of a stream keeps max_completion_tokens (or max_tokens) for each choice."""
    used, limit = subject
    if (used.number or 0) > limit:
        yield used, str(used), f"at most {limit}"


def _json_asked(view: View) -> Iterable[StreamedChoice]:
    if view.asked["response_format"]["type"].value in ("json_object", "json_schema"):
        for choice in whole_streamed_choices(view):
            if choice.finish_reason == "stop" and choice.text:
                yield choice


@chat_stream.rule("json-asked", over=_json_asked, see=see.CHAT_CREATE)
def json_asked(choice: StreamedChoice) -> Iterable[Fault]:
    """With response_format json_object or json_schema the streamed text is a JSON text."""
    if not jsontext.parse(choice.text.encode("utf-8", "replace")).ok:
        yield choice.entries[-1], f"the text of choice {choice.index} is {choice.text[:40]!r}", "a JSON text"
