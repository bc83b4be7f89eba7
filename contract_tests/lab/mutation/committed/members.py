"""Operators on JSON: every path of every document, dropped, retyped, null, renamed, twice, out of order."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from functools import partial
from typing import Any

from contract_tests.lab.mutation.committed.mutant import Mutant, Source
from contract_tests.lab.mutation.genuine.forms import walk
from contract_tests.lab.mutation.genuine.members import brief, converted
from contract_tests.lab.mutation.genuine.reading import DATA, KINDS, Path, encode, fold, kind_of, spell
from fake_server.wire.exchange import Exchange

_AGAIN = "the same name again"


def of_members(source: Source, seed: int) -> Iterator[Mutant]:
    """Every path of every document of a reply under every operator that changes it."""
    reply = source.reply
    if reply is None:
        return
    for index, document in enumerate(reply.documents):
        if document is None:
            continue
        for path, value in walk(document):
            for operator, after in operators(path, value):
                place = f"event {index}, {spell(path)}" if reply.blocks else spell(path)
                yield Mutant(
                    source.section_at(path),
                    operator,
                    f"{source.section}:{fold(path)}",
                    place,
                    source.exchange,
                    partial(_built, source, index, path, operator, seed),
                    brief(value),
                    after,
                )


def operators(path: Path, value: Any) -> Iterator[tuple[str, str]]:
    """The operators that change something at this path, each with what stands there afterwards."""
    kind = kind_of(value)
    for other in KINDS:
        # A JSON number is one type: a whole number is as good a fraction.
        if other not in (kind, "null") and not (kind == "fraction" and other == "integer"):
            yield f"retype-{other}", other
    if value is not None:
        yield "null", "null"
    if path and isinstance(path[-1], str):
        yield "drop", "(absent)"
        yield "rename", "another name"
        yield "duplicate-member", "twice"
    elif path:
        yield "drop-item", "(absent)"
        yield "duplicate-item", "twice"
    if isinstance(value, list) and any(one != value[0] for one in value[1:]):
        yield "reorder", "another order"


def _built(source: Source, index: int, path: Path, operator: str, seed: int) -> Exchange:
    reply = source.reply
    assert reply is not None
    dice = random.Random(f"{seed}:{source.exchange.label}:{index}:{path}:{operator}")
    text = encode(changed(reply.documents[index], path, operator, dice))
    if operator == "duplicate-member":
        text = text.replace(encode(_AGAIN), encode(path[-1]), 1)
    if not reply.blocks:
        return source.exchange.with_payload(text)
    blocks = list(reply.blocks)
    blocks[index] = DATA + text
    return reply.with_blocks(blocks)


def changed(document: Any, path: Path, operator: str, dice: random.Random) -> Any:
    """A copy of the document with one operator applied at one path."""
    holder = {"": copy.deepcopy(document)}
    parent: Any = holder
    for step in ("", *path)[:-1]:
        parent = parent[step]
    key: Any = ("", *path)[-1]
    value = parent[key]
    name, _, kind = operator.partition("-")
    if name == "retype":
        parent[key] = converted(value, kind)
    elif operator == "null":
        parent[key] = None
    elif name == "drop":
        del parent[key]
    elif operator == "duplicate-item":
        parent.insert(key, copy.deepcopy(value))
    elif operator == "reorder":
        parent[key] = _other_order(value, dice)
    else:
        members = list(parent.items())
        parent.clear()
        for member, inner in members:
            if operator == "rename" and member == key:
                parent[_other_name(key, dice)] = inner
            else:
                parent[member] = inner
            if operator == "duplicate-member" and member == key:
                parent[_AGAIN] = inner
    return holder[""]


def _other_order(value: list[Any], dice: random.Random) -> list[Any]:
    mixed = list(value)
    while mixed == value:
        dice.shuffle(mixed)
    return mixed


def _other_name(name: str, dice: random.Random) -> str:
    head, *tail = name.split("_")
    camel = head + "".join(part.title() for part in tail)
    return dice.choice([f"{name}_", name.upper(), camel if tail else f"x{name}"])
