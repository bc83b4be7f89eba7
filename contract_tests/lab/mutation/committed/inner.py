"""Operators on JSON inside text: answers in a format that was asked for, arguments of strict functions."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from typing import Any

import jsonschema

from contract_tests.lab.mutation.committed.members import changed, operators
from contract_tests.lab.mutation.committed.mutant import Mutant, Source
from contract_tests.lab.mutation.committed.pieces import pieces, spread, with_texts
from contract_tests.lab.mutation.genuine.forms import walk
from contract_tests.lab.mutation.genuine.members import brief
from contract_tests.lab.mutation.genuine.reading import encode, fold, spell
from fake_server.wire import jsontext


def of_inner(source: Source, seed: int) -> Iterator[Mutant]:
    """Every path of the JSON in a text that has to be of a form, where the change breaks that form.

    The schema that was sent is the outside judge: what still fits it is another answer, not a broken one.
    """
    reply = source.reply
    asked = source.exchange.request.json()
    if reply is None or not isinstance(asked, dict):
        return
    for section, carrier, schema in _forms(asked):
        found = pieces(reply, carrier)
        text = "".join(piece for _, piece in found)
        parsed = jsontext.parse(text.encode("utf-8", "replace"))
        if not found or not parsed.ok:
            continue
        places, olds = [place for place, _ in found], [piece for _, piece in found]
        for operator, where, shape, before, after in _changes(parsed.value, schema, text, seed, source):
            yield Mutant(
                section,
                f"text-{operator}",
                f"{source.section}:{carrier}:{shape}",
                f"{carrier}, {where}",
                source.exchange,
                partial(with_texts, reply, places, spread(after, olds)),
                before,
                after[:60],
            )


def _forms(asked: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """(section, member that carries the text, schema) of what the request wants to be JSON."""
    wanted = asked.get("response_format") or {}
    if wanted.get("type") == "json_object":
        yield "formats", "content", {"type": "object"}
    elif wanted.get("type") == "json_schema" and wanted["json_schema"].get("strict"):
        yield "formats", "content", wanted["json_schema"]["schema"]
    functions = [tool["function"] for tool in asked.get("tools") or () if tool.get("type") == "function"]
    if len(functions) == 1:
        strict = functions[0].get("strict") and functions[0].get("parameters")
        yield "tools", "arguments", strict or {"type": "object"}


def _changes(
    value: Any, schema: Any, text: str, seed: int, source: Source
) -> Iterator[tuple[str, str, str, str, str]]:
    judge = jsonschema.Draft202012Validator(schema)
    for path, inner in walk(value):
        for operator, after in operators(path, inner):
            if operator == "duplicate-member":
                continue
            dice = random.Random(f"{seed}:{source.exchange.label}:text:{path}:{operator}")
            other = changed(value, path, operator, dice)
            if not judge.is_valid(other):
                told = encode(other).decode("utf-8", "replace")
                yield operator, f"{spell(path)} {after}", fold(path), brief(inner), told
    for name, broken in (
        ("fence", f"```json\n{text}\n```"),
        ("prose", f"Here you are: {text}"),
        ("cut", text[: len(text) // 2]),
        ("quotes", text.replace('"', "'")),
    ):
        yield name, "the whole", "", brief(text), broken
