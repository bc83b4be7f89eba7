"""The whole suite on the fake, whose every reply is written byte by byte: nothing is to be found."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from contract_tests.run.outcome import Outcome, RunReport
from contract_tests.run.run import Options, run
from fake_server import FakeServer
from fake_server.tests.listening import listening
from fake_server.wire.exchange import Aspect

SECTIONS = ("client", "chat", "tools", "formats", "logprobs", "completions", "models", "errors", "http")
PATIENCE = 50
"""Bytes after which the other side gets its turn."""


@asynccontextmanager
async def byte_by_byte(port: int) -> AsyncIterator[int]:
    """The port of a pipe to the server on `port` that sends each byte of what comes back by itself."""

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65536):
            writer.write(piece)
        writer.write_eof()

    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65536):
            for at in range(len(piece)):
                writer.write(piece[at : at + 1])
                if at % PATIENCE == 0:
                    await asyncio.sleep(0)
        writer.write_eof()

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        target_reader, target_writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            ways = (forward(reader, target_writer), trickle(target_reader, writer))
            await asyncio.gather(*ways, return_exceptions=True)
        finally:
            target_writer.transport.abort()  # both ways have ended, or the test has

    async with listening(pipe) as piped:
        yield piped


async def asked(port: int) -> RunReport:
    async with byte_by_byte(port) as pipe:
        return await run(Options(f"http://127.0.0.1:{pipe}/v1", select=SECTIONS))


@pytest.mark.slow
def test_the_fake_written_byte_by_byte_is_no_finding() -> None:
    with FakeServer(seed=11) as fake:
        report = asyncio.run(asked(int(fake.url.rpartition(":")[2])))
    # where the machine is busy, the bytes are late
    findings = [finding for finding in report.findings if Aspect.TIMING not in finding.rule.needs]
    assert [(finding.rule.id, finding.label, finding.actual) for finding in findings] == []
    left = [result.case_id for result in report.results if result.outcome not in (Outcome.PASS, Outcome.WARN)]
    assert left == ["errors.keys"]
    pieces = [len(one.writes) for result in report.results for one in result.exchanges]
    assert max(pieces) > 1
