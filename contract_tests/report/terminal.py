"""What people read: progress while a run goes on, then findings, a table of outcomes and the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

from contract_tests.outcome import CaseResult, ExitCode, Outcome, RunReport
from contract_tests.report.findings import grouped, masked, told
from contract_tests.rules.engine import Finding, Level
from contract_tests.run import Plan

STYLES = {
    Outcome.PASS: "green",
    Outcome.WARN: "yellow",
    Outcome.FAIL: "red",
    Outcome.HARNESS_FAILED: "bold red",
}
LEVEL_STYLES = {Level.MUST: "red", Level.SHOULD: "yellow", Level.NOTE: "dim"}
SPOKEN = (Outcome.UNSUPPORTED, Outcome.NOT_REACHED, Outcome.SETUP_FAILED, Outcome.HARNESS_FAILED)


class Terminal:
    """Writes to one console; every text passes `masked` first."""

    def __init__(self, console: Console, secrets: Iterable[str] = ()) -> None:
        self.console = console
        self.secrets = tuple(secrets)
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def say(self, text: str = "", style: str = "") -> None:
        """One or more lines, as they are."""
        clean = masked(text, self.secrets).encode("utf-8", "replace").decode()
        self.console.print(Text(clean, style=style), soft_wrap=True)

    def plan(self, plan: Plan) -> None:
        """What the run is about to send."""
        self.say(f"target    {plan.base_url}   model {plan.model}")
        self.say(
            f"plan      {plan.cases} cases, at most {plan.requests} requests and {plan.max_tokens} tokens"
        )
        if self.console.is_terminal:
            columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
            self._progress = Progress(*columns, console=self.console, transient=True)
            self._task = self._progress.add_task("", total=plan.cases)
            self._progress.start()

    def result(self, result: CaseResult) -> None:
        """One case as it ended: a moving bar on a terminal, a line for what did not pass elsewhere."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, advance=1, description=result.case_id)
        elif result.outcome is not Outcome.PASS:
            self.say(f"{result.outcome:14} {result.case_id}")

    def stop(self) -> None:
        """End the moving bar."""
        if self._progress is not None:
            self._progress.stop()

    def report(self, report: RunReport, code: ExitCode) -> None:
        """The whole report; its last line is the verdict."""
        self.stop()
        for note in report.notes:
            self.say(f"note      {note}")
        titles = {result.case_id: result.title for result in report.results}
        self.findings(report.findings, titles)
        self._outcomes(report.results)
        if report.stopped:
            self.say(f"stopped   {report.stopped}", "yellow")
        self.say(verdict(report, code), "bold green" if code is ExitCode.OK else "bold red")

    def findings(self, findings: Iterable[Finding], titles: Mapping[str, str] | None = None) -> None:
        """Each rule's first finding in full, with the others' names."""
        for one, also in grouped(findings):
            self.say()
            head, _, rest = told(one, (titles or {}).get(one.label, one.label), also).partition("\n")
            self.say(head, LEVEL_STYLES[one.rule.level])
            self.say(rest)

    def _outcomes(self, results: Iterable[CaseResult]) -> None:
        listed = list(results)
        seen = [one for one in Outcome if any(result.outcome is one for result in listed)]
        table = Table(box=None, pad_edge=False, padding=(0, 2), header_style="bold")
        table.add_column("section")
        for outcome in seen:
            table.add_column(outcome.value, justify="right", style=STYLES.get(outcome, ""))
        for section in dict.fromkeys(result.section for result in listed):
            counts = Counter(result.outcome for result in listed if result.section == section)
            table.add_row(section, *(str(counts[outcome] or "·") for outcome in seen))
        self.say()
        self.console.print(table)
        for result in listed:
            if result.outcome in SPOKEN:
                self.say(f"{result.outcome:14} {result.case_id}: {result.reason}")
        self.say()


def verdict(report: RunReport, code: ExitCode) -> str:
    """The last line: what was found, how much was asked, and the exit code."""
    counts = Counter(one.rule.level for one in report.findings)
    rules = {level: len({f.rule.id for f in report.findings if f.rule.level is level}) for level in Level}
    found = ", ".join(
        f"{counts[level]} {level} finding{'s' if counts[level] > 1 else ''} of {_count(rules[level], 'rule')}"
        for level in Level
        if counts[level]
    )
    asked = (
        f"{_count(len(report.results), 'case')}, {_count(report.requests, 'request')}, {report.seconds:.1f} s"
    )
    return f"{WORDS[code]}  {found or 'no findings'}; {asked} (exit code {int(code)})"


WORDS = {
    ExitCode.OK: "PASS",
    ExitCode.FINDINGS: "FAIL",
    ExitCode.USAGE: "USAGE",
    ExitCode.UNREACHABLE: "NOT REACHED",
    ExitCode.HARNESS: "HARNESS FAILED",
}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
