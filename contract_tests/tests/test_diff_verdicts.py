"""Whose doing a difference is: every row of the decision table, and what the SDK's types say of forms."""

from __future__ import annotations

import re
from itertools import product

import pytest

from contract_tests.diffing import verdicts
from contract_tests.diffing.sdk_types import ITEM, Types, types_of
from contract_tests.diffing.verdicts import Opinion, Role, Verdict, decide
from contract_tests.rules.engine.view import View
from fake_server.wire.exchange import Exchange, Request

FAKE, GENUINE, OTHER = Role.FAKE, Role.GENUINE, Role.OTHER
KNOWN, LEFT_OUT, UNKNOWN, WRONG = Opinion.KNOWN, Opinion.LEFT_OUT, Opinion.UNKNOWN, Opinion.WRONG

ROWS: list[tuple[int, Role, Opinion | None, Role, Opinion | None, Verdict]] = [
    (1, FAKE, None, OTHER, KNOWN, Verdict.UNTYPED),
    (1, GENUINE, UNKNOWN, OTHER, None, Verdict.UNTYPED),
    (2, GENUINE, UNKNOWN, FAKE, LEFT_OUT, Verdict.BEHIND),
    (2, GENUINE, WRONG, FAKE, KNOWN, Verdict.BEHIND),
    (2, GENUINE, UNKNOWN, OTHER, WRONG, Verdict.BEHIND),
    (2, GENUINE, WRONG, GENUINE, KNOWN, Verdict.BEHIND),
    (2, GENUINE, UNKNOWN, FAKE, UNKNOWN, Verdict.BEHIND),
    (3, FAKE, LEFT_OUT, GENUINE, KNOWN, Verdict.OUTDATED),
    (4, FAKE, UNKNOWN, GENUINE, LEFT_OUT, Verdict.ONLY_FAKE),
    (4, FAKE, UNKNOWN, OTHER, KNOWN, Verdict.ONLY_FAKE),
    (5, FAKE, WRONG, GENUINE, KNOWN, Verdict.OUTDATED),
    (5, FAKE, WRONG, OTHER, KNOWN, Verdict.OUTDATED),
    (5, FAKE, WRONG, OTHER, LEFT_OUT, Verdict.OUTDATED),
    (6, FAKE, KNOWN, OTHER, UNKNOWN, Verdict.DRIFTED),
    (6, FAKE, LEFT_OUT, OTHER, UNKNOWN, Verdict.DRIFTED),
    (6, FAKE, KNOWN, OTHER, WRONG, Verdict.DRIFTED),
    (7, GENUINE, KNOWN, OTHER, WRONG, Verdict.DRIFTED),
    (7, GENUINE, LEFT_OUT, OTHER, UNKNOWN, Verdict.DRIFTED),
    (8, FAKE, KNOWN, GENUINE, LEFT_OUT, Verdict.ALLOWED),
    (8, FAKE, KNOWN, GENUINE, KNOWN, Verdict.ALLOWED),
    (8, FAKE, LEFT_OUT, OTHER, KNOWN, Verdict.ALLOWED),
    (8, GENUINE, KNOWN, OTHER, LEFT_OUT, Verdict.ALLOWED),
    (8, OTHER, KNOWN, OTHER, LEFT_OUT, Verdict.ALLOWED),
    (8, GENUINE, KNOWN, GENUINE, LEFT_OUT, Verdict.ALLOWED),
    (9, OTHER, UNKNOWN, OTHER, WRONG, Verdict.NEITHER),
    (9, FAKE, WRONG, OTHER, UNKNOWN, Verdict.NEITHER),
    (9, FAKE, UNKNOWN, OTHER, WRONG, Verdict.NEITHER),
    (10, OTHER, KNOWN, OTHER, WRONG, Verdict.A_KNOWN),
    (10, OTHER, UNKNOWN, OTHER, LEFT_OUT, Verdict.B_KNOWN),
]
TURNED = {Verdict.A_KNOWN: Verdict.B_KNOWN, Verdict.B_KNOWN: Verdict.A_KNOWN}


