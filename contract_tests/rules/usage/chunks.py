"""Section usage, the counts of a stream: where they come, and whether they come as asked."""

from __future__ import annotations

from collections.abc import Iterable

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import NOTE, SHOULD, Complaint
from contract_tests.rules.engine.node import Node, members_beyond
from contract_tests.rules.engine.subjects import breaks_off, only, streams_of_any, whole_streams_of_any
from contract_tests.rules.engine.view import View
from contract_tests.rules.usage.counts import COUNTS, DETAILS, counts_unasked_zeros, usages
from contract_tests.rules.usage.counts import usage as section
from fake_server.wire.exchange import Aspect
from fake_server.wire.text import format_count

usage = section.citing(see.CHAT_STREAMING)


def _wants_usage(view: View) -> bool:
    return view.request["stream_options"]["include_usage"].value is True


def _has_member(view: View) -> bool:
    return any("usage" in chunk.value for chunk in view.chunks)


def usage_chunks(view: View) -> list[Node]:
    """The chunks of a stream whose `usage` is not null."""
    return [chunk for chunk in view.chunks if chunk.says("usage")]


def _complain_unless_counted(view: View) -> Iterable[Complaint]:
    if not usage_chunks(view) and not _has_member(view) and not breaks_off(view):
        yield view.end, "no chunk has usage", "a last chunk with usage and no choices"


_streams_to_be_counted = only(whole_streams_of_any, _wants_usage)


@usage.rule(
    "stream-asked",
    over=only(_streams_to_be_counted, lambda view: view.knows(Aspect.ENDING)),
    needs=[Aspect.REQUEST],
    see=see.CHAT_CREATE,
    harm="nothing is counted for streamed answers, though the caller asked for it",
)
def stream_asked(view: View) -> Iterable[Complaint]:
    """A stream requested with include_usage has a chunk with usage."""
    return _complain_unless_counted(view)


# Three recordings of api.openai.com have no usage, and a request with include_usage that it cannot have got: it
# sends the member `usage`, null, in every chunk of such a stream. Where the stream was not watched to its end, the
# request is the recorder's word as well.
@usage.rule(
    "stream-recorded",
    over=only(_streams_to_be_counted, lambda view: not view.knows(Aspect.ENDING)),
    level=SHOULD,
    needs=[Aspect.REQUEST],
    see=see.CHAT_CREATE,
    harm="nothing is counted for streamed answers, unless the recorder changed the request",
)
def stream_recorded(view: View) -> Iterable[Complaint]:
    """A stream that another tool recorded, requested with include_usage, has a chunk with usage."""
    return _complain_unless_counted(view)


_streams_with_a_member = only(whole_streams_of_any, _has_member)


@usage.rule(
    "stream-promised",
    over=only(_streams_with_a_member, _wants_usage),
    needs=[Aspect.REQUEST],
    harm="usage stays null: nothing is counted",
)
def stream_promised(view: View) -> Iterable[Complaint]:
    """If include_usage is set and chunks have a `usage` member, one of them is not null."""
    if not usage_chunks(view) and not breaks_off(view):
        yield view.end, "usage is null in every chunk", "a last chunk with usage and no choices"


_streams_with_usage = only(streams_of_any, usage_chunks)


@usage.rule(
    "stream-unasked",
    over=_streams_with_usage,
    level=SHOULD,
    needs=[Aspect.REQUEST],
    see=see.CHAT_CREATE,
    harm="clients that read `choices[0]` of every chunk meet an `IndexError` on the one they did not ask for",
)
def stream_unasked(view: View) -> Iterable[Complaint]:
    """Usage is streamed only if include_usage asks for it: the extra chunk has no choices."""
    if not _wants_usage(view):
        chunks = usage_chunks(view)
        zeros = f", all 0, in {format_count(len(chunks), 'chunk')}" if counts_unasked_zeros(view) else ""
        beside = any(chunks[0]["choices"])
        harm = "clients that take a chunk with usage for the extra one skip its choices" if beside else ""
        yield chunks[0]["usage"], f"usage that was not asked for{zeros}", "null, or no member", harm


@usage.rule(
    "stream-once",
    over=only(_streams_with_usage, lambda view: not counts_unasked_zeros(view)),
    harm="clients that add usage up count twice",
)
def stream_once(view: View) -> Iterable[Complaint]:
    """One chunk of a stream has usage; it is null or absent in all others."""
    chunks = [chunk for chunk in usage_chunks(view) if chunk["usage"].kind == "object"]
    if len(chunks) > 1:
        is_nothing = all(chunk["usage"]["total_tokens"].value == 0 for chunk in chunks)
        harm = "clients that stop at the first usage take the answer for free" if is_nothing else ""
        yield chunks[1]["usage"], f"usage in {len(chunks)} chunks", "usage in the last chunk only", harm


@usage.rule(
    "stream-no-choices",
    over=only(_streams_with_usage, _wants_usage),
    needs=[Aspect.REQUEST],
    yields_to=("chat.stream.choices", "completions.stream.choices"),
    harm="clients that look for usage where `choices` is empty count nothing",
    basis="the API reference: 'the `choices` field will always be an empty array'; the clients measured read usage "
    "wherever it is",
)
def stream_no_choices(view: View) -> Iterable[Complaint]:
    """The chunk with the usage that include_usage asks for has an empty `choices` array."""
    chunk = usage_chunks(view)[-1]
    if chunk["choices"].kind == "array" and chunk["choices"].value:
        yield chunk["choices"], "choices beside usage", "[]"


@usage.rule(
    "stream-last",
    over=_streams_with_usage,
    yields_to=("usage.stream-no-choices",),
    harm="openai-python's stream helper keeps the last chunk's usage, none: nothing is counted",
)
def stream_last(view: View) -> Iterable[Complaint]:
    """The chunk with usage comes after every chunk with choices."""
    last = usage_chunks(view)[-1]
    after = view.chunks[view.chunks.index(last) + 1 :]
    if any(chunk["choices"].value for chunk in after):
        yield last["usage"], "a chunk with choices follows the usage chunk"


@usage.rule(
    "stream-null-before",
    over=_streams_with_a_member,
    level=SHOULD,
    needs=[Aspect.REQUEST],
    harm="JavaScript that tests `chunk.usage !== null` mistakes a missing member for the usage",
)
def stream_null_before(view: View) -> Iterable[Complaint]:
    """With include_usage every chunk has the member `usage`, null until the last."""
    lacking = [chunk for chunk in view.chunks if "usage" not in chunk.value]
    if lacking and _wants_usage(view) and len(lacking) < len(view.chunks) - 1:
        yield lacking[0]["usage"], "missing, while other chunks have it", "null"


_KNOWN = {*COUNTS, *DETAILS}


@section.rule(
    "known-members",
    over=usages,
    level=NOTE,
    harm="decoders of closed types, as in Rust, Kotlin and JSON Schema, refuse what they do not know",
)
def known_members(node: Node) -> Iterable[Complaint]:
    """`usage` has the members that the API reference names, and no others."""
    return [(member, f"{member.path[-1]} of usage") for member in members_beyond(node, _KNOWN)]
