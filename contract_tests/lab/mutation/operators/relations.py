"""Operators that make parts of one reply disagree: ids, indexes, created, and tool arguments.

Each takes a reply and dice, and returns a Change, or None where the reply has nothing to change.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any, NamedTuple

from contract_tests.lab.mutation.json_paths import abbreviate, array_at
from contract_tests.lab.mutation.operators.kind import Change, Operator
from contract_tests.lab.mutation.operators.pieces import spread
from contract_tests.lab.mutation.reply import Reply


class Call(NamedTuple):
    """One tool call of a dict, or one piece of a call in a stream, and where it stands."""

    event: int
    choice: int
    position: int
    value: dict[str, Any]

    @property
    def number(self) -> Any:
        """Its number among the calls of its choice."""
        return self.value.get("index", self.position)

    @property
    def arguments(self) -> Any:
        function = self.value.get("function")
        return function.get("arguments") if isinstance(function, dict) else None


def _member_of_chunk(name: str, other: Callable[[Any], Any]) -> Operator:
    """One chunk of a stream has another value of a member that all its chunks share."""

    def operator(reply: Reply, dice: random.Random) -> Change | None:
        chunks = [index for index, document in enumerate(reply.documents) if document and name in document]
        values = {repr(reply.documents[index][name]) for index in chunks}
        if not reply.is_stream or len(chunks) < 2 or len(values) > 1:
            return None
        index = dice.choice(chunks)
        document = copy.deepcopy(reply.documents[index])
        before, document[name] = document[name], other(document[name])
        return _change(reply, index, name, document, before, document[name])

    return operator


def choice_index(reply: Reply, dice: random.Random) -> Change | None:
    """One choice has an index that no choice of the reply should have."""
    events = [index for index, document in enumerate(reply.documents) if array_at(document, "choices")]
    if not events:
        return None
    count = len({repr(entry.get("index")) for event in events for entry in reply.documents[event]["choices"]})
    index = dice.choice(events)
    document = copy.deepcopy(reply.documents[index])
    position = dice.randrange(len(document["choices"]))
    entry = document["choices"][position]
    before, entry["index"] = entry.get("index"), dice.choice([count, count + 2, -1])
    return _change(reply, index, f"choices[{position}].index", document, before, entry["index"])


def choice_index_twice(reply: Reply, dice: random.Random) -> Change | None:
    """Two choices of a dict have one index."""
    if reply.form != "chat":
        return None
    document = copy.deepcopy(reply.documents[0])
    choices = array_at(document, "choices")
    if len(choices) < 2:
        return None
    first, second = dice.sample(range(len(choices)), 2)
    before, choices[first]["index"] = choices[first].get("index"), choices[second].get("index")
    return _change(reply, 0, f"choices[{first}].index", document, before, choices[first]["index"])


def model_id(reply: Reply, dice: random.Random) -> Change | None:
    """A model has another id than the one asked for."""
    if reply.form != "model":
        return None
    document = copy.deepcopy(reply.documents[0])
    before = document.get("id")
    if not reply.exchange.request.path.endswith(f"/{before}"):
        return None
    document["id"] = "another-model"
    return _change(reply, 0, "id", document, before, document["id"])


def tool_id_twice(reply: Reply, dice: random.Random) -> Change | None:
    """Two tool calls of one message have one id."""
    opening = [call for call in calls(reply) if "id" in call.value]
    if len(opening) < 2:
        return None
    call, other = dice.sample(opening, 2)
    return _call_change(reply, call, "id", other.value["id"]) if call.choice == other.choice else None


def tool_id_changes(reply: Reply, dice: random.Random) -> Change | None:
    """A tool call that goes on gives another id than the one it opened with."""
    going_on = [call for call in calls(reply) if "id" not in call.value] if reply.is_stream else []
    return _call_change(reply, dice.choice(going_on), "id", "call_" + "0" * 24) if going_on else None


def tool_index(reply: Reply, dice: random.Random) -> Change | None:
    """One piece of a tool call has another index than its call."""
    pieces = calls(reply) if reply.is_stream else []
    if not pieces:
        return None
    call = dice.choice(pieces)
    known = {piece.value["index"] for piece in pieces}
    after = dice.choice([*(known - {call.value["index"]}), len(known), len(known) + 3, -1])
    return _call_change(reply, call, "index", after)


def arguments_broken(reply: Reply, dice: random.Random) -> Change | None:
    """The arguments of a tool call are not JSON."""

    def edit(text: str) -> str:
        place = dice.randrange(len(text))
        return text[:place] + dice.choice(["", "{", "}", '"', ","]) + text[place + 1 :]

    return _with_arguments(reply, dice, edit)


def arguments_retyped(reply: Reply, dice: random.Random) -> Change | None:
    """The arguments of a tool call are JSON, but not an object."""
    return _with_arguments(reply, dice, lambda text: dice.choice([f"[{text}]", json.dumps(text), "null", "7"]))


def _with_arguments(reply: Reply, dice: random.Random, edit: Callable[[str], str]) -> Change | None:
    """A reply in which the arguments of one call, put together, became something else than an object."""
    pieces = [call for call in calls(reply) if isinstance(call.arguments, str)]
    if not pieces:
        return None
    chosen = dice.choice(pieces)
    own = [call for call in pieces if (call.choice, call.number) == (chosen.choice, chosen.number)]
    text = "".join(call.arguments for call in own)
    if not _is_object(text) or _is_object(after := edit(text)):
        return None
    changed: dict[int, Any] = {}
    for call, piece in zip(own, spread(after, [call.arguments for call in own]), strict=True):
        document = changed.setdefault(call.event, copy.deepcopy(reply.documents[call.event]))
        _call_in(document, call)["function"]["arguments"] = piece
    where = f"events {min(changed)} to {max(changed)}" if reply.is_stream else f"tool_calls[{chosen.position}]"
    return Change(f"{where}, arguments", reply.with_documents(changed), abbreviate(text), abbreviate(after))


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def calls(reply: Reply) -> list[Call]:
    """Every tool call of a dict, or every piece of one in a stream that says which call it belongs to."""
    name = "delta" if reply.is_stream else "message"
    return [
        Call(event, choice, position, call)
        for event, document in enumerate(reply.documents)
        for choice, entry in enumerate(array_at(document, "choices"))
        for position, call in enumerate(array_at(entry.get(name), "tool_calls"))
        if "index" in call or not reply.is_stream
    ]


def _call_in(document: Any, call: Call) -> dict[str, Any]:
    entry = document["choices"][call.choice]
    value: dict[str, Any] = (entry.get("delta") or entry.get("message"))["tool_calls"][call.position]
    return value


def _call_change(reply: Reply, call: Call, member: str, after: Any) -> Change:
    document = copy.deepcopy(reply.documents[call.event])
    _call_in(document, call)[member] = after
    where = f"choices[{call.choice}]….tool_calls[{call.position}].{member}"
    return _change(reply, call.event, where, document, call.value.get(member), after)


def _change(reply: Reply, index: int, where: str, document: Any, before: Any, after: Any) -> Change:
    changed = reply.with_documents({index: document})
    return Change(reply.place(index, where), changed, abbreviate(before), abbreviate(after))


RELATIONS: dict[str, Operator] = {
    "id-differs": _member_of_chunk("id", lambda _: "chatcmpl-another0000000000000000000"),
    "created-differs": _member_of_chunk("created", lambda value: value + 60),
    "choice-index": choice_index,
    "choice-index-twice": choice_index_twice,
    "model-id": model_id,
    "tool-id-twice": tool_id_twice,
    "tool-id-changes": tool_id_changes,
    "tool-index": tool_index,
    "arguments-broken": arguments_broken,
    "arguments-retyped": arguments_retyped,
}
