"""Legal: what a client of OpenAI's API has to live with."""

from __future__ import annotations

import copy
from typing import Any

from contract_tests.lab.behaviour.callers import answer_one_at_a_time
from contract_tests.lab.behaviour.catalogue import legal
from contract_tests.lab.behaviour.exchanging import DONE, Answer, Call, World


@legal
async def wording_varies(world: World, call: Call) -> Answer:
    """Nothing is changed. Legal: the wording of every target varies, and nobody may take it for fixed."""
    return world.ask(call)


@legal
async def closes_each_connection(world: World, call: Call) -> Answer:
    """Every reply has `Connection: close` and ends its connection.

    Legal: RFC 9112 section 9.6; the next request opens another one. Flask's own server does this.
    """
    answer = world.ask(call)
    answer.wire.closes = True
    return answer


@legal
async def answers_in_http_1_0(world: World, call: Call) -> Answer:
    """Every reply is HTTP/1.0, without a length or chunks; its end is the end of the connection.

    Legal: RFC 9112 section 6.3, case 8. Python's `http.server` does this.
    """
    answer = world.ask(call)
    answer.wire.http_version, answer.wire.closes = "1.0", True
    return answer


@legal
async def streams_cut_anywhere(world: World, call: Call) -> Answer:
    """The bytes of a stream leave in pieces of 1 to 200 bytes, cut within events and within characters.

    Legal: events end at blank lines, not at the ends of chunks.
    """
    answer = world.ask(call)
    answer.wire.cuts = lambda: world.chance.randint(1, 200)
    return answer


@legal
async def usage_null_in_chunks(world: World, call: Call) -> Answer:
    """Every chunk that has no usage has `usage: null`. Legal: the published schema lets it be null."""
    answer = world.ask(call)
    for value in answer.objects if answer.events is not None and answer.succeeded else ():
        value.setdefault("usage", None)
    return answer


@legal
async def comments_between_events(world: World, call: Call) -> Answer:
    """A comment, `: keep-alive`, stands before every event. Legal: event streams may have comments anywhere."""
    answer = world.ask(call)
    answer.wire.comment = ": keep-alive"
    return answer


@legal
async def vendor_members(world: World, call: Call) -> Answer:
    """Successful replies and chunks have members of the vendor's own: `provider` and `x_timing`.

    Legal: clients ignore members that they do not know, and OpenAI adds some without notice.
    """
    answer = world.ask(call)
    for value in answer.objects if answer.succeeded else ():
        value.update({"provider": "Example", "x_timing": {"queue_seconds": 0.0}})
    return answer


@legal
async def members_in_other_order(world: World, call: Call) -> Answer:
    """The members of every object come in alphabetical order, with the JSON text spaced out.

    Legal: an object is an unordered collection, and JSON allows white space between tokens.
    """
    answer = world.ask(call)
    answer.wire.json_options = {"sort_keys": True, "separators": (" , ", " : ")}
    return answer


@legal
async def everything_escaped(world: World, call: Call) -> Answer:
    """Characters outside ASCII are `\\uXXXX` escapes. Legal: RFC 8259 section 7; Python writes them by default."""
    answer = world.ask(call)
    answer.wire.json_options = {"ensure_ascii": True}
    return answer


@legal
async def slow(world: World, call: Call) -> Answer:
    """Every reply takes 0.4 s to begin, and a stream 10 ms for each event. Legal: models are slow."""
    answer = world.ask(call)
    answer.wire.first, answer.wire.pace = 0.4, 0.01
    return answer


@legal
async def header_names_in_capitals(world: World, call: Call) -> Answer:
    """The names of header fields are in Title-Case. Legal: they are case-insensitive (RFC 9110 section 5.1)."""
    answer = world.ask(call)
    answer.wire.header_name = str.title
    return answer


@legal
async def several_tokens_a_chunk(world: World, call: Call) -> Answer:
    """Up to four pieces of text, 40 characters in all, come in one chunk.

    Legal: nothing says that a chunk is a token.
    """
    answer = world.ask(call)
    if answer.events is not None and not call.members.get("logprobs"):
        answer.events = _joined(answer.events)
    return answer


@legal
async def lines_end_in_crlf(world: World, call: Call) -> Answer:
    """The lines of an event stream end in CR LF. Legal: WHATWG HTML section 9.2.6 allows CR LF, LF and CR."""
    answer = world.ask(call)
    answer.wire.line_end = "\r\n"
    return answer


@legal
async def one_request_at_a_time(world: World, call: Call) -> Answer:
    """It answers one request at a time, token by token; the next begins when this one ends or its caller leaves.

    Legal: nothing promises that requests are answered side by side. Small local servers do this.
    """
    return await answer_one_at_a_time(world, call)


def _joined(events: list[Any]) -> list[Any]:
    """The events, with up to four neighbours of one choice joined that hold text and nothing else."""
    joined: list[Any] = []
    size = 0
    for event in copy.deepcopy(events):
        before, after = (_only_text(joined[-1]) if joined else None), _only_text(event)
        text = before[1][before[2]] + after[1][after[2]] if before and after and before[0] == after[0] else ""
        if before and text and len(text) <= 40 and size < 4:
            holder, name = before[1:]
            holder[name] = text
            size += 1
        else:
            joined.append(event)
            size = 1
    return joined


def _only_text(event: Any) -> tuple[int, dict[str, Any], str] | None:
    """The index, and where the text stands, of an event that holds a piece of text and nothing else."""
    choices = event.get("choices") if event != DONE else None
    if not choices or len(choices) != 1 or choices[0].get("finish_reason") or event.get("usage"):
        return None
    if "text" in choices[0]:
        return choices[0]["index"], choices[0], "text"
    delta = choices[0].get("delta")
    return (choices[0]["index"], delta, "content") if delta and set(delta) == {"content"} else None
