"""Run code of a module that someone else wrote, for a bounded time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import Any

KIT = str(Path(__file__).resolve().parents[1])
EXAMPLES = str(Path(__file__).resolve().parent / "example")


class TookTooLong(BaseException):
    """The code was still running when its time was up; no Exception, which that code might catch and go on."""


@contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """Raise TookTooLong into the code that runs here when `seconds` are up.

    It is looked at before each step of Python outside the kit, in this thread, so a call of C code that does not
    come back (a long sleep, a regular expression) is not interrupted. The time of the kit's own code counts.
    """
    end, before = monotonic() + seconds, sys.gettrace()

    def look(frame: FrameType, event: str, argument: Any) -> Any:
        if monotonic() > end:
            raise TookTooLong(f"was not done after {seconds:g} s")
        if _is_of_the_kit(frame.f_code.co_filename):
            return None
        frame.f_trace_opcodes = True  # a loop in one line begins no line
        return look

    sys.settrace(look)
    try:
        yield
    finally:
        sys.settrace(before)


def _is_of_the_kit(file: str) -> bool:
    return file.startswith(KIT) and not file.startswith(EXAMPLES)
