"""Several workers on what waits, until all is done, the time of the run is up, or the run is interrupted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sized
from typing import Any

from contract_tests.target.session import Session


async def work_together(work: Callable[[], Coroutine[Any, Any, None]], waiting: Sized, session: Session) -> str:
    """Run as many workers as may ask at once. Returns why something is `waiting` still, '' if nothing is."""
    workers = [asyncio.create_task(work()) for _ in range(session.options.concurrency)]
    try:
        async with asyncio.timeout(max(0.0, session.seconds_left)):
            # not gather, which cancels all of them once more when the first ends: one may be judging to its end
            ended, _ = await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
            for worker in ended:
                worker.result()
        if waiting:
            raise TimeoutError
    except TimeoutError:
        return f"the run's {session.options.run_seconds:g} s are up"
    except asyncio.CancelledError:
        current = asyncio.current_task()
        while current is not None and current.uncancel():
            pass
        return "the run was interrupted"
    finally:
        session.over = True
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return ""
