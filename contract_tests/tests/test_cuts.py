"""Every single cut of the conforming fixtures: as the border of two writes, and as the end of the reply."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract_tests.rules import judge
from contract_tests.rules.engine.judge import Level
from contract_tests.tests.shared import ROOT
from fake_server.wire import fixture, sse
from fake_server.wire.exchange import Ending, Exchange, Write

CONFORMING = ROOT / "fixtures" / "conforming"
CORPUS = [path for path in sorted(CONFORMING.glob("*.yaml")) if len(fixture.load(path).exchange.payload) < 3500]
BOTH_WAYS = ("poem-dict", "text-stream", "embeddings", "unknown-model")


def replies(path: Path) -> tuple[Exchange, bytes]:
    exchange = fixture.load(path).exchange
    return exchange, exchange.payload


def test_the_corpus_is_small_enough_for_every_cut() -> None:
    assert 30_000 < sum(len(replies(path)[1]) for path in CORPUS) < 90_000


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_a_stream_decodes_alike_however_it_is_cut(path: Path) -> None:
    _, body = replies(path)
    whole = sse.decode(body)
    for cut in range(len(body) + 1):
        decoder = sse.Decoder()
        events = [*decoder.feed(body[:cut]), *decoder.feed(body[cut:]), *decoder.close()]
        assert events == whole, f"cut at byte {cut}"


@pytest.mark.slow
@pytest.mark.parametrize("name", BOTH_WAYS)
def test_the_judge_does_not_care_where_writes_end(name: str) -> None:
    exchange, body = replies(CONFORMING / f"{name}.yaml")
    for cut in range(1, len(body)):
        judged = judge(exchange.but(writes=(Write(body[:cut]), Write(body[cut:]))))
        assert not judged.findings, f"cut at byte {cut}"


def test_a_reply_written_byte_by_byte_is_no_finding() -> None:
    for path in CORPUS:
        exchange, body = replies(path)
        single = tuple(Write(body[at : at + 1]) for at in range(len(body)))
        assert not judge(exchange.but(writes=single)).findings, path.stem


@pytest.mark.slow
@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_a_reply_that_breaks_off_is_a_cut_reply_and_nothing_else(path: Path) -> None:
    exchange, body = replies(path)
    over_web_socket = ("upgrade", "websocket") in (exchange.request.headers or ())
    known_by = {"responses.stream.websocket-complete" if over_web_socket else "http.complete"}
    for cut in range(len(body)):
        writes = (Write(body[:cut]),) if cut else ()
        broken = exchange.but(writes=writes, ending=Ending.CUT, problem="the connection was closed")
        assert judge(broken).ids(Level.MUST) == known_by, f"cut at byte {cut}"