@pytest.mark.parametrize(("row", "a", "of_a", "b", "of_b", "expected"), ROWS)
def test_a_row_of_the_table(
    row: int, a: Role, of_a: Opinion | None, b: Role, of_b: Opinion | None, expected: Verdict
) -> None:
    assert decide(a, of_a, b, of_b) is expected
    assert decide(b, of_b, a, of_a) is TURNED.get(expected, expected)


def test_every_row_is_tried() -> None:
    numbers = {int(one) for one in re.findall(r"^    (\d+) ", verdicts.__doc__ or "", re.MULTILINE)}
    assert {row for row, *_ in ROWS} == numbers


def test_a_verdict_does_not_depend_on_the_order_of_the_sides() -> None:
    opinions = (None, *Opinion)
    for a, of_a, b, of_b in product(Role, opinions, Role, opinions):
        verdict = decide(a, of_a, b, of_b)
        assert decide(b, of_b, a, of_a) is TURNED.get(verdict, verdict)


def types(path: str, form: str, method: str = "POST") -> Types:
    return types_of(View(Exchange(Request(method, path), 200)), form)


CHUNK = types("/v1/chat/completions", "chunk")
DICT = types("/v1/chat/completions", "dict")
TOOL = ("choices", ITEM, "message", "tool_calls", ITEM)

OF_VALUES = [
    (DICT, ("object",), "chat.completion", KNOWN),
    (DICT, ("object",), "chat", WRONG),
    (DICT, ("created",), "1", WRONG),
    (DICT, ("created",), True, WRONG),
    (DICT, ("service_tier",), None, KNOWN),
    (DICT, ("provider",), "x", UNKNOWN),
    (DICT, ("provider", "name"), "x", UNKNOWN),
    (DICT, ("choices", ITEM, "finish_reason"), None, WRONG),
    (CHUNK, ("choices", ITEM, "finish_reason"), None, KNOWN),
    (CHUNK, ("choices", ITEM, "delta", "reasoning"), "Hm", UNKNOWN),
    (DICT, (*TOOL, "type"), "function", KNOWN),
    (DICT, (*TOOL, "type"), "custom", KNOWN),
    (DICT, (*TOOL, "custom", "input"), "x", KNOWN),
    (DICT, (*TOOL, "function", "arguments"), {}, WRONG),
    (types("/v1/embeddings", "dict"), ("data", ITEM, "embedding", ITEM), 1, KNOWN),
    (types("/v1/embeddings", "dict"), ("data", ITEM, "embedding"), "AAAA", KNOWN),
    (types("/v1/models", "dict", "GET"), ("data", ITEM, "owned_by"), "me", KNOWN),
    (types("/v1/chat/completions", "error"), ("error", "code"), 404, WRONG),
    (types("/v1/unheard-of", "dict"), ("id",), "x", None),
]


@pytest.mark.parametrize(("known", "path", "value", "expected"), OF_VALUES)
def test_what_the_types_say_of_a_value(
    known: Types, path: tuple[str, ...], value: object, expected: Opinion | None
) -> None:
    assert known.of_value(path, value) is expected


@pytest.mark.parametrize(
    ("known", "path", "expected"),
    [
        (DICT, ("id",), WRONG),
        (DICT, ("system_fingerprint",), LEFT_OUT),
        (DICT, ("provider",), LEFT_OUT),
        (DICT, ("choices", ITEM, "message"), WRONG),
        (DICT, ("choices", ITEM, "message", "tool_calls"), KNOWN),
        (types("/v1/unheard-of", "dict"), ("id",), None),
    ],
)
def test_what_the_types_say_of_an_absence(known: Types, path: tuple[str, ...], expected: Opinion | None) -> None:
    assert known.of_absence(path) is expected
