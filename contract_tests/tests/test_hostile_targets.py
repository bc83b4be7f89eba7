"""Targets that are slow, endless, huge or malformed: every run ends in time and says what it saw."""

from __future__ import annotations

import asyncio
import tracemalloc

import pytest

from contract_tests.run.outcome import ExitCode, Outcome, RunReport
from contract_tests.run.run import Options, Unreachable, run
from fake_server.tests.hostile import ZOO, target
from fake_server.tests.steady_loop import run_steadily
from fake_server.wire.bounds import Bounds

pytestmark = pytest.mark.security("hostile targets")

MB = 1_000_000
BOUNDS = Bounds(connect=1, first_byte=0.3, idle=0.3, exchange=0.6, body=MB, event=100_000, head=16_384)

# What each is known for, and what the run must say of it: a rule, or "unreachable".
KNOWN_BY = {
    "endless_stream": "http.in-time",
    "one_byte_per_second": "http.in-time",
    "one_head_byte_per_second": "http.in-time",
    "silent_in_body": "http.in-time",
    "gigabyte_body": "http.bounded",
    "huge_event": "http.bounded",
    "endless_header_lines": "http.bounded",
    "invalid_utf8": "http.json-utf8",
    "gzip_bomb": "http.content-coding",
    "deflate_bomb": "http.content-coding",
    "coded_a_thousand_times": "http.content-coding",
    "choices_of_nothing": "chat.choice-index",
    "deep_nesting": "http.json-syntax",
    "duplicate_keys": "http.json-unique-names",
    "not_a_number": "http.json-numbers",
    "reset_in_head": "http.complete",
    "reset_in_body": "http.complete",
    "length_too_long": "http.complete",
    "length_too_short": "http.tidy",
    "chunk_size_garbage": "http.framing",
    "nul_in_header": "http.framing",
    "redirect_loop": "unreachable",
    "no_headers_ever": "unreachable",
    "closes_at_once": "unreachable",
    "not_http": "unreachable",
}
SLOW_TO_JUDGE = ("choices_of_nothing",)
"""What takes the processor 20 seconds while memory is traced, and longer beside something else."""


async def judged(name: str) -> RunReport:
    seconds = 60 if name in SLOW_TO_JUDGE else 20
    async with target(ZOO[name]) as url:
        options = Options(
            target=url, model="m", select=("chat.poem", "chat.short", "models"), bounds=BOUNDS, run_seconds=seconds
        )
        async with asyncio.timeout(seconds + 5):
            return await run(options)


async def judged_or_why(name: str) -> RunReport | str:
    try:
        return await judged(name)
    except Unreachable as reason:
        return str(reason)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "known_by"), KNOWN_BY.items())
def test_a_hostile_target_ends_in_a_clear_finding(name: str, known_by: str) -> None:
    tracemalloc.start()
    report = run_steadily(judged_or_why(name))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 120 * MB
    if isinstance(report, str):
        assert known_by == "unreachable", report
        return
    assert known_by in {one.rule.id for one in report.findings}
    assert Outcome.HARNESS_FAILED not in {one.outcome for one in report.results}
    assert report.exit_code() is ExitCode.FINDINGS
