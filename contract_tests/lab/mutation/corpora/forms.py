"""What genuine replies look like: which members a form always has, and with which types.

A form is a folded path in a kind of document. Where the same path plays several roles, the role is
part of the form: the first entry of a choice, the finishing one, the usage chunk, a tool call that
opens or goes on, and for the parts of a message what else the message carries. A role seen in few
recordings borrows what is known of its path as a whole.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from contract_tests.lab.mutation.json_paths import Path, array_at, fold, kind_of, walk
from contract_tests.lab.mutation.reply import Reply

Context = tuple[Any, ...]
Slot = tuple[str, str, str, Context]
"""(form, folded path of the object, member, role)."""

ENOUGH = 20
"""A role that this many recordings show speaks for itself."""

CARRIERS = ("content", "tool_calls", "function_call", "audio", "refusal")
"""Members of a message or delta that carry the answer: one of them stands in for another."""


@dataclass(frozen=True)
class Item:
    """One JSON object of a document with its path and the role it plays."""

    path: Path
    value: dict[str, Any]
    role: Context = ()

    def context(self, member: str) -> Context:
        """The role of this object as far as `member` goes: what else carries the answer beside it."""
        name = self.path[-1] if self.path else ""
        if name == "delta" or (name == "message" and member in CARRIERS):
            beside = (other for other in CARRIERS if other != member and self.value.get(other) is not None)
            return (*self.role, *beside)
        return () if name == "message" else self.role


def items(reply: Reply) -> Iterator[tuple[int, Item]]:
    """Every JSON object of the reply with the index of its document."""
    opened: set[tuple[Any, Any]] = set()
    begun: set[Any] = set()
    for index, document in enumerate(reply.documents):
        for path, value in walk(document):
            if isinstance(value, dict):
                yield index, Item(path, value, _role(reply, document, path, begun, opened))
        _remember(document, begun, opened)


def _role(reply: Reply, document: Any, path: Path, begun: set[Any], opened: set[tuple[Any, Any]]) -> Context:
    if reply.form == "chat":
        if path[:1] == ("choices",) and len(path) == 3 and path[2] == "message":
            return (_get(document, *path[:2], "finish_reason"),)
        return ()
    if not reply.is_stream or (path and path[0] != "choices"):
        return ()
    entries = [entry for entry in array_at(document, "choices") if isinstance(entry, dict)]
    if not path:
        if not entries:
            return ("usage",) if isinstance(document.get("usage"), dict) else ("aside",)
        roles = {_entry_role(entry, begun) for entry in entries}
        return tuple(sorted(roles))
    entry = _get(document, *path[:2])
    if not isinstance(entry, dict):
        return ()
    if len(path) == 2 or path[2:] == ("delta",):
        return (_entry_role(entry, begun),)
    if path[2:4] == ("delta", "tool_calls"):
        call = _get(document, *path[:5])
        key = (_key(entry.get("index")), _key(call.get("index"))) if isinstance(call, dict) else None
        return ("goes on" if key in opened else "opens",)
    return ()


def _entry_role(entry: dict[str, Any], begun: set[Any]) -> str:
    first = "" if _key(entry.get("index")) in begun else "first"
    last = "finishing" if entry.get("finish_reason") is not None else ""
    return " ".join(part for part in (first, last) if part) or "middle"


def _remember(document: Any, begun: set[Any], opened: set[tuple[Any, Any]]) -> None:
    for entry in array_at(document, "choices"):
        if isinstance(entry, dict):
            begun.add(_key(entry.get("index")))
            for call in array_at(entry.get("delta"), "tool_calls"):
                if isinstance(call, dict):
                    opened.add((_key(entry.get("index")), _key(call.get("index"))))


def _key(value: Any) -> Any:
    return value if isinstance(value, (int, str)) else repr(value)


def _get(value: Any, *path: Any) -> Any:
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        else:
            value = value[step] if isinstance(value, list) and isinstance(step, int) else None
    return value


def shape(value: dict[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset((name, kind_of(inner)) for name, inner in value.items())


@dataclass
class Forms:
    """The forms of many genuine replies.

    `recordings`, `absent` and `null` are about members, by slot and, without the role, by path as a whole.
    """

    recordings: dict[tuple[Any, ...], set[int]] = field(default_factory=lambda: defaultdict(set))
    absent: set[tuple[Any, ...]] = field(default_factory=set)
    null: set[tuple[Any, ...]] = field(default_factory=set)
    kinds: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    shapes: set[tuple[Any, ...]] = field(default_factory=set)
    witnesses: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many recordings show a path."""

    def learn(self, replies: Iterable[Reply]) -> None:
        """Take in all replies: first which members there are, then what each object does without."""
        members: dict[tuple[str, str], set[str]] = defaultdict(set)
        seen: list[tuple[int, tuple[str, str], Item]] = []
        for number, reply in enumerate(replies):
            shown: set[tuple[str, str]] = set()
            for document in reply.documents:
                for path, value in walk(document) if document is not None else ():
                    shown.add(place := (reply.form, fold(path)))
                    self.kinds[place].add(kind_of(value))
            self.witnesses.update(shown)
            for _, item in items(reply):
                place = (reply.form, fold(item.path))
                members[place].update(item.value)
                self.shapes.add((*place, item.role, shape(item.value)))
                seen.append((number, place, item))
        for number, place, item in seen:
            for member in members[place]:
                for slot in ((*place, member, item.context(member)), (*place, member)):
                    self.recordings[slot].add(number)
                    if member not in item.value:
                        self.absent.add(slot)
                    elif item.value[member] is None:
                        self.null.add(slot)

    def always(self, slot: Slot) -> bool:
        """Whether no genuine object in this role lacks the member."""
        return self._known(slot) not in self.absent

    def never_null(self, slot: Slot) -> bool:
        """Whether no genuine object in this role has null there."""
        return self._known(slot) not in self.null

    def _known(self, slot: Slot) -> tuple[Any, ...]:
        return slot if len(self.recordings[slot]) >= ENOUGH else slot[:3]

    def knows(self, reply: Reply) -> bool:
        """Whether every object of the reply has a shape that some genuine object in its role has."""
        return all(
            (reply.form, fold(item.path), item.role, shape(item.value)) in self.shapes for _, item in items(reply)
        )
