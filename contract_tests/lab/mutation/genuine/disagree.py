"""Operators that make parts of one reply disagree: ids, indexes, created, and tool arguments."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from contract_tests.lab.mutation.genuine.corpus import Change, Corpus, shuffled
from contract_tests.lab.mutation.genuine.forms import listed
from contract_tests.lab.mutation.genuine.members import brief
from contract_tests.lab.mutation.genuine.reading import Reply

Call = tuple[int, int, int, dict[str, Any]]
"""(event, position of the choice, position of the call, the call) of one piece of a tool call."""


INDEXED = ("chat", "chunk", "completions", "completion chunk")
"""Forms whose choices are numbered."""


def member_of_chunk(
    name: str, other: Callable[[Any], Any]
) -> Callable[[Corpus, random.Random], Iterator[Change]]:
    """One chunk of a stream has another value of a member that all genuine chunks share."""

    def operator(corpus: Corpus, dice: random.Random) -> Iterator[Change]:
        for reply in shuffled(corpus.streams, dice):
            chunks = [index for index, one in enumerate(reply.documents) if one and name in one]
            if len(chunks) > 1 and len({repr(reply.documents[index][name]) for index in chunks}) == 1:
                index = dice.choice(chunks)
                document = copy.deepcopy(reply.documents[index])
                before, document[name] = document[name], other(document[name])
                yield _change(reply, index, name, document, before, document[name])

    return operator


def choice_index(corpus: Corpus, dice: random.Random) -> Iterator[Change]:
    """One choice has an index that no choice of the reply should have."""
    for reply in shuffled([one for one in corpus.replies if one.form in INDEXED], dice):
        events = [index for index, one in enumerate(reply.documents) if listed(one, "choices")]
        if not events:
            continue
        count = len({repr(one.get("index")) for event in events for one in reply.documents[event]["choices"]})
        index = dice.choice(events)
        document = copy.deepcopy(reply.documents[index])
        position = dice.randrange(len(document["choices"]))
        entry = document["choices"][position]
        before, entry["index"] = entry.get("index"), dice.choice([count, count + 2, -1])
        yield _change(reply, index, f"choices[{position}].index", document, before, entry["index"])


def choice_index_twice(corpus: Corpus, dice: random.Random) -> Iterator[Change]:
    """Two choices of a dict have one index."""
    for reply in shuffled([one for one in corpus.replies if one.form == "chat"], dice):
        document = copy.deepcopy(reply.documents[0])
        choices = listed(document, "choices")
        if len(choices) > 1:
            one, two = dice.sample(range(len(choices)), 2)
            before, choices[one]["index"] = choices[one].get("index"), choices[two].get("index")
            yield _change(reply, 0, f"choices[{one}].index", document, before, choices[one]["index"])


def model_id(corpus: Corpus, dice: random.Random) -> Iterator[Change]:
    """A model has another id than the one asked for."""
    for reply in shuffled([one for one in corpus.replies if one.form == "model"], dice):
        document = copy.deepcopy(reply.documents[0])
        before = document.get("id")
        if reply.exchange.request.path.endswith(f"/{before}"):
            document["id"] = "another-model"
            yield _change(reply, 0, "id", document, before, document["id"])


def tool_id_twice(corpus: Corpus, dice: random.Random) -> Iterator[Change]:
    """Two tool calls of one message have one id."""
    for reply in shuffled(corpus.replies, dice):
        opening = [one for one in calls(reply) if "id" in one[3]]
        if len(opening) > 1:
            (event, choice, position, call), other = dice.sample(opening, 2)
            if choice == other[1]:
                yield _tool_change(reply, (event, choice, position, call), "id", other[3]["id"])


def tool_id_changes(corpus: Corpus, dice: random.Random) -> Iterator[Change]:
    """A tool call that goes on gives another id than the one it opened with."""
    for reply in shuffled(corpus.streams, dice):
        going = [one for one in calls(reply) if "id" not in one[3]]
        if going:
            yield _tool_change(reply, dice.choice(going), "id", "call_000000000000000000000000")


def tool_index(corpus: Corpus, dice: random.Random) -> Iterator[Change]:
    """One piece of a tool call has another index than its call."""
    for reply in shuffled(corpus.streams, dice):
        pieces = calls(reply)
        if pieces:
            one = dice.choice(pieces)
            known = {call["index"] for *_, call in pieces}
            after = dice.choice([*(known - {one[3]["index"]}), len(known), len(known) + 3, -1])
            change = _tool_change(reply, one, "index", after)
            if not corpus.genuine(change.exchange):
                yield change


def arguments_broken(corpus: Corpus, dice: random.Random) -> Iterator[Change]:
    """The arguments of a tool call are no JSON."""

    def broken(text: str) -> str:
        place = dice.randrange(len(text))
        return text[:place] + dice.choice(["", "{", "}", '"', ","]) + text[place + 1 :]

    yield from _with_arguments(corpus, dice, broken)


def arguments_retyped(corpus: Corpus, dice: random.Random) -> Iterator[Change]:
    """The arguments of a tool call are JSON, but no object."""

    def retyped(text: str) -> str:
        return dice.choice([f"[{text}]", json.dumps(text), "null", "7"])

    yield from _with_arguments(corpus, dice, retyped)


def _with_arguments(corpus: Corpus, dice: random.Random, edit: Callable[[str], str]) -> Iterator[Change]:
    """Replies in which one call's arguments, put together, became something else than an object."""
    for reply in shuffled(corpus.replies, dice):
        pieces = [one for one in calls(reply) if isinstance(_function(one).get("arguments"), str)]
        if not pieces:
            continue
        _, choice, position, chosen = dice.choice(pieces)
        key = chosen["index"] if reply.is_stream else position
        own = [
            one
            for one in pieces
            if one[1] == choice and (one[3]["index"] if reply.is_stream else one[2]) == key
        ]
        text = "".join(one[3]["function"]["arguments"] for one in own)
        if not _is_object(text):
            continue
        after = edit(text)
        if _is_object(after):
            continue
        changed: dict[int, Any] = {}
        rest = after
        for number, (event, entry, place, call) in enumerate(own):
            size = len(call["function"]["arguments"])
            piece, rest = (rest, "") if number == len(own) - 1 else (rest[:size], rest[size:])
            document = changed.setdefault(event, copy.deepcopy(reply.documents[event]))
            _call(document, entry, place)["function"]["arguments"] = piece
        exchange = reply.with_documents(changed) if reply.is_stream else reply.with_document(0, changed[0])
        where = f"events {min(changed)} to {max(changed)}" if reply.is_stream else f"tool_calls[{position}]"
        yield Change(reply, f"{where}, arguments", exchange, brief(text), brief(after))


