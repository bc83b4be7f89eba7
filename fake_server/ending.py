"""How a command ends that is interrupted, or whose output cannot be written: in one line, with a documented code.

This is imported before everything else, so it imports next to nothing.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from types import FrameType
from typing import Any, TypeVar

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
Result = TypeVar("Result")
_MOST_CANCELS = 2
AGAIN = 1.0
"""Seconds after a signal in which another is the same wish: a terminal, make and a shell each pass on one Ctrl-C."""
_terminals: list[int] = []
"""Streams that were a terminal when the command began."""
_last_words: list[tuple[bytes, int]] = []
"""What an interrupted command says and its code, once it has begun."""


def begin(line: str, code: int, signals: tuple[int, ...] = SIGNALS) -> None:
    """From now on a signal ends the process at once, with a line on stderr and a code: nothing has begun.

    Streams that the shell has closed are replaced, so that no file that is opened later gets their number. A character
    that a stream cannot write (a pipe on Windows, LC_ALL=C) is escaped: the verdict matters more.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    _terminals[:] = [number for number in (1, 2) if os.isatty(number)]
    _last_words[:] = [(f"{line}\n".encode(), code)]
    _handle(signals, end_at_once)


def end_at_once(*_: object) -> None:
    """End this process in the line and with the code of an interrupted command; KeyboardInterrupt if none has begun."""
    if not _last_words:
        raise KeyboardInterrupt
    line, code = _last_words[0]
    with suppress(OSError):
        os.write(2, line)
    os._exit(code)


def say_last() -> None:
    """From now on signals do nothing: a command that has begun says its last line, and its code is known."""
    if _last_words:
        _handle(SIGNALS, lambda *_: None)


def is_interrupt(error: BaseException | None) -> bool:
    """Whether an error is an interrupt that something on its way has wrapped, as Python 3.11 does in `__set_name__`."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, KeyboardInterrupt):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False


def raise_interrupts(signals: tuple[int, ...] = SIGNALS) -> None:
    """From now on every one of these signals is a KeyboardInterrupt, which asyncio turns into a cancelled task.

    A shell without job control has its background ignore SIGINT, and asyncio takes only a SIGINT that is not ignored.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _handle(tuple(number for number in signals if number != signal.SIGINT), _interrupt)
    if getattr(sys.unraisablehook, "__name__", "") != _raise_again.__name__:
        sys.unraisablehook = _raise_again(sys.unraisablehook)


def finish(code: int, signals: tuple[int, ...] = SIGNALS) -> None:
    """From now on a signal ends the process with this code: everything was said, and Python only tidies up."""
    _handle(signals, lambda *_: os._exit(code))


def run_loop(work: Coroutine[Any, Any, Result]) -> Result:
    """`asyncio.run` for a result that may be large, and for a user who presses Ctrl-C more than once.

    As `asyncio.run` ends it looks up the handler of SIGINT, which holds the main task, among the names of handlers, and
    makes a text of it to say that there is none: the repr of the whole result. So the main task has none here.

    An interrupt cancels the work, and so does a later one, AGAIN seconds after it at least; the third ends the process.
    None is raised inside the loop, as `asyncio.run` does with the second: between two steps of asyncio it would lose a
    wake-up, for which the cancelled work then waits forever. Raises KeyboardInterrupt for work that was cancelled so.
    """
    import asyncio

    results: list[Result] = []
    interrupts = _Interrupts()

    async def main() -> None:
        interrupts.begin(asyncio.get_running_loop(), asyncio.current_task())
        results.append(await work)

    with interrupts:
        try:
            asyncio.run(main())
        except asyncio.CancelledError:
            if not interrupts.cancelled:
                raise
            raise KeyboardInterrupt from None
        finally:
            work.close()
    if interrupts.heeded and not interrupts.cancelled:  # it came too late for the work, and is for what follows it
        raise KeyboardInterrupt
    return results[0]


class _Interrupts:
    """What the interrupts of a loop's work do; as a context, in place of raising KeyboardInterrupt."""

    def __init__(self) -> None:
        self.heeded = 0
        self.cancelled = False
        """Whether one of them reached the work before it was done."""
        self._last = 0.0
        self._loop: Any = None
        self._task: Any = None
        self._before: Any = None

    def __enter__(self) -> None:
        if (before := signal.getsignal(signal.SIGINT)) is signal.default_int_handler:
            with suppress(ValueError):  # a thread that is not the main one gets no signals
                signal.signal(signal.SIGINT, self._heed)
                self._before = before

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def begin(self, loop: Any, task: Any) -> None:
        """The work begins as this task."""
        self._loop, self._task = loop, task
        if self.heeded:
            self._cancel()

    def _heed(self, *_: object) -> None:
        now = monotonic()
        if self.heeded and now - self._last < AGAIN:
            return
        self._last = now
        self.heeded += 1
        if self.heeded > _MOST_CANCELS:
            end_at_once()
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        self.cancelled = self._task.cancel() or self.cancelled


@contextmanager
def held() -> Iterator[None]:
    """Signals that come inside are delivered after it."""
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in SIGNALS}
    _handle(SIGNALS, lambda number, _: came.append(number))  # a mask would hold them from this thread only
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in came[:1]:
            signal.raise_signal(number)


def is_about_output(error: OSError) -> bool:
    """Whether an error that nothing else has handled is that of a standard stream."""
    return error.filename is None and error.errno in _FULL


class Output:
    """Standard output that goes on where the disk is full, so that the files of a run are written all the same."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.error: OSError | None = None
        """What went wrong first; from then on nothing is printed."""

    def mute(self) -> None:
        """Print nothing more."""
        self.error = OSError(errno.EPIPE, os.strerror(errno.EPIPE))

    def write(self, text: str) -> int:
        self._try(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        self._try(self._stream.flush)

    def _try(self, function: Callable[..., Any], *arguments: str) -> None:
        if self.error:
            return
        try:
            function(*arguments)
        except OSError as error:
            if not is_about_output(error):
                raise
            self.error = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def output() -> Iterator[Output]:
    """Standard output as an Output, for what is inside."""
    stream: Any = sys.stdout
    sys.stdout = replaced = Output(stream)
    try:
        yield replaced
        replaced.flush()
    finally:
        sys.stdout = stream


def discard_output() -> None:
    """Send to nowhere what is still to be printed, so that Python does not fail again when it ends."""
    with open(os.devnull, "wb") as null:
        os.dup2(null.fileno(), 1)


def _handle(signals: tuple[int, ...], handler: Callable[[int, FrameType | None], Any]) -> None:
    for number in signals:
        if signal.getsignal(number) is not signal.SIG_IGN:  # `nohup`, or the background of a script
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Take a signal as Ctrl-C. What a terminal that was closed cannot show goes nowhere; the files are written."""
    gone = [stream for stream in _terminals if not os.isatty(stream)]
    if gone:
        with open(os.devnull, "wb") as null:
            for stream in gone:
                os.dup2(null.fileno(), stream)
    signal.raise_signal(signal.SIGINT)


def _raise_again(report: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Python drops an interrupt that comes in a finalizer; this raises it once more."""

    def hook(what: Any) -> None:
        if what.exc_type is KeyboardInterrupt and hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, _interrupt)
            signal.setitimer(signal.ITIMER_REAL, 0.01)
        else:
            report(what)

    hook.__name__ = _raise_again.__name__
    return hook
