"""Operators on one member: another JSON type, left out, null, under another name, a word nobody sends."""

from __future__ import annotations

import copy
import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from contract_tests.lab.mutation.genuine.corpus import Change, Corpus, shuffled
from contract_tests.lab.mutation.genuine.forms import Context, items, walk
from contract_tests.lab.mutation.genuine.reading import KINDS, Path, Reply, encode, fold, spell
from fake_server.wire.text import shorten

Occurrence = tuple[Reply, int, Path]
Stratum = tuple[str, str, Context]
"""(form, folded path, role): defects are drawn evenly over these, so that rare places are not lost."""

_KEPT = 60


@dataclass(frozen=True)
class Absent:
    """What an edit answers to take a member out, and the name under which its value goes on."""

    instead: str = ""

    def __str__(self) -> str:
        return f"now called {self.instead}" if self.instead else "(absent)"


class Places:
    """Where each member stands in the corpus: a sample of occurrences per form, path and role."""

    def __init__(self, corpus: Corpus, dice: random.Random) -> None:
        self.values: dict[Stratum, list[Occurrence]] = defaultdict(list)
        self.members: dict[Stratum, list[Occurrence]] = defaultdict(list)
        self._counts: dict[int, int] = defaultdict(int)
        self._dice = dice
        for reply in corpus.replies:
            for index, document in enumerate(reply.documents):
                for path, _ in walk(document) if document is not None else ():
                    self._keep(self.values[reply.form, fold(path), ()], (reply, index, path))
            for index, item in items(reply):
                for member in item.value:
                    path = (*item.path, member)
                    stratum = (reply.form, fold(path), item.context(member))
                    self._keep(self.members[stratum], (reply, index, path))

    def _keep(self, sample: list[Occurrence], one: Occurrence) -> None:
        """Keep every occurrence with equal chance (reservoir sampling, Vitter's algorithm R)."""
        count = self._counts[id(sample)] = self._counts[id(sample)] + 1
        if len(sample) < _KEPT:
            sample.append(one)
        elif (place := self._dice.randrange(count)) < _KEPT:
            sample[place] = one


def changes(
    corpus: Corpus,
    places: dict[Stratum, list[Occurrence]],
    dice: random.Random,
    allowed: Callable[[Stratum], bool],
    edit: Callable[[Path, Any], Any],
) -> Iterator[Change]:
    """Changes drawn evenly over the allowed strata, for as long as there are any.

    `edit(path, value)` answers the new value, `Absent` to take the member out, or the value itself
    where nothing can be changed. Members that nobody knows are free: a member under another name is
    a defect only where its absence is one.
    """
    left = {
        stratum: shuffled(places[stratum], dice) for stratum in sorted(places, key=repr) if allowed(stratum)
    }
    while left:
        for stratum in shuffled(left, dice):
            change = None
            while left[stratum] and change is None:
                change = _changed(corpus, left[stratum].pop(), edit)
            if change is not None:
                yield change
            else:
                del left[stratum]


def _changed(corpus: Corpus, one: Occurrence, edit: Callable[[Path, Any], Any]) -> Change | None:
    reply, index, path = one
    holder = {"": copy.deepcopy(reply.documents[index])}
    parent: Any = holder
    for step in ("", *path)[:-1]:
        parent = parent[step]
    key = ("", *path)[-1]
    value = parent[key]
    new = edit(path, value)
    if new is value:
        return None
    if isinstance(new, Absent):
        members = list(parent.items())
        del parent[key]
    else:
        parent[key] = new
    if corpus.genuine(reply.with_document(index, holder[""])):
        return None
    if isinstance(new, Absent) and new.instead:
        parent.clear()
        parent.update((new.instead if name == key else name, inner) for name, inner in members)
    return Change(
        reply,
        f"event {index}, {spell(path)}" if reply.is_stream else spell(path),
        reply.with_document(index, holder[""]),
        brief(value),
        str(new) if isinstance(new, Absent) else brief(new),
        f"{reply.form}:{fold(path)}",
        witnesses=corpus.forms.witnesses[reply.form, fold(path)],
    )


