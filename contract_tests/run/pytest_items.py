"""A run in a thread, for pytest items that each wait for one result."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import date

from contract_tests.run.outcome import REACHED, CaseResult
from contract_tests.run.run import NoModel, Options, Unreachable, UsageError, run
from contract_tests.run.tolerated import tolerate_in_case
from contract_tests.tolerance.entry import ToleranceEntry


class LiveRun:
    """Plays the cases `wanted` against `target` and tolerates `known` findings."""

    def __init__(
        self,
        target: str,
        model: str | None,
        key: str | None,
        wanted: tuple[str, ...],
        known: Sequence[ToleranceEntry] = (),
    ) -> None:
        self.options = Options(target, model=model, api_key=key, select=wanted)
        self._known = known
        self._results: dict[str, Future[CaseResult]] = {case_id: Future() for case_id in wanted}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._work, name="contract", daemon=True)

    @property
    def over(self) -> bool:
        """Whether the run was begun and has ended."""
        return self._thread.ident is not None and not self._thread.is_alive()

    def start(self) -> None:
        """Begin the run."""
        self._thread.start()

    def stop(self) -> None:
        """End the run, whatever it is doing. Does nothing if it never began or is over."""
        if self._thread.is_alive() and self._loop and self._task:
            if not all(result.done() for result in self._results.values()):  # else it is closing what it opened
                with suppress(RuntimeError):  # the loop may have been closed just now
                    self._loop.call_soon_threadsafe(self._task.cancel)
            self._thread.join(10.0)

    def result(self, case_id: str) -> CaseResult:
        """Wait for the result of a case. Raises what kept the run from playing it."""
        return self._results[case_id].result()

    def reached_chat(self) -> bool:
        """Whether a chat case was judged; if none was selected, whether any case was."""
        chat = [case_id for case_id in self.options.select if case_id.startswith("chat")]
        ended = [self._results[case_id] for case_id in chat or self.options.select]
        return any(result.exception() is None and result.result().outcome in REACHED for result in ended)

    def _work(self) -> None:
        trouble: Exception = RuntimeError("the run ended without a result for this case")
        try:
            asyncio.run(self._run())
        except (Unreachable, NoModel, UsageError) as error:
            trouble = error
        except asyncio.CancelledError:  # stopped as it was about to end
            trouble = RuntimeError("the run was stopped before this case")
        except Exception as error:
            trouble = RuntimeError(f"the run failed: {error!r}")
        finally:
            for result in self._results.values():
                if not result.done():
                    result.set_exception(trouble)

    async def _run(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        await run(self.options, self._keep)

    def _keep(self, result: CaseResult) -> None:
        self._results[result.case_id].set_result(tolerate_in_case(result, self._known, date.today()))
