"""A run against every hostile target ends in time: a finding for what chat did, never a fault of ours."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from contract_tests.run.outcome import ExitCode, Outcome, RunReport
from contract_tests.run.run import Options, Unreachable, run
from contract_tests.tests.small_target import Asked, completed, sensible
from fake_server.tests.hostile import ZOO, target
from fake_server.tests.listening import Handler
from fake_server.wire.bounds import Bounds

pytestmark = pytest.mark.security("hostile targets")

SMALL = Bounds(
    connect=2,
    first_byte=0.4,
    idle=0.4,
    exchange=0.8,
    body=200_000,
    event=50_000,
    head=8192,
    writes=3000,
    grace=0.05,
)
CASES = ("chat.short", "chat.stream.short")
RUN_SECONDS = 120
"""What ends these runs are the limits of one exchange; judging takes its time where both cores are busy."""


def hostile_to_chat(handler: Handler) -> Handler:
    """A handler that lists its model faithfully and leaves POST requests to `handler`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"GET"):
            writer.write(sensible(Asked("GET", head.split(b" ")[1].decode(), {}, b"")))
            return
        again = asyncio.StreamReader()
        again.feed_data(head + await reader.readexactly(_length(head)))
        await handler(again, writer)

    return serve


def _length(head: bytes) -> int:
    fields = (line.lower().partition(b":") for line in head.split(b"\r\n"))
    return next(int(value) for name, _, value in fields if name == b"content-length")


def _report(handler: Handler, bounds: Bounds = SMALL) -> RunReport:
    async def go() -> RunReport:
        async with target(handler) as url:
            return await run(Options(f"{url}/v1", select=CASES, bounds=bounds, run_seconds=RUN_SECONDS))

    report: RunReport = completed(go())
    return report


NO_REPLY = {
    *("closes_after_request", "closes_at_once", "never_reads", "no_headers_ever", "redirect_loop"),
    *("redirect_with_endless_body", "error_of_tags", "body_after_204", "gzip_members_by_the_thousand"),
}
"""What these do leaves nothing that could be judged."""


@pytest.mark.parametrize("name", sorted(NO_REPLY))
def test_a_target_without_any_reply_to_chat_is_told_so(name: str) -> None:
    with pytest.raises(Unreachable, match="a valid chat request has no answer"):
        _report(hostile_to_chat(ZOO[name]))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({*ZOO} - NO_REPLY))
def test_a_hostile_answer_to_chat_is_a_finding(name: str) -> None:
    report = _report(hostile_to_chat(ZOO[name]))
    assert [one.outcome for one in report.results] == [Outcome.FAIL] * 2, [
        (one.outcome, one.reason) for one in report.results
    ]
    assert report.exit_code() is ExitCode.FINDINGS
    assert report.seconds < RUN_SECONDS  # some of these answers never end


@pytest.mark.parametrize("name", ["no_headers_ever", "not_http", "closes_at_once"])
def test_a_target_that_is_hostile_from_the_start_is_told_so(name: str) -> None:
    with pytest.raises(Unreachable):
        _report(ZOO[name], replace(SMALL, first_byte=0.2))