def brief(value: Any) -> str:
    return shorten(encode(value).decode("utf-8", "replace"), 60)


def retype(kind: str, corpus: Corpus, places: Places, dice: random.Random) -> Iterator[Change]:
    """Values of a type that no genuine value at that path has."""

    def allowed(stratum: Stratum) -> bool:
        known = corpus.forms.kinds[stratum[0], stratum[1]]
        return kind not in known and not (kind == "integer" and "fraction" in known)

    def edit(path: Path, value: Any) -> Any:
        return converted(value, kind)

    return changes(corpus, places.values, dice, allowed, edit)


def converted(value: Any, kind: str) -> Any:
    """The value as another JSON type, as near to itself as that type allows."""
    match kind:
        case "boolean":
            return True
        case "integer":
            return value if isinstance(value, int) and not isinstance(value, bool) else len(str(value))
        case "fraction":
            return value + 0.5 if isinstance(value, (int, float)) else 1.5
        case "string":
            return encode(value).decode("utf-8", "replace")
        case "array":
            return [value]
    try:
        parsed = json.loads(value)
    except (TypeError, ValueError):
        parsed = None
    return parsed if isinstance(parsed, dict) else {"value": value}


def drop(corpus: Corpus, places: Places, dice: random.Random) -> Iterator[Change]:
    """Members that no genuine object in that role lacks are taken out."""

    def edit(path: Path, value: Any) -> Any:
        return Absent()

    return changes(corpus, places.members, dice, partial(_always, corpus), edit)


def rename(corpus: Corpus, places: Places, dice: random.Random) -> Iterator[Change]:
    """Members that no genuine object in that role lacks go under another name."""

    def edit(path: Path, value: Any) -> Any:
        name = str(path[-1])
        head, *tail = name.split("_")
        camel = head + "".join(part.title() for part in tail)
        return Absent(dice.choice([f"{name}_", name.upper(), camel if tail else f"x{name}"]))

    return changes(corpus, places.members, dice, partial(_always, corpus), edit)


def null(corpus: Corpus, places: Places, dice: random.Random) -> Iterator[Change]:
    """Values that are never null in that role become null."""

    def allowed(stratum: Stratum) -> bool:
        form, place, context = stratum
        parent, _, member = place.rpartition(".")
        return corpus.forms.never_null((form, parent, member, context))

    def edit(path: Path, value: Any) -> Any:
        return None

    return changes(corpus, places.members, dice, allowed, edit)


def null_item(corpus: Corpus, places: Places, dice: random.Random) -> Iterator[Change]:
    """Items of arrays, and whole documents, become null."""

    def allowed(stratum: Stratum) -> bool:
        form, place, _ = stratum
        return (place == "" or place.endswith("[]")) and "null" not in corpus.forms.kinds[form, place]

    def edit(path: Path, value: Any) -> Any:
        return None

    return changes(corpus, places.values, dice, allowed, edit)


def leave_enumeration(corpus: Corpus, places: Places, dice: random.Random) -> Iterator[Change]:
    """Values of a small closed set become a word that no genuine recording has there."""

    def allowed(stratum: Stratum) -> bool:
        return corpus.forms.enumerated(stratum[0], stratum[1])

    def edit(path: Path, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return dice.choice(["made_up", value.upper(), f"{value}s", ""])

    return changes(corpus, places.values, dice, allowed, edit)


def _always(corpus: Corpus, stratum: Stratum) -> bool:
    form, place, context = stratum
    parent, _, member = place.rpartition(".")
    return corpus.forms.always((form, parent, member, context))


MEMBER_OPERATORS: dict[str, Callable[[Corpus, Places, random.Random], Iterator[Change]]] = {
    **{f"retype-{kind}": partial(retype, kind) for kind in KINDS if kind != "null"},
    "drop": drop,
    "rename": rename,
    "null": null,
    "null-item": null_item,
    "leave-enumeration": leave_enumeration,
}
