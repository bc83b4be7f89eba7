"""Operators on the events of a stream: every event dropped, sent twice, moved; events cut anew."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from contract_tests.lab.mutation.committed.mutant import Mutant, Source
from contract_tests.lab.mutation.genuine import events as moves
from contract_tests.lab.mutation.genuine.corpus import Change, Corpus
from contract_tests.lab.mutation.genuine.disagree import DISAGREE_OPERATORS
from contract_tests.lab.mutation.genuine.forms import listed
from contract_tests.lab.mutation.genuine.framing import FRAMING_OPERATORS
from contract_tests.lab.mutation.genuine.reading import Reply
from contract_tests.rules.engine.view import View
from fake_server.wire import jsontext
from fake_server.wire.exchange import Exchange

TEXTS = frozenset({"content", "annotations", "refusal", "reasoning", "reasoning_content", "text"})
"""Members that hold what a model says: a piece more or less is another answer, not a broken one."""

_HTTP = ("content-type", "cut-clean", "cut-broken")
_DRAWS = 6
"""How often an operator that chooses its own place is applied to one reply."""


class One(Corpus):
    """One reply in the place of a corpus: what operators of seeded defects draw from."""

    def __init__(self, reply: Reply) -> None:
        self.replies = [reply]
        self.streams = [reply] if reply.blocks else []
        self.media_types = {(reply.form, reply.exchange.media_type)}

    def genuine(self, exchange: Exchange) -> bool:
        return False


def of_events(source: Source, seed: int) -> Iterator[Mutant]:
    """Every event of a stream dropped, doubled and moved, but for what only changes the text."""
    reply = source.reply
    if reply is None or not reply.blocks:
        return
    for index in range(len(reply.blocks)):
        for edit in (moves.drop, moves.double, moves.move):
            if edit is moves.move and len(reply.blocks) < 2:
                continue
            blocks = list(reply.blocks)
            dice = random.Random(f"{seed}:{source.exchange.label}:{index}:{edit.__name__}")
            after = edit(blocks, index, dice)
            if blocks == list(reply.blocks) or _only_text(reply, index, edit.__name__, blocks):
                continue
            yield Mutant(
                source.section,
                f"{edit.__name__}-event",
                f"{source.section}:{_role(reply.documents[index])}",
                f"event {index}",
                source.exchange,
                partial(reply.with_blocks, blocks),
                f"of {len(reply.blocks)} events",
                after,
            )


def of_whole(source: Source, seed: int) -> Iterator[Mutant]:
    """The operators of seeded defects on framing, bytes and ids, each drawn a few times for one reply."""
    reply = source.reply
    if reply is None:
        return
    for name, operator in (FRAMING_OPERATORS | DISAGREE_OPERATORS).items():
        seen: set[bytes] = set()
        for draw in range(_DRAWS):
            dice = random.Random(f"{seed}:{source.exchange.label}:{name}:{draw}")
            for change in operator(One(reply), dice):
                mark = repr((change.exchange.headers, change.exchange.ending, change.exchange.payload))
                if mark.encode() not in seen and change.exchange != source.exchange:
                    seen.add(mark.encode())
                    yield replace(_of(source, name, change), tag=f"draw {draw}")


def _of(source: Source, name: str, change: Change) -> Mutant:
    if name in DISAGREE_OPERATORS:
        section = "tools" if name.startswith(("tool", "arguments")) else source.section
    else:
        section = "sse" if source.section.endswith(".stream") and name not in _HTTP else "http"
    return Mutant(
        section,
        name,
        source.section,
        change.where,
        source.exchange,
        lambda: change.exchange,
        change.before,
        change.after,
    )


def _only_text(reply: Reply, index: int, edit: str, blocks: list[bytes]) -> bool:
    """Whether the change leaves a stream that differs from the old one in what is said alone.

    Pieces of text that are lost, repeated or swapped make another text; pieces of arguments do where these
    still are the text of an object. Defects in free text are planted live.
    """
    if edit == "move" and _course(blocks) == _course(list(reply.blocks)):
        return True
    if continues_call(reply.documents[index]):
        return _calls_stay_whole(reply, blocks)
    if text_of(reply.documents[index]) == "":
        return False
    return edit != "move"


def continues_call(document: Any) -> bool:
    """Whether a chunk carries one piece of arguments and nothing else."""
    choices = listed(document, "choices")
    if len(choices) != 1 or choices[0].get("finish_reason") or (document.get("usage")):
        return False
    delta = {name: value for name, value in choices[0].get("delta", {}).items() if value is not None}
    calls = listed(delta, "tool_calls")
    return set(delta) == {"tool_calls"} and len(calls) == 1 and "id" not in calls[0]


def _calls_stay_whole(reply: Reply, blocks: list[bytes]) -> bool:
    """Whether the arguments of every call still are the text of an object."""
    calls = [call for choice in View(reply.with_blocks(blocks)).streamed for call in choice.calls]
    return all(isinstance(jsontext.parse(one.arguments.encode()).value, dict) for one in calls)


def _course(blocks: list[bytes]) -> dict[Any, list[bytes]]:
    """The events of each choice, and of the stream as a whole, each run of pieces of text folded into one.

    Choices go on side by side: only what one of them says has an order.
    """
    courses: dict[Any, list[bytes]] = {}
    for block in blocks:
        document = jsontext.parse(block.partition(b" ")[2]).value
        indexes = {repr(entry.get("index")) for entry in listed(document, "choices")}
        piece = b"text" if text_of(document) else block
        for choice, event in (
            *((one, piece) for one in indexes),
            ("stream", b"choices" if indexes else block),
        ):
            course = courses.setdefault(choice, [])
            if event not in (b"text", b"choices") or course[-1:] != [event]:
                course.append(event)
    return courses


def text_of(document: Any) -> str:
    """The text of a chunk that carries a piece of text and nothing else, '' for any other."""
    choices = document.get("choices") if isinstance(document, dict) else None
    if not choices or document.get("usage"):
        return ""
    found = []
    for entry in choices:
        delta = entry.get("delta", {"text": entry.get("text")})
        said = {name for name, value in delta.items() if value is not None}
        if not said or not said <= TEXTS or entry.get("finish_reason"):
            return ""
        found.append("".join(str(delta[name]) for name in said))
    return "".join(found)


def _role(document: Any) -> str:
    """What an event is in its stream, in a word or two."""
    if document is None:
        return "[DONE]"
    choices = document.get("choices") or []
    if not choices:
        return next((name for name in ("error", "usage") if document.get(name)), "aside")
    entry = choices[0]
    if entry.get("finish_reason"):
        return "finishing"
    said = [name for name, value in entry.get("delta", entry).items() if value not in (None, "", 0)]
    return " ".join(sorted(said)) or "empty"
