"""Runs the cases and shows progress, from the search for the target on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from urllib.parse import urlsplit

from contract_tests.cli.shared_options import print_lines
from contract_tests.report.terminal import Terminal
from contract_tests.run.outcome import CaseResult, RunReport
from contract_tests.run.run import OnResult, Options, Plan, Unreachable, run
from contract_tests.run.tolerated import tolerate_in_case
from contract_tests.target.ask import Case
from contract_tests.target.endpoints import CHAT
from contract_tests.tolerance.entry import ToleranceEntry
from fake_server.ending import run_loop
from fake_server.relay.redact import mask_excerpt
from fake_server.wire.text import printable

QUIET = 2.0
"""Seconds of searching for the target before the first message."""
AGAIN = 10.0
"""Seconds between further messages."""


def ask(
    terminal: Terminal,
    options: Options,
    entries: Sequence[ToleranceEntry] = (),
    today: date = date.max,
    cases: Sequence[Case] = (),
    path: str = CHAT,
) -> RunReport:
    """Run and show each case as it ends, without findings that `entries` tolerate; the report has them all.

    `cases` and `path` are those of `contract_tests.run.run`. Raises what `contract_tests.run.run` raises.
    """

    def ended(result: CaseResult) -> None:
        terminal.print_result(tolerate_in_case(result, entries, today))

    began: list[Plan] = []
    try:
        return run_loop(_ask(terminal, options, ended, began, cases, path))
    except KeyboardInterrupt:  # later on the first one ends in a report
        when = "again while it ended, and reports nothing" if began else "before the first case"
        raise Unreachable(f"the run was interrupted {when}") from None
    finally:
        terminal.stop_progress()


async def _ask(
    terminal: Terminal, options: Options, ended: OnResult, began: list[Plan], cases: Sequence[Case], path: str
) -> RunReport:
    searching = asyncio.create_task(_report_search(options, path))

    def found(plan: Plan) -> None:
        searching.cancel()
        began.append(plan)
        terminal.print_plan(plan)

    try:
        return await run(options, ended, found, cases, path)
    finally:
        searching.cancel()
        await asyncio.gather(searching, return_exceptions=True)


async def _report_search(options: Options, path: str) -> None:
    """Report on stderr what is being tried while nothing answers."""
    began = asyncio.get_running_loop().time()
    pause = QUIET
    while True:
        await asyncio.sleep(pause)
        pause = AGAIN
        waited = asyncio.get_running_loop().time() - began
        print_lines(_format_search(options, waited, path), err=True)


def _format_search(options: Options, seconds: float, path: str) -> str:
    host = urlsplit(options.target).netloc
    line = (
        f"contract: no answer from {host} for {seconds:.0f} s; trying /models and {path}, with "
        f"/v1 and without, each for up to {options.bounds.first_byte:g} s (--first-byte-timeout)"
    )
    return printable(mask_excerpt(line, options.secrets))
