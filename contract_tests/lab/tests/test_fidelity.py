"""The raw server sends what it says, h11 reads it as it was, and this kit loses nothing of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from contract_tests.lab.fidelity import comparing
from contract_tests.lab.fidelity.__main__ import measure_tool
from contract_tests.lab.fidelity.capture import Capture, Reading, ask, read_capture
from contract_tests.lab.fidelity.comparing import Cell, Verdict
from contract_tests.lab.fidelity.replies import REPLIES, UNRECORDED, Reply, request
from contract_tests.lab.fidelity.sending import raw_server
from contract_tests.lab.fidelity.tools import TOOLS, this_kit
from contract_tests.lab.tools.processes import free_port
from fake_server.tests.steady_loop import run_steadily

SECONDS = 60.0
SLACK = 0.3
"""Seconds a byte may be late on a machine that does other things too; a lost pause is later than that."""


def run(main: Coroutine[Any, Any, Any]) -> Any:
    async def with_timeout() -> Any:
        async with asyncio.timeout(SECONDS):
            return await main

    return run_steadily(with_timeout())


def sent_by(name: str) -> Capture:
    """The reply of that name as its pieces and pauses say."""
    at, log = 0.0, []
    for pause, data in REPLIES[name].sends:
        at += pause
        log.append((at, data))
    return read_capture(log)


async def _bytes_of(requests: bytes, port: int, size: int) -> tuple[bytes, bool, list[float]]:
    """That many bytes of a reply, whether FIN comes next, and when reads came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(requests)
    data, times = b"", []
    while len(data) < size and (more := await reader.read(65536)):
        data += more
        times.append(asyncio.get_running_loop().time())
    fin = False
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.05):
            fin = await reader.read(1) == b""
    writer.close()
    await writer.wait_closed()
    return data, fin, times


@pytest.mark.parametrize("name", REPLIES)
def test_the_raw_server_sends_what_it_says_at_its_pace(name: str) -> None:
    async def main() -> None:
        async with raw_server() as raw:
            whole = b"".join(data for _, data in REPLIES[name].sends)
            requests = request(name, REPLIES[name].streamed, raw.port)
            data, fin, times = await _bytes_of(requests, raw.port, len(whole))
            assert data == whole
            assert fin is REPLIES[name].closes
            assert times[-1] - times[0] >= sum(pause for pause, _ in REPLIES[name].sends[1:]) - 0.02
            assert raw.requests == [name]
            assert comparing.pauses(sent_by(name), raw.sent[name]).verdict is Verdict.YES

    run(main())


def test_who_accepts_no_gzip_gets_a_plain_body() -> None:
    async def main() -> None:
        async with raw_server() as raw:
            plain = REPLIES["gzip"].plain[0][1]
            requests = request("gzip", False, raw.port).replace(b"Accept-Encoding: gzip\r\n", b"")
            data, *_ = await _bytes_of(requests, raw.port, len(plain))
            assert data == plain

    run(main())


@pytest.mark.parametrize("name", [name for name in REPLIES if b"chunked" in REPLIES[name].sends[0][1]])
def test_chunks_are_read_the_same_byte_by_byte(name: str) -> None:
    reading, at = Reading(), 0.0
    for pause, data in REPLIES[name].sends:
        at += pause
        for byte in data:
            reading.feed(bytes([byte]), at)
    reading.feed(b"", at)
    assert reading.capture == sent_by(name)


def test_what_is_sent_is_as_odd_as_it_should_be() -> None:
    stream, cut = sent_by("stream"), sent_by("cut")
    broken = [index for index, piece in enumerate(stream.pieces) if not _decodes(piece.data)]
    assert broken == [2, 3]
    assert _decodes(stream.body)
    assert (b": keep-alive\r\n" in stream.body, b"\n\n" in stream.body, b"\ndata:{" in stream.body) == (True,) * 3
    assert stream.body.index(b'"finish_reason": "stop"') < stream.body.index(b'"error"')
    assert (cut.whole, cut.problem != "") == (False, True)
    assert sent_by("hints").informational[0][0] == 103
    assert sent_by("trailers").trailers == (("X-Checksum", "1f"),)


def _decodes(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize("tool", TOOLS[:2], ids=["socket", "in process"])
def test_this_kit_keeps_everything(tool: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "TOLERANCE", SLACK)
    column = run(measure_tool(tool))
    hidden = {title for title, cell in column.items() if cell.verdict is Verdict.NOT_SHOWN}
    assert {title: cell for title, cell in column.items() if cell.verdict in (Verdict.NO, Verdict.PARTLY)} == {}
    assert hidden == (set() if tool is TOOLS[0] else {"informational heads (103)", "trailers"})


@pytest.fixture
def everything(monkeypatch: pytest.MonkeyPatch) -> str:
    """One reply with all of it: 103, odd head, odd stream, cut before the last chunk."""
    hints, stream = REPLIES["hints"].sends[:1], REPLIES["stream"].sends[:-1]
    for name in list(REPLIES):
        monkeypatch.delitem(REPLIES, name)
    monkeypatch.setitem(REPLIES, "everything", Reply((*hints, *stream), streamed=True, closes=True))
    monkeypatch.setattr(comparing, "TOLERANCE", SLACK)
    return "everything"


def test_one_reply_with_every_oddity_is_replayed_as_it_was(everything: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with raw_server() as raw:
            measurement = await this_kit(raw, tmp_path)
            sent, received = raw.sent[everything], measurement.replayed[everything]
            assert (received.status, received.informational[0][0], received.whole) == (200, 103, False)
            checks = "body boundaries pauses event_text reason fields order case duplicates informational ending"
            assert {name: getattr(comparing, name)(sent, received) for name in checks.split()} == dict.fromkeys(
                checks.split(), Cell(Verdict.YES)
            )
            assert raw.requests == [everything]
            assert measurement.unrecorded.status == 404

    run(main())


def test_nothing_comes_from_where_nobody_listens() -> None:
    assert run(ask(free_port(), UNRECORDED, streamed=True)) == Capture(problem="no reply")