def _function(one: Call) -> dict[str, Any]:
    found = one[3].get("function")
    return found if isinstance(found, dict) else {}


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def calls(reply: Reply) -> list[Call]:
    """Every tool call of a dict, or every piece of one in a stream that says which call it belongs to."""
    name = "delta" if reply.is_stream else "message"
    return [
        (event, position, place, call)
        for event, document in enumerate(reply.documents)
        for position, entry in enumerate(listed(document, "choices"))
        for place, call in enumerate(listed(entry.get(name), "tool_calls"))
        if "index" in call or not reply.is_stream
    ]


def _call(document: Any, choice: int, position: int) -> dict[str, Any]:
    entry = document["choices"][choice]
    found: dict[str, Any] = (entry.get("delta") or entry.get("message"))["tool_calls"][position]
    return found


def _tool_change(reply: Reply, one: Call, member: str, after: Any) -> Change:
    event, choice, position, call = one
    document = copy.deepcopy(reply.documents[event])
    _call(document, choice, position)[member] = after
    where = f"choices[{choice}]….tool_calls[{position}].{member}"
    return _change(reply, event, where, document, call.get(member), after)


def _change(reply: Reply, index: int, where: str, document: Any, before: Any, after: Any) -> Change:
    place = f"event {index}, {where}" if reply.is_stream else where
    return Change(reply, place, reply.with_document(index, document), brief(before), brief(after))


DISAGREE_OPERATORS: dict[str, Callable[[Corpus, random.Random], Iterator[Change]]] = {
    "id-differs": member_of_chunk("id", lambda _: "chatcmpl-another0000000000000000000"),
    "created-differs": member_of_chunk("created", lambda value: value + 60),
    "choice-index": choice_index,
    "choice-index-twice": choice_index_twice,
    "model-id": model_id,
    "tool-id-twice": tool_id_twice,
    "tool-id-changes": tool_id_changes,
    "tool-index": tool_index,
    "arguments-broken": arguments_broken,
    "arguments-retyped": arguments_retyped,
}
