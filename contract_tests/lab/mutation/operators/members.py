"""Operators on JSON: a value at any path dropped, retyped, made null, renamed, repeated or reordered."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from contract_tests.lab.mutation.json_paths import (
    KINDS,
    Path,
    abbreviate,
    encode,
    fold,
    format_path,
    kind_of,
    walk,
)
from contract_tests.lab.mutation.mutant import Mutant
from contract_tests.lab.mutation.operators.kind import Kind, Site
from contract_tests.lab.mutation.reply import Reply
from fake_server.wire.exchange import Aspect, Exchange

ENUMERATED = frozenset(
    (
        "chat:object",
        "chat:service_tier",
        "chat:choices[].finish_reason",
        "chat:choices[].message.role",
        "chat:choices[].message.tool_calls[].type",
        "chat.stream:object",
        "chat.stream:service_tier",
        "chat.stream:choices[].finish_reason",
        "chat.stream:choices[].delta.role",
        "chat.stream:choices[].delta.tool_calls[].type",
        "completions.stream:object",
        "embeddings:object",
        "embeddings:data[].object",
        "models:data[].object",
    )
)
"""Places of strings from a closed set: the reference lists them, and genuine replies have few words there."""

_AGAIN = "the same name again"


def _sites(reply: Reply) -> Iterator[Site]:
    for index, document in enumerate(reply.documents):
        if document is not None:
            for path, value in walk(document):
                yield Site(fold(path), index, path, value)


def _mutants(reply: Reply, site: Site, seed: int, only: str = "") -> Iterator[Mutant]:
    shape, before = f"{reply.section}:{site.shape}", abbreviate(site.value)
    for operator, after in applicable(site.path, site.value, shape in ENUMERATED):
        if only in ("", operator):
            yield Mutant(
                reply.section_at(site.path),
                operator,
                shape,
                reply.place(site.event, format_path(site.path)),
                _known(reply) if operator == "duplicate-member" else reply.exchange,
                partial(_build, reply, site, operator, seed),
                before,
                after,
            )


def applicable(path: Path, value: Any, enumerated: bool = False) -> Iterator[tuple[str, str]]:
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
    if isinstance(value, list) and any(item != value[0] for item in value[1:]):
        yield "reorder", "another order"
    if enumerated and isinstance(value, str):
        yield "leave-enumeration", "another word"


def _build(reply: Reply, site: Site, operator: str, seed: int) -> Exchange:
    dice = random.Random(f"{seed}:{reply.exchange.label}:{site.event}:{site.path}:{operator}")
    text = encode(change(reply.documents[site.event], site.path, operator, dice))
    if operator != "duplicate-member":
        return reply.with_text(site.event, text)
    text = text.replace(encode(_AGAIN), encode(site.path[-1]), 1)
    return replace(reply, exchange=_known(reply)).with_text(site.event, text)


def _known(reply: Reply) -> Exchange:
    """The exchange with its body's bytes known: only they show that a member stands there twice."""
    return reply.exchange.but(unknown=reply.exchange.unknown - {Aspect.BODY_BYTES})


def change(document: Any, path: Path, operator: str, dice: random.Random) -> Any:
    """A copy of the document with one operator applied at one path.

    A member that ought to stand there twice, which no dict can hold, stands there as `_AGAIN`.
    """
    holder = {"": copy.deepcopy(document)}
    parent: Any = holder
    for step in ("", *path)[:-1]:
        parent = parent[step]
    key: Any = ("", *path)[-1]
    value = parent[key]
    match operator:
        case "null":
            parent[key] = None
        case "drop" | "drop-item":
            del parent[key]
        case "rename":
            _replace_member(parent, key, {_other_name(key, dice): value})
        case "duplicate-member":
            _replace_member(parent, key, {key: value, _AGAIN: value})
        case "duplicate-item":
            parent.insert(key, copy.deepcopy(value))
        case "reorder":
            parent[key] = _other_order(value, dice)
        case "leave-enumeration":
            words = ("made_up", value.upper(), f"{value}s", "")
            parent[key] = dice.choice([word for word in words if word != value])
        case _:
            parent[key] = convert(value, operator.removeprefix("retype-"))
    return holder[""]


def _replace_member(parent: dict[str, Any], key: str, members: dict[str, Any]) -> None:
    """Put these members in the place of one; the others keep their order."""
    before = list(parent.items())
    parent.clear()
    for name, value in before:
        parent.update(members if name == key else {name: value})


def convert(value: Any, kind: str) -> Any:
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


def _other_order(value: list[Any], dice: random.Random) -> list[Any]:
    mixed = list(value)
    while mixed == value:
        dice.shuffle(mixed)
    return mixed


def _other_name(name: str, dice: random.Random) -> str:
    head, *tail = name.split("_")
    camel = head + "".join(part.title() for part in tail)
    return dice.choice([f"{name}_", name.upper(), camel if tail else f"x{name}"])


MEMBERS = Kind(
    "members",
    (
        *(f"retype-{kind}" for kind in KINDS if kind != "null"),
        "null",
        "drop",
        "rename",
        "duplicate-member",
        "drop-item",
        "duplicate-item",
        "reorder",
        "leave-enumeration",
    ),
    _sites,
    _mutants,
)
