"""What genuine replies look like: which members a form always has, with which types, in which order.

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

from contract_tests.lab.mutation.genuine.reading import Path, Reply, fold, kind_of

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
            beside = (one for one in CARRIERS if one != member and self.value.get(one) is not None)
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


def walk(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value below and including this one, outer ones first."""
    yield path, value
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in below:
        yield from walk(inner, (*path, step))


def _role(reply: Reply, document: Any, path: Path, begun: set[Any], opened: set[tuple[Any, Any]]) -> Context:
    if reply.form == "chat":
        if path[:1] == ("choices",) and len(path) == 3 and path[2] == "message":
            return (_get(document, *path[:2], "finish_reason"),)
        return ()
    if not reply.is_stream or (path and path[0] != "choices"):
        return ()
    entries = [one for one in listed(document, "choices") if isinstance(one, dict)]
    if not path:
        if not entries:
            return ("usage",) if isinstance(document.get("usage"), dict) else ("aside",)
        roles = {_entry_role(one, begun) for one in entries}
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
    for entry in listed(document, "choices"):
        if isinstance(entry, dict):
            begun.add(_key(entry.get("index")))
            for call in listed(entry.get("delta"), "tool_calls"):
                if isinstance(call, dict):
                    opened.add((_key(entry.get("index")), _key(call.get("index"))))


def _key(value: Any) -> Any:
    return value if isinstance(value, (int, str)) else repr(value)


def listed(value: Any, name: str) -> list[Any]:
    """The array that is this member of an object, else an empty one."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


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
class Evidence:
    """What recordings show of one member in one role."""

    recordings: int = 0
    last: int = -1
    absent: bool = False
    null: bool = False

    def add(self, recording: int, item: dict[str, Any], member: str) -> None:
        self.recordings += recording != self.last
        self.last = recording
        if member not in item:
            self.absent = True
        elif item[member] is None:
            self.null = True


@dataclass
class Forms:
    """The forms of many genuine replies."""

    evidence: dict[Slot, Evidence] = field(default_factory=lambda: defaultdict(Evidence))
    whole: dict[tuple[str, str, str], Evidence] = field(default_factory=lambda: defaultdict(Evidence))
    kinds: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    shapes: set[tuple[Any, ...]] = field(default_factory=set)
    words: dict[tuple[str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    witnesses: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many recordings show a path."""

    def learn(self, replies: Iterable[Reply]) -> None:
        """Take in all replies: first which members there are, then what each object does without."""
        members: dict[tuple[str, str], set[str]] = defaultdict(set)
        seen: list[tuple[int, str, str, Item]] = []
        for number, reply in enumerate(replies):
            shown: set[tuple[str, str]] = set()
            for document in reply.documents:
                for path, value in walk(document) if document is not None else ():
                    shown.add((reply.form, fold(path)))
                    self._value(reply.form, fold(path), value)
            self.witnesses.update(shown)
            for _, item in items(reply):
                place = fold(item.path)
                members[reply.form, place].update(item.value)
                self.shapes.add((reply.form, place, item.role, shape(item.value)))
                seen.append((number, reply.form, place, item))
        for number, form, place, item in seen:
            for member in members[form, place]:
                slot = (form, place, member, item.context(member))
                self.evidence[slot].add(number, item.value, member)
                self.whole[slot[:3]].add(number, item.value, member)

    def _value(self, form: str, place: str, value: Any) -> None:
        self.kinds[form, place].add(kind_of(value))
        if isinstance(value, str):
            words = self.words[form, place]
            if len(words) <= _MANY:
                words[value] += 1

    def always(self, slot: Slot) -> bool:
        """Whether no genuine object in this role lacks the member."""
        return not self._about(slot).absent

    def never_null(self, slot: Slot) -> bool:
        return not self._about(slot).null

    def _about(self, slot: Slot) -> Evidence:
        own = self.evidence[slot]
        return own if own.recordings >= ENOUGH else self.whole[slot[:3]]

    def enumerated(self, form: str, place: str) -> bool:
        """Whether genuine values are few short words, seen often; several words need several witnesses."""
        words = self.words.get((form, place))
        if not words or len(words) > _MANY or sum(words.values()) < _OFTEN:
            return False
        if any(len(word) > _SHORT or " " in word or not word for word in words):
            return False
        return len(words) == 1 or self.witnesses[form, place] >= _OFTEN

    def knows(self, reply: Reply) -> bool:
        """Whether every object of the reply has a shape that some genuine object in its role has."""
        return all(
            (reply.form, fold(item.path), item.role, shape(item.value)) in self.shapes
            for _, item in items(reply)
        )


_MANY, _OFTEN, _SHORT = 8, 50, 32
