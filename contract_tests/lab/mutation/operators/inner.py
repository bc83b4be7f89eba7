"""Operators on JSON inside text: answers in a format that was asked for, arguments of strict functions."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import jsonschema

from contract_tests.lab.mutation.json_paths import Path, abbreviate, encode, fold, format_path, walk
from contract_tests.lab.mutation.mutant import Mutant
from contract_tests.lab.mutation.operators.kind import Kind, Site
from contract_tests.lab.mutation.operators.members import MEMBERS, applicable, change
from contract_tests.lab.mutation.operators.pieces import Place, pieces, spread, with_texts
from contract_tests.lab.mutation.operators.relations import calls
from contract_tests.lab.mutation.reply import Reply
from fake_server.wire import jsontext
from fake_server.wire.exchange import Exchange

_WRAPPED = ("fence", "prose", "cut", "quotes")


@dataclass(frozen=True)
class _Text:
    """A text that has to be JSON of a schema, and the pieces it was sent in."""

    section: str
    schema: Any
    places: tuple[Place, ...]
    texts: tuple[str, ...]

    @property
    def whole(self) -> str:
        return "".join(self.texts)

    def build(self, reply: Reply, after: str) -> Exchange:
        return with_texts(reply, self.places, spread(after, self.texts))


def _sites(reply: Reply) -> Iterator[Site]:
    for section, carrier, schema in _formats(reply.request_body):
        sent = pieces(reply, carrier)
        if sent:
            places, texts = zip(*sent, strict=True)
            if carrier == "arguments" and len({call.number for call in calls(reply)}) > 1:
                schema = {"type": "object"}  # of several calls at once nothing more is promised
            text = _Text(section, schema, places, texts)
            parsed = jsontext.parse(text.whole.encode("utf-8", "replace"))
            if parsed.ok:
                yield Site(carrier, value=(text, parsed.value))


def _formats(request: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """(section, member that carries the text, schema) of what the request wants to be JSON."""
    wanted = request.get("response_format")
    wanted = wanted if isinstance(wanted, dict) else {}  # some requests are wrong on purpose
    form = wanted.get("json_schema")
    if wanted.get("type") == "json_object":
        yield "formats", "content", {"type": "object"}
    elif wanted.get("type") == "json_schema" and isinstance(form, dict) and form.get("strict") and "schema" in form:
        yield "formats", "content", form["schema"]
    tools = request.get("tools") or ()
    functions = [tool["function"] for tool in tools if tool.get("type") == "function" and "function" in tool]
    if len(functions) == 1:
        strict = functions[0].get("strict") and functions[0].get("parameters")
        yield "tools", "arguments", strict or {"type": "object"}


def _mutants(reply: Reply, site: Site, seed: int, only: str = "") -> Iterator[Mutant]:
    """Every change of the text that breaks its form.

    The schema that was sent is the outside judge: what still fits it is another answer, not a broken one.
    """
    text, value = site.value
    for operator, where, path, before, after in (
        *_of_paths(reply, text, value, seed, only),
        *_of_whole(text.whole),
    ):
        if only in ("", operator):
            yield Mutant(
                text.section,
                operator,
                f"{reply.section}:{site.shape}:{fold(path)}",
                f"{site.shape}, {where}",
                reply.exchange,
                partial(text.build, reply, after),
                before,
                after[:60],
            )


def _of_paths(reply: Reply, text: _Text, value: Any, seed: int, only: str) -> Iterator[tuple[str, str, Path, str, str]]:
    judge = jsonschema.Draft202012Validator(text.schema)
    for path, inner in walk(value):
        for operator, after in applicable(path, inner):
            if operator == "duplicate-member" or only not in ("", f"text-{operator}"):
                continue
            dice = random.Random(f"{seed}:{reply.exchange.label}:text:{path}:{operator}")
            other = change(value, path, operator, dice)
            if not judge.is_valid(other):
                changed = encode(other).decode("utf-8", "replace")
                yield f"text-{operator}", f"{format_path(path)} {after}", path, abbreviate(inner), changed


def _of_whole(text: str) -> Iterator[tuple[str, str, Path, str, str]]:
    broken = (
        f"```json\n{text}\n```",
        f"Here you are: {text}",
        text[: len(text) // 2],
        text.replace('"', "'"),
    )
    for name, after in zip(_WRAPPED, broken, strict=True):
        if after != text:
            yield f"text-{name}", "the whole", (), abbreviate(text), after


INNER = Kind(
    "inner",
    tuple(
        f"text-{name}"
        for name in (*MEMBERS.operators, *_WRAPPED)
        if name not in ("duplicate-member", "leave-enumeration")
    ),
    _sites,
    _mutants,
)
