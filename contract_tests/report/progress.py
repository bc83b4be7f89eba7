"""How far a run is: a bar with what was found on a terminal, elsewhere one line that grows."""

from __future__ import annotations

from collections import Counter
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column

from contract_tests.rules.engine.judge import Level
from contract_tests.run.outcome import CaseResult

STEPS = 10
"""How many times a run that is not on a terminal says how far it is."""
SIGN_OF_LIFE = 10.0
"""Seconds without output after which it shows that it goes on."""


class ProgressView:
    """Shows each case that ends: how many are done of how many, how long it takes, what was found, which was last.

    `spoke` is when something was printed last, in seconds of a clock that only goes forward.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Progress | None = None
        self._cases = self._done = self._shown = 0
        self._found: Counter[Level] = Counter()
        self._growing = False
        self.spoke = monotonic()

    def begin(self, cases: int) -> None:
        """Begin with so many cases to come."""
        self._cases = cases
        if self._console.is_terminal:
            text = TextColumn(
                "{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)
            )
            columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), text)
            self._bar = Progress(*columns, console=self._console, transient=True, expand=True)
            self._bar.add_task("", total=cases)
            self._bar.start()

    def ended(self, result: CaseResult) -> None:
        """Show that a case ended."""
        self._done += 1
        self._found.update(finding.rule.level for finding in result.findings)
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], advance=1, description=self._describe(result.case_id))
            return
        step = STEPS * self._done // max(self._cases, 1)
        if step > self._shown or monotonic() - self.spoke > SIGN_OF_LIFE:
            text = f"{100 * self._done // max(self._cases, 1)}%" if step > self._shown else "…"
            self._console.out(" " if self._growing else "progress  ", text, sep="", end="", highlight=False)
            self._console.file.flush()
            self._shown, self.spoke, self._growing = step, monotonic(), True

    def _describe(self, case_id: str) -> str:
        found = [f"{self._found[level]:,} {level}" for level in (Level.MUST, Level.SHOULD) if self._found[level]]
        return f"{', '.join(found) or 'no findings'}; {case_id}"

    def stop(self) -> bool:
        """Remove the bar. Returns whether a line of progress is to be ended."""
        if self._bar is not None:
            self._bar.stop()
            return False
        grows, self._growing = self._growing, False
        return grows
