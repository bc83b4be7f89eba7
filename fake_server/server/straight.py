"""A request that is answered at once: its coroutine runs where the last byte arrived, and no task is made for it.

What waits for anything (a pause, a fault, the thread, a client that reads slowly) goes on in a task from there: the
same code with the same result, so that there is one way of answering and not two.
"""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from types import coroutine
from typing import Any


async def rest_of(work: Coroutine[Any, Any, None], awaited: Any) -> None:
    """A coroutine from where it waits on, for a future that `send` gave: a task goes on as if it had begun it.

    Until then there was no current task: what needs one, as `asyncio.timeout` does, has to wait for something first.
    """
    await _steps(work, awaited)  # a task of Python 3.12 takes no generator


@coroutine
def _steps(work: Coroutine[Any, Any, None], awaited: Any) -> Generator[Any, Any, None]:
    try:
        while True:
            try:
                result = yield awaited
            except BaseException as error:
                awaited = work.throw(error)
            else:
                awaited = work.send(result)
    except StopIteration:
        return
