"""Operators on the events of a stream: each dropped, sent twice, or moved to another place."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import lru_cache, partial
from typing import Any

from contract_tests.lab.mutation.json_paths import array_at
from contract_tests.lab.mutation.mutant import Mutant
from contract_tests.lab.mutation.operators.kind import Kind, Site
from contract_tests.lab.mutation.reply import Reply
from contract_tests.rules.engine.view import View
from fake_server.wire import jsontext

TEXTS = frozenset({"content", "annotations", "refusal", "reasoning", "reasoning_content", "text"})
"""Members that hold what a model says: a piece more or less is another answer, not a broken one."""


def _sites(reply: Reply) -> Iterator[Site]:
    for index in range(len(reply.blocks)):
        yield Site(_role(reply.documents[index]), index)


def _mutants(reply: Reply, site: Site, seed: int, only: str = "") -> Iterator[Mutant]:
    """One event dropped, doubled and moved, except for what only changes the text."""
    for edit in (drop, double, move):
        if only not in ("", f"{edit.__name__}-event") or (edit is move and len(reply.blocks) < 2):
            continue
        blocks = list(reply.blocks)
        dice = random.Random(f"{seed}:{reply.exchange.label}:{site.event}:{edit.__name__}")
        after = edit(blocks, site.event, dice)
        if blocks == list(reply.blocks) or _only_text(reply, site.event, edit is move, blocks):
            continue
        yield Mutant(
            reply.section,
            f"{edit.__name__}-event",
            f"{reply.section}:{site.shape}",
            f"event {site.event}",
            reply.exchange,
            partial(reply.with_blocks, blocks),
            f"of {len(reply.blocks)} events",
            after,
        )


def drop(blocks: list[bytes], place: int, dice: random.Random) -> str:
    del blocks[place]
    return "gone"


def double(blocks: list[bytes], place: int, dice: random.Random) -> str:
    blocks.insert(place, blocks[place])
    return "sent twice"


def move(blocks: list[bytes], place: int, dice: random.Random) -> str:
    other = dice.choice([index for index in range(len(blocks)) if index != place])
    blocks.insert(other, blocks.pop(place))
    return f"now event {other}"


def _only_text(reply: Reply, index: int, moved: bool, blocks: list[bytes]) -> bool:
    """Whether the change leaves a stream that differs from the old one in what is said alone.

    Pieces of text that are lost, repeated or swapped make another text; pieces of arguments do where these
    still are the text of an object. Defects in free text are planted live.
    """
    if moved and _course(tuple(blocks)) == _course(reply.blocks):
        return True
    if _continues_call(reply.documents[index]):
        return _calls_stay_whole(reply, blocks)
    return not moved and bool(_text_of(reply.documents[index]))


def _continues_call(document: Any) -> bool:
    """Whether a chunk carries one piece of arguments and nothing else."""
    choices = array_at(document, "choices")
    if len(choices) != 1 or choices[0].get("finish_reason") or document.get("usage"):
        return False
    delta = {name: value for name, value in choices[0].get("delta", {}).items() if value is not None}
    calls = array_at(delta, "tool_calls")
    return set(delta) == {"tool_calls"} and len(calls) == 1 and "id" not in calls[0]


def _calls_stay_whole(reply: Reply, blocks: list[bytes]) -> bool:
    """Whether the arguments of every call still are the text of an object."""
    calls = [call for choice in View(reply.with_blocks(blocks)).streamed for call in choice.calls]
    return all(isinstance(jsontext.parse(call.arguments.encode()).value, dict) for call in calls)


@lru_cache(maxsize=8)  # that of the unchanged reply is asked for at each of its events
def _course(blocks: tuple[bytes, ...]) -> dict[Any, list[bytes]]:
    """The events of each choice, and of the stream as a whole, each run of pieces of text folded into one.

    Choices go on side by side: only what one of them says has an order.
    """
    courses: dict[Any, list[bytes]] = {}
    for block in blocks:
        document = jsontext.parse(block.partition(b" ")[2]).value
        indexes = {repr(entry.get("index")) for entry in array_at(document, "choices")}
        piece = b"text" if _text_of(document) else block
        for choice, event in (
            *((index, piece) for index in indexes),
            ("stream", b"choices" if indexes else block),
        ):
            course = courses.setdefault(choice, [])
            if event not in (b"text", b"choices") or course[-1:] != [event]:
                course.append(event)
    return courses


def _text_of(document: Any) -> str:
    """The text of a chunk that carries a piece of text and nothing else, '' for any other."""
    choices = document.get("choices") if isinstance(document, dict) else None
    if not choices or document.get("usage"):
        return ""
    texts = []
    for entry in choices:
        delta = entry.get("delta", {"text": entry.get("text")})
        members = {name for name, value in delta.items() if value is not None}
        if not members or not members <= TEXTS or entry.get("finish_reason"):
            return ""
        texts.append("".join(str(delta[name]) for name in members))
    return "".join(texts)


def _role(document: Any) -> str:
    """What an event is in its stream, in a word or two."""
    if document is None:
        return "[DONE]"
    choices = document.get("choices") or []
    if isinstance(document.get("type"), str):
        return str(document["type"])
    if not choices:
        return next((name for name in ("error", "usage") if document.get(name)), "aside")
    entry = choices[0]
    if entry.get("finish_reason"):
        return "finishing"
    members = [name for name, value in entry.get("delta", entry).items() if value not in (None, "", 0)]
    return " ".join(sorted(members)) or "empty"


EVENTS = Kind("events", ("drop-event", "double-event", "move-event"), _sites, _mutants)
