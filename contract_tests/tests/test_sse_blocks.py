"""Legal event streams that break the official SDK: SHOULD, with the client named; their neighbours are no finding."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from contract_tests.rules import RULES, judge
from contract_tests.rules.engine.judge import Level
from contract_tests.tests.shared import ROOT
from fake_server.wire import fixture

DATA, GAP = "sse.blocks-have-data", "sse.no-gap-after-id"
Blocks = list[bytes]


def blocks(name: str) -> Blocks:
    exchange = fixture.load(ROOT / "fixtures" / "conforming" / f"{name}.yaml").exchange
    return [block + b"\n\n" for block in exchange.payload.split(b"\n\n") if block]


def found(name: str, body: bytes) -> set[str]:
    exchange = fixture.load(ROOT / "fixtures" / "conforming" / f"{name}.yaml").exchange
    return judge(exchange.with_payload(body)).ids()


PLAIN: dict[str, tuple[Callable[[Blocks], Blocks], set[str]]] = {
    "a retry time alone": (lambda b: [b"retry: 3000\n\n", *b], {DATA}),
    "an id alone": (lambda b: [b"id: 1\n\n", *b], {DATA}),
    "a name alone": (lambda b: [*b[:2], b"event: ping\n\n", *b[2:]], {DATA, "sse.chat-has-no-names"}),
    "a name and a comment": (lambda b: [*b[:2], b": x\nevent: message\n\n", *b[2:]], {DATA}),
    "before [DONE]": (lambda b: [*b[:-1], b"retry:1\n\n", b[-1]], {DATA}),
    "after [DONE]": (lambda b: [*b, b"retry: 1\n\n"], set()),
    "an empty name": (lambda b: [b"event:\n\n", *b], set()),
    "a retry time in words": (lambda b: [b"retry: soon\n\n", *b], set()),
    "an id with NUL": (lambda b: [b"id: \0\n\n", *b], set()),
    "a comment alone": (lambda b: [*b[:2], b": ping\n\n", *b[2:]], set()),
    "a blank line more": (lambda b: [*b[:2], b"\n", *b[2:]], set()),
    "a comment before the first id": (lambda b: [b": x\n\n", b"id: 1\n" + b[0], *b[1:]], set()),
    "a comment after the only id": (lambda b: [b"id: 1\n" + b[0], b"\r\n", *b[1:]], {GAP}),
}
NUMBERED: dict[str, tuple[Callable[[Blocks], Blocks], set[str]]] = {
    "a comment alone": (lambda b: [*b[:2], b": ping\n\n", *b[2:]], {GAP}),
    "a blank line more": (lambda b: [*b[:2], b"\n", *b[2:]], {GAP}),
    "a blank line before [DONE]": (lambda b: [*b[:-1], b"\n", b[-1]], {GAP}),
    "a comment inside": (lambda b: [*b[:2], b": ping\n" + b[2], *b[3:]], set()),
    "a comment first": (lambda b: [b": x\n\n", *b], set()),
    "a comment last": (lambda b: [*b, b": bye\n\n"], set()),
    "CRLF": (lambda b: [block.replace(b"\n", b"\r\n") for block in b], set()),
    "CR": (lambda b: [block.replace(b"\n", b"\r") for block in b], set()),
}


@pytest.mark.parametrize(("change", "expected"), PLAIN.values(), ids=PLAIN)
def test_blocks_of_a_plain_stream(change: Callable[[Blocks], Blocks], expected: set[str]) -> None:
    assert found("poem-stream", b"".join(change(blocks("poem-stream")))) == expected


@pytest.mark.parametrize(("change", "expected"), NUMBERED.values(), ids=NUMBERED)
def test_blocks_of_a_stream_with_ids(change: Callable[[Blocks], Blocks], expected: set[str]) -> None:
    assert found("numbered-stream", b"".join(change(blocks("numbered-stream")))) == expected


def test_both_are_legal_and_name_the_client_that_breaks() -> None:
    for name in (DATA, GAP):
        assert RULES[name].level is Level.SHOULD
        assert "openai-python" in RULES[name].harm
