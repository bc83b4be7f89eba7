"""Signals that come in a row, that something has wrapped, and that come while a command says how it ended."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import pytest

from contract_tests.tests.shared import ROOT
from fake_server import ending

pytestmark = pytest.mark.security("signals and processes")
MANY = [
    pytest.param([signal.SIGINT] * 2, id="Ctrl-C twice"),
    pytest.param([signal.SIGINT] * 5, id="five times"),
    pytest.param([signal.SIGTERM, signal.SIGINT], id="by make and by the terminal"),
    pytest.param([signal.SIGHUP, signal.SIGTERM], id="a terminal that closes"),
]


@pytest.fixture(autouse=True)
def _interrupts() -> Any:
    before = {number: signal.getsignal(number) for number in ending.SIGNALS}
    ending.raise_interrupts()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def strike(numbers: list[signal.Signals]) -> None:
    for number in numbers:
        signal.raise_signal(number)


@pytest.mark.parametrize("numbers", MANY)
def test_no_step_of_asyncio_is_interrupted(numbers: list[signal.Signals]) -> None:
    seen = []

    async def work() -> None:
        woken = asyncio.Event()

        def step() -> None:
            strike(numbers)
            woken.set()  # lost where a signal is raised in this step

        asyncio.get_running_loop().call_soon(step)
        try:
            await asyncio.Event().wait()
        finally:
            async with asyncio.timeout(5):
                await woken.wait()
            seen.append("tidied up")

    with pytest.raises(KeyboardInterrupt):
        ending.run_loop(work())
    assert seen == ["tidied up"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_later_interrupt_ends_what_the_first_has_begun_and_the_third_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ending, "AGAIN", 0.0)
    monkeypatch.setattr(ending, "end_at_once", lambda *_: ended.append("at once"))
    ended: list[str] = []

    async def work() -> None:
        for name in ("work", "its end"):
            asyncio.get_running_loop().call_soon(strike, [signal.SIGINT])
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                ended.append(name)
        strike([signal.SIGTERM])
        raise asyncio.CancelledError

    with pytest.raises(KeyboardInterrupt):
        ending.run_loop(work())
    assert ended == ["work", "its end", "at once"]


def test_work_that_reports_what_it_has_gives_its_result() -> None:
    async def work() -> str:
        asyncio.get_running_loop().call_soon(strike, [signal.SIGTERM] * 3)
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return "a report"

    assert ending.run_loop(work()) == "a report"


def test_an_interrupt_that_comes_after_the_work_is_for_what_follows() -> None:
    async def left() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            strike([signal.SIGINT])  # as the loop ends

    async def work() -> None:
        async for _ in left():
            break

    with pytest.raises(KeyboardInterrupt):
        ending.run_loop(work())


def test_an_interrupt_before_the_work_began_reaches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    run = asyncio.run

    def struck(work: Any) -> None:
        strike([signal.SIGINT])
        run(work)

    monkeypatch.setattr(asyncio, "run", struck)
    with pytest.raises(KeyboardInterrupt):
        ending.run_loop(asyncio.sleep(60))


def test_cancelled_work_that_nobody_has_interrupted_is_cancelled() -> None:
    async def work() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        ending.run_loop(work())


def wrapped() -> None:
    class Struck:
        def __set_name__(self, owner: type, name: str) -> None:
            raise KeyboardInterrupt

    type("Owner", (), {"field": Struck()})


def caused() -> None:
    try:
        raise KeyboardInterrupt
    except BaseException as error:
        raise ImportError("a module cannot be imported") from error


def hidden() -> None:
    try:
        try:
            raise KeyboardInterrupt
        finally:
            raise ValueError("a file is not closed")
    except ValueError:
        raise RuntimeError("it failed") from None


@pytest.mark.parametrize("raise_it", [wrapped, caused, hidden])
def test_an_interrupt_that_was_wrapped_is_known(raise_it: Callable[[], None]) -> None:
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - of three kinds
        raise_it()
    assert ending.is_interrupt(caught.value)


def test_other_errors_are_no_interrupts() -> None:
    first, second = ValueError(), RuntimeError()
    first.__context__, second.__context__ = second, first
    assert not ending.is_interrupt(first)
    assert not ending.is_interrupt(None)


PROGRAM = """
import os, signal, sys
from contract_tests import __main__, cli
from contract_tests.cli import judge
from fake_server import ending

def interrupt(*given):
    raise {error}

def strike(number=signal.SIGTERM):
    os.kill(os.getpid(), number)

judge.judge_recordings = interrupt
{patch}
sys.argv[1:] = ["judge", "fixtures/conforming/poem-stream.yaml"]
__main__.start()
"""
PATCHES = {
    "nothing more": "",
    "before the last line": "cli.describe_failure = lambda error: strike()",
    "with the last line": "clean = cli._clean\ncli._clean = lambda text: (strike(), strike(2), clean(text))[-1]",
    "after it": "say = cli.print_lines\ncli.print_lines = lambda *a, **b: (say(*a, **b), strike())",
}


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "RuntimeError('wrapped') from KeyboardInterrupt()"])
@pytest.mark.parametrize("patch", PATCHES.values(), ids=PATCHES)
def test_a_command_that_is_struck_again_says_one_line(patch: str, error: str) -> None:
    program = PROGRAM.format(error=error, patch=patch)
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.lstrip() == "contract: interrupted (exit code 130)\n"


CLOSING = """
import asyncio.selector_events, os, signal, sys, threading
loop = asyncio.selector_events.BaseSelectorEventLoop
close = loop.close

def struck(self):
    close(self)
    os.kill(os.getpid(), signal.{number})

loop.close = struck
from fake_server import __main__
sys.argv[1:] = ["--replay", sys.argv[1], "--record-from", "http://127.0.0.1:9/v1", "--port", "0"]
import fake_server.replay.recording as recording
serve = recording.serve_and_record

async def once(*given, ready, **options):
    await serve(*given, ready=lambda *_: os.kill(os.getpid(), signal.SIGTERM), **options)

recording.serve_and_record = once
__main__.start()
"""


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_a_signal_while_the_loop_of_a_fake_that_records_is_closed_says_nothing(number: str, tmp_path: Any) -> None:
    program = [sys.executable, "-c", CLOSING.format(number=number), str(tmp_path)]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert done.returncode in (0, -signal.SIGTERM)
