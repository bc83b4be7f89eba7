"""Rules about streams that several endpoints share; each section registers them as its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import SHOULD, Complaint, Section
from contract_tests.rules.engine.node import Node, show
from contract_tests.rules.engine.stream import StreamedChoice
from contract_tests.rules.engine.subjects import Endpoint
from contract_tests.rules.engine.view import View
from fake_server.wire.exchange import Aspect


def as_stream(section: Section, form: Endpoint, create: str) -> None:
    """What is asked for with `stream` comes as events, ends with [DONE], and is one answer throughout."""

    @section.rule(
        "is-stream",
        over=form.to_be_streamed,
        see=create,
        harm="openai-python 1 to 3: no items and no error; 0.28.1: AssertionError",
    )
    def is_stream(view: View) -> Iterable[Complaint]:
        """A request with `stream: true` is answered with server-sent events."""
        if view.form != "events":
            shown = view.body[:60].decode("utf-8", "replace")
            yield view, f"the body begins {shown!r}", "data: {…}"
        elif view.body.lstrip()[:1] == b"{":
            yield view, "a JSON body typed text/event-stream", "data: {…}"

    @section.rule(
        "not-empty",
        over=form.to_be_streamed,
        yields_to=(
            "sse.one-json-per-event",
            f"{section.name}.is-stream",
            "sse.payload-in-data",
            "sse.data-not-empty",
        ),
        harm="clients report an empty success",
    )
    def not_empty(view: View) -> Iterable[Complaint]:
        """A stream holds at least one chunk before it ends."""
        if view.form == "events" and not view.messages:
            yield view.end, f"{len(view.events)} events, none with a chunk"

    @section.rule(
        "done-last",
        over=form.whole_streams,
        see=create,
        expected="data: [DONE]",
        harm="clients that wait for [DONE] hang until the socket closes or report a cut answer",
    )
    def done_last(view: View) -> Iterable[Complaint]:
        """A stream ends with one `[DONE]` event and nothing after it."""
        done = [payload for payload in view.payloads if payload.done]
        if not done:
            yield view.end, "the stream ended without [DONE]"
        elif done[0] is not view.payloads[-1]:
            after = view.payloads[view.payloads.index(done[0]) + 1]
            yield after, "another event follows [DONE]"

    for name, kind, harm in (
        ("id", str, "clients that key by id split one answer in two"),
        ("created", int, "clients that group chunks by time split one answer"),
    ):
        _steady(section, form, name, kind, harm)
    _steady(section, form, "model", str, "cost is booked on two models", level=SHOULD)


def _steady(section: Section, form: Endpoint, name: str, kind: type, harm: str, **options: Any) -> None:
    @section.rule(
        f"same-{name}",
        over=form.streams,
        harm=harm,
        clause=f"All chunks of a stream have the same `{name}`.",
        **options,
    )
    def same(view: View) -> Iterable[Complaint]:
        first = None
        for chunk in view.chunks:
            value = chunk.value.get(name)
            if type(value) is not kind or not value:
                continue
            first = first or value
            if value != first:
                yield chunk[name], str(chunk[name]), f"{show(first)}, as before"


def chunk_choices(section: Section, form: Endpoint) -> None:
    """`choices` of a chunk: an array of objects that say which choice they go on with."""

    @section.rule("choices", over=form.chunks, harm="`for choice in chunk.choices` raises on None")
    def choices(chunk: Node) -> Iterable[Complaint]:
        """`choices` of every chunk is an array of objects."""
        node = chunk["choices"]
        if type(node.value) is not list:
            yield node, str(node), "an array"
        for choice in node:
            if type(choice.value) is not dict:
                yield choice, str(choice), "an object"

    def indexed(view: View) -> Iterable[tuple[View, Node]]:
        yield from ((view, choice) for choice in form.chunk_choices(view))

    @section.rule(
        "choice-index", over=indexed, needs=[Aspect.REQUEST], harm="the text goes to a choice nobody reads"
    )
    def choice_index(subject: tuple[View, Node]) -> Iterable[Complaint]:
        """`index` of every choice is a number below the number of choices asked for, 0 for one."""
        view, choice = subject
        value = choice.value.get("index")
        if type(value) is not int or not 0 <= value < view.asked_choices:
            index = choice["index"]
            yield index, str(index), f"0 to {view.asked_choices - 1}" if view.asked_choices > 1 else "0"

    @section.rule(
        "choice-once",
        over=form.chunks,
        level=SHOULD,
        harm="clients that take one entry of a chunk for each choice lose the second",
    )
    def choice_once(chunk: Node) -> Iterable[Complaint]:
        """A chunk has at most one entry for each choice."""
        seen: set[int] = set()
        entries = list(chunk["choices"])
        for choice in entries if len(entries) > 1 else ():
            index = choice.get("index")
            if isinstance(index, int) and index in seen:
                yield choice["index"], f"choice {index} again in one chunk", "one entry"
            if isinstance(index, int):
                seen.add(index)

    @section.rule(
        "empty-choices",
        over=form.chunks,
        level=SHOULD,
        harm="`chunk.choices[0]` raises IndexError",
    )
    def empty_choices(chunk: Node) -> Iterable[Complaint]:
        """Only a chunk that carries usage (or moderation results) has no choices."""
        if chunk.value.get("choices") == [] and not chunk["usage"] and not chunk["moderation"]:
            yield chunk["choices"], "[] in a chunk without usage"

    @section.rule(
        "steady-logprobs",
        over=form.streamed_choices,
        level=SHOULD,
        harm="clients that index `logprobs` raise KeyError in mid-stream",
    )
    def steady_logprobs(choice: StreamedChoice) -> Iterable[Complaint]:
        """A choice has the member `logprobs` in all its chunks, or in none."""
        first = "logprobs" in choice.entries[0].value
        for entry in choice.entries[1:]:
            if ("logprobs" in entry.value) is not first:
                yield entry["logprobs"], "missing" if first else "there", "as in the first chunk"
                return

    @section.rule(
        "choice-count",
        over=form.whole_streams,
        needs=[Aspect.REQUEST],
        see=see.CHAT_CREATE,
        harm="the caller waits for an answer that never comes",
    )
    def choice_count(view: View) -> Iterable[Complaint]:
        """Every one of the choices that were asked for appears in the stream."""
        missing = set(range(view.asked_choices)) - {choice.index for choice in view.streamed}
        if missing and view.streamed:
            yield view.end, f"no chunk of choice {', '.join(map(str, sorted(missing)))}"

    @section.rule(
        "finishes",
        over=form.whole_streamed_choices,
        harm="openai-node's stream helper throws 'missing finish_reason for choice 0'; others wait for more",
    )
    def finishes(choice: StreamedChoice) -> Iterable[Complaint]:
        """Each choice ends with a chunk that says its `finish_reason`."""
        if not choice.finishes:
            yield choice.entries[-1], f"choice {choice.index} ends without a finish_reason"

    @section.rule(
        "finishes-once",
        over=form.streamed_choices,
        yields_to=("usage.stream-no-choices",),
        harm="clients that stop at the finish_reason lose what follows",
    )
    def finishes_once(choice: StreamedChoice) -> Iterable[Complaint]:
        """Each choice says its `finish_reason` in one chunk, and no chunk of it follows."""
        ended = next((at for at, entry in enumerate(choice.entries) if entry.says("finish_reason")), None)
        after = choice.entries[ended + 1 :] if ended is not None else []
        # api.openai.com is recorded to say the reason of a text completion again, with an empty text.
        more = [entry for entry in after if entry.get("text") != "" or not entry.says("finish_reason")]
        if more:
            yield more[0], "a chunk of the choice follows its finish_reason"
